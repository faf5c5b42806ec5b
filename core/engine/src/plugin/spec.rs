//! A plugin's parameter tables in the words of the configuration's catalogue.

use super::{FunctionFacts, Iface, Param};
use sysloom_abi::{iface_flag, kind, param_flag, param_type};
use sysloom_config::catalogue::{self, FunctionSpec, Kinds, Legacy, LegacyKind, ModuleSpec, Type};

/// What the configuration may say of an interface.
pub fn spec(iface: &Iface) -> ModuleSpec {
    let selector = iface.instance_params.iter().find(|p| p.flags & param_flag::SELECTOR_TEXT != 0);
    ModuleSpec {
        name: iface.name.clone(),
        kinds: kinds(iface.kind),
        builtin: iface.flags & iface_flag::BUILTIN != 0,
        module_params: iface.module_params.iter().map(param).collect(),
        instance_params: iface.instance_params.iter().map(param).collect(),
        default_template: iface.default_template.clone(),
        uses_streams: iface.uses_streams(),
        stream_legacy: iface.stream_legacy.clone(),
        action_param: selector.map(|p| p.name.clone()),
        parser_name: iface.parser_name.clone(),
        functions: iface.functions.iter().map(function).collect(),
        ..ModuleSpec::default()
    }
}

fn function(facts: &FunctionFacts) -> FunctionSpec {
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    FunctionSpec {
        name: facts.name.clone(),
        min_args: count(facts.min_args),
        max_args: count(facts.max_args),
    }
}

fn param(raw: &Param) -> catalogue::Param {
    let limits = if (raw.min, raw.max) == (0, 0) { (i64::MIN, i64::MAX) } else { (raw.min, raw.max) };
    catalogue::Param {
        aliases: raw.aliases.clone(),
        default: raw.default.clone(),
        required: raw.flags & param_flag::REQUIRED != 0,
        min: limits.0,
        max: limits.1,
        choices: raw.choices.clone(),
        help: raw.help.clone(),
        legacy: raw.legacy.iter().map(|l| legacy(l)).collect(),
        obsolete: raw.flags & param_flag::DEPRECATED != 0,
        secret: raw.flags & param_flag::SECRET != 0,
        ..catalogue::Param::new(&raw.name, ty(raw.ty))
    }
}

/// `InputTCPServerRun:trigger`; a directive that names no scope waits for the next instance.
fn legacy(notation: &str) -> Legacy {
    let mut words = notation.split(':');
    let mut legacy = Legacy::new(words.next().unwrap_or_default(), LegacyKind::Pending);
    for word in words {
        match word {
            "module" => legacy.kind = LegacyKind::Module,
            "pending" => legacy.kind = LegacyKind::Pending,
            "sticky" => legacy.kind = LegacyKind::Sticky,
            "trigger" => legacy.kind = LegacyKind::Trigger,
            "run" => legacy.kind = LegacyKind::Run,
            "list" => legacy.list = true,
            "inverted" => legacy.inverted = true,
            // A word of a later minor; the directive itself is known.
            _ => {}
        }
    }
    legacy
}

fn kinds(number: u32) -> Kinds {
    match number {
        kind::DRIVER => Kinds::DRIVER,
        kind::INPUT => Kinds::INPUT,
        kind::OUTPUT => Kinds::OUTPUT,
        kind::PARSER => Kinds::PARSER,
        kind::MODIFY => Kinds::MODIFY,
        kind::STRGEN => Kinds::STRGEN,
        kind::FUNCTION => Kinds::FUNCTION,
        kind::PROVIDER => Kinds::PROVIDER,
        _ => Kinds::default(),
    }
}

/// A type of a later minor is taken as a text.
fn ty(number: u32) -> Type {
    match number {
        param_type::BINARY => Type::Binary,
        param_type::INT => Type::Int,
        param_type::NON_NEGATIVE => Type::NonNegInt,
        param_type::POSITIVE => Type::PositiveInt,
        param_type::SIZE => Type::Size,
        param_type::WORD => Type::Word,
        param_type::ARRAY => Type::Array,
        param_type::CHAR => Type::Char,
        param_type::FILE_MODE => Type::FileMode,
        param_type::USER => Type::Uid,
        param_type::GROUP => Type::Gid,
        param_type::SEVERITY => Type::Severity,
        param_type::FACILITY => Type::Facility,
        param_type::TEMPLATE => Type::Template,
        param_type::RULESET => Type::Ruleset,
        param_type::PATH => Type::Path,
        _ => Type::String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_notation() {
        let run = legacy("InputTCPServerRun:trigger");
        assert_eq!(
            (run.name.as_str(), run.kind, run.list),
            ("InputTCPServerRun", LegacyKind::Trigger, false)
        );
        let peers = legacy("ActionSendStreamDriverPermittedPeer:sticky:list");
        assert_eq!((peers.kind, peers.list), (LegacyKind::Sticky, true));
        assert!(legacy("OmitLocalLogging:module:inverted").inverted);
        assert_eq!(legacy("X").kind, LegacyKind::Pending);
    }

    #[test]
    fn no_limits_means_none() {
        let raw = Param {
            name: "size".to_owned(),
            aliases: Vec::new(),
            ty: param_type::SIZE,
            flags: param_flag::REQUIRED | param_flag::SECRET,
            default: None,
            choices: Vec::new(),
            legacy: Vec::new(),
            help: String::new(),
            min: 0,
            max: 0,
        };
        let made = param(&raw);
        assert_eq!((made.ty, made.min, made.max), (Type::Size, i64::MIN, i64::MAX));
        assert!(made.required && made.secret && !made.obsolete);
        assert_eq!(param(&Param { max: 9, ..raw }).max, 9);
    }
}

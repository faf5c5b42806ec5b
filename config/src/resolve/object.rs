//! Objects: checking their parameters against tables, and the ones that need nothing else.

use super::{Loader, Raw, convert};
use crate::ast::{self, Object};
use crate::catalogue::{self, Kinds, Type};
use crate::plan::{self, Block, Origin, Setting, Value, Values};
use crate::source::Span;

impl Loader<'_> {
    /// Resolves an object that is no action and no ruleset.
    pub(super) fn object(&mut self, object: &Object, block: &mut Block) {
        if self.disabled(object) {
            return;
        }
        match object.word.as_str() {
            "global" => self.global(object),
            "main_queue" => self.main_queue_object(object),
            "module" => self.module_object(object),
            "input" => self.input_object(object),
            "template" => self.template_object(object),
            "parser" => self.parser_object(object),
            "include" => self.include_object(object, block),
            "lookup_table" => {
                let made = self.named(object, catalogue::lookup_table(), "name");
                self.plan.lookup_tables.extend(made);
            }
            "dyn_stats" => {
                let made = self.named(object, catalogue::dyn_stats(), "name");
                self.plan.dyn_stats.extend(made);
            }
            "percentile_stats" => {
                let made = self.named(object, catalogue::percentile_stats(), "name");
                self.plan.percentile_stats.extend(made);
            }
            "timezone" => {
                let made =
                    self.named(object, catalogue::timezone(), "id").filter(|zone| self.sound_offset(zone));
                self.plan.timezones.extend(made);
            }
            "ratelimit" => {
                let made = self.named(object, catalogue::ratelimit(), "name");
                self.plan.ratelimits.extend(made);
            }
            other => {
                let message = format!("object '{other}' is not supported");
                self.error(2207, "unsupported", message, object.span);
            }
        }
    }

    /// `config.enabled`: anything but `on` skips the whole object.
    pub(super) fn disabled(&mut self, object: &Object) -> bool {
        let Some(param) = object.params.iter().find(|p| p.name.text.eq_ignore_ascii_case("config.enabled"))
        else {
            return false;
        };
        !matches!(self.raw(&param.value, param.span), Raw::Text(text) if text == "on")
    }

    /// Puts an object's parameters into tables, the first that knows a name. False when a value is unusable or a
    /// required one is missing, so that the object must be dropped; an unknown name alone is no reason for that.
    pub(super) fn fill(&mut self, object: &Object, tables: &mut [&mut Values]) -> bool {
        let mut sound = true;
        for param in &object.params {
            let name = param.name.text.as_str();
            if name.eq_ignore_ascii_case("config.enabled") {
                continue;
            }
            let place = tables.iter().enumerate().find_map(|(t, values)| Some((t, values.index(name)?)));
            let Some((table, index)) = place else {
                self.unknown_parameter(param, tables);
                continue;
            };
            let Some(values) = tables.get_mut(table) else { continue };
            let Some(declared) = values.table().get(index).cloned() else { continue };
            let before = values.settings().get(index).and_then(Option::as_ref);
            if let Some(before) =
                before.filter(|s| s.origin == Origin::Explicit && s.span.file == param.span.file)
            {
                let within = object.span.start <= before.span.start && before.span.end <= object.span.end;
                if within {
                    let message = format!(
                        "parameter '{name}' specified more than once - one instance is ignored. Fix config"
                    );
                    let at = before.span;
                    let d = self.error(2207, "duplicate-parameter", message, param.name.span);
                    d.labels.push((at, "the first one".into()));
                    continue;
                }
            }
            if declared.obsolete {
                let message =
                    format!("parameter '{name}' deprecated but accepted, consider removing or replacing it");
                // rsyslog: reported as an error, though nothing is lost.
                self.error(2207, "obsolete-parameter", message, param.name.span);
            }
            let mut raw = self.raw(&param.value, param.span);
            if let (Raw::Text(text), Type::Array) = (&raw, declared.ty) {
                // rsyslog: forwarding actions take their peers as one text.
                if declared.name == "permittedPeer" && text.contains(',') {
                    raw = Raw::List(text.split(',').map(|p| p.trim().to_string()).collect());
                }
            }
            let env = &mut *self.env;
            let mut accounts = |user: bool, name: &str| if user { env.user(name) } else { env.group(name) };
            match convert(&declared, &raw, &mut accounts) {
                Ok(value) => values.set(index, Setting { value, span: param.span, origin: Origin::Explicit }),
                Err(message) => {
                    // rsyslog: what is wrong with a queue's parameter costs neither the action nor its messages.
                    sound &= declared.name.starts_with("queue.");
                    let d = self.error(2207, "parameter-value", message, param.span);
                    if let (Raw::Text(text), false) = (&raw, declared.choices.is_empty()) {
                        let near = crate::suggest::nearest(text, declared.choices.iter().map(String::as_str));
                        d.help.extend(near.map(|near| format!("did you mean `{near}`?")));
                    }
                }
            }
        }
        for values in tables.iter() {
            for (declared, setting) in values.iter() {
                if declared.required && setting.is_none() {
                    sound = false;
                    let name = declared.name.to_ascii_lowercase();
                    // A value that was there but wrong has been reported.
                    if object.params.iter().any(|p| declared.answers_to(&p.name.text)) {
                        continue;
                    }
                    let message = format!("parameter '{name}' required but not specified - fix config");
                    self.error(2207, "missing-parameter", message, object.span);
                }
            }
        }
        sound
    }

    fn unknown_parameter(&mut self, param: &ast::Param, tables: &[&mut Values]) {
        let name = param.name.text.as_str();
        let names = tables.iter().flat_map(|values| values.table().iter());
        let names = names.flat_map(|p| std::iter::once(&p.name).chain(&p.aliases)).map(String::as_str);
        let near = crate::suggest::nearest(name, names.filter(|n| !n.starts_with('$'))).map(String::from);
        let message = format!("parameter '{name}' not known -- typo in config file?");
        let d = self.error(2207, "unknown-parameter", message, param.name.span);
        d.help.extend(near.map(|near| format!("did you mean `{near}`?")));
    }

    fn global(&mut self, object: &Object) {
        let mut globals = std::mem::take(&mut self.plan.globals);
        self.fill(object, &mut [&mut globals]);
        self.plan.globals = globals;
        for param in &object.params {
            if let Some(index) = self.plan.globals.index(&param.name.text) {
                self.global_changed(index, false);
            }
        }
    }

    /// What a new value of a global parameter brings about at once.
    pub(super) fn global_changed(&mut self, index: usize, legacy: bool) {
        let Some(name) = self.plan.globals.table().get(index).map(|p| p.name.clone()) else { return };
        let Some(Some(setting)) = self.plan.globals.settings().get(index).cloned() else { return };
        let at = setting.span;
        match (name.as_str(), &setting.value) {
            ("variables.caseSensitive", Value::Bool(on)) => self.keep_case = *on,
            ("environment", Value::List(list)) => {
                for entry in list {
                    match entry.split_once('=') {
                        Some((name, value)) => {
                            self.variables.insert(name.to_string(), value.to_string());
                            self.plan.environment.push((name.to_string(), value.to_string()));
                        }
                        None => {
                            let message = format!("environment '{entry}' is not of the form NAME=value");
                            self.error(2207, "parameter-value", message, at);
                        }
                    }
                }
            }
            ("workDirectory", Value::Str(path)) if !self.env.accessible(std::path::Path::new(path)) => {
                let what = if legacy { "$WorkDirectory" } else { "workDirectory" };
                let message = format!(
                    "{what}: {path} can not be accessed, probably does not exist - directive ignored"
                );
                self.error(2181, "inaccessible-file", message, at);
                self.plan.globals.clear(index);
            }
            (
                "defaultNetstreamDriverCAFile"
                | "defaultNetstreamDriverCRLFile"
                | "defaultNetstreamDriverKeyFile"
                | "defaultNetstreamDriverKeyPassFile"
                | "defaultNetstreamDriverCertFile",
                Value::Str(path),
            ) => {
                if let Err(error) = self.env.read(std::path::Path::new(path)) {
                    let name = name.to_ascii_lowercase();
                    let what = if name.ends_with("cafile") { " file" } else { "" };
                    let message = format!(
                        "error: {name}{what} '{path}' could not be accessed: {}",
                        super::plain(&error)
                    );
                    self.error(2039, "inaccessible-file", message, at);
                }
            }
            _ => {}
        }
    }

    fn main_queue_object(&mut self, object: &Object) {
        if self.plan.main_queue.is_some() {
            let message = "main_queue() object can only be specified once - all but first ignored";
            self.error(0, "duplicate-object", message, object.span);
            return;
        }
        let mut values = Values::unset(catalogue::main_queue_object());
        if self.fill(object, &mut [&mut values]) {
            self.plan.main_queue = Some(values);
        }
    }

    fn parser_object(&mut self, object: &Object) {
        let mut own = Values::unset(catalogue::parser());
        let Some(written) = self.type_of(object) else { return };
        let Some(module) = self.typed_module(&written.0, &[Kinds::PARSER], "parser ", written.1) else {
            return;
        };
        let Some(table) = self.plan.modules.get(module).map(|m| m.spec.instance_params.as_slice().into())
        else {
            return;
        };
        let mut values = Values::unset(table);
        if !self.fill(object, &mut [&mut own, &mut values]) {
            return;
        }
        let name = own.str("name").unwrap_or("").to_string();
        if self.plan.parsers.iter().any(|p| p.name.eq_ignore_ascii_case(&name)) {
            let message = format!("parser module name '{name}' already exists");
            self.error(2402, "duplicate-object", message, own.span("name").unwrap_or(object.span));
            return;
        }
        self.plan.parsers.push(plan::Parser { name, module, values, span: object.span });
    }

    /// The `type` parameter; a missing one is reported.
    pub(super) fn type_of(&mut self, object: &Object) -> Option<(String, Span)> {
        match object.params.iter().find(|p| p.name.text.eq_ignore_ascii_case("type")) {
            Some(param) => match self.raw(&param.value, param.span) {
                Raw::Text(text) => Some((text, param.span)),
                Raw::List(list) => Some((list.into_iter().next()?, param.span)),
            },
            None => {
                let message = "parameter 'type' required but not specified - fix config";
                self.error(2207, "missing-parameter", message, object.span);
                None
            }
        }
    }

    /// An object that is nothing but a name and values.
    fn named(&mut self, object: &Object, table: catalogue::Table, name: &str) -> Option<plan::Object> {
        let mut values = Values::unset(table);
        if !self.fill(object, &mut [&mut values]) {
            return None;
        }
        let name = values.str(name).unwrap_or("").to_string();
        let list = match object.word.as_str() {
            "lookup_table" => &self.plan.lookup_tables,
            "dyn_stats" => &self.plan.dyn_stats,
            "percentile_stats" => &self.plan.percentile_stats,
            "timezone" => &self.plan.timezones,
            _ => &self.plan.ratelimits,
        };
        if let Some(first) = list.iter().find(|o| o.name == name).map(|o| o.span) {
            let message =
                format!("{} '{name}' is defined more than once - the first definition is used", object.word);
            self.warning(2357, "duplicate-object", message, object.span)
                .labels
                .push((first, "it was defined here first".into()));
        }
        Some(plan::Object { name, values, span: object.span })
    }

    fn sound_offset(&mut self, zone: &plan::Object) -> bool {
        let offset = zone.values.str("offset").unwrap_or("").as_bytes();
        let digits = |range: std::ops::Range<usize>| {
            offset.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
        };
        let sound = offset.len() == 6
            && matches!(offset.first(), Some(b'+' | b'-'))
            && digits(1..3)
            && offset.get(3) == Some(&b':')
            && digits(4..6);
        if !sound {
            let message = "timezone offset has invalid format. Must be +/-hh:mm, e.g. \"-07:00\".";
            self.error(2207, "parameter-value", message, zone.values.span("offset").unwrap_or(zone.span));
        }
        sound
    }
}

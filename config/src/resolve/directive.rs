//! `$` directives.

use super::legacy::{Place, Target};
use super::{Loader, Raw, convert, values};
use crate::ast::Word;
use crate::catalogue::{LegacyKind, Type};
use crate::diagnostic::Diagnostic;
use crate::plan::{AllowedSender, Block, Origin, OutChannel, RulesetId, Setting, Value};
use crate::source::Span;

impl Loader<'_> {
    /// Carries out one directive.
    pub(super) fn directive(&mut self, name: &Word, value: &Word, span: Span, block: &mut Block) {
        let word = || first_word(&value.text).to_string();
        match name.text.to_ascii_lowercase().as_str() {
            "modload" => {
                if word().is_empty() {
                    self.error(0, "directive-value", "error: $ModLoad needs the name of a module", span);
                } else {
                    self.load_module(&word(), value.span);
                    self.extra(value);
                }
            }
            "includeconfig" => self.include_directive(&word(), value.span, block),
            "template" => self.template_directive(value, span),
            "outchannel" => self.outchannel(value, span),
            "ruleset" => {
                self.current = self.define_ruleset(&word(), span);
            }
            "defaultruleset" => self.default_ruleset(&word(), value.span),
            "rulesetparser" => {
                let name = word();
                if self.known_parser(&name, value.span)
                    && let Some(ruleset) = self.plan.rulesets.get_mut(self.current.0)
                {
                    ruleset.parsers.push((name, value.span));
                }
            }
            "rulesetcreatemainqueue" => self.ruleset_queue(&word(), value.span),
            "resetconfigvariables" => self.legacy.reset(),
            "moddir" => self.env.module_directory(&word()),
            "allowedsender" => self.allowed_sender(value, span),
            _ => self.table_directive(name, value, span, block),
        }
    }

    /// A directive that sets parameters.
    fn table_directive(&mut self, name: &Word, value: &Word, span: Span, block: &mut Block) {
        let mut targets = self.legacy.targets(&name.text);
        if targets.is_empty() {
            self.unknown_directive(name, span);
            return;
        }
        if targets.iter().all(|t| t.param.obsolete && t.place == Place::Global) {
            let message = format!("directive ${} has gone away and is ignored", name.text);
            self.warning(2357, "gone-directive", message, span);
            return;
        }
        // The instance is made when all its values are there.
        targets.sort_by_key(|t| matches!(t.kind, LegacyKind::Trigger | LegacyKind::Run));
        let shared = targets.iter().any(|t| matches!(t.place, Place::Instance(_)));
        for target in targets {
            if target.kind == LegacyKind::Run {
                self.legacy_input(target.place, None, span);
                continue;
            }
            let setting = match self.directive_value(&target, value, span) {
                Some(setting) => setting,
                // A trigger without a value still makes its instance, with the default.
                None if target.kind == LegacyKind::Trigger && value.text.is_empty() => {
                    self.legacy_input(target.place, None, span);
                    continue;
                }
                None => return,
            };
            match target.kind {
                LegacyKind::Trigger => self.legacy_input(target.place, Some((target.index, setting)), span),
                LegacyKind::Pending | LegacyKind::Sticky => self.legacy.keep(&target, setting),
                LegacyKind::Module | LegacyKind::Run => {
                    // One that also sets instances stays useful after module(...).
                    self.set_module_value(&target, setting, name, span, shared);
                }
            }
        }
        let _ = block;
        self.extra(value);
    }

    fn set_module_value(&mut self, target: &Target, setting: Setting, name: &Word, span: Span, shared: bool) {
        let module = match target.place {
            Place::Global => {
                self.plan.globals.set(target.index, setting);
                self.global_changed(target.index, true);
                return;
            }
            Place::MainQueue => {
                self.main_queue.set(target.index, setting);
                return;
            }
            Place::Module(module) | Place::ModuleStreams(module) => module,
            _ => return,
        };
        if self.explicit_modules.get(module) == Some(&true) {
            if shared {
                return;
            }
            let message = format!(
                "command '{}' is currently not permitted - did you already set it via a RainerScript command (v6+ \
                 config)?",
                name.text
            );
            self.error(2222, "legacy-not-permitted", message, span);
            return;
        }
        let Some(module) = self.plan.modules.get_mut(module) else { return };
        let values = match target.place {
            Place::ModuleStreams(_) => &mut module.streams,
            _ => &mut module.values,
        };
        let mut setting = setting;
        let before = values.settings().get(target.index).and_then(Option::as_ref);
        if let (true, Some(Setting { value: Value::List(before), .. }), Value::List(more)) =
            (target.list, before, &setting.value)
        {
            setting.value = Value::List(before.iter().chain(more).cloned().collect());
        }
        values.set(target.index, setting);
    }

    /// A directive's value in the type of its parameter; none is reported.
    fn directive_value(&mut self, target: &Target, value: &Word, span: Span) -> Option<Setting> {
        let word = first_word(&value.text);
        let at = if value.text.is_empty() { span } else { value.span };
        if word.is_empty() && target.kind == LegacyKind::Trigger {
            return None;
        }
        let param = &target.param;
        let name = param.name.to_ascii_lowercase();
        let wrong = |code, message: String| Err((code, message));
        let converted: Result<Value, (i32, String)> = match param.ty {
            Type::Binary => match word {
                "on" => Ok(Value::Bool(!target.inverted)),
                "off" => Ok(Value::Bool(target.inverted)),
                _ => wrong(0, format!("Option value must be on or off, but is '{word}'")),
            },
            Type::Int | Type::NonNegInt | Type::PositiveInt => {
                // rsyslog: digits may be grouped.
                let digits: String = word.chars().filter(|c| !matches!(c, ',' | '.')).collect();
                match values::number(&digits) {
                    Some(_) => convert(param, &Raw::Text(digits), &mut |_, _| None).map_err(|m| (2207, m)),
                    None => wrong(2010, "invalid number".into()),
                }
            }
            Type::Size => {
                let digits: String = word.chars().filter(|c| !matches!(c, ',' | '.')).collect();
                match values::size(&digits) {
                    Some(n) => Ok(Value::Int(n)),
                    None => wrong(2010, "invalid number".into()),
                }
            }
            Type::FileMode => match values::file_mode(word) {
                Some(mode) => Ok(Value::Int(mode)),
                None => wrong(2009, "value must be octal (e.g 0644).".into()),
            },
            Type::Uid | Type::Gid => {
                let found = if param.ty == Type::Uid { self.env.user(word) } else { self.env.group(word) };
                let what = if param.ty == Type::Uid { "user" } else { "group" };
                match found {
                    Some(id) => Ok(Value::Int(id.into())),
                    None => wrong(0, format!("ID for {what} '{word}' could not be found or error")),
                }
            }
            Type::Array if target.list && param.name != "permittedPeer" => {
                Ok(Value::List(vec![word.to_string()]))
            }
            Type::Array => Ok(Value::List(word.split(',').map(String::from).collect())),
            Type::Facility | Type::Severity | Type::Char => {
                convert(param, &Raw::Text(word.to_string()), &mut |_, _| None).map_err(|m| (2207, m))
            }
            Type::String | Type::Word | Type::Template | Type::Ruleset | Type::Path => {
                values::check(param, &name, Value::Str(word.to_string())).map_err(|m| (2207, m))
            }
        };
        match converted {
            Ok(value) => Some(Setting { value, span: at, origin: Origin::Legacy }),
            Err((code, message)) => {
                self.error(code, "directive-value", message, at);
                None
            }
        }
    }

    /// Reports what follows a directive's one-word value, unless it is a comment.
    fn extra(&mut self, value: &Word) {
        let rest = value.text.get(first_word(&value.text).len()..).unwrap_or("");
        let extra = rest.trim_start();
        if extra.is_empty() || extra.starts_with('#') {
            return;
        }
        let start = value.span.end.saturating_sub(extra.len() as u32).max(value.span.start);
        let message = format!("error: extra characters in config line ignored: '{extra}'");
        self.error(0, "extra-characters", message, Span { start, ..value.span });
    }

    fn unknown_directive(&mut self, name: &Word, span: Span) {
        let owner =
            OWNERS.iter().filter(|(prefix, _)| starts_with(&name.text, prefix)).max_by_key(|(p, _)| p.len());
        if owner.is_some_and(|(_, module)| self.failed_modules.contains(*module)) {
            return;
        }
        let message = format!(
            "invalid or yet-unknown config file command '{}' - have you forgotten to load a module?",
            name.text
        );
        let mut d = Diagnostic::error(3003, "unknown-directive", message, span);
        let near = crate::suggest::nearest(&name.text, self.legacy.names().chain(SPECIAL.iter().copied()));
        match (owner, near) {
            (Some((_, module)), _) if !self.plan.modules.iter().any(|m| m.spec.name == *module) => {
                d = d.help(format!("this directive belongs to a module: put `$ModLoad {module}` before it"));
            }
            (_, Some(near)) => d = d.help(format!("did you mean `${near}`?")),
            _ => {}
        }
        self.diagnostics.push(d);
    }

    fn default_ruleset(&mut self, name: &str, at: Span) {
        match self.defined_ruleset(name) {
            Some(id) => self.plan.default_ruleset = Some(id),
            None => {
                let message = format!("ruleset '{name}' not found - $DefaultRuleset ignored");
                // rsyslog: ignored without a word.
                self.warning(0, "unknown-ruleset", message, at);
            }
        }
    }

    fn ruleset_queue(&mut self, word: &str, at: Span) {
        match word {
            "on" if self.current == RulesetId::DEFAULT => {
                self.error(0, "directive-value", "error: the default ruleset always has the main queue", at);
            }
            "on" => {
                let mut queue = crate::plan::Values::unset(crate::catalogue::ruleset_queue());
                // rsyslog: the queue gets what `$MainMsgQueue...` has set so far.
                let set: Vec<_> = self.main_queue.settings().iter().cloned().enumerate().collect();
                for (index, setting) in set {
                    if let Some(setting) = setting {
                        queue.set(index, setting);
                    }
                }
                if let Some(ruleset) = self.plan.rulesets.get_mut(self.current.0) {
                    ruleset.queue = Some(queue);
                }
            }
            "off" => {}
            _ => {
                let message = format!("Option value must be on or off, but is '{word}'");
                self.error(0, "directive-value", message, at);
            }
        }
    }

    fn outchannel(&mut self, value: &Word, span: Span) {
        let text = value.text.split(" #").next().unwrap_or("");
        let mut parts = text.splitn(4, ',').map(str::trim);
        let name = parts.next().unwrap_or("").to_string();
        let file = parts.next().unwrap_or("").to_string();
        if name.is_empty() || file.is_empty() {
            let message =
                "outchannel definition needs a name and a file: `$outchannel name,file[,size,command]`";
            self.error(0, "directive-value", message, span);
            return;
        }
        let size = parts.next().filter(|s| !s.is_empty()).and_then(values::size);
        let command = parts.next().filter(|c| !c.is_empty()).map(String::from);
        self.plan.outchannels.push(OutChannel { name, file, size, command, span: value.span });
    }

    fn allowed_sender(&mut self, value: &Word, span: Span) {
        let text = value.text.split('#').next().unwrap_or("");
        let mut parts = text.split(',').map(str::trim).filter(|p| !p.is_empty());
        let protocol = parts.next().unwrap_or("").to_ascii_uppercase();
        if !matches!(protocol.as_str(), "TCP" | "UDP" | "GSS") {
            let message = format!(
                "Invalid protocol '{}' in allowed sender list, line ignored",
                protocol.to_lowercase()
            );
            self.error(0, "directive-value", message, span);
            return;
        }
        let patterns: Vec<String> = parts.map(String::from).collect();
        for pattern in patterns {
            self.plan.allowed_senders.push(AllowedSender {
                protocol: protocol.clone(),
                pattern,
                span: value.span,
            });
        }
    }
}

/// The text up to the first blank.
fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or("")
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// Directives that no table holds.
const SPECIAL: &[&str] = &[
    "ModLoad",
    "IncludeConfig",
    "Template",
    "OutChannel",
    "RuleSet",
    "DefaultRuleset",
    "RulesetParser",
    "RulesetCreateMainQueue",
    "ResetConfigVariables",
    "ModDir",
    "AllowedSender",
];

/// How rsyslog's modules begin the names of their directives: a hint when one is used without its module.
const OWNERS: &[(&str, &str)] = &[
    ("InputTCP", "imtcp"),
    ("UDP", "imudp"),
    ("InputUDP", "imudp"),
    ("IMUDP", "imudp"),
    ("InputPTCP", "imptcp"),
    ("InputRELP", "imrelp"),
    ("InputFile", "imfile"),
    ("InputRunFileMonitor", "imfile"),
    ("IMJournal", "imjournal"),
    ("ImjournalStateFile", "imjournal"),
    ("InputUnix", "imuxsock"),
    ("AddUnixListenSocket", "imuxsock"),
    ("SystemLog", "imuxsock"),
    ("OmitLocalLogging", "imuxsock"),
    ("IMUXSock", "imuxsock"),
    ("KLog", "imklog"),
    ("PrintKernelSymbols", "imklog"),
    ("MarkMessagePeriod", "immark"),
    ("PStat", "impstats"),
    ("Pstats", "impstats"),
    ("InputGSS", "imgssapi"),
    ("GssForward", "omgssapi"),
    ("GssMode", "omgssapi"),
    ("ActionMail", "ommail"),
    ("ActionOMProg", "omprog"),
    ("ActionOMStdout", "omstdout"),
    ("ActionOMTesting", "omtesting"),
    ("ActionOmruleset", "omruleset"),
    ("ActionUDPSpoof", "omudpspoof"),
    ("ActionLibdbi", "omlibdbi"),
    ("ActionMysql", "ommysql"),
    ("ActionSNMP", "omsnmp"),
    ("ActionOMUxSock", "omuxsock"),
    ("OMUxSock", "omuxsock"),
    ("HDFS", "omhdfs"),
    ("OMHDFS", "omhdfs"),
    ("mmnormalize", "mmnormalize"),
    ("IMDiag", "imdiag"),
    ("Solaris", "imsolaris"),
    ("IMSolaris", "imsolaris"),
    ("ActionFile", "omfile"),
    ("ActionForward", "omfwd"),
    ("ActionSend", "omfwd"),
    ("OMFile", "omfile"),
    ("DynaFile", "omfile"),
    ("File", "omfile"),
    ("Dir", "omfile"),
    ("CreateDirs", "omfile"),
    ("FailOnCHOwnFailure", "omfile"),
];

//! Actions: action() objects and the texts of selector lines, both to the same node.

use super::legacy::Place;
use super::{Loader, Raw, convert};
use crate::ast::{ActionText, Object, Target, Word};
use crate::catalogue::{self, Kinds, Type};
use crate::plan::{Action, ActionId, Origin, Setting, Statement, TemplateId, Value, Values};
use crate::source::Span;

const ACTION_KINDS: &[Kinds] = &[Kinds::OUTPUT, Kinds::MODIFY];

impl Loader<'_> {
    /// An action() object.
    pub(super) fn action(&mut self, object: &Object) -> Option<Statement> {
        if self.disabled(object) {
            return None;
        }
        let (name, at) = self.type_of(object)?;
        let known = self.diagnostics.len();
        let Some(module) = self.typed_module(&name, ACTION_KINDS, "", at) else {
            // rsyslog: that text names no place, so a second one does.
            if self.diagnostics.get(known).is_some_and(|d| d.code == 2209) {
                self.dropped(at);
            }
            return None;
        };
        let (mut values, mut streams) = self.instance_values(module)?;
        let mut common = Values::unset(catalogue::action_common());
        let mut queue = Values::unset(catalogue::action_queue());
        let sound = self.fill(object, &mut [&mut common, &mut queue, &mut streams, &mut values]);
        let template = self.action_template(module, &values, object.span)?;
        if !sound {
            return None;
        }
        let queue = (!queue.is_untouched()).then_some(queue);
        let name = common.str("name").map(String::from);
        if let (Some(name), Some(at)) = (&name, common.span("name"))
            && let Some(twin) = self.action_names.insert(name.clone(), at)
        {
            let message = format!("action name '{name}' is used more than once");
            self.warning(2357, "duplicate-name", message, at).labels.push((twin, "also used here".into()));
        }
        let action = Action { module, name, values, streams, common, queue, template, span: object.span };
        Some(self.add_action(action))
    }

    fn dropped(&mut self, at: Span) {
        let message = match self.sources.place(at) {
            Some(place) => format!("errors occurred in file '{}' around line {}", place.file, place.line),
            None => return,
        };
        self.error(2207, "action-dropped", message, at);
    }

    fn add_action(&mut self, action: Action) -> Statement {
        self.plan.actions.push(action);
        Statement::Action(ActionId(self.plan.actions.len() - 1))
    }

    /// The template that an action uses; the outer none means that it names one that does not exist.
    fn action_template(&mut self, module: usize, values: &Values, span: Span) -> Option<Option<TemplateId>> {
        // rsyslog numbers an action's templates: 0 is the one that makes its text.
        let mut others = 0;
        let mut own = None;
        for (param, setting) in
            values.iter().filter(|(p, _)| p.ty == Type::Template || p.answers_to("template"))
        {
            let number = if param.answers_to("template") { 0 } else { others + 1 };
            others += usize::from(number > 0);
            if let Some(Setting { value: Value::Str(name), span, .. }) = setting {
                let id = self.existing_template(name, number, *span)?;
                if param.answers_to("template") {
                    own = Some(id);
                }
            }
        }
        if own.is_some() {
            return Some(own);
        }
        let name_of = |setting: &Setting| match &setting.value {
            Value::Str(name) => Some((name.clone(), setting.span)),
            _ => None,
        };
        // rsyslog: a default set by directive also holds for actions in the new syntax.
        let held =
            values.index("template").and_then(|index| self.legacy.held(Place::Instance(module), index));
        let held = held.and_then(name_of);
        let module = self.plan.modules.get(module)?;
        let chosen = module.values.setting("template").and_then(name_of).or(held);
        // rsyslog: what goes to all terminals is announced with another text.
        let wall = module.spec.name == "omusrmsg" && values.str("users") == Some("*");
        let default =
            module.values.index("template").and_then(|i| module.values.table().get(i)?.default.clone());
        let own_default = values.index("template").and_then(|i| values.table().get(i)?.default.clone());
        let default = default.or_else(|| module.spec.default_template.clone()).or(own_default);
        let default = if wall { Some(" WallFmt".to_string()) } else { default };
        match chosen.or_else(|| default.map(|name| (name, span))) {
            Some((name, at)) => Some(Some(self.existing_template(&name, 0, at)?)),
            None => Some(None),
        }
    }

    fn existing_template(&mut self, name: &str, number: usize, at: Span) -> Option<TemplateId> {
        let found = self.plan.template(name);
        if found.is_none() {
            let names: Vec<String> = self.plan.templates.iter().map(|t| t.name.clone()).collect();
            let near = crate::suggest::nearest(name, names.iter().map(String::as_str)).map(String::from);
            let message = format!("Could not find template {number} '{name}' - action disabled");
            let failed = self.failed_templates.get(name).copied();
            let d = self.error(3003, "unknown-template", message, at);
            if let Some(failed) = failed {
                d.labels.push((failed, "its definition has errors".into()));
                return None;
            }
            match near {
                Some(near) => d.help.push(format!("did you mean `{near}`?")),
                None => d.help.push("a template must be defined before it is used".into()),
            }
        }
        found
    }

    /// The action of a selector line.
    pub(super) fn legacy_action(&mut self, action: &ActionText) -> Option<Statement> {
        match &action.target {
            Target::Discard => {
                let message = "action '~' is deprecated, consider using the 'stop' statement instead";
                self.warning(2307, "discard", message, action.span);
                Some(Statement::Stop)
            }
            Target::File { path, sync } => {
                let no_sync = if *sync { None } else { Some(("sync", "off".to_string())) };
                self.output("omfile", action, &[("file", Given::Text(path))], no_sync.as_slice())
            }
            Target::DynaFile { template, sync } => {
                let no_sync = if *sync { None } else { Some(("sync", "off".to_string())) };
                self.output("omfile", action, &[("dynaFile", Given::Text(template))], no_sync.as_slice())
            }
            Target::Channel(name) => {
                let Some(channel) = self.plan.outchannels.iter().find(|c| c.name == name.text).cloned()
                else {
                    let message = format!("outchannel '{}' not found - ignoring action line", name.text);
                    self.error(2207, "unknown-outchannel", message, name.span);
                    return None;
                };
                let file = Word { text: channel.file, span: name.span };
                let mut more = Vec::new();
                if let Some(size) = channel.size {
                    more.push(("rotation.sizeLimit", size.to_string()));
                    more.push(("rotation.sizeLimitCommandPassFileName", "off".to_string()));
                }
                more.extend(channel.command.map(|command| ("rotation.sizeLimitCommand", command)));
                self.output("omfile", action, &[("file", Given::Text(&file))], &more)
            }
            Target::Pipe(path) => self.output("ompipe", action, &[("pipe", Given::Text(path))], &[]),
            Target::Program(program) => {
                self.output("omshell", action, &[("program", Given::Text(program))], &[])
            }
            Target::Users(users) => {
                let message = format!(
                    "action '{0}' treated as ':omusrmsg:{0}' - please use ':omusrmsg:{0}' syntax instead, '{0}' will \
                     not be supported in the future",
                    users.text
                );
                self.warning(2184, "bare-users", message, users.span);
                self.output("omusrmsg", action, &[("users", Given::Text(users))], &[])
            }
            Target::Forward { tcp, host, port, options } => {
                self.forward(action, *tcp, host, port.as_ref(), options)
            }
            Target::Module { word, args } => self.module_action(action, word, args),
        }
    }

    fn forward(
        &mut self,
        action: &ActionText,
        tcp: bool,
        host: &Word,
        port: Option<&Word>,
        options: &[Word],
    ) -> Option<Statement> {
        let mut more = vec![("protocol", if tcp { "tcp" } else { "udp" }.to_string())];
        for option in options {
            let text = option.text.trim();
            match (text.as_bytes(), tcp) {
                ([b'z', level @ b'0'..=b'9'], _) => {
                    more.push(("compression.mode", "single".into()));
                    more.push(("zipLevel", char::from(*level).to_string()));
                }
                ([b'o'], true) => more.push(("tcp_framing", "octet-counted".into())),
                ([b'o'], false) => {
                    let message = "TCP framing option 'o' has no meaning for UDP - ignoring.";
                    self.warning(0, "forward-option", message, option.span);
                }
                _ => {
                    let message = format!("Invalid option {text} in forwarding action - ignoring.");
                    self.error(0, "forward-option", message, option.span);
                }
            }
        }
        let mut given = vec![("target", Given::Text(host))];
        given.extend(port.filter(|p| !p.text.is_empty()).map(|port| ("port", Given::Text(port))));
        self.output("omfwd", action, &given, &more)
    }

    fn module_action(&mut self, action: &ActionText, word: &Word, args: &Word) -> Option<Statement> {
        let found = self.plan.modules.iter().position(|m| {
            let own = m.spec.action_word.as_deref().unwrap_or(&m.spec.name);
            m.spec.kinds.is_action() && own.eq_ignore_ascii_case(&word.text)
        });
        let module = match found {
            Some(module) => module,
            None => self.typed_module(&word.text, ACTION_KINDS, "", word.span)?,
        };
        let spec = self.plan.modules.get(module)?.spec.clone();
        let users = spec.name == "omusrmsg" && spec.action_param.is_none();
        match spec.action_param.as_deref().or(users.then_some("users")) {
            Some(param) => self.output_of(module, action, &[(param, Given::Text(args))], &[]),
            None if args.text.trim().is_empty() => self.output_of(module, action, &[], &[]),
            None => {
                let message = format!("module '{}' takes no text in an action `:{}:`", spec.name, word.text);
                self.error(2207, "unsupported", message, args.span).help.push(format!(
                    "set its parameters with `action(type=\"{}\" ...)` or its directives",
                    spec.name
                ));
                None
            }
        }
    }

    /// An action of one of the outputs that are always there.
    fn output(
        &mut self,
        name: &str,
        action: &ActionText,
        given: &[(&str, Given<'_>)],
        more: &[(&str, String)],
    ) -> Option<Statement> {
        let module = self.typed_module(name, ACTION_KINDS, "", action.span)?;
        self.output_of(module, action, given, more)
    }

    /// An action from the text of a selector line and the values that directives have set.
    fn output_of(
        &mut self,
        module: usize,
        action: &ActionText,
        given: &[(&str, Given<'_>)],
        more: &[(&str, String)],
    ) -> Option<Statement> {
        let (mut values, mut streams) = self.instance_values(module)?;
        let mut common = Values::unset(catalogue::action_common());
        let mut queue = Values::unset(catalogue::selector_queue());
        self.legacy.take(Place::Instance(module), &mut values);
        self.legacy.take(Place::InstanceStreams(module), &mut streams);
        self.legacy.take(Place::ActionCommon, &mut common);
        self.legacy.take(Place::ActionQueue, &mut queue);
        let mut sound = true;
        for (name, Given::Text(word)) in given {
            sound &= self.give(module, &mut values, name, &word.text, word.span);
        }
        for (name, text) in more {
            sound &= self.give(module, &mut values, name, text, action.span);
        }
        if let Some(template) = &action.template {
            match values.index("template") {
                Some(index) => {
                    let value = Value::Str(template.text.clone());
                    values.set(index, Setting { value, span: template.span, origin: Origin::Legacy });
                }
                // A module without such a parameter is given its template by the Plan alone.
                None => {
                    self.existing_template(&template.text, 0, template.span)?;
                }
            }
        }
        let mut chosen = self.action_template(module, &values, action.span)?;
        if let Some(template) = action.template.as_ref().filter(|_| values.index("template").is_none()) {
            chosen = self.plan.template(&template.text);
        }
        if !sound {
            return None;
        }
        let queue = (!queue.is_untouched()).then_some(queue);
        let name = common.str("name").map(String::from);
        let action =
            Action { module, name, values, streams, common, queue, template: chosen, span: action.span };
        Some(self.add_action(action))
    }

    /// Sets a parameter of a module from an action's text. A module that lacks it cannot do what was asked.
    fn give(&mut self, module: usize, values: &mut Values, name: &str, text: &str, at: Span) -> bool {
        let found = values.index(name).and_then(|i| Some((i, values.table().get(i)?.clone())));
        let Some((index, param)) = found else {
            // Not to sync is what a module without the parameter does anyway.
            if text == "off" {
                return true;
            }
            let module = self.plan.modules.get(module).map_or("", |m| m.spec.name.as_str());
            let message = format!("module '{module}' has no parameter '{name}', which this action needs");
            self.error(2207, "unsupported", message, at);
            return false;
        };
        match convert(&param, &Raw::Text(text.to_string()), &mut |_, _| None) {
            Ok(value) => {
                values.set(index, Setting { value, span: at, origin: Origin::Legacy });
                true
            }
            Err(message) => {
                self.error(2207, "parameter-value", message, at);
                false
            }
        }
    }
}

/// A value with the place it was written at.
enum Given<'a> {
    Text(&'a Word),
}

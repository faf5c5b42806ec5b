//! Rulesets: definitions, and names that are used before they are defined.

use super::Loader;
use crate::ast::{Node, Object, Word};
use crate::catalogue;
use crate::plan::{Ruleset, RulesetId, Values};
use crate::source::Span;

/// What is known of a ruleset's name.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Where it was defined; none as long as it has only been named.
    defined: Option<Span>,
    /// Where it is called.
    calls: Vec<Span>,
}

impl Loader<'_> {
    /// The ruleset of this name, made empty if nothing knew the name before.
    fn named_ruleset(&mut self, name: &str, span: Span) -> RulesetId {
        if let Some(id) = self.plan.ruleset(name) {
            return id;
        }
        let ruleset =
            Ruleset { name: name.to_string(), body: Vec::new(), queue: None, parsers: Vec::new(), span };
        self.plan.rulesets.push(ruleset);
        self.rulesets.push(State::default());
        RulesetId(self.plan.rulesets.len() - 1)
    }

    /// Begins (or, for `$RuleSet`, continues) the definition of a ruleset.
    pub(super) fn define_ruleset(&mut self, name: &str, span: Span) -> RulesetId {
        let id = self.named_ruleset(name, span);
        if let (Some(state), Some(ruleset)) = (self.rulesets.get_mut(id.0), self.plan.rulesets.get_mut(id.0))
            && state.defined.is_none()
        {
            state.defined = Some(span);
            ruleset.span = span;
            ruleset.name = name.to_string();
        }
        id
    }

    /// The ruleset that a `call` names; whether it exists is known at the end.
    pub(super) fn call_ruleset(&mut self, name: &Word) -> RulesetId {
        let id = self.named_ruleset(&name.text, name.span);
        if let Some(state) = self.rulesets.get_mut(id.0) {
            state.calls.push(name.span);
        }
        id
    }

    /// The defined ruleset of this name.
    pub(super) fn defined_ruleset(&self, name: &str) -> Option<RulesetId> {
        self.plan.ruleset(name).filter(|id| self.rulesets.get(id.0).is_some_and(|s| s.defined.is_some()))
    }

    /// Reports calls of rulesets that nobody defined; they stay in the Plan as empty ones without a name.
    pub(super) fn check_calls(&mut self) {
        for index in 0..self.rulesets.len() {
            let Some(state) = self.rulesets.get_mut(index).filter(|s| s.defined.is_none()) else { continue };
            let calls = std::mem::take(&mut state.calls);
            let Some(ruleset) = self.plan.rulesets.get_mut(index) else { continue };
            let name = std::mem::take(&mut ruleset.name);
            let names: Vec<String> = self.plan.rulesets.iter().map(|r| r.name.clone()).collect();
            let near = crate::suggest::nearest(&name, names.iter().map(String::as_str)).map(String::from);
            for at in calls {
                let d = self.error(2207, "unknown-ruleset", format!("ruleset '{name}' cannot be found"), at);
                if let Some(near) = &near {
                    d.help.push(format!("did you mean `{near}`?"));
                }
            }
        }
    }

    /// A ruleset() object.
    pub(super) fn ruleset(&mut self, object: &Object, body: &[Node]) {
        if self.disabled(object) {
            return;
        }
        let mut own = Values::unset(catalogue::ruleset());
        let mut queue = Values::unset(catalogue::ruleset_queue());
        let sound = self.fill(object, &mut [&mut own, &mut queue]);
        let name = own.str("name").unwrap_or("").to_string();
        let name_at = own.span("name").unwrap_or(object.span);
        if !name.is_empty() && self.defined_ruleset(&name).is_some() {
            let first = self.plan.ruleset(&name).and_then(|id| self.plan.rulesets.get(id.0)).map(|r| r.span);
            let d = self.error(
                2306,
                "ruleset-exists",
                format!("error: ruleset '{name}' specified more than once"),
                name_at,
            );
            if let Some(first) = first.filter(|f| !f.is_none()) {
                d.labels.push((first, "it was defined here first".into()));
            }
            // Its statements are checked, but go nowhere.
            self.discarded(body);
            return;
        }
        if !sound || name.is_empty() {
            self.discarded(body);
            return;
        }
        let id = self.define_ruleset(&name, object.span);
        let parsers = own.list("parser").to_vec();
        let parser_at = own.span("parser").unwrap_or(object.span);
        let parsers =
            parsers.into_iter().filter(|p| self.known_parser(p, parser_at)).map(|p| (p, parser_at)).collect();
        let body = self.block(body);
        if let Some(ruleset) = self.plan.rulesets.get_mut(id.0) {
            ruleset.body = body;
            ruleset.parsers = parsers;
            ruleset.queue = (!queue.is_untouched()).then_some(queue);
        }
    }

    /// Checks statements that cannot be used; what they define is taken back.
    fn discarded(&mut self, body: &[Node]) {
        let actions = self.plan.actions.len();
        self.block(body);
        self.plan.actions.truncate(actions);
    }

    /// Whether a parser of this name exists by now; reports it if not.
    pub(super) fn known_parser(&mut self, name: &str, at: Span) -> bool {
        // rsyslog's own parsers are called after their modules: naming one is reason enough to load it.
        if let Some(module) = name.strip_prefix("rsyslog.").filter(|m| m.starts_with("pm"))
            && self.load_module(module, at).is_none()
        {
            return false;
        }
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        let known = BUILTIN_PARSERS.iter().any(|p| is(p))
            || self.plan.parsers.iter().any(|p| is(&p.name))
            || self.plan.modules.iter().any(|m| m.spec.parser_name.as_deref().is_some_and(is));
        if !known && !self.failed_modules.iter().any(|m| m.starts_with("pm")) {
            let message = format!(
                "error: parser '{name}' unknown at this time (maybe defined too late in rsyslog.conf?)"
            );
            self.error(2159, "unknown-parser", message, at);
        }
        known
    }
}

const BUILTIN_PARSERS: &[&str] = &["rsyslog.rfc5424", "rsyslog.rfc3164"];

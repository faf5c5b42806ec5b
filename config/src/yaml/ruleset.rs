//! `rulesets:`: a script, a filter with actions, or a list of statements.

use super::Reader;
use super::tree::{Kind, Tree};
use crate::ast::{Condition, Expr, ExprKind, Node, NodeKind, Object, Word};
use crate::parse;
use crate::plan::DEFAULT_RULESET;
use crate::source::Span;

impl Reader<'_> {
    pub(super) fn ruleset(&mut self, item: Tree) -> Vec<Node> {
        let span = item.span;
        let Some(entries) = self.entries(item) else { return Vec::new() };
        let mut params = Vec::new();
        let mut body = Vec::new();
        let mut filter = None;
        let mut actions = None;
        for (key, value) in entries {
            match key.text.as_str() {
                "script" => body.extend(self.script(value)),
                "filter" => filter = Some(value),
                "actions" => actions = Some(value),
                "statements" => {
                    for statement in self.items(value) {
                        body.extend(self.statement(statement));
                    }
                }
                _ => params.push((key, value)),
            }
        }
        let actions: Vec<Node> = match actions {
            Some(list) => self.items(list).into_iter().filter_map(|item| self.action(item)).collect(),
            None => Vec::new(),
        };
        match filter {
            Some(filter) => {
                let at = filter.span;
                if let Some(condition) = self.filter(filter) {
                    let kind = NodeKind::Condition { condition, then: actions, otherwise: Vec::new() };
                    body.push(Node { kind, span: at });
                }
            }
            None => body.extend(actions),
        }
        // rsyslog: refuses it. Here it is the one way to write in YAML what stands outside of rulesets elsewhere.
        let is_default = |(key, value): &(Word, Tree)| {
            key.text == "name" && matches!(&value.kind, Kind::Text(name, _) if name == DEFAULT_RULESET)
        };
        if params.iter().any(is_default) {
            for (key, _) in params.iter().filter(|param| !is_default(param)) {
                let d = self.error(format!("{DEFAULT_RULESET} has no parameters"), key.span);
                d.help.push("its queue is the main queue: see `main_queue:`".into());
            }
            return body;
        }
        let object =
            Object { word: "ruleset".into(), span, params: self.params(params), children: Vec::new() };
        vec![Node { kind: NodeKind::Ruleset { object, body }, span }]
    }

    fn script(&mut self, value: Tree) -> Vec<Node> {
        let Some((text, block)) = self.scalar(&value) else { return Vec::new() };
        let text = self.text(&text, block, value.span);
        parse::script(&text, self.diagnostics)
    }

    fn filter(&mut self, value: Tree) -> Option<Condition> {
        let (text, block) = self.scalar(&value)?;
        let text = self.text(&text, block, value.span);
        parse::filter(&text, self.diagnostics)
    }

    fn expr(&mut self, value: &Tree) -> Option<Expr> {
        let (text, block) = self.scalar(value)?;
        let text = self.text(&text, block, value.span);
        parse::expression(&text, self.diagnostics)
    }

    /// The text of a scalar; anything else is reported.
    fn scalar(&mut self, value: &Tree) -> Option<(String, bool)> {
        match &value.kind {
            Kind::Text(text, block) => Some((text.clone(), *block)),
            _ => {
                self.error("a text is expected here", value.span);
                None
            }
        }
    }

    fn word(&mut self, value: &Tree) -> Option<Word> {
        Some(Word { text: self.scalar(value)?.0.trim().to_string(), span: value.span })
    }

    fn action(&mut self, item: Tree) -> Option<Node> {
        let span = item.span;
        let object = self.object("action", item)?;
        Some(Node { kind: NodeKind::Action(object), span })
    }

    fn statements(&mut self, value: Tree) -> Vec<Node> {
        match value.kind {
            Kind::List(items) => items.into_iter().flat_map(|item| self.statement(item)).collect(),
            _ => self.statement(value).into_iter().collect(),
        }
    }

    fn statement(&mut self, item: Tree) -> Option<Node> {
        let span = item.span;
        let Kind::Map(entries) = &item.kind else {
            self.error(
                "a statement is a mapping: an action's `type: ...`, or `if:`, `set:`, `call:` ...",
                span,
            );
            return None;
        };
        let name = entries
            .iter()
            .map(|(key, _)| key.text.as_str())
            .find(|k| STATEMENTS.contains(k))
            .map(String::from);
        let Some(name) = name else {
            if entries.iter().any(|(key, _)| key.text == "type") {
                return self.action(item);
            }
            let first = entries.first().map_or_else(String::new, |(key, _)| key.text.clone());
            let at = entries.first().map_or(span, |(key, _)| key.span);
            let d = self.error(format!("unknown statement '{first}'"), at);
            match crate::suggest::nearest(&first, STATEMENTS.iter().copied()) {
                Some(near) => d.help.push(format!("did you mean `{near}`?")),
                None => d.help.push("an action is a mapping with `type`".into()),
            }
            return None;
        };
        let mut entries = self.entries(item)?;
        let mut take = |key: &str| {
            let at = entries.iter().position(|(k, _)| k.text == key)?;
            Some(entries.remove(at).1)
        };
        let value = take(&name)?;
        let at = value.span;
        let kind = match name.as_str() {
            "if" => {
                let condition = Condition::Expr(self.expr(&value)?);
                let mut then = Vec::new();
                if let Some(action) = take("action") {
                    then.extend(self.action(action));
                }
                if let Some(list) = take("then") {
                    then.extend(self.statements(list));
                }
                let otherwise = take("else").map(|list| self.statements(list)).unwrap_or_default();
                NodeKind::Condition { condition, then, otherwise }
            }
            "set" | "reset" => {
                let mut parts = self.named(value, &["var", "expr"], &name)?;
                let expr = self.expr(&parts.pop()??)?;
                let var = self.word(&parts.pop()??)?;
                NodeKind::Set { var, value: expr, reset: name == "reset" }
            }
            "unset" => NodeKind::Unset(self.word(&value)?),
            "call" => NodeKind::Call(self.word(&value)?),
            "call_indirect" => NodeKind::CallIndirect(self.expr(&value)?),
            "foreach" => {
                let mut parts = self.named(value, &["var", "in", "do"], &name)?;
                let body = self.statements(parts.pop()??);
                let list = self.expr(&parts.pop()??)?;
                let var = self.word(&parts.pop()??)?;
                NodeKind::Foreach { var, list, body }
            }
            "reload_lookup_table" => {
                let parts = self.named(value, &["table", "stub_value"], &name)?;
                let mut args = Vec::new();
                for part in parts.into_iter().flatten() {
                    let (text, _) = self.scalar(&part)?;
                    args.push(Expr { kind: ExprKind::Text(text.into_bytes()), span: part.span });
                }
                NodeKind::ReloadLookupTable(args)
            }
            "stop" => NodeKind::Stop,
            _ => NodeKind::Continue,
        };
        for (key, _) in entries {
            self.error(format!("unknown key '{}' in statement `{name}`", key.text), key.span);
        }
        Some(Node { kind, span: span.to(at) })
    }

    /// The values of a mapping in the order of `keys`; others are reported. The first key is required.
    fn named(&mut self, value: Tree, keys: &[&str], statement: &str) -> Option<Vec<Option<Tree>>> {
        let span = value.span;
        let mut found: Vec<Option<Tree>> = keys.iter().map(|_| None).collect();
        for (key, value) in self.entries(value)? {
            match keys.iter().position(|k| *k == key.text).and_then(|i| found.get_mut(i)) {
                Some(slot) => *slot = Some(value),
                None => {
                    self.error(format!("unknown key '{}' in statement `{statement}`", key.text), key.span);
                }
            }
        }
        let optional = |key: &str| key == "stub_value";
        for (key, slot) in keys.iter().zip(&found) {
            if slot.is_none() && !optional(key) {
                self.missing(key, statement, span);
                return None;
            }
        }
        Some(found)
    }

    fn missing(&mut self, key: &str, statement: &str, at: Span) {
        self.error(format!("statement `{statement}` lacks '{key}'"), at);
    }
}

const STATEMENTS: &[&str] = &[
    "if",
    "set",
    "reset",
    "unset",
    "call",
    "call_indirect",
    "foreach",
    "reload_lookup_table",
    "stop",
    "continue",
];

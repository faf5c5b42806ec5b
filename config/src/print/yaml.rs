//! YAML: objects as mappings, rulesets with their statements as nodes. Where YAML has no form for one of a ruleset's
//! statements, the ruleset is a script as a whole, and a comment at the top counts these and says why.

use super::Printer;
use super::object::{Item, Text};
use super::script::path;
use crate::plan::{Block, Comparison, Filter, Ruleset, RulesetId, Statement};
use std::collections::BTreeMap;

impl Printer<'_> {
    pub(super) fn yaml(&self) -> String {
        let plan = &self.loaded.plan;
        let mut out = String::from("version: 2\n");
        for line in self.directives() {
            out.push_str(&format!("# not translated: {line}\n"));
        }
        for (key, items) in self.objects_before_rulesets() {
            if matches!(key, "global" | "main_queue") {
                for item in &items {
                    out.push_str(&format!("{key}:\n"));
                    params(item, "  ", &mut out);
                }
            } else {
                list(key, &items, &mut out);
            }
        }
        let templates = self.templates();
        if !templates.is_empty() {
            out.push_str("templates:\n");
            templates.iter().for_each(|template| self.yaml_template(template, &mut out));
        }
        let default = plan.rulesets.get(RulesetId::DEFAULT.0).filter(|r| !r.body.is_empty());
        let named = plan.rulesets.iter().enumerate().skip(1).filter(|(_, r)| !r.name.is_empty());
        // A ruleset must stand before it is called by what is read next, as in every dialect.
        let rulesets: Vec<_> = named.chain(default.map(|r| (RulesetId::DEFAULT.0, r))).collect();
        let mut reasons = BTreeMap::new();
        let mut bodies = String::new();
        for (index, ruleset) in &rulesets {
            entry(&self.ruleset_item(*index), "  ", &mut bodies);
            if let Err(reason) = self.yaml_body(ruleset, &mut bodies) {
                *reasons.entry(reason).or_insert(0) += 1;
                bodies.push_str("    script: |\n");
                for line in self.block(&ruleset.body, 0).lines() {
                    bodies.push_str(&format!("      {line}\n"));
                }
            }
        }
        if !reasons.is_empty() {
            let scripts: usize = reasons.values().sum();
            let why: Vec<String> = reasons.iter().map(|(reason, n)| format!("{reason}: {n}")).collect();
            let (total, why) = (rulesets.len(), why.join(", "));
            out.push_str(&format!(
                "# script: {scripts} of {total} rulesets, where YAML has no form ({why})\n"
            ));
        }
        if !rulesets.is_empty() {
            out.push_str("rulesets:\n");
        }
        out.push_str(&bodies);
        list("inputs", &self.inputs(), &mut out);
        out
    }

    /// A ruleset's statements as nodes, or why there is no form for them; then nothing was written.
    fn yaml_body(&self, ruleset: &Ruleset, out: &mut String) -> Result<(), &'static str> {
        if let [Statement::If { filter, then, otherwise, .. }] = ruleset.body.as_slice()
            && let Filter::Property { op: Comparison::Regex, .. } = filter
            && otherwise.is_empty()
            && let Some(actions) = then.iter().map(|one| self.only_action(one)).collect::<Option<Vec<_>>>()
        {
            out.push_str(&format!("    filter: {}\n    actions:\n", expression(&self.filter(filter))));
            actions.iter().for_each(|action| entry(action, "      ", out));
            return Ok(());
        }
        let mut nodes = String::new();
        self.nodes(&ruleset.body, 3, &mut nodes)?;
        out.push_str(if nodes.is_empty() { "    statements: []\n" } else { "    statements:\n" });
        out.push_str(&nodes);
        Ok(())
    }

    fn only_action(&self, statement: &Statement) -> Option<Item> {
        match statement {
            Statement::Action(id) => self.action(*id),
            _ => None,
        }
    }

    fn nodes(&self, block: &Block, level: usize, out: &mut String) -> Result<(), &'static str> {
        if level > DEEPEST {
            return Err("deep nesting");
        }
        block.iter().try_for_each(|statement| self.yaml_statement(statement, level, out))
    }

    fn yaml_statement(
        &self,
        statement: &Statement,
        level: usize,
        out: &mut String,
    ) -> Result<(), &'static str> {
        let pad = "  ".repeat(level);
        let mut line = |text: String| out.push_str(&format!("{pad}- {text}\n"));
        match statement {
            // `*.*` is no condition.
            Statement::If { filter, then, otherwise, .. } if filter.is_always() && otherwise.is_empty() => {
                return self.nodes(then, level, out);
            }
            Statement::If { filter, then, otherwise, .. } => {
                let head = self.filter(filter);
                let condition = head.strip_prefix("if ").and_then(|head| head.strip_suffix(" then"));
                line(format!("if: {}", expression(condition.ok_or("a basic regular expression")?)));
                self.branch("then", then, level + 1, out)?;
                if !otherwise.is_empty() {
                    self.branch("else", otherwise, level + 1, out)?;
                }
            }
            Statement::Action(id) => {
                if let Some(action) = self.action(*id) {
                    entry(&action, &pad, out);
                }
            }
            Statement::Stop => line("stop: true".into()),
            Statement::Continue => line("continue: true".into()),
            Statement::Set { var, expr, .. } => {
                line(format!("set: {{var: \"{}\", expr: {}}}", path(var), expression(&self.expr(expr))));
            }
            Statement::Reset { .. } => return Err("reset"),
            Statement::Unset { var, .. } => line(format!("unset: \"{}\"", path(var))),
            Statement::Call { ruleset, .. } => {
                let named = self.loaded.plan.rulesets.get(ruleset.0).filter(|r| !r.name.is_empty());
                let name = named.ok_or("a call of an unknown ruleset")?.name.as_bytes();
                line(format!("call: {}", scalar(name)));
            }
            Statement::CallIndirect { expr, .. } => {
                line(format!("call_indirect: {}", expression(&self.expr(expr))));
            }
            Statement::Foreach { var, list, body, .. } => {
                let list = expression(&self.expr(list));
                line(format!("foreach:\n{pad}    var: \"{}\"\n{pad}    in: {list}", path(var)));
                self.branch("do", body, level + 2, out)?;
            }
            Statement::ReloadLookupTable { table, stub, .. } => {
                let name = self.loaded.plan.lookup_tables.get(*table).map_or("", |t| t.name.as_str());
                let stub = stub.as_ref().map(|stub| format!(", stub_value: {}", scalar(stub.as_bytes())));
                let table = scalar(name.as_bytes());
                line(format!("reload_lookup_table: {{table: {table}{}}}", stub.unwrap_or_default()));
            }
        }
        Ok(())
    }

    /// Statements below a key.
    fn branch(&self, key: &str, block: &Block, level: usize, out: &mut String) -> Result<(), &'static str> {
        let pad = "  ".repeat(level);
        if block.is_empty() {
            out.push_str(&format!("{pad}{key}: []\n"));
            return Ok(());
        }
        out.push_str(&format!("{pad}{key}:\n"));
        self.nodes(block, level + 1, out)
    }

    fn yaml_template(&self, item: &Item, out: &mut String) {
        let mut item = item.clone();
        if !item.children.is_empty() {
            item.params.retain(|(name, _)| name != "type");
        }
        entry(&item, "  ", out);
        if item.children.is_empty() {
            return;
        }
        out.push_str("    elements:\n");
        for child in &item.children {
            out.push_str(&format!("      - {}:\n", child.word));
            params(child, "          ", out);
        }
    }
}

fn list(key: &str, items: &[Item], out: &mut String) {
    if items.is_empty() {
        return;
    }
    out.push_str(&format!("{key}:\n"));
    items.iter().for_each(|item| entry(item, "  ", out));
}

/// One item of a list.
fn entry(item: &Item, pad: &str, out: &mut String) {
    let mut text = String::new();
    params(item, &format!("{pad}  "), &mut text);
    out.push_str(&format!("{pad}- {}", text.trim_start()));
}

fn params(item: &Item, pad: &str, out: &mut String) {
    for (name, text) in &item.params {
        let value = match text {
            Text::One(bytes) => scalar(bytes),
            Text::Many(list) => {
                let items: Vec<String> = list.iter().map(|item| scalar(item.as_bytes())).collect();
                format!("[{}]", items.join(", "))
            }
        };
        out.push_str(&format!("{pad}{name}: {value}\n"));
    }
}

/// An expression: in single quotes where that saves escapes.
fn expression(text: &str) -> String {
    let plain = text.contains('"') && !text.contains(|c: char| c.is_control());
    if plain { format!("'{}'", text.replace('\'', "\'\'")) } else { scalar(text.as_bytes()) }
}

/// A double-quoted scalar.
fn scalar(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 32 || c as u32 == 127 => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Statements deeper than this, counted in steps of indentation, are left to a script: the reader has a limit too.
const DEEPEST: usize = 24;

//! YAML: objects as mappings, rulesets with their statements as scripts.

use super::Printer;
use super::object::{Item, Text};
use crate::plan::RulesetId;

/// The name under which the default ruleset's statements appear: YAML cannot add to RSYSLOG_DefaultRuleset.
const DEFAULT: &str = "default";

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
        let rulesets: Vec<_> = default.into_iter().map(|r| (0, r)).chain(named).collect();
        if !rulesets.is_empty() {
            out.push_str("rulesets:\n");
        }
        for (index, ruleset) in rulesets {
            let mut item = self.ruleset_item(index);
            if index == 0 {
                out.push_str("  # the default ruleset; messages of the daemon itself do not come here\n");
                item.params.iter_mut().filter(|(name, _)| name == "name").for_each(|(_, text)| {
                    *text = Text::One(DEFAULT.as_bytes().to_vec());
                });
            }
            entry(&item, "  ", &mut out);
            // An empty script would be no script.
            let body =
                if ruleset.body.is_empty() { "continue\n".into() } else { self.block(&ruleset.body, 0) };
            out.push_str("    script: |\n");
            for line in body.lines() {
                out.push_str(&format!("      {line}\n"));
            }
        }
        let has_default = plan.rulesets.first().is_some_and(|r| !r.body.is_empty());
        list("inputs", &self.inputs(has_default.then_some(DEFAULT)), &mut out);
        out
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

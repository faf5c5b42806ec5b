//! A Plan written down again, in RainerScript or YAML: what `-F` translates a configuration to. Legacy syntax comes out
//! modern, includes are part of the text, comments and defaults are gone. What the target cannot say is a comment in
//! it that begins with `not translated:`.

mod object;
mod script;
mod template;
mod yaml;

use crate::Loaded;
use crate::catalogue::Param;
use crate::plan::{RulesetId, Setting, Values};
use object::Item;

/// The language to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    RainerScript,
    Yaml,
}

/// The whole configuration as text.
pub fn print(loaded: &Loaded, syntax: Syntax) -> String {
    let printer = Printer { loaded };
    match syntax {
        Syntax::RainerScript => printer.rainerscript(),
        Syntax::Yaml => printer.yaml(),
    }
}

struct Printer<'a> {
    loaded: &'a Loaded,
}

/// Values as they are written in this configuration.
pub(crate) struct Written<'a>(pub &'a Loaded);

impl Written<'_> {
    pub(crate) fn plain(&self, param: &Param, setting: &Setting) -> String {
        Printer { loaded: self.0 }.plain(param, setting)
    }
}

impl Printer<'_> {
    fn rainerscript(&self) -> String {
        let plan = &self.loaded.plan;
        let mut out = String::new();
        for line in self.directives() {
            out.push_str(&line);
            out.push('\n');
        }
        for (_, items) in self.objects_before_rulesets() {
            items.iter().for_each(|item| item.rainerscript(&mut out));
        }
        for template in self.templates() {
            template.rainerscript(&mut out);
        }
        for (index, ruleset) in plan.rulesets.iter().enumerate().skip(1) {
            if ruleset.name.is_empty() {
                continue;
            }
            let item = self.ruleset_item(index);
            out.push_str(&item.head());
            out.push_str(" {\n");
            out.push_str(&self.block(&ruleset.body, 1));
            out.push_str("}\n");
        }
        if let Some(ruleset) = plan.rulesets.get(RulesetId::DEFAULT.0) {
            out.push_str(&self.block(&ruleset.body, 0));
        }
        for item in self.inputs() {
            item.rainerscript(&mut out);
        }
        out
    }

    /// Directives that have no form but the legacy one.
    fn directives(&self) -> Vec<String> {
        let plan = &self.loaded.plan;
        let mut lines: Vec<String> = plan
            .allowed_senders
            .iter()
            .map(|s| format!("$AllowedSender {}, {}", s.protocol, s.pattern))
            .collect();
        for (param, setting) in plan.globals.iter() {
            let written = setting.filter(|s| s.origin != crate::plan::Origin::Default);
            if let (Some(name), Some(setting)) = (param.name.strip_prefix('$'), written) {
                lines.push(format!("${name} {}", self.plain(param, setting)));
            }
        }
        lines
    }

    /// Objects in the order in which they must be read, under their names in YAML.
    fn objects_before_rulesets(&self) -> Vec<(&'static str, Vec<Item>)> {
        let plan = &self.loaded.plan;
        let mut globals = Item::new("global");
        self.add_values(&mut globals, &plan.globals, |name| !name.starts_with('$'));
        let mut main_queue = Item::new("main_queue");
        if let Some(values) = &plan.main_queue {
            self.add_values(&mut main_queue, values, |_| true);
        }
        let mut modules = Vec::new();
        for module in &plan.modules {
            let mut item = Item::new("module");
            item.text("load", &module.written);
            self.add_values(&mut item, &module.values, |_| true);
            self.add_own_streams(&mut item, &module.streams, None);
            if item.params.len() > 1 || !module.written.starts_with("builtin:") {
                modules.push(item);
            }
        }
        let named = |word: &'static str, list: &[crate::plan::Object]| -> Vec<Item> {
            let make = |object: &crate::plan::Object| {
                let mut item = Item::new(word);
                self.add_values(&mut item, &object.values, |_| true);
                item
            };
            list.iter().map(make).collect()
        };
        let mut parsers = Vec::new();
        for parser in &plan.parsers {
            let mut item = Item::new("parser");
            item.text("name", &parser.name);
            item.text("type", plan.modules.get(parser.module).map_or("", |m| &m.spec.name));
            self.add_values(&mut item, &parser.values, |_| true);
            parsers.push(item);
        }
        let keep = |item: Item| if item.params.is_empty() { Vec::new() } else { vec![item] };
        vec![
            ("global", keep(globals)),
            ("modules", modules),
            ("main_queue", keep(main_queue)),
            ("timezones", named("timezone", &plan.timezones)),
            ("lookup_tables", named("lookup_table", &plan.lookup_tables)),
            ("dyn_stats", named("dyn_stats", &plan.dyn_stats)),
            ("perctile_stats", named("percentile_stats", &plan.percentile_stats)),
            ("ratelimits", named("ratelimit", &plan.ratelimits)),
            ("parsers", parsers),
        ]
    }

    fn inputs(&self) -> Vec<Item> {
        let plan = &self.loaded.plan;
        let default = plan.default_ruleset.and_then(|id| plan.rulesets.get(id.0)).map(|r| r.name.as_str());
        let mut items = Vec::new();
        for input in &plan.inputs {
            let Some(module) = plan.modules.get(input.module) else { continue };
            let mut item = Item::new("input");
            item.text("type", &module.spec.name);
            self.add_values(&mut item, &input.values, |_| true);
            self.add_own_streams(&mut item, &input.streams, Some(&module.streams));
            let has_ruleset = module.spec.instance_params.iter().any(|p| p.answers_to("ruleset"));
            if let Some(default) = default.filter(|_| input.ruleset.is_none() && has_ruleset) {
                item.params.retain(|(name, _)| name != "ruleset");
                item.text("ruleset", default);
            }
            items.push(item);
        }
        items
    }

    fn ruleset_item(&self, index: usize) -> Item {
        let mut item = Item::new("ruleset");
        let Some(ruleset) = self.loaded.plan.rulesets.get(index) else { return item };
        item.text("name", &ruleset.name);
        if !ruleset.parsers.is_empty() {
            item.list("parser", ruleset.parsers.iter().map(|(name, _)| name.clone()).collect());
        }
        if let Some(queue) = &ruleset.queue {
            let before = item.params.len();
            self.add_values(&mut item, queue, |_| true);
            if item.params.len() == before {
                // A queue made by `$RulesetCreateMainQueue` alone.
                item.text("queue.type", queue.str("queue.type").unwrap_or("FixedArray"));
            }
        }
        item
    }

    /// Stream values that were written for this object, rather than inherited.
    fn add_own_streams(&self, item: &mut Item, streams: &Values, from: Option<&Values>) {
        let globals = &self.loaded.plan.globals;
        for (index, (param, setting)) in streams.iter().enumerate() {
            let Some(setting) = setting.filter(|s| s.origin != crate::plan::Origin::Default) else {
                continue;
            };
            let inherited = match from {
                Some(from) => from.settings().get(index).and_then(Option::as_ref) == Some(setting),
                None => globals.settings().iter().flatten().any(|global| global == setting),
            };
            // rsyslog: forwarding actions take their peers as one text, under another name.
            if !inherited && item.word == "action" && param.name == "permittedPeer" {
                item.text("streamDriverPermittedPeers", &self.plain(param, setting));
            } else if !inherited {
                item.params.push((param.name.clone(), self.value(param, setting)));
            }
        }
    }
}

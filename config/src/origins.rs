//! Where each effective value was set: the text of `sysloomd --explain-config`. One block an object, one line a value,
//! with the place of what set it; a `$` directive that reaches a second action or input gets a warning there, since it
//! was most likely meant for the first.

use crate::Loaded;
use crate::catalogue::Param;
use crate::plan::{ActionId, Origin, Setting, Value, Values};
use crate::print::Written;
use crate::source::Span;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// Every object of a configuration with its values and their origins.
pub fn origins(loaded: &Loaded) -> String {
    let mut page = Page { loaded, out: String::new(), shared: HashSet::new(), takers: HashMap::new() };
    let plan = &loaded.plan;
    page.share(&plan.globals);
    page.object("global", Span::NONE, &[&plan.globals]);
    if let Some(queue) = &plan.main_queue {
        page.object("main queue", Span::NONE, &[queue]);
    }
    for module in &plan.modules {
        page.share(&module.values);
        page.share(&module.streams);
        page.object(&format!("module {}", module.written), module.span, &[&module.values, &module.streams]);
    }
    for (kind, list) in [
        ("lookup table", &plan.lookup_tables),
        ("dyn_stats", &plan.dyn_stats),
        ("percentile_stats", &plan.percentile_stats),
        ("timezone", &plan.timezones),
        ("ratelimit", &plan.ratelimits),
    ] {
        list.iter().for_each(|o| page.object(&format!("{kind} {}", o.name), o.span, &[&o.values]));
    }
    plan.parsers.iter().for_each(|p| page.object(&format!("parser {}", p.name), p.span, &[&p.values]));
    for ruleset in &plan.rulesets {
        if let Some(queue) = &ruleset.queue {
            page.object(&format!("ruleset {}", ruleset.name), ruleset.span, &[queue]);
        }
    }
    for input in &plan.inputs {
        let name = plan.modules.get(input.module).map_or("", |m| m.spec.name.as_str());
        page.taker(&format!("input {name}"), input.span, &[&input.values, &input.streams]);
    }
    for (number, action) in plan.actions.iter().enumerate() {
        let title = format!("action {}", plan.action_name(ActionId(number)));
        let unset = Values::default();
        let queue = action.queue.as_ref().unwrap_or(&unset);
        page.taker(&title, action.span, &[&action.values, &action.streams, &action.common, queue]);
    }
    page.out
}

struct Page<'a> {
    loaded: &'a Loaded,
    out: String,
    /// Places of values that are meant for every object that inherits them.
    shared: HashSet<Span>,
    /// Which object a directive's value reached first.
    takers: HashMap<Span, String>,
}

impl Page<'_> {
    fn share(&mut self, values: &Values) {
        self.shared.extend(values.settings().iter().flatten().map(|setting| setting.span));
    }

    fn object(&mut self, title: &str, at: Span, tables: &[&Values]) {
        self.block(title, at, tables, false);
    }

    /// An object that takes the values of directives above it.
    fn taker(&mut self, title: &str, at: Span, tables: &[&Values]) {
        self.block(title, at, tables, true);
    }

    fn block(&mut self, title: &str, at: Span, tables: &[&Values], takes: bool) {
        let place = self.place(at);
        let _ = writeln!(self.out, "{title}{}", place.map_or_else(String::new, |p| format!("  ({p})")));
        for (param, setting) in tables.iter().flat_map(|values| values.iter()) {
            let Some(setting) = setting else { continue };
            let value = self.value(param, setting);
            let origin = self.origin(setting, at);
            let _ = writeln!(self.out, "  {} = {value}  {origin}", param.name);
            if takes && let Some(leak) = self.leak(title, at, setting) {
                let _ = writeln!(self.out, "    warning: {leak}");
            }
        }
        self.out.push('\n');
    }

    fn value(&self, param: &Param, setting: &Setting) -> String {
        if param.secret {
            return "(secret)".into();
        }
        match &setting.value {
            Value::List(list) => format!("{list:?}"),
            _ => format!("\"{}\"", Written(self.loaded).plain(param, setting).escape_default()),
        }
    }

    fn origin(&self, setting: &Setting, object: Span) -> String {
        let place = self.place(setting.span);
        match (setting.origin, place) {
            (Origin::Legacy, Some(place)) if !covers(object, setting.span) => {
                format!("{place} {}", self.directive(setting.span))
            }
            (_, Some(place)) => place,
            (Origin::Default, None) => "default".into(),
            (_, None) => "given by the daemon".into(),
        }
    }

    /// The first word of the line that a value stands in: the directive that sets it.
    fn directive(&self, at: Span) -> &str {
        let Some(source) = self.loaded.sources.source(at.file) else { return "" };
        let line = source.text.get(source.line_start(at.start)..at.start as usize).unwrap_or("");
        line.split_whitespace().next().unwrap_or("")
    }

    /// Why a value deserves a second look here: a directive set it, and another object took it before.
    fn leak(&mut self, title: &str, object: Span, setting: &Setting) -> Option<String> {
        let at = setting.span;
        if setting.origin != Origin::Legacy || self.shared.contains(&at) || covers(object, at) {
            return None;
        }
        let Some(first) = self.takers.get(&at) else {
            let here = self.place(object).unwrap_or_default();
            self.takers.insert(at, format!("{title} ({here})"));
            return None;
        };
        let directive = self.directive(at);
        Some(format!(
            "{directive} was taken by {first} and still holds here; $ResetConfigVariables after that one ends it"
        ))
    }

    fn place(&self, at: Span) -> Option<String> {
        self.loaded.sources.place(at).map(|p| format!("{}:{}:{}", p.file, p.line, p.column))
    }
}

fn covers(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}

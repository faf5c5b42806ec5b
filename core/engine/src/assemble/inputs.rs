//! Inputs: one for each `input()` and for each module that is one by itself; what their messages carry.

use super::globals::offset;
use super::{InputModules, Making, host_values, streams};
use crate::core::{Kind, id_of};
use crate::message::InputFacts;
use crate::plugin::InputInstance;
use crate::ratelimit;
use std::sync::Arc;
use sysloom_abi::iface_flag;
use sysloom_config::catalogue::Kinds;
use sysloom_config::plan::{self, Plan, Value, Values};
use sysloom_config::{Diagnostic, Span};

impl Making<'_> {
    pub(super) fn inputs(&mut self, modules: &InputModules) -> Vec<(Arc<InputInstance>, InputFacts)> {
        let mut made = Vec::new();
        let automatic: Vec<plan::Input> = self.automatic_inputs();
        let written: Vec<plan::Input> = self.plan.inputs.iter().flat_map(by_port).collect();
        for (at, input) in automatic.iter().chain(&written).enumerate() {
            let Some(Some(module)) = modules.get(input.module) else { continue };
            let spec = &self.plan.modules[input.module].spec;
            let mut name = input.values.str("name").unwrap_or(&spec.name).to_owned();
            if let (Some(true), Some(port)) =
                (input.values.bool(APPEND_PORT), input.values.list("port").first())
            {
                name = format!("{name}:{port}");
            }
            let zone = self.default_zone(&spec.name, &input.values, input.span);
            // Numbers of inputs are given to those that come to be, so that they are without gaps.
            let me = id_of(Kind::Input, made.len());
            let object = match input.values.str("port") {
                Some(port) => format!("{name}({port})"),
                None => name.clone(),
            };
            self.core.name(me, &spec.name, &object);
            if spec.uses_streams {
                let params = streams::params(&input.streams, &self.plan.globals);
                self.core.stream(me, params, streams::places(&input.streams, input.span));
            }
            let instance = module.instance(me, &host_values(&input.values));
            let Some(instance) = self.check(instance, &spec.name, &input.values, input.span) else {
                continue;
            };
            let ruleset = input.ruleset.or(self.plan.default_ruleset).map_or(0, |id| id.0);
            // What a module has by itself is described by the module's own parameters.
            let values =
                if at < automatic.len() { &self.plan.modules[input.module].values } else { &input.values };
            self.input_limits.push(ratelimit::named(values, &self.limits, self.diagnostics));
            made.push((Arc::new(instance), InputFacts { name, zone, ruleset }));
        }
        self.idle_inputs();
        made
    }

    /// What an input's defaultTZ says, in minutes east of UTC.
    fn default_zone(&mut self, who: &str, values: &Values, at: Span) -> Option<i16> {
        let text = values.str("defaultTZ").filter(|text| !text.is_empty())?;
        let zone = offset(text);
        if zone.is_none() {
            let text = format!("{who}: defaultTZ '{text}' is no offset: it must be +hh:mm or -hh:mm");
            let span = values.span("defaultTZ").unwrap_or(at);
            self.diagnostics.push(Diagnostic::error(2207, "refused-by-module", text, span));
        }
        zone
    }

    /// rsyslog: an input that nothing can come through is an error.
    fn idle_inputs(&mut self) {
        for (index, module) in self.plan.modules.iter().enumerate() {
            let is_input = module.spec.kinds.contains(Kinds::INPUT) && !module.spec.kinds.is_action();
            let loaded = self.modules.plugin(&module.spec.name).is_some();
            if is_input && loaded && !module.asked && !self.is_automatic(index) {
                let name = &module.spec.name;
                let text =
                    format!("{name}: module loaded, but no listeners defined - no input will be gathered");
                self.diagnostics.push(Diagnostic::error(2212, "no-listener", text, module.span));
            }
        }
    }

    /// The instances that modules have without an input() of the configuration, like the system's log socket.
    fn automatic_inputs(&self) -> Vec<plan::Input> {
        let modules = self.plan.modules.iter().enumerate();
        let automatic = modules.filter(|(index, _)| self.is_automatic(*index));
        automatic
            .map(|(index, module)| plan::Input {
                module: index,
                values: Values::defaults(module.spec.instance_params.clone().into()),
                streams: module.streams.clone(),
                ruleset: module.values.str("ruleset").and_then(|name| self.plan.ruleset(name)),
                span: module.span,
            })
            .collect()
    }

    fn is_automatic(&self, module: usize) -> bool {
        let name = &self.plan.modules[module].spec.name;
        let ifaces = self.modules.plugin(name).map_or(&[][..], |plugin| plugin.ifaces());
        ifaces.iter().any(|i| i.name == *name && i.flags & iface_flag::AUTO != 0)
    }
}

/// One input for each port whose number shall stand in its messages' input name.
fn by_port(input: &plan::Input) -> Vec<plan::Input> {
    let ports = input.values.list("port");
    let (Some(true), Some(at)) = (input.values.bool(APPEND_PORT), input.values.index("port")) else {
        return vec![input.clone()];
    };
    let Some(setting) = input.values.settings().get(at).cloned().flatten() else {
        return vec![input.clone()];
    };
    let one = |port: &String| {
        let mut input = input.clone();
        input.values.set(at, plan::Setting { value: Value::List(vec![port.clone()]), ..setting.clone() });
        input
    };
    ports.iter().map(one).collect()
}

/// For messages that are handed to a ruleset by its name: they belong to no input.
pub(super) fn by_ruleset(plan: &Plan) -> impl Iterator<Item = InputFacts> {
    (0..plan.rulesets.len()).map(|ruleset| InputFacts { name: "rsyslogd".into(), zone: None, ruleset })
}

const APPEND_PORT: &str = "name.appendPort";

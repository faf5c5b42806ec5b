//! What can only be done when everything has been read: names used before their definition, values that are inherited
//! from modules and globals, defaults.

use super::Loader;
use crate::Severity;
use crate::catalogue::{self, Type};
use crate::plan::{Origin, Setting, Values};
use crate::source::Span;

impl Loader<'_> {
    pub(super) fn finish(&mut self) {
        self.check_calls();
        self.bind_inputs();
        self.check_module_rulesets();
        self.check_templates();
        self.inherit_streams();
        self.finish_queues();
        self.check_queues();
        self.fill_all_defaults();
        // Whether an input was meant to have no instances cannot be told when something went wrong before.
        if self.diagnostics.iter().any(|d| d.severity == Severity::Error) {
            self.plan.modules.iter_mut().for_each(|module| module.asked = true);
        }
    }

    /// Templates named by inputs, modules and rate limits; actions have been checked where they stand.
    fn check_templates(&mut self) {
        let plan = &self.plan;
        let inputs = plan.inputs.iter().map(|i| &i.values);
        let parsers = plan.parsers.iter().map(|p| &p.values);
        let mut missing = Vec::new();
        for values in inputs.chain(parsers).chain(plan.ratelimits.iter().map(|r| &r.values)) {
            for (param, setting) in values.iter().filter(|(p, _)| p.ty == Type::Template) {
                if let (Some(name), Some(setting)) = (values.str(&param.name), setting)
                    && plan.template(name).is_none()
                {
                    missing.push((
                        format!("parameter '{}': could not find template '{name}'", param.name),
                        setting.span,
                    ));
                }
            }
        }
        for (message, at) in missing {
            self.error(3003, "unknown-template", message, at);
        }
    }

    /// Stream values: an instance's own, then the module's, then the global ones.
    fn inherit_streams(&mut self) {
        let plan = &mut self.plan;
        let mut globals = Values::unset(catalogue::streams());
        for (global, stream) in GLOBAL_STREAMS {
            let (Some(setting), Some(index)) = (plan.globals.written(global), globals.index(stream)) else {
                continue;
            };
            globals.set(index, setting.clone());
        }
        for module in &mut plan.modules {
            inherit(&mut module.streams, &globals);
        }
        for (streams, module) in plan
            .inputs
            .iter_mut()
            .map(|i| (&mut i.streams, i.module))
            .chain(plan.actions.iter_mut().map(|a| (&mut a.streams, a.module)))
        {
            if let Some(module) = plan.modules.get(module) {
                inherit(streams, &module.streams);
            }
        }
        let driver = plan.globals.str("defaultNetstreamDriver").unwrap_or("ptcp").to_string();
        for streams in plan
            .modules
            .iter_mut()
            .map(|m| &mut m.streams)
            .chain(plan.inputs.iter_mut().map(|i| &mut i.streams))
            .chain(plan.actions.iter_mut().map(|a| &mut a.streams))
        {
            let Some(index) = streams.index("streamDriver.name") else { continue };
            if streams.written("streamDriver.name").is_none() {
                let value = crate::plan::Value::Str(driver.clone());
                streams.set(index, Setting { value, span: Span::NONE, origin: Origin::Default });
            }
        }
    }

    /// The main queue's values, and the global defaults for queues.
    fn finish_queues(&mut self) {
        if self.plan.main_queue.is_none() {
            self.plan.main_queue = Some(std::mem::take(&mut self.main_queue));
        }
        let globals = &self.plan.globals;
        for (name, kind) in QUEUE_TIMEOUTS.iter().flat_map(|n| [(n, "action"), (n, "ruleset")]) {
            let Some(setting) = globals.written(&format!("default.{kind}.queue.{name}")) else { continue };
            let setting = Setting { origin: Origin::Default, ..setting.clone() };
            let queues: Vec<&mut Values> = match kind {
                "action" => self.plan.actions.iter_mut().filter_map(|a| a.queue.as_mut()).collect(),
                _ => {
                    let rulesets = self.plan.rulesets.iter_mut().filter_map(|r| r.queue.as_mut());
                    rulesets.chain(self.plan.main_queue.as_mut()).collect()
                }
            };
            for queue in queues {
                let Some(index) = queue.index(&format!("queue.{name}")) else { continue };
                if queue.settings().get(index).is_some_and(Option::is_none) {
                    queue.set(index, setting.clone());
                }
            }
        }
    }

    fn fill_all_defaults(&mut self) {
        let plan = &mut self.plan;
        plan.globals.fill_defaults();
        plan.main_queue.iter_mut().for_each(Values::fill_defaults);
        for module in &mut plan.modules {
            module.values.fill_defaults();
            module.streams.fill_defaults();
        }
        for input in &mut plan.inputs {
            input.values.fill_defaults();
            input.streams.fill_defaults();
        }
        for action in &mut plan.actions {
            action.values.fill_defaults();
            action.streams.fill_defaults();
            action.common.fill_defaults();
            action.queue.iter_mut().for_each(Values::fill_defaults);
        }
        for ruleset in &mut plan.rulesets {
            ruleset.queue.iter_mut().for_each(Values::fill_defaults);
        }
        plan.parsers.iter_mut().for_each(|p| p.values.fill_defaults());
        for list in [
            &mut plan.lookup_tables,
            &mut plan.dyn_stats,
            &mut plan.percentile_stats,
            &mut plan.timezones,
            &mut plan.ratelimits,
        ] {
            list.iter_mut().for_each(|o| o.values.fill_defaults());
        }
    }
}

fn inherit(values: &mut Values, from: &Values) {
    if values.table().is_empty() {
        return;
    }
    for (index, setting) in from.settings().iter().enumerate() {
        let (Some(setting), Some(None)) = (setting, values.settings().get(index)) else { continue };
        values.set(index, setting.clone());
    }
}

/// Global parameters that are defaults of stream parameters.
const GLOBAL_STREAMS: &[(&str, &str)] = &[
    ("defaultNetstreamDriver", "streamDriver.name"),
    ("defaultNetstreamDriverCAFile", "streamDriver.caFile"),
    ("netstreamDriverCAExtraFiles", "streamDriver.caExtraFiles"),
    ("defaultNetstreamDriverCRLFile", "streamDriver.crlFile"),
    ("defaultNetstreamDriverCertFile", "streamDriver.certFile"),
    ("defaultNetstreamDriverKeyFile", "streamDriver.keyFile"),
    ("defaultNetstreamDriverKeyPassFile", "streamDriver.keyPassFile"),
];

const QUEUE_TIMEOUTS: &[&str] =
    &["timeoutShutdown", "timeoutActionCompletion", "timeoutEnqueue", "timeoutWorkerThreadShutdown"];

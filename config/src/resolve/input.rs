//! Inputs, by input() or by a directive that starts a listener.

use super::Loader;
use super::legacy::Place;
use crate::ast::Object;
use crate::catalogue::{self, Kinds, Type};
use crate::plan::{Input, Setting, Values};
use crate::source::Span;

impl Loader<'_> {
    /// An input() object.
    pub(super) fn input_object(&mut self, object: &Object) {
        let Some((name, at)) = self.type_of(object) else { return };
        let Some(module) = self.typed_module(&name, &[Kinds::INPUT], "input ", at) else { return };
        self.asked(module);
        let Some((mut values, mut streams)) = self.instance_values(module) else { return };
        let rest = Object {
            params: object
                .params
                .iter()
                .filter(|p| !p.name.text.eq_ignore_ascii_case("type"))
                .cloned()
                .collect(),
            ..object.clone()
        };
        if self.fill(&rest, &mut [&mut streams, &mut values]) {
            self.plan.inputs.push(Input { module, values, streams, ruleset: None, span: object.span });
        }
    }

    /// An input from the values that directives have set.
    pub(super) fn legacy_input(&mut self, place: Place, trigger: Option<(usize, Setting)>, span: Span) {
        let Place::Instance(module) = place else { return };
        self.asked(module);
        let Some((mut values, mut streams)) = self.instance_values(module) else { return };
        self.legacy.take(Place::Instance(module), &mut values);
        self.legacy.take(Place::InstanceStreams(module), &mut streams);
        if let Some((index, setting)) = trigger {
            values.set(index, setting);
        }
        self.plan.inputs.push(Input { module, values, streams, ruleset: None, span });
    }

    fn asked(&mut self, module: usize) {
        if let Some(module) = self.plan.modules.get_mut(module) {
            module.asked = true;
        }
    }

    /// Empty values over a module's instance table and the stream table.
    pub(super) fn instance_values(&self, module: usize) -> Option<(Values, Values)> {
        let spec = &self.plan.modules.get(module)?.spec;
        let streams = if spec.uses_streams { catalogue::streams() } else { [].into() };
        Some((Values::unset(spec.instance_params.as_slice().into()), Values::unset(streams)))
    }

    /// Reports module-level rulesets that do not exist.
    pub(super) fn check_module_rulesets(&mut self) {
        let mut missing = Vec::new();
        for module in &self.plan.modules {
            for (param, setting) in module.values.iter().filter(|(p, _)| p.ty == Type::Ruleset) {
                if let (Some(name), Some(setting)) = (module.values.str(&param.name), setting)
                    && self.defined_ruleset(name).is_none()
                {
                    let module = &module.spec.name;
                    missing.push((
                        format!("{module}: ruleset '{name}' not found - using default ruleset instead"),
                        setting.span,
                    ));
                }
            }
        }
        for (message, at) in missing {
            self.error(0, "unknown-ruleset", message, at);
        }
    }

    /// Binds inputs to the rulesets that they name, now that all are known.
    pub(super) fn bind_inputs(&mut self) {
        for index in 0..self.plan.inputs.len() {
            let Some(input) = self.plan.inputs.get(index) else { continue };
            let named = |values: &Values| {
                let param = values
                    .iter()
                    .find(|(p, _)| p.ty == Type::Ruleset || p.answers_to("ruleset"))?
                    .0
                    .name
                    .clone();
                Some((values.str(&param)?.to_string(), values.span(&param)?))
            };
            let Some((name, at)) = named(&input.values) else { continue };
            let module = self.plan.modules.get(input.module).map_or(String::new(), |m| m.spec.name.clone());
            let found = self.defined_ruleset(&name);
            if found.is_none() {
                let names: Vec<String> = self.plan.rulesets.iter().map(|r| r.name.clone()).collect();
                let near = crate::suggest::nearest(&name, names.iter().map(String::as_str)).map(String::from);
                let port = input.values.str("port").map_or(String::new(), |port| format!(" for port {port}"));
                let message =
                    format!("{module}: ruleset '{name}'{port} not found - using default ruleset instead");
                let d = self.error(0, "unknown-ruleset", message, at);
                d.help.extend(near.map(|near| format!("did you mean `{near}`?")));
            }
            if let Some(input) = self.plan.inputs.get_mut(index) {
                input.ruleset = found;
            }
        }
    }
}

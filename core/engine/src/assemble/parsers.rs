//! The parsers of rulesets that name their own.

use super::{Making, host_values};
use crate::core::{Kind, id_of};
use crate::parsers::{Chain, Parser, Rfc3164};
use crate::plugin::{ParserInstance, ParserModule};
use std::collections::HashMap;
use std::sync::Arc;
use sysloom_config::plan::{self, Values};
use sysloom_config::{Diagnostic, Span};

impl Making<'_> {
    /// The parsers of rulesets that name their own; nothing if none does.
    pub(super) fn chains(&mut self) -> Vec<Option<Chain>> {
        let plan = self.plan;
        if plan.rulesets.iter().all(|ruleset| ruleset.parsers.is_empty()) {
            return Vec::new();
        }
        let mut modules: HashMap<usize, Option<ParserModule>> = HashMap::new();
        let mut instances: HashMap<String, Option<Arc<ParserInstance>>> = HashMap::new();
        let mut chains = Vec::new();
        for ruleset in &plan.rulesets {
            let mut chain = Vec::new();
            for (name, span) in &ruleset.parsers {
                let (module, values) = match plan.parsers.iter().find(|p| p.name.eq_ignore_ascii_case(name)) {
                    Some(parser) => (parser.module, parser.values.clone()),
                    None => {
                        match name.to_ascii_lowercase().as_str() {
                            "rsyslog.rfc5424" => chain.push(Parser::Rfc5424),
                            "rsyslog.rfc3164" => chain.push(Parser::Rfc3164(Box::default())),
                            _ => {}
                        }
                        let is_its = |module: &plan::Module| {
                            module
                                .spec
                                .parser_name
                                .as_deref()
                                .is_some_and(|own| own.eq_ignore_ascii_case(name))
                        };
                        let Some(at) = plan.modules.iter().position(is_its) else { continue };
                        (at, Values::defaults(plan.modules[at].spec.instance_params.clone().into()))
                    }
                };
                let spec = &plan.modules[module].spec;
                match spec.name.as_str() {
                    "pmrfc5424" => chain.push(Parser::Rfc5424),
                    "pmrfc3164" => {
                        let find = |name: &str| plan.ruleset(name).map(|id| id.0);
                        self.known_ruleset(&values, "headerless.ruleset", *span);
                        chain.push(Parser::Rfc3164(Box::new(Rfc3164::new(
                            &values,
                            find,
                            &self.core.log.logger(),
                        ))));
                    }
                    word => {
                        let made = match instances.get(&name.to_ascii_lowercase()) {
                            Some(made) => made.clone(),
                            None => {
                                let object =
                                    modules.entry(module).or_insert_with(|| self.parser_module(module));
                                let me = id_of(Kind::Parser, instances.len());
                                self.core.name(me, word, name);
                                let made = object.as_ref().and_then(|object| {
                                    let made = object.instance(me, &host_values(&values));
                                    self.check(made, word, &values, *span).map(Arc::new)
                                });
                                instances.insert(name.to_ascii_lowercase(), made.clone());
                                made
                            }
                        };
                        chain.extend(made.map(Parser::Plugin));
                    }
                }
            }
            chains.push((!ruleset.parsers.is_empty()).then_some(Chain(chain)));
        }
        chains
    }

    fn parser_module(&mut self, index: usize) -> Option<ParserModule> {
        let module = &self.plan.modules[index];
        let name = &module.spec.name;
        let plugin = self.modules.plugin(name)?;
        let made = ParserModule::new(plugin, name, id_of(Kind::Module, index), &host_values(&module.values));
        self.check(made, name, &module.values, module.span)
    }

    /// Reports a ruleset that a parameter names and nobody defines.
    fn known_ruleset(&mut self, values: &Values, param: &str, at: Span) {
        let Some(name) = values.str(param).filter(|name| !name.is_empty()) else { return };
        if self.plan.ruleset(name).is_none() {
            let text = format!("ruleset '{name}' cannot be found");
            let span = values.span(param).unwrap_or(at);
            self.diagnostics.push(Diagnostic::error(2207, "unknown-ruleset", text, span));
        }
    }
}

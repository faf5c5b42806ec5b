//! Actions: outputs and modifications with their policy, columns, limits and queues.

use super::{Making, OutputModules, host_values, streams};
use crate::action::{Action, Attempt, ErrorFile, Policy, ToPlugin, When};
use crate::core::{Kind, id_of};
use crate::plugin::{ModifyModule, OutputInstance};
use crate::ratelimit::{self, OutputLimit};
use crate::worker::ActionUse;
use std::sync::Arc;
use sysloom_config::Diagnostic;
use sysloom_config::catalogue::{Kinds, Param, Type};
use sysloom_config::plan::{self, Plan, Value};

impl Making<'_> {
    /// One for each action of the Plan, so that their numbers hold; what cannot be made delivers nothing.
    pub(super) fn actions(
        &mut self,
        modules: &OutputModules,
        modifications: &[Option<ModifyModule>],
    ) -> Vec<(Arc<ActionUse>, Option<Arc<OutputInstance>>)> {
        let mut made = Vec::new();
        let mark_interval = mark_interval(self.plan).unwrap_or(MARK_INTERVAL);
        for (index, action) in self.plan.actions.iter().enumerate() {
            let me = id_of(Kind::Action, index);
            let spec = &self.plan.modules[action.module].spec;
            let name = self.plan.action_name(plan::ActionId(index));
            self.core.name(me, "core.action", &name);
            if spec.uses_streams {
                let params = streams::params(&action.streams, &self.plan.globals);
                self.core.stream(me, params, streams::places(&action.streams, action.span));
            }
            let instance = modules.get(action.module).and_then(Option::as_ref).and_then(|module| {
                let instance = module.instance(me, &host_values(&action.values));
                self.check(instance, &spec.name, &action.values, action.span).map(Arc::new)
            });
            let modify = modifications.get(action.module).and_then(Option::as_ref).and_then(|module| {
                let instance = module.instance(me, &host_values(&action.values));
                self.check(instance, &spec.name, &action.values, action.span)
            });
            let mut queue =
                action.queue.as_ref().and_then(|values| self.action_queue(&name, values, action.span));
            let hands_on = spec.instance_params.iter().any(|param| param.ty == Type::Ruleset);
            if (spec.kinds.contains(Kinds::MODIFY) || hands_on) && queue.take().is_some() {
                // rsyslog: takes the queue, and the changes come too late or in the middle of other actions.
                let what = if hands_on { "hands messages to a ruleset" } else { "changes messages" };
                let text = format!("action '{name}' {what} at its place: it gets no queue of its own");
                self.diagnostics.push(Diagnostic::warning(2357, "no-queue", text, action.span));
            }
            let module = format!("{}{}", if spec.builtin { "builtin:" } else { "" }, spec.name);
            let policy = Policy::new(&action.common, &self.plan.globals);
            let open = opener(instance.clone());
            let log = self.core.log.logger();
            let mut act = Action::new(name, module, policy, log.clone(), &self.core.stats);
            let most = action.common.int("action.errorFile.maxSize").unwrap_or(0);
            act.error_file =
                action.common.str("action.errorFile").map(|path| ErrorFile::new(path, most, log));
            act.external_state = action.common.str("action.externalState.file").map(Into::into);
            let limit = self.output_limit(action, &act.name, queue.is_some());
            let used = ActionUse {
                action: act,
                when: When::new(&action.common, mark_interval),
                columns: columns(self.plan, action),
                open,
                modify,
                queue,
                limit,
            };
            made.push((Arc::new(used), instance));
        }
        made
    }

    /// The limit that an action names: as every action can, or as its module does.
    fn output_limit(&mut self, action: &plan::Action, name: &str, queued: bool) -> Option<OutputLimit> {
        let own = ratelimit::named(&action.values, &self.limits, self.diagnostics);
        let limit = ratelimit::named(&action.common, &self.limits, self.diagnostics).or(own)?;
        let (made, complaint) = OutputLimit::new(limit, name, queued, action.span, &self.core.stats);
        self.diagnostics.extend(complaint);
        Some(made)
    }
}

/// The seconds between marks: of whichever module answers to rsyslog's directive for them.
fn mark_interval(plan: &Plan) -> Option<i64> {
    let mut settings = plan.modules.iter().flat_map(|module| module.values.iter());
    let is_marks =
        |param: &Param| param.legacy.iter().any(|l| l.name.eq_ignore_ascii_case("MarkMessagePeriod"));
    let (_, setting) = settings.find(|(param, _)| is_marks(param))?;
    match setting?.value {
        Value::Int(seconds) => Some(seconds),
        _ => None,
    }
}

/// How a worker thread gets its worker object of an action's output.
fn opener(instance: Option<Arc<OutputInstance>>) -> Box<dyn Fn() -> Result<Attempt, String> + Send + Sync> {
    Box::new(move || match &instance {
        Some(instance) => match instance.worker() {
            Ok(worker) => Ok(Attempt::new(Box::new(ToPlugin::new(worker)))),
            Err(fault) => Err(fault.text),
        },
        None => Err("its output was refused, see above; its messages are lost".into()),
    })
}

/// The templates of an action's columns: its own, then each parameter that names one.
fn columns(plan: &Plan, action: &plan::Action) -> Vec<usize> {
    let own = action.template.map(|id| id.0);
    let further = action.values.iter().filter_map(|(param, setting)| {
        if param.ty != Type::Template || param.answers_to("template") {
            return None;
        }
        match &setting?.value {
            Value::Str(name) => plan.template(name).map(|id| id.0),
            _ => None,
        }
    });
    own.into_iter().chain(further).collect()
}

/// Seconds between marks when nothing is said.
const MARK_INTERVAL: i64 = 1200;

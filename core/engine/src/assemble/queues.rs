//! Queues: of rulesets and actions, with what `global()` sets for all of a kind.

use super::Making;
use crate::action::Outbox;
use crate::batch::{Bulk, Pool};
use crate::control::{Time, Times};
use crate::core::Core;
use crate::queue::{Limits, Queue};
use std::sync::Arc;
use std::time::Duration;
use sysloom_config::plan::{self, Values};
use sysloom_config::{Diagnostic, Span};

pub(super) fn new_queue<T: Bulk>(name: &str, limits: Limits, pool: &Arc<Pool<T>>, core: &Core) -> Queue<T> {
    core.log.say(7, 0, &format!("queue '{name}': {}", limits.describe()));
    Queue::new(name, limits, Arc::clone(pool), &core.stats)
}

/// The queue that a ruleset has of its own.
pub(super) fn ruleset_queue(ruleset: &plan::Ruleset, core: &Core) -> Option<Arc<Queue>> {
    let values = ruleset.queue.as_ref()?;
    let kind = values.str("queue.type").unwrap_or("fixedarray");
    if kind.eq_ignore_ascii_case("direct") {
        return None;
    }
    let mut limits = Limits::from_values(values);
    if let Some((globals, _)) = core.globals.get() {
        general_limits(globals, "ruleset", Some(values), &mut limits);
    }
    let queue = Arc::new(new_queue(&ruleset.name, limits, &Arc::new(Pool::new(POOL)), core));
    let filled = Arc::clone(&queue);
    core.control.count_queue(Box::new(move || filled.fill()));
    Some(queue)
}

impl Making<'_> {
    /// The queue of an action that has one of its own; a direct one is none.
    pub(super) fn action_queue(
        &mut self,
        action: &str,
        values: &Values,
        at: Span,
    ) -> Option<Arc<Queue<Outbox>>> {
        let kind = values.str("queue.type").unwrap_or("direct").to_ascii_lowercase();
        if kind == "direct" {
            return None;
        }
        let mut lacks = |what: &str, parameter: &str| {
            let text = format!("{what} is not supported yet: the queue is kept in memory");
            let span = values.span(parameter).unwrap_or(at);
            self.diagnostics.push(Diagnostic::warning(2357, "unsupported", text, span));
        };
        match (kind.as_str(), values.written("queue.filename")) {
            ("disk", _) => lacks("a queue on disk", "queue.type"),
            (_, Some(_)) => lacks("spilling to disk", "queue.filename"),
            _ => {}
        }
        let mut limits = Limits::of_action(values);
        general_limits(&self.plan.globals, "action", Some(values), &mut limits);
        let instrumented = &self.core.control.action_default;
        if let Some(time) =
            instrumented.shutdown.is().filter(|_| values.written("queue.timeoutShutdown").is_none())
        {
            limits.timeout_shutdown = time;
        }
        if let Some(time) =
            instrumented.enqueue.is().filter(|_| values.written("queue.timeoutEnqueue").is_none())
        {
            limits.timeout_enqueue = time;
        }
        // What is ordered later holds for the same queues as what is set before.
        let unsaid = |name: &str, time: &Time| match values.written(name) {
            None => time.clone(),
            Some(_) => Time::default(),
        };
        let ordered = Times {
            shutdown: unsaid("queue.timeoutShutdown", &instrumented.shutdown),
            enqueue: unsaid("queue.timeoutEnqueue", &instrumented.enqueue),
        };
        let queue = new_queue(&format!("{action} queue"), limits, &Arc::new(Pool::new(POOL)), self.core);
        let queue = Arc::new(queue.ordered(ordered));
        let filled = Arc::clone(&queue);
        self.core.control.count_queue(Box::new(move || filled.fill()));
        Some(queue)
    }
}

/// What `global()` sets for all queues of a kind: times that the queue says nothing of itself, and its size at the end.
pub(super) fn general_limits(globals: &Values, kind: &str, own: Option<&Values>, limits: &mut Limits) {
    limits.doubles = globals.bool("shutdown.queue.doubleSize").unwrap_or(false);
    for (name, time) in [
        ("queue.timeoutShutdown", &mut limits.timeout_shutdown),
        ("queue.timeoutActionCompletion", &mut limits.timeout_action_completion),
        ("queue.timeoutEnqueue", &mut limits.timeout_enqueue),
        ("queue.timeoutWorkerThreadShutdown", &mut limits.timeout_worker),
    ] {
        let general = format!("default.{kind}.{name}");
        let given = globals.written(&general).and(globals.int(&general)).and_then(|n| u64::try_from(n).ok());
        if let Some(given) = given.filter(|_| own.is_none_or(|own| own.written(name).is_none())) {
            *time = Duration::from_millis(given);
        }
    }
}

/// Batches kept for reuse.
pub(super) const POOL: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_config::catalogue;
    use sysloom_config::plan::{Origin, Setting, Value};

    fn values(params: impl Into<Arc<[sysloom_config::catalogue::Param]>>, name: &str, ms: i64) -> Values {
        let mut values = Values::defaults(params.into());
        let at = values.index(name).expect("it is in the table");
        values.set(at, Setting { value: Value::Int(ms), span: Span::NONE, origin: Origin::Explicit });
        values
    }

    /// The four times of limits, in the order of the names below.
    fn times(limits: &Limits) -> [u128; 4] {
        let Limits { timeout_shutdown, timeout_action_completion, timeout_enqueue, timeout_worker, .. } =
            limits;
        [timeout_shutdown, timeout_action_completion, timeout_enqueue, timeout_worker]
            .map(Duration::as_millis)
    }

    #[test]
    fn each_general_time_holds_for_its_kind_and_its_time_alone() {
        let names =
            ["timeoutShutdown", "timeoutActionCompletion", "timeoutEnqueue", "timeoutWorkerThreadShutdown"];
        for kind in ["action", "ruleset"] {
            for (at, name) in names.iter().enumerate() {
                let globals = values(catalogue::globals(), &format!("default.{kind}.queue.{name}"), 4321);
                let with = |kind: &str, own: Option<&Values>| {
                    let mut limits = Limits::main_default();
                    general_limits(&globals, kind, own, &mut limits);
                    times(&limits)
                };
                let mut want = times(&Limits::main_default());
                let other = if kind == "action" { "ruleset" } else { "action" };
                assert_eq!(with(other, None), want, "{kind} {name}");
                // What a queue says of itself goes before it.
                let own = values(catalogue::ruleset_queue(), &format!("queue.{name}"), 1);
                assert_eq!(with(kind, Some(&own)), want, "{kind} {name}");
                want[at] = 4321;
                assert_eq!(with(kind, None), want, "{kind} {name}");
            }
        }
    }
}

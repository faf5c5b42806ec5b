//! Checks of queues that need all their values: a disk needs a file name, and no two queues may share one.

use super::Loader;
use crate::diagnostic::{Diagnostic, QUEUE_MARK};
use crate::plan::{ActionId, Origin, Setting, Value, Values};
use crate::source::Span;
use std::collections::HashMap;

impl Loader<'_> {
    /// Checks every queue of the Plan and corrects what rsyslog corrects.
    pub(super) fn check_queues(&mut self) {
        let mut queues: Vec<(String, Span, &mut Values)> = Vec::new();
        let names: Vec<String> =
            (0..self.plan.actions.len()).map(|n| self.plan.action_name(ActionId(n))).collect();
        if let Some(queue) = &mut self.plan.main_queue {
            queues.push(("main Q".into(), Span::NONE, queue));
        }
        for ruleset in &mut self.plan.rulesets {
            if let Some(queue) = &mut ruleset.queue {
                queues.push((ruleset.name.clone(), ruleset.span, queue));
            }
        }
        for (action, name) in self.plan.actions.iter_mut().zip(names) {
            if let Some(queue) = &mut action.queue {
                queues.push((format!("{name} queue"), action.span, queue));
            }
        }
        let mut prefixes: HashMap<(String, String), Span> = HashMap::new();
        for (name, span, queue) in queues {
            let place_of = |queue: &Values, param: &str| queue.span(param).unwrap_or(span);
            let at = |param: &str| place_of(queue, param);
            let kind = queue.str("queue.type").map_or(default_type(queue), str::to_ascii_lowercase);
            let file = queue.str("queue.filename").map(String::from);
            let place = at("queue.filename");
            let type_at = at("queue.type");
            let disk = matches!(kind.as_str(), "disk" | "segmenteddisk");
            if disk && file.is_none() {
                let message = format!(
                    "error on queue '{name}', disk mode selected, but no queue file name given; queue type changed to \
                     'linkedList'"
                );
                let d = Diagnostic::error(2328, "queue-file-name", message, type_at);
                self.diagnostics.push(d.help("give it a unique `queue.filename`"));
                let index = queue.index("queue.type");
                let setting = Setting {
                    value: Value::Str("LinkedList".into()),
                    span: type_at,
                    origin: Origin::Explicit,
                };
                index.into_iter().for_each(|index| queue.set(index, setting.clone()));
            }
            let explicit = queue.iter().find(|(_, s)| s.is_some_and(|s| s.origin == Origin::Explicit));
            if let (true, Some((param, Some(setting)))) =
                (kind == "direct", explicit.filter(|(p, _)| p.name != "queue.type"))
            {
                let message = format!(
                    "queue '{name}' is a direct one (no `queue.type` is set), its other parameters have no effect"
                );
                let help =
                    format!("`{}` needs `queue.type=\"LinkedList\"` or another real queue", param.name);
                self.diagnostics
                    .push(Diagnostic::warning(2357, "direct-queue", message, setting.span).help(help));
            }
            // rsyslog: said of every queue that has a size of its own below this.
            if let Some(size) = queue.written("queue.size").and(queue.int("queue.size"))
                && (1..LEAST_SIZE).contains(&size)
                && kind != "direct"
            {
                let message = format!(
                    "Note: queue.size=\"{size}\" is very low and can lead to unpredictable results. See also \
                     https://www.rsyslog.com/lower-bound-for-queue-sizes/"
                );
                self.diagnostics.push(Diagnostic::warning(
                    2186,
                    "small-queue",
                    message,
                    place_of(queue, "queue.size"),
                ));
            }
            if kind != "direct" {
                let marks = low_marks(&name, queue, file.is_some());
                self.diagnostics.extend(marks.into_iter().map(|(param, code, message)| match code {
                    NOT_MEANT => Diagnostic::error(code, QUEUE_MARK, message, place_of(queue, param)),
                    _ => Diagnostic::warning(code, QUEUE_MARK, message, place_of(queue, param)),
                }));
            }
            let Some(file) = file else { continue };
            let directory = queue.str("queue.spoolDirectory").unwrap_or("").to_string();
            if let Some(first) = prefixes.insert((directory.clone(), file.clone()), place) {
                let message = format!(
                    "queue directory '{directory}' and file name prefix '{file}' already used. This is not possible. \
                     Please make it unique."
                );
                let d = Diagnostic::error(2207, "queue-file-twice", message, place);
                self.diagnostics.push(d.label(first, "already used here"));
            }
        }
    }
}

/// What rsyslog finds odd about a queue's marks: the parameter, the code and the words.
fn low_marks(name: &str, queue: &Values, spills: bool) -> Vec<(&'static str, i32, String)> {
    let own = |param| queue.written(param).and(queue.int(param)).filter(|n| *n != -1);
    // rsyslog: that of a main queue of which only directives speak.
    let size = queue.int("queue.size").unwrap_or(100_000);
    let low = |param: &'static str, what: &str, share: i64| {
        let (given, usual) = (own(param)?, size / 100 * share);
        let text = format!(
            "queue \"{name}\": {what} is set quite low at {given}. You should only set it below {share}% ({usual}) if you \
             have a good reason for this."
        );
        (given < usual).then_some((param, CODE_LOW, text))
    };
    let mut found = Vec::new();
    found.extend(low("queue.highWatermark", "high water mark", 60));
    if queue.int("queue.workerThreads").is_some_and(|n| n > 1) {
        // rsyslog: it leaves out the last letter of the name.
        found.extend(low("queue.workerThreadMinimumMessages", "queue.workerThreadMinimumMessage", 10));
    }
    if let Some(mark) = own("queue.discardMark").filter(|mark| *mark > size) {
        let text = format!("error: queue \"{name}\": queue.discardMark {mark} is set larger than queue.size");
        found.push(("queue.discardMark", NOT_MEANT, text));
    }
    found.extend(low("queue.discardMark", "queue.discardMark", 80));
    if let (true, Some(full), Some(high)) = (spills, own("queue.fullDelayMark"), own("queue.highWatermark"))
        && full < high
    {
        // rsyslog: two blanks stand in its words.
        let text = format!(
            "queue \"{name}\": queue.fullDelayMark is set below high water mark. This will result in DA mode  NOT being \
             activated for full delayable messages: In many cases this is a configuration error, please check if this \
             is really what you want"
        );
        found.push(("queue.fullDelayMark", CODE_FULL_DELAY, text));
    }
    found
}

/// The type of a queue that names none.
fn default_type(queue: &Values) -> String {
    let param = queue.index("queue.type").and_then(|index| queue.table().get(index));
    param.and_then(|p| p.default.clone()).unwrap_or_default().to_ascii_lowercase()
}

const LEAST_SIZE: i64 = 100;
/// rsyslog's codes.
const CODE_LOW: i32 = 2357;
const CODE_FULL_DELAY: i32 = 2358;
const NOT_MEANT: i32 = 1000;

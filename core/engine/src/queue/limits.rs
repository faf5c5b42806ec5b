//! A queue's numbers: from `queue.*` parameters, corrected the way rsyslog corrects them.

use std::time::Duration;
use sysloom_config::plan::Values;

/// What bounds a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages it holds.
    pub size: usize,
    /// While the daemon stops it may hold as much again (shutdown.queue.doubleSize).
    pub doubles: bool,
    /// Fill at which delayable senders wait for a second.
    pub light_delay_mark: usize,
    /// Fill at which fully delayable senders wait.
    pub full_delay_mark: usize,
    /// How long a sender waits for room before its messages are lost.
    pub timeout_enqueue: Duration,
    /// How long the workers may go on emptying it when the daemon stops.
    pub timeout_shutdown: Duration,
    /// How long the batch at hand may take after that.
    pub timeout_action_completion: Duration,
    /// Messages that a worker takes at once, at most.
    pub batch: usize,
    /// How many a worker waits for before it takes them, and how long at most.
    pub min_batch: usize,
    pub min_batch_timeout: Duration,
    /// A queue of an action holds senders back as the messages' inputs allow.
    pub take_flow_control: bool,
    /// Workers at most.
    pub workers: usize,
    /// Messages in the queue for each worker beyond the first.
    pub minimum_messages: usize,
    /// After how long without work an extra worker ends.
    pub timeout_worker: Duration,
    /// Fill from which less important messages are dropped; 0 = never.
    pub discard_mark: usize,
    /// The severities that are dropped then: this one and less urgent ones; 8 = none.
    pub discard_severity: i64,
    /// Keep only every so many-th message; 0 = all.
    pub sampling: usize,
    /// Pause for each message after it was worked on.
    pub slowdown: Duration,
    /// The hours of the day in which workers work.
    pub window: Option<Window>,
}

/// Hours of the local day, from the first to before the second; it may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub begin: i64,
    pub end: i64,
}

impl Window {
    /// Whether workers work in this hour.
    pub fn holds(self, hour: i64) -> bool {
        match self.begin < self.end {
            true => (self.begin..self.end).contains(&hour),
            false => hour >= self.begin || hour < self.end,
        }
    }
}

impl Limits {
    /// rsyslog: what the main queue has when nothing is said of it.
    pub fn main_default() -> Self {
        Self { batch: 256, minimum_messages: 40_000, ..Self::sized(100_000, 2) }
    }

    /// rsyslog: what a queue of an action has.
    pub fn action_default() -> Self {
        Self {
            timeout_shutdown: Duration::from_millis(10),
            minimum_messages: 100,
            batch: 128,
            ..Self::sized(1000, 1)
        }
    }

    /// Messages that it may ever hold.
    pub fn most(&self) -> usize {
        self.size.saturating_mul(if self.doubles { 2 } else { 1 })
    }

    /// What bounds the queue, in one line, for the debug stream.
    pub fn describe(&self) -> String {
        format!(
            "size {}, full delay {}, light delay {}, batch {}, least batch {}, discard mark {}, workers {}, \
             messages for a worker {}, flow control {}, times: shutdown {:?}, action completion {:?}, enqueue {:?}, \
             worker {:?}",
            self.size,
            self.full_delay_mark,
            self.light_delay_mark,
            self.batch,
            self.min_batch,
            self.discard_mark,
            self.workers,
            self.minimum_messages,
            self.take_flow_control,
            self.timeout_shutdown,
            self.timeout_action_completion,
            self.timeout_enqueue,
            self.timeout_worker,
        )
    }

    fn sized(size: usize, workers: usize) -> Self {
        Self {
            size,
            doubles: false,
            light_delay_mark: share(size, 70).unwrap_or((size - 1).max(1)),
            full_delay_mark: share(size, 97).unwrap_or((size - 1).max(1)),
            timeout_enqueue: Duration::from_millis(2000),
            timeout_shutdown: Duration::from_millis(1500),
            timeout_action_completion: Duration::from_millis(1000),
            batch: 1024.min(size),
            min_batch: 0,
            min_batch_timeout: Duration::from_millis(1000),
            take_flow_control: false,
            workers,
            minimum_messages: (size / workers.max(1)).max(1),
            timeout_worker: Duration::from_millis(60_000),
            // Nothing is discarded before a small queue is full.
            discard_mark: share(size, 98).unwrap_or(size),
            discard_severity: ALL_KEPT,
            sampling: 0,
            slowdown: Duration::ZERO,
            window: None,
        }
    }

    /// From the parameters of a `main_queue()` or `ruleset()` object.
    pub fn from_values(values: &Values) -> Self {
        Self::over(values, Self::sized(50_000, 1))
    }

    /// From the queue parameters of an `action()` object.
    pub fn of_action(values: &Values) -> Self {
        Self::over(values, Self::action_default())
    }

    fn over(values: &Values, defaults: Self) -> Self {
        let number = |name| values.int(name).and_then(|n| usize::try_from(n).ok());
        let time = |name| values.int(name).and_then(|n| u64::try_from(n).ok()).map(Duration::from_millis);
        let size = number("queue.size").filter(|n| *n > 0).unwrap_or(defaults.size);
        let workers = number("queue.workerThreads").filter(|n| *n > 0).unwrap_or(defaults.workers);
        let usual = Self { timeout_shutdown: defaults.timeout_shutdown, ..Self::sized(size, workers) };
        // rsyslog: a mark that lies outside the queue is set to its share of the size.
        let mark = |name, usual| number(name).filter(|n| (1..=size).contains(n)).unwrap_or(usual);
        Self {
            // rsyslog: 0 = senders are not delayed before the queue is full.
            light_delay_mark: match number("queue.lightDelayMark") {
                Some(0) => size,
                _ => mark("queue.lightDelayMark", usual.light_delay_mark),
            },
            full_delay_mark: mark("queue.fullDelayMark", usual.full_delay_mark),
            timeout_enqueue: time("queue.timeoutEnqueue").unwrap_or(usual.timeout_enqueue),
            timeout_shutdown: time("queue.timeoutShutdown").unwrap_or(usual.timeout_shutdown),
            timeout_action_completion: time("queue.timeoutActionCompletion")
                .unwrap_or(usual.timeout_action_completion),
            // rsyslog: a batch is never larger than the queue, and nobody waits for more than a batch.
            batch: number("queue.dequeueBatchSize").filter(|n| *n > 0).unwrap_or(defaults.batch).min(size),
            min_batch: number("queue.minDequeueBatchSize").unwrap_or(0),
            min_batch_timeout: time("queue.minDequeueBatchSize.timeout").unwrap_or(usual.min_batch_timeout),
            take_flow_control: values.bool("queue.takeFlowCtlFromMsg").unwrap_or(false),
            timeout_worker: time("queue.timeoutWorkerThreadShutdown").unwrap_or(usual.timeout_worker),
            minimum_messages: number("queue.workerThreadMinimumMessages")
                .filter(|n| (1..=size).contains(n))
                .unwrap_or(usual.minimum_messages),
            discard_mark: mark("queue.discardMark", usual.discard_mark),
            discard_severity: values.int("queue.discardSeverity").unwrap_or(ALL_KEPT),
            sampling: number("queue.samplingInterval").unwrap_or(0),
            slowdown: Duration::from_micros(number("queue.dequeueSlowdown").unwrap_or(0) as u64),
            window: window(values),
            ..usual
        }
    }
}

fn window(values: &Values) -> Option<Window> {
    let end = values.int("queue.dequeueTimeEnd").filter(|end| *end != NO_WINDOW)?;
    Some(Window { begin: values.int("queue.dequeueTimeBegin").unwrap_or(0), end })
}

/// So many percent of a size, of its whole hundreds; none of a size below one hundred.
// rsyslog: this is how it counts.
fn share(size: usize, percent: usize) -> Option<usize> {
    Some(size / 100 * percent).filter(|share| *share > 0)
}

/// rsyslog: the number behind the least urgent severity.
const ALL_KEPT: i64 = 8;
/// rsyslog: the end of a window that is none.
const NO_WINDOW: i64 = 25;

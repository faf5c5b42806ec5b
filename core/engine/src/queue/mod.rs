//! Queues in memory: where batches wait between the threads of the inputs and those of the workers.
//!
//! Intake enqueues whole batches and is held back by rsyslog's marks; a worker takes a batch, works on it, and says
//! when it is done with it, so that the fill counts what is not yet fully processed. A batch crosses through a
//! crossbeam channel; nothing is allocated or locked for it unless the queue is full.

mod limits;

pub use limits::{Limits, Window};

use crate::batch::{Batch, Bulk, Pool};
use crate::stats::Stats;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How far a sender can be held back while the queue is filling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// Only by a full queue.
    None,
    /// For a second at the light delay mark.
    Light,
    /// For as long as the fill is above the full delay mark.
    Full,
    /// Not at all: what does not fit is refused.
    Never,
}

/// A queue of batches.
pub struct Queue<T: Bulk = Batch> {
    pub name: String,
    limits: Limits,
    give: Sender<Box<T>>,
    take: Receiver<Box<T>>,
    /// Messages that were enqueued and are not yet fully processed.
    fill: AtomicUsize,
    /// Where workers wait for batches: without the spinning of the channel's own wait, which costs more than a message
    /// when they come one by one.
    arrivals: Gate,
    /// Where senders wait for room in a full queue.
    room: Gate,
    /// Where senders wait that are too far ahead of the workers.
    pace: Gate,
    /// Batches that workers are done with, to tell a slow worker from one that is stuck.
    finished: AtomicUsize,
    /// Where workers pause that shall not work now.
    rest: Gate,
    /// Messages since the last one that sampling kept.
    sampled: AtomicUsize,
    stopping: AtomicBool,
    pool: Arc<Pool<T>>,
    counts: Counts,
}

struct Counts {
    enqueued: &'static AtomicU64,
    full: &'static AtomicU64,
    discarded_full: &'static AtomicU64,
    discarded_nf: &'static AtomicU64,
    size: &'static AtomicU64,
    max_size: &'static AtomicU64,
}

/// A place to wait for something that a worker brings about. Free of cost while nobody waits.
#[derive(Default)]
struct Gate {
    held: Mutex<()>,
    changed: Condvar,
    waiting: AtomicUsize,
}

/// What [`Queue::take`] came back with.
pub enum Taken<T = Batch> {
    Batch(Box<T>),
    /// Nothing came in the time allowed.
    Nothing,
    /// The queue is stopping and empty.
    Stopped,
}

impl<T: Bulk> Queue<T> {
    pub fn new(name: &str, limits: Limits, pool: Arc<Pool<T>>, stats: &Stats) -> Self {
        let (give, take) = bounded(limits.size.clamp(1, MAX_BATCHES));
        let counter = |c| stats.counter("core.queue", name, c);
        let counts = Counts {
            size: stats.level("core.queue", name, "size"),
            enqueued: counter("enqueued"),
            full: counter("full"),
            discarded_full: counter("discarded.full"),
            discarded_nf: counter("discarded.nf"),
            max_size: stats.level("core.queue", name, "maxqsize"),
        };
        Self {
            name: name.into(),
            limits,
            give,
            take,
            fill: AtomicUsize::new(0),
            arrivals: Gate::default(),
            room: Gate::default(),
            pace: Gate::default(),
            finished: AtomicUsize::new(0),
            rest: Gate::default(),
            sampled: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            pool,
            counts,
        }
    }

    /// An empty batch to fill.
    pub fn empty(&self) -> Box<T> {
        self.pool.take()
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Messages that are in the queue or being processed.
    pub fn fill(&self) -> usize {
        self.fill.load(Ordering::Acquire)
    }

    /// Puts a batch in. Returns how many messages were lost because the queue stayed full.
    pub fn enqueue(&self, mut batch: Box<T>, delay: Delay) -> usize {
        self.select(&mut batch);
        let n = batch.messages();
        if n == 0 {
            self.pool.give(batch);
            return 0;
        }
        self.hold_back(delay);
        if self.fill() >= self.limits.size {
            self.counts.full.fetch_add(n as u64, Ordering::Relaxed);
            let patience = if delay == Delay::Never { Duration::ZERO } else { self.limits.timeout_enqueue };
            if !self.wait_below(self.limits.size, patience) {
                return self.lose(batch);
            }
        }
        let fill = self.fill.fetch_add(n, Ordering::AcqRel) + n;
        self.counts.enqueued.fetch_add(n as u64, Ordering::Relaxed);
        self.counts.size.store(fill as u64, Ordering::Relaxed);
        self.counts.max_size.fetch_max(fill as u64, Ordering::Relaxed);
        let lost = match self.give.try_send(batch) {
            Ok(()) => 0,
            // So many small batches that the channel is full before the count is.
            Err(TrySendError::Full(batch)) => {
                match self.give.send_timeout(batch, self.limits.timeout_enqueue) {
                    Ok(()) => 0,
                    Err(e) => {
                        self.fill.fetch_sub(n, Ordering::AcqRel);
                        self.lose(e.into_inner())
                    }
                }
            }
            Err(TrySendError::Disconnected(batch)) => self.lose(batch),
        };
        self.arrivals.look_one();
        lost
    }

    /// Drops what sampling leaves out, and what is not important enough for a queue that is filling.
    fn select(&self, batch: &mut T) {
        let Limits { sampling, discard_mark, discard_severity, .. } = self.limits;
        if sampling > 1 {
            batch.keep(&mut |_| self.sampled.fetch_add(1, Ordering::AcqRel) % sampling == sampling - 1);
        }
        let mut fill = self.fill();
        let n = batch.messages();
        if discard_mark == 0 || discard_severity > 7 || fill + n <= discard_mark {
            return;
        }
        batch.keep(&mut |severity| {
            let kept = fill < discard_mark || i64::from(severity) < discard_severity;
            fill += usize::from(kept);
            kept
        });
        self.counts.discarded_nf.fetch_add((n - batch.messages()) as u64, Ordering::Relaxed);
    }

    /// Waits for a batch.
    pub fn take(&self, patience: Duration) -> Taken<T> {
        let mut batch = self.take.try_recv();
        if batch.is_err() {
            let stopping = || self.stopping.load(Ordering::Acquire);
            self.arrivals.wait(patience, || !self.take.is_empty() || stopping());
            batch = self.take.try_recv();
        }
        match batch {
            Ok(batch) => Taken::Batch(batch),
            Err(_) if self.stopping.load(Ordering::Acquire) && self.take.is_empty() => Taken::Stopped,
            Err(_) => Taken::Nothing,
        }
    }

    /// The worker is done with a batch that it took.
    pub fn done(&self, batch: Box<T>) {
        self.done_with(batch.messages(), batch);
    }

    /// As [`Queue::done`], for a batch that held `n` messages when it was taken.
    pub fn done_with(&self, n: usize, batch: Box<T>) {
        self.pool.give(batch);
        self.finished.fetch_add(1, Ordering::AcqRel);
        let fill = self.fill.fetch_sub(n, Ordering::AcqRel).saturating_sub(n);
        self.counts.size.store(fill as u64, Ordering::Relaxed);
        self.room.look();
        if self.take.len() <= CLOSE {
            self.pace.look();
        }
    }

    /// Waits until everything is processed, at most for `patience`.
    pub fn drain(&self, patience: Duration) -> bool {
        self.wait_below(1, patience)
    }

    /// From now on [`Queue::take`] reports the end once the queue is empty.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.arrivals.look();
        self.rest.look();
    }

    /// A worker does nothing for a while; whether the queue is stopping.
    pub fn pause(&self, time: Duration) -> bool {
        self.rest.wait(time, || self.stopping.load(Ordering::Acquire))
    }

    fn hold_back(&self, delay: Delay) {
        if matches!(delay, Delay::Light | Delay::Full) {
            self.pace();
        }
        let fill = self.fill();
        match delay {
            Delay::Full if fill >= self.limits.full_delay_mark => {
                while !self.wait_below(self.limits.full_delay_mark, ONE_SECOND)
                    && !self.stopping.load(Ordering::Acquire)
                {}
            }
            Delay::Light if fill >= self.limits.light_delay_mark => {
                self.wait_below(self.limits.light_delay_mark, ONE_SECOND);
            }
            _ => {}
        }
    }

    /// A sender that can be held back keeps step with workers that are getting on: memory is for bursts that they
    /// cannot help with, not for what a fast sender is ahead of them.
    fn pace(&self) {
        if self.take.len() < AHEAD {
            return;
        }
        loop {
            let before = self.finished.load(Ordering::Acquire);
            let close = self.pace.wait(PROGRESS, || self.take.len() <= CLOSE);
            let stuck = self.finished.load(Ordering::Acquire) == before;
            if close || stuck || self.stopping.load(Ordering::Acquire) {
                return;
            }
        }
    }

    fn wait_below(&self, mark: usize, patience: Duration) -> bool {
        self.room.wait(patience, || self.fill() < mark)
    }

    fn lose(&self, batch: Box<T>) -> usize {
        let n = batch.messages();
        self.counts.discarded_full.fetch_add(n as u64, Ordering::Relaxed);
        self.pool.give(batch);
        n
    }
}

impl Gate {
    /// Waits until the condition is met, at most for `patience`; whether it was.
    fn wait(&self, patience: Duration, met: impl Fn() -> bool) -> bool {
        let end = Instant::now() + patience;
        self.waiting.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let mut held = self.held.lock().unwrap_or_else(|e| e.into_inner());
        let met = loop {
            if met() {
                break true;
            }
            let now = Instant::now();
            if now >= end {
                break false;
            }
            held = self.changed.wait_timeout(held, end - now).unwrap_or_else(|e| e.into_inner()).0;
        };
        drop(held);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        met
    }

    /// Has those who wait look again.
    fn look(&self) {
        if self.is_waited_at() {
            self.changed.notify_all();
        }
    }

    /// Has one of those who wait look again.
    fn look_one(&self) {
        if self.is_waited_at() {
            self.changed.notify_one();
        }
    }

    fn is_waited_at(&self) -> bool {
        // Orders what was done before against the count of those who looked before that.
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return false;
        }
        // Taking the lock orders the wake-up after a waiter's last look.
        drop(self.held.lock().unwrap_or_else(|e| e.into_inner()));
        true
    }
}

/// Slots of the channel: batches that may wait, however few messages each holds.
const MAX_BATCHES: usize = 16 * 1024;
/// Batches that a sender may be ahead of workers that are getting on.
const AHEAD: usize = 8;
/// How close behind they must come before it goes on.
const CLOSE: usize = 3;
/// Workers that finish nothing for so long are stuck, and the queue fills as far as it is allowed to.
const PROGRESS: Duration = Duration::from_millis(50);
const ONE_SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;

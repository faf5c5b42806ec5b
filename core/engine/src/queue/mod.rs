//! Queues in memory: where batches wait between the threads of the inputs and those of the workers.
//!
//! Intake enqueues whole batches and is held back by rsyslog's marks; a worker takes a batch, works on it, and says
//! when it is done with it, so that the fill counts what is not yet fully processed. A batch crosses through a
//! crossbeam channel; nothing is allocated or locked for it unless the queue is full.

mod limits;

pub use limits::{Limits, Window};

use crate::action::Stop;
use crate::batch::{Batch, Bulk, Pool};
use crate::control::Times;
use crate::stats::Stats;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
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

impl Delay {
    /// The one that holds back less.
    pub fn less_patient(self, other: Self) -> Self {
        let rank = |delay| match delay {
            Self::Never => 0,
            Self::None => 1,
            Self::Light => 2,
            Self::Full => 3,
        };
        if rank(self) <= rank(other) { self } else { other }
    }
}

/// A queue of batches.
pub struct Queue<T: Bulk = Batch> {
    pub name: String,
    limits: Limits,
    give: Sender<Box<T>>,
    take: Receiver<Box<T>>,
    /// What was left of a batch that did not fit into another: the first to be taken.
    front: Mutex<Option<Box<T>>>,
    /// Messages that no worker has taken yet.
    waiting: AtomicUsize,
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
    /// What is done after each arrival: more workers may be needed.
    on_arrival: OnceLock<Box<dyn Fn() + Send + Sync>>,
    stopping: AtomicBool,
    /// Senders are not held back any more: what they have at hand is all that comes.
    released: AtomicBool,
    /// The daemon stops, see [`Queue::widen`].
    widened: AtomicBool,
    /// Its time is over: workers end after the batch at hand, and whoever waits for a destination gives up.
    gives_up: Arc<Stop>,
    /// Nobody waits for room any more.
    hurried: AtomicBool,
    /// What holds instead of the limits' times.
    ordered: Times,
    pool: Arc<Pool<T>>,
    counts: Counts,
}

struct Counts {
    enqueued: &'static AtomicU64,
    /// Their bytes.
    size_enqueued: &'static AtomicU64,
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
        let (give, take) = bounded(limits.most().clamp(1, MAX_BATCHES));
        let counter = |c| stats.counter("core.queue", name, c);
        let counts = Counts {
            size: stats.level("core.queue", name, "size"),
            enqueued: counter("enqueued"),
            size_enqueued: counter("size.enqueued"),
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
            front: Mutex::default(),
            waiting: AtomicUsize::new(0),
            fill: AtomicUsize::new(0),
            arrivals: Gate::default(),
            room: Gate::default(),
            pace: Gate::default(),
            finished: AtomicUsize::new(0),
            rest: Gate::default(),
            sampled: AtomicUsize::new(0),
            on_arrival: OnceLock::new(),
            stopping: AtomicBool::new(false),
            released: AtomicBool::new(false),
            widened: AtomicBool::new(false),
            gives_up: Arc::default(),
            hurried: AtomicBool::new(false),
            ordered: Times::default(),
            pool,
            counts,
        }
    }

    /// Has these times hold instead of those of its limits, once somebody sets them.
    pub fn ordered(mut self, times: Times) -> Self {
        self.ordered = times;
        self
    }

    /// How long workers may go on emptying it when the daemon stops.
    pub fn timeout_shutdown(&self) -> Duration {
        self.ordered.shutdown.is().unwrap_or(self.limits.timeout_shutdown)
    }

    /// What its workers look at before they wait for a destination.
    pub fn gives_up(&self) -> &Arc<Stop> {
        &self.gives_up
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

    /// Puts a batch in, in parts where it meets a mark or the end of the room. Returns how many messages were lost because
    /// the queue stayed full.
    pub fn enqueue(&self, mut batch: Box<T>, delay: Delay) -> usize {
        // rsyslog: what is dropped right away has been counted as well.
        self.counts.enqueued.fetch_add(batch.messages() as u64, Ordering::Relaxed);
        self.counts.size_enqueued.fetch_add(batch.bytes() as u64, Ordering::Relaxed);
        self.select(&mut batch);
        if matches!(delay, Delay::Light | Delay::Full) && batch.messages() > 0 {
            self.pace();
        }
        let (mut lost, mut light) = (0, 0);
        loop {
            let n = batch.messages();
            if n == 0 {
                self.pool.give(batch);
                return lost;
            }
            let size = self.size();
            let mark = match delay {
                Delay::Full => self.limits.full_delay_mark.min(size),
                // rsyslog: a light delay is one wait for a message, then it goes in.
                Delay::Light if light == 0 && self.limits.light_delay_mark > 0 => {
                    self.limits.light_delay_mark.min(size)
                }
                _ => size,
            };
            let mark = if self.released.load(Ordering::Acquire) { size } else { mark };
            let most = n.min(self.limits.batch).min(if light == 0 { usize::MAX } else { light });
            let room = |fill: usize| (fill < mark).then(|| fill + most.min(mark - fill));
            if let Ok(before) = self.fill.fetch_update(Ordering::AcqRel, Ordering::Acquire, room) {
                light = 0;
                let part = most.min(mark - before);
                let fill = before + part;
                self.counts.size.store(fill as u64, Ordering::Relaxed);
                self.counts.max_size.fetch_max(fill as u64, Ordering::Relaxed);
                if part == n {
                    return lost + self.put(batch);
                }
                let mut piece = self.pool.take();
                batch.move_front(part, &mut piece);
                lost += self.put(piece);
                continue;
            }
            if mark < size {
                let met = || self.fill() < mark || self.released.load(Ordering::Acquire);
                if !self.room.wait(ONE_SECOND, met) && delay == Delay::Light {
                    light = 1;
                }
                continue;
            }
            self.counts.full.fetch_add(1, Ordering::Relaxed);
            let patience = match delay {
                Delay::Never => Duration::ZERO,
                _ => self.ordered.enqueue.is().unwrap_or(self.limits.timeout_enqueue),
            };
            let hurried = || self.hurried.load(Ordering::Acquire);
            let met = || self.fill() < mark || self.size() > size || hurried();
            if patience.is_zero()
                || !self.room.wait(patience, met)
                || (hurried() && self.fill() >= self.size())
            {
                // rsyslog: each message has its own time to wait.
                let n = if patience.is_zero() || hurried() { n } else { 1 };
                lost += n;
                self.counts.discarded_full.fetch_add(n as u64, Ordering::Relaxed);
                let mut gone = self.pool.take();
                batch.move_front(n, &mut gone);
                self.pool.give(gone);
            }
        }
    }

    /// Hands on a part whose place is taken already. Returns how many messages were lost.
    fn put(&self, batch: Box<T>) -> usize {
        let n = batch.messages();
        self.waiting.fetch_add(n, Ordering::AcqRel);
        let lose = |batch: Box<T>| {
            self.waiting.fetch_sub(n, Ordering::AcqRel);
            self.fill.fetch_sub(n, Ordering::AcqRel);
            self.counts.discarded_full.fetch_add(n as u64, Ordering::Relaxed);
            self.pool.give(batch);
            n
        };
        let lost = match self.give.try_send(batch) {
            Ok(()) => 0,
            // So many small batches that the channel is full before the count is.
            Err(TrySendError::Full(batch)) => self
                .give
                .send_timeout(batch, self.limits.timeout_enqueue)
                .map_or_else(|e| lose(e.into_inner()), |()| 0),
            Err(TrySendError::Disconnected(batch)) => lose(batch),
        };
        self.arrivals.look_one();
        if let Some(then) = self.on_arrival.get() {
            then();
        }
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

    /// Waits for a batch: of as many messages as there are, up to the most that a worker takes at once.
    pub fn take(&self, patience: Duration) -> Taken<T> {
        if self.gives_up.is_set() {
            return Taken::Stopped;
        }
        let stopping = || self.stopping.load(Ordering::Acquire);
        if self.waiting() == 0 {
            self.arrivals.wait(patience, || self.waiting() > 0 || stopping());
        }
        let least = self.limits.min_batch.min(self.limits.batch);
        if (1..least).contains(&self.waiting()) {
            self.arrivals.wait(self.limits.min_batch_timeout, || self.waiting() >= least || stopping());
        }
        match self.gather() {
            Some(batch) => Taken::Batch(batch),
            None if stopping() && self.waiting() == 0 => Taken::Stopped,
            None => Taken::Nothing,
        }
    }

    /// Has `then` called after each arrival.
    pub fn on_arrival(&self, then: Box<dyn Fn() + Send + Sync>) {
        let _ = self.on_arrival.set(then);
    }

    /// Whether [`Queue::stop`] was called.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Messages that no worker has taken yet.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    fn gather(&self) -> Option<Box<T>> {
        let mut front: MutexGuard<'_, Option<Box<T>>> = self.front.lock().unwrap_or_else(|e| e.into_inner());
        let mut batch = front.take().or_else(|| self.take.try_recv().ok())?;
        let most = self.limits.batch;
        if batch.messages() > most {
            let mut piece = self.pool.take();
            batch.move_front(most, &mut piece);
            *front = Some(std::mem::replace(&mut batch, piece));
        }
        while front.is_none() && batch.messages() < most && !batch.is_heavy() {
            let Ok(mut next) = self.take.try_recv() else { break };
            next.move_front(most - batch.messages(), &mut batch);
            match next.messages() {
                0 => self.pool.give(next),
                _ => *front = Some(next),
            }
        }
        drop(front);
        self.waiting.fetch_sub(batch.messages(), Ordering::AcqRel);
        Some(batch)
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

    /// Waits until no batch is in work, at most for `patience`; whether everything is processed then.
    pub fn rest(&self, patience: Duration) -> bool {
        self.room.wait(patience, || self.fill() <= self.waiting());
        self.fill() == 0
    }

    /// From now on [`Queue::take`] reports the end once the queue is empty.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.arrivals.look();
        self.rest.look();
    }

    /// Senders are not held back by marks any more: the daemon stops.
    pub fn release(&self) {
        self.released.store(true, Ordering::Release);
        self.room.look();
    }

    /// The daemon stops: from now on it holds as much as its limits say for that.
    pub fn widen(&self) {
        self.widened.store(true, Ordering::Release);
        self.room.look();
    }

    /// Messages that it holds.
    fn size(&self) -> usize {
        match self.widened.load(Ordering::Acquire) {
            true => self.limits.most(),
            false => self.limits.size,
        }
    }

    /// Nobody waits for room any more: the senders' own time is over.
    pub fn hurry(&self) {
        self.hurried.store(true, Ordering::Release);
        self.room.look();
    }

    /// The queue's time is over: workers end after the batch at hand, and wait for no destination.
    pub fn give_up(&self) {
        self.gives_up.stop();
        self.stop();
    }

    /// A worker does nothing for a while; whether the queue is stopping.
    pub fn pause(&self, time: Duration) -> bool {
        self.rest.wait(time, || self.stopping.load(Ordering::Acquire))
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

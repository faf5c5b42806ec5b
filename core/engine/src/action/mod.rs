//! Actions: commit a transaction's records to an output, and do what rsyslog does when that fails.
//!
//! States: ready -> (failure) retry -> suspended -> (interval over, resume works) ready. A worker owns one
//! [`Attempt`] per action; name, policy and counters are shared by all workers.

mod deliver;
mod errorfile;
mod modify;
mod outbox;
mod policy;
mod when;

pub use deliver::ToPlugin;
pub use errorfile::ErrorFile;
pub use modify::{Knowledge, Modifier, Workshop};
pub use outbox::Outbox;
pub use policy::Policy;
pub use when::When;

use crate::clock;
use crate::plugin::Fault;
use crate::stats::Stats;
use slog::{Logger, error, info, warn};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// What is the same for all workers of an action.
pub struct Action {
    pub name: String,
    /// The module as messages name it, for example `builtin:omfwd`.
    pub module: String,
    pub policy: Policy,
    pub log: Logger,
    /// Where records go that are given up.
    pub error_file: Option<ErrorFile>,
    /// A file in which somebody else says whether the action is to be suspended.
    pub external_state: Option<PathBuf>,
    processed: &'static AtomicU64,
    batches: &'static AtomicU64,
    failed: &'static AtomicU64,
    suspended: &'static AtomicU64,
    /// Seconds that suspensions were to last.
    duration: &'static AtomicU64,
    resumed: &'static AtomicU64,
    disabled: AtomicBool,
    /// Messages that were given up because the daemon stops.
    given_up: AtomicU64,
}

/// Where records go: the worker object of an output, or a test's stand-in.
pub trait Deliver: Send {
    fn commit(&mut self, records: &Outbox) -> Delivered;
    /// Asks whether a suspended destination is back; the error says what is in the way.
    fn resume(&mut self) -> Result<(), Fault>;
}

/// What an output made of a transaction. Texts say what is in the way; empty = nothing to say.
#[derive(Debug, PartialEq, Eq)]
pub enum Delivered {
    Done,
    Suspended(Fault),
    Disabled(Fault),
    /// One result a row.
    Each(Vec<Row>, Fault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    Done,
    Retry,
    Reject,
}

/// One worker's side of an action.
pub struct Attempt {
    deliver: Box<dyn Deliver>,
    /// Of the queue whose worker this is: its time is over.
    stop: Arc<Stop>,
    suspended_until: Option<Instant>,
    /// Suspensions in a row.
    suspensions: u32,
    /// The last reason that was logged, so that the same one is not said again.
    said: String,
    /// Handles of the messages that the last commit gave up, in their order.
    lost: Vec<u64>,
}

/// Something's time is over: whoever waits for a retry is woken.
#[derive(Default)]
pub struct Stop {
    set: AtomicBool,
    stopping: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    pub fn stop(&self) {
        self.set.store(true, Ordering::Release);
        *self.stopping.lock().unwrap_or_else(|e| e.into_inner()) = true;
        self.changed.notify_all();
    }

    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Waits; true = the time is over.
    pub fn wait(&self, time: Duration) -> bool {
        let held = self.stopping.lock().unwrap_or_else(|e| e.into_inner());
        let (held, _) = self
            .changed
            .wait_timeout_while(held, time, |stopping| !*stopping)
            .unwrap_or_else(|e| e.into_inner());
        *held
    }
}

impl Action {
    pub fn new(name: String, module: String, policy: Policy, log: Logger, stats: &Stats) -> Self {
        let counter = |c| stats.counter("core.action", &name, c);
        let (processed, batches, failed) =
            (counter("processed"), counter("batchesprocessed"), counter("failed"));
        let suspended = counter("suspended");
        let duration = stats.level("core.action", &name, "suspended.duration");
        let resumed = counter("resumed");
        let (disabled, given_up) = (AtomicBool::new(false), AtomicU64::new(0));
        let (error_file, external_state) = (None, None);
        Self {
            name,
            module,
            policy,
            log,
            error_file,
            external_state,
            processed,
            batches,
            failed,
            suspended,
            duration,
            resumed,
            disabled,
            given_up,
        }
    }

    /// Delivers the outbox, with retries as the policy says, and empties it. What cannot be delivered is lost and
    /// counted, as in rsyslog.
    pub fn commit(&self, attempt: &mut Attempt, outbox: &mut Outbox) {
        self.processed.fetch_add(outbox.len() as u64, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        attempt.lost.clear();
        if !self.disabled.load(Ordering::Relaxed) {
            self.deliver(attempt, outbox);
        }
        if !outbox.is_empty() {
            self.failed.fetch_add(outbox.len() as u64, Ordering::Relaxed);
            if attempt.stop.is_set() {
                self.given_up.fetch_add(outbox.len() as u64, Ordering::Relaxed);
            }
            if let Some(file) = &self.error_file {
                file.write(&self.name, GIVEN_UP, outbox, |_| true);
            }
            attempt.lost.extend_from_slice(outbox.handles());
            outbox.clear();
        }
    }

    /// Says, at the daemon's end, what its stop has cost.
    pub fn say_given_up(&self) {
        let n = self.given_up.swap(0, Ordering::Relaxed);
        if n > 0 {
            error!(self.log,
                "{n} message(s) of action '{}' are lost: its destination did not come back before the daemon \
                 stopped", self.name; "code" => 2041);
        }
    }

    /// Leaves in the outbox what was not delivered.
    fn deliver(&self, attempt: &mut Attempt, outbox: &mut Outbox) {
        let mut failures = 0;
        loop {
            if !self.ready(attempt) {
                return;
            }
            let delivered = match self.is_held() {
                true => Delivered::Suspended(Fault::new(HELD)),
                false => attempt.deliver.commit(outbox),
            };
            let why = match delivered {
                Delivered::Done => {
                    outbox.clear();
                    attempt.suspensions = 0;
                    attempt.said.clear();
                    return;
                }
                Delivered::Disabled(why) => return self.disable(&why),
                Delivered::Suspended(why) => why,
                Delivered::Each(rows, why) => {
                    self.drop_rejected(&rows, &why, outbox);
                    let before = outbox.len();
                    outbox.retain(|row| rows.get(row) == Some(&Row::Retry));
                    if outbox.is_empty() {
                        return;
                    }
                    // Progress is no failure in a row.
                    failures = if outbox.len() < before { 0 } else { failures };
                    why
                }
            };
            failures += 1;
            self.say_once(attempt, &why);
            self.say_retry(attempt);
            if !self.resume(attempt) {
                return self.suspend(attempt);
            }
            self.say_resumed();
            // rsyslog: ten "resumed, but failed again" in a row count as a failed resume.
            if failures > MAX_FALSE_RESUMES {
                if self.policy.retry_count >= 0 || attempt.stop.wait(self.policy.interval) {
                    return self.suspend(attempt);
                }
                failures = 0;
            }
        }
    }

    /// Whether a commit may be tried now: ready, or suspended for long enough and resumed.
    fn ready(&self, attempt: &mut Attempt) -> bool {
        let Some(until) = attempt.suspended_until else { return true };
        if Instant::now() < until {
            return false;
        }
        self.say_retry(attempt);
        if !self.resume(attempt) {
            self.suspend(attempt);
            return false;
        }
        attempt.suspended_until = None;
        self.say_resumed();
        true
    }

    /// rsyslog: the first two of a row are said, the others only on request.
    fn say_retry(&self, attempt: &Attempt) {
        let nth = attempt.suspensions;
        if self.policy.report_suspension && (nth <= 1 || self.policy.report_continuation) {
            warn!(self.log,
                "action '{}' suspended (module '{}'), retry {nth}. There should be messages before this one giving the \
                 reason for suspension.", self.name, self.module; "code" => 2007);
        }
    }

    fn say_resumed(&self) {
        self.resumed.fetch_add(1, Ordering::Relaxed);
        if self.policy.report_suspension {
            info!(self.log, "action '{}' resumed (module '{}')", self.name, self.module; "code" => 2359);
        }
    }

    /// Tries to resume as often as the policy allows, waiting in between.
    fn resume(&self, attempt: &mut Attempt) -> bool {
        let mut tries = 0;
        loop {
            let resumed = if self.is_held() { Err(Fault::new(HELD)) } else { attempt.deliver.resume() };
            match resumed {
                Ok(()) => return true,
                Err(why) => self.say_once(attempt, &why),
            }
            if self.policy.retry_count >= 0 && tries >= self.policy.retry_count {
                return false;
            }
            tries += 1;
            if attempt.stop.wait(self.policy.interval) {
                return false;
            }
        }
    }

    /// Whether the file of `action.externalState.file` says so; one that cannot be read says nothing.
    fn is_held(&self) -> bool {
        let Some(file) = &self.external_state else { return false };
        let text = std::fs::read(file).unwrap_or_default();
        text.trim_ascii() == b"SUSPENDED"
    }

    fn suspend(&self, attempt: &mut Attempt) {
        let time = self.policy.suspension(attempt.suspensions);
        attempt.suspended_until = Some(Instant::now() + time);
        attempt.suspensions += 1;
        let first = attempt.suspensions == 1;
        // rsyslog: suspensions in a row count once, their time as often as it is begun.
        self.suspended.fetch_add(first.into(), Ordering::Relaxed);
        self.duration.fetch_add(time.as_secs(), Ordering::Relaxed);
        if self.policy.report_suspension && (first || self.policy.report_continuation) {
            warn!(self.log,
                "action '{}' suspended (module '{}'), next retry is {}, retry nbr {}. There should be messages \
                 before this one giving the reason for suspension.",
                self.name, self.module, clock::ctime_after(time), attempt.suspensions - 1; "code" => 2007);
        }
    }

    fn disable(&self, why: &Fault) {
        self.disabled.store(true, Ordering::Relaxed);
        error!(self.log, "action '{}' (module '{}') disables itself: {}", self.name, self.module, why.text; "code" => 2006);
    }

    fn drop_rejected(&self, rows: &[Row], why: &Fault, outbox: &Outbox) {
        let rejected = rows.iter().filter(|row| **row == Row::Reject).count();
        if rejected == 0 {
            return;
        }
        self.failed.fetch_add(rejected as u64, Ordering::Relaxed);
        let code = if why.code == 0 { DATA_FAILURE } else { why.code };
        error!(self.log, "action '{}' (module '{}'): {rejected} message(s) lost: {}", self.name, self.module, why.text;
            "code" => code);
        if let Some(file) = &self.error_file {
            file.write(&self.name, REJECTED, outbox, |row| rows.get(row) == Some(&Row::Reject));
        }
    }

    fn say_once(&self, attempt: &mut Attempt, why: &Fault) {
        let text = &why.text;
        if !text.is_empty() && attempt.said != *text {
            error!(self.log, "action '{}' (module '{}'): {text}", self.name, self.module; "code" => why.code);
            attempt.said.clone_from(text);
        }
    }
}

impl Attempt {
    /// Whether its destination is believed to be away.
    pub fn is_suspended(&self) -> bool {
        self.suspended_until.is_some()
    }

    /// Whether the last commit gave this message up.
    pub fn has_lost(&self, message: u64) -> bool {
        self.lost.binary_search(&message).is_ok()
    }

    /// Nothing of the batch at hand was given up.
    pub fn forget_lost(&mut self) {
        self.lost.clear();
    }

    /// `self` for a worker that waits for nothing once `stop` is set.
    pub fn until(mut self, stop: &Arc<Stop>) -> Self {
        self.stop = Arc::clone(stop);
        self
    }

    pub fn new(deliver: Box<dyn Deliver>) -> Self {
        let stop = Arc::default();
        Self { deliver, stop, suspended_until: None, suspensions: 0, said: String::new(), lost: Vec::new() }
    }
}

const HELD: &str = "the file of action.externalState.file says SUSPENDED";
/// How often a resume may be believed although the next commit fails.
const MAX_FALSE_RESUMES: u32 = 10;
/// The status in the error file of records whose destination is away, and of those that it will never take.
const GIVEN_UP: i32 = -2007;
const REJECTED: i32 = -DATA_FAILURE;
/// rsyslog's code for data that a destination does not take.
const DATA_FAILURE: i32 = 2218;

#[cfg(test)]
mod tests;

//! The gate in front of the statistics: a reader is held back until the test lets it through.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use sysloom_sdk::{Counter, CounterKind, Host};

/// Held by all instances of the module.
#[derive(Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Since when readers are blocked.
    blocked: Option<Instant>,
    /// A blocked reader may pass, once.
    one: bool,
    /// Which wait a reader that has passed belongs to, and which one is the latest.
    passed_in: u64,
    round: u64,
    /// Reads that were begun and ended in the latest round.
    reports: u64,
    /// The daemon stops: nobody is held back any more.
    open_for_good: bool,
}

/// What the gate counts.
pub struct Counts {
    potential: Counter,
    actual: Counter,
    delays: Counter,
}

impl Counts {
    /// The object stands before all others: reading it is what blocks.
    pub fn new(host: &Host) -> Self {
        let kind = CounterKind { first: true, ..CounterKind::default() };
        let counter = |name| host.counter_of("imdiag", "imdiag-stats-reporting-controller", name, kind);
        Self {
            potential: counter("potentialTotalArtificialDelayInMs"),
            actual: counter("actualTotalArtificialDelayInMs"),
            delays: counter("delayInvocationCount"),
        }
    }
}

impl Gate {
    /// The next reader waits; earlier reports are forgotten.
    pub fn block(&self) {
        let mut state = self.lock();
        state.blocked = Some(Instant::now());
        state.one = false;
        state.reports = 0;
    }

    /// Lets readers through, all or one. `false` if they were not blocked.
    pub fn unblock(&self, again: bool) -> bool {
        let mut state = self.lock();
        if state.blocked.is_none() {
            return false;
        }
        state.round += 1;
        state.reports = 0;
        if again {
            state.one = true;
        } else {
            state.blocked = None;
        }
        self.changed.notify_all();
        true
    }

    /// Waits until statistics that were read after [`Gate::unblock`] have been shown whole. `false` when the time is
    /// over first.
    pub fn wait_report(&self, patience: Duration) -> bool {
        let waiting = |state: &mut State| state.reports == 0 && !state.open_for_good;
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), patience, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        state.reports > 0 || state.open_for_good
    }

    /// A reader comes: it waits here while the gate is closed.
    pub fn pass(&self, counts: &Counts) {
        let came = Instant::now();
        let mut state = self.lock();
        let since = state.blocked;
        while state.blocked.is_some() && !state.one && !state.open_for_good {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.one = false;
        state.passed_in = state.round;
        if let Some(since) = since {
            let milliseconds = |time: Instant| u64::try_from(time.elapsed().as_millis()).unwrap_or(u64::MAX);
            counts.potential.add(milliseconds(since));
            counts.actual.add(milliseconds(came));
            counts.delays.add(1);
        }
    }

    /// A reader has seen everything.
    pub fn passed(&self) {
        let mut state = self.lock();
        if state.passed_in == state.round {
            state.reports += 1;
            self.changed.notify_all();
        }
    }

    /// Nobody is held back from now on.
    pub fn open_for_good(&self) {
        self.lock().open_for_good = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

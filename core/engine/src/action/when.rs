//! When an action runs for a message at all: `action.execOnly...` and marks. Asked by workers before they render.

use std::sync::{Mutex, PoisonError};
use sysloom_config::plan::Values;

/// An action's conditions and what they count. Nothing is locked for an action that has none.
#[derive(Debug, Default)]
pub struct When {
    /// Only for messages that the action before it could not deliver.
    pub after_failure: bool,
    every: u64,
    every_timeout: i64,
    interval: i64,
    /// Marks are skipped if the action ran less than so many seconds before.
    mark_silence: i64,
    counted: Mutex<Counted>,
}

/// Times are in seconds since 1970.
#[derive(Debug, Default)]
struct Counted {
    skipped: u64,
    restarted: i64,
    ran: i64,
}

impl When {
    /// From an action's common values and the seconds between two marks.
    pub fn new(common: &Values, mark_interval: i64) -> Self {
        let number = |name| common.int(name).unwrap_or(0).max(0);
        let all_marks = common.bool("action.writeAllMarkMessages").unwrap_or(true);
        Self {
            after_failure: common.bool("action.execOnlyWhenPreviousIsSuspended").unwrap_or(false),
            every: number("action.execOnlyEveryNthTime").unsigned_abs(),
            every_timeout: number("action.execOnlyEveryNthTimeTimeout"),
            interval: number("action.execOnlyOnceEveryInterval"),
            mark_silence: if all_marks { 0 } else { mark_interval / 2 },
            counted: Mutex::default(),
        }
    }

    /// Whether the action runs for a message that was received at `now`, in seconds since 1970.
    pub fn runs(&self, now: i64, is_mark: bool) -> bool {
        if self.every <= 1 && self.interval == 0 && self.mark_silence == 0 {
            return true;
        }
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if is_mark && now - counted.ran < self.mark_silence {
            return false;
        }
        if self.every > 1 {
            // rsyslog: the count is forgotten when it was last restarted longer ago than this, however it stands.
            if self.every_timeout > 0 && now - counted.restarted > self.every_timeout {
                counted.skipped = 0;
                counted.restarted = now;
            }
            if counted.skipped + 1 < self.every {
                counted.skipped += 1;
                return false;
            }
            counted.skipped = 0;
        }
        if self.interval > 0 && counted.ran + self.interval > now {
            return false;
        }
        counted.ran = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_third_message_and_a_count_that_is_forgotten() {
        let when = When { every: 3, every_timeout: 10, ..When::default() };
        let ran: Vec<bool> = [100, 100, 100, 101, 101].map(|now| when.runs(now, false)).into();
        assert_eq!(ran, [false, false, true, false, false]);
        // Without the time-out this would be the third one.
        assert!(!when.runs(111, false));
    }

    #[test]
    fn once_in_an_interval_of_reception() {
        let when = When { interval: 5, ..When::default() };
        let ran: Vec<bool> = [100, 104, 105, 109, 110].map(|now| when.runs(now, false)).into();
        assert_eq!(ran, [true, false, true, false, true]);
    }

    #[test]
    fn marks_are_left_out_while_there_is_something_else() {
        let when = When { mark_silence: 600, ..When::default() };
        assert!(when.runs(10_000, false));
        assert!(!when.runs(10_599, true));
        assert!(when.runs(10_600, true));
        assert!(When::default().runs(10_600, true));
    }
}

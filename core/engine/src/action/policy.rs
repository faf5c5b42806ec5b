//! What an action does about failures: its `action.*` parameters with rsyslog's defaults.

use std::time::Duration;
use sysloom_config::plan::Values;

/// An action's retry and report settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Resume attempts after a failure before the action is suspended; -1 = for ever.
    pub retry_count: i64,
    /// Between two attempts, and the unit of a suspension.
    pub interval: Duration,
    pub interval_max: Duration,
    pub report_suspension: bool,
    pub report_continuation: bool,
}

impl Policy {
    /// From an action's common values; the global ones say what is reported by default.
    pub fn new(common: &Values, globals: &Values) -> Self {
        let seconds = |name, usual: u64| {
            let given = common.int(name).and_then(|n| u64::try_from(n).ok());
            Duration::from_secs(given.unwrap_or(usual))
        };
        let report = |name: &str, usual| {
            common.written(name).and(common.bool(name)).or_else(|| globals.bool(name)).unwrap_or(usual)
        };
        Self {
            retry_count: common.int("action.resumeRetryCount").unwrap_or(0),
            interval: seconds("action.resumeInterval", 30),
            interval_max: seconds("action.resumeIntervalMax", 1800),
            report_suspension: report("action.reportSuspension", true),
            report_continuation: report("action.reportSuspensionContinuation", false),
        }
    }

    /// How long the suspension after `before` others in a row lasts.
    pub fn suspension(&self, before: u32) -> Duration {
        // rsyslog: the interval grows by itself after every ten suspensions, at most twenty of them counted.
        let factor = (before.min(20) / 10) + 1;
        (self.interval * factor).min(self.interval_max.max(Duration::from_secs(1)))
    }
}

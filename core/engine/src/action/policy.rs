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

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_config::Span;
    use sysloom_config::catalogue;
    use sysloom_config::plan::{Origin, Setting, Value};

    fn values(mut values: Values, written: &[(&str, Value)]) -> Values {
        for (name, value) in written {
            let setting = Setting { value: value.clone(), span: Span::NONE, origin: Origin::Explicit };
            values.set(values.index(name).unwrap(), setting);
        }
        values
    }

    fn policy(common: &[(&str, Value)], globals: &[(&str, Value)]) -> Policy {
        let common = values(Values::defaults(catalogue::action_common()), common);
        Policy::new(&common, &values(Values::defaults(catalogue::globals()), globals))
    }

    #[test]
    fn suspensions_grow_up_to_a_limit() {
        let grows = |common: &[(&str, Value)]| {
            let policy = policy(common, &[]);
            [0, 9, 10, 20, 1000].map(|before| policy.suspension(before).as_secs())
        };
        assert_eq!(grows(&[]), [30, 30, 60, 90, 90]);
        assert_eq!(grows(&[("action.resumeInterval", Value::Int(7))]), [7, 7, 14, 21, 21]);
        assert_eq!(grows(&[("action.resumeIntervalMax", Value::Int(45))]), [30, 30, 45, 45, 45]);
    }

    #[test]
    fn what_is_reported_is_the_actions_choice_before_the_global_one() {
        for (name, report) in [
            ("action.reportSuspension", (|p| p.report_suspension) as fn(&Policy) -> bool),
            ("action.reportSuspensionContinuation", |p| p.report_continuation),
        ] {
            for on in [false, true] {
                let (yes, no) = ([(name, Value::Bool(on))], [(name, Value::Bool(!on))]);
                assert_eq!(report(&policy(&[], &yes)), on, "{name}");
                assert_eq!(report(&policy(&yes, &no)), on, "{name}");
            }
        }
    }
}

//! How the system schedules the receiving threads (schedulingPolicy, schedulingPriority).

use crate::params::ModuleParams;
use sysloom_sdk::Complaint;
use thread_priority::unix::{
    RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use thread_priority::{ThreadPriority, ThreadPriorityValue};

/// A policy other than the usual one, and a priority that fits.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    policy: RealtimeThreadSchedulePolicy,
    priority: ThreadPriorityValue,
    /// As the configuration has them.
    word: &'static str,
    number: u8,
}

impl Schedule {
    /// What the module's parameters say; None = nothing.
    pub fn new(params: &ModuleParams) -> Result<Option<Self>, Complaint> {
        use RealtimeThreadSchedulePolicy::{Fifo, RoundRobin};
        let Some(word) = &params.scheduling_policy else {
            // rsyslog: a priority alone is an error.
            return match params.scheduling_priority {
                None => Ok(None),
                Some(_) => Err(Complaint::new("imudp: schedulingPriority needs a schedulingPolicy")
                    .param("schedulingPriority")),
            };
        };
        let (word, policy, range) = match word.to_ascii_lowercase().as_str() {
            "fifo" => ("fifo", Some(Fifo), 1..=99),
            "rr" => ("rr", Some(RoundRobin), 1..=99),
            // As all threads are.
            _ => ("other", None, 0..=0),
        };
        let number = params.scheduling_priority.unwrap_or(*range.start());
        if !range.contains(&number) {
            let (from, to) = (range.start(), range.end());
            let text =
                format!("imudp: schedulingPriority of {word} must be from {from} to {to} (was {number})");
            return Err(Complaint::new(text).param("schedulingPriority"));
        }
        let priority = ThreadPriorityValue::try_from(number).map_err(Complaint::new)?;
        Ok(policy.map(|policy| Self { policy, priority, word, number }))
    }

    /// Gives it to the calling thread.
    pub fn apply(self) -> Result<(), Complaint> {
        let priority = ThreadPriority::Crossplatform(self.priority);
        let policy = ThreadSchedulePolicy::Realtime(self.policy);
        set_thread_priority_and_policy(thread_native_id(), priority, policy).map_err(|why| {
            let Self { word, number, .. } = self;
            Complaint::new(format!(
                "imudp: the system does not schedule threads as {word} with priority {number}: {why}"
            ))
        })
    }
}

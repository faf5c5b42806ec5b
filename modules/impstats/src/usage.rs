//! The object `resource-usage`: what the process has used, as the system counts it.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use sysloom_sdk::{Counter, CounterKind, Host};

/// The object's counters, brought up to date before each report.
pub struct Usage {
    counters: [Counter; 10],
}

impl Usage {
    pub fn new(host: &Host) -> Self {
        let level = CounterKind { level: true, ..CounterKind::default() };
        let counters = NAMES.map(|name| host.counter_of("impstats", "resource-usage", name, level));
        Self { counters }
    }

    pub fn refresh(&self) {
        let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return };
        // Two entries of the directory are its own, one is the reader.
        let files = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as i64 - 1);
        let values = [
            usage.user_time().num_microseconds(),
            usage.system_time().num_microseconds(),
            usage.max_rss(),
            usage.minor_page_faults(),
            usage.major_page_faults(),
            usage.block_reads(),
            usage.block_writes(),
            usage.voluntary_context_switches(),
            usage.involuntary_context_switches(),
            files,
        ];
        for (counter, value) in self.counters.iter().zip(values) {
            counter.set(u64::try_from(value).unwrap_or(0));
        }
    }
}

const NAMES: [&str; 10] =
    ["utime", "stime", "maxrss", "minflt", "majflt", "inblock", "oublock", "nvcsw", "nivcsw", "openfiles"];

//! percentile_stats(): observations of every key, and what the last of them say when statistics are read.
//!
//! Percentiles are those of a window of fixed size; least, greatest, sum and count are those of everything observed
//! since they were reset.

use crate::stats::Stats;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use sysloom_config::plan::Values;

/// A bucket of keys.
pub struct Percentiles {
    name: String,
    delimiter: String,
    percentiles: Vec<u8>,
    window: usize,
    stats: Arc<Stats>,
    keys: Mutex<HashMap<Box<[u8]>, Key>>,
    added: &'static AtomicU64,
}

/// One key's window and its counters.
struct Key {
    ring: Vec<i64>,
    next: usize,
    at: Vec<&'static AtomicU64>,
    min: &'static AtomicU64,
    max: &'static AtomicU64,
    sum: &'static AtomicU64,
    count: &'static AtomicU64,
}

impl Percentiles {
    pub fn new(name: &str, values: &Values, stats: &Arc<Stats>) -> Arc<Self> {
        let window = values.int("windowsize").and_then(|n| usize::try_from(n).ok()).unwrap_or(DEFAULT_WINDOW);
        let percentiles = values.list("percentiles").iter().filter_map(|p| p.parse().ok());
        let added = stats.counter("percentile", "global", &format!("{name}.new_metric_add"));
        // The window is of a fixed size here, so that nothing overflows.
        stats.counter("percentile", "global", &format!("{name}.ops_overflow"));
        let this = Arc::new(Self {
            name: name.into(),
            delimiter: values.str("delimiter").unwrap_or(".").into(),
            percentiles: percentiles.filter(|p| (1..=100).contains(p)).collect(),
            window: window.clamp(1, MAX_WINDOW),
            keys: Mutex::default(),
            added,
            stats: Arc::clone(stats),
        });
        let of_stats = Arc::downgrade(&this);
        stats.before_reading(Box::new(move || {
            if let Some(this) = of_stats.upgrade() {
                this.report();
            }
        }));
        this
    }

    /// `percentile_observe()`: 0 = noted.
    pub fn observe(&self, key: &[u8], number: i64) -> i64 {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if !keys.contains_key(key) {
            self.added.fetch_add(1, Ordering::Relaxed);
            keys.insert(key.into(), self.key(key));
        }
        let Some(found) = keys.get_mut(key) else { return -1 };
        match found.ring.get_mut(found.next) {
            Some(slot) => *slot = number,
            None => found.ring.push(number),
        }
        found.next = (found.next + 1) % self.window;
        found.add(number);
        0
    }

    fn key(&self, key: &[u8]) -> Key {
        let key = String::from_utf8_lossy(key);
        let named = |what: &str| format!("{key}{}{what}", self.delimiter);
        let level = |what: String| self.stats.level(ORIGIN, &self.name, &named(&what));
        let counter = |what: &str| self.stats.counter(ORIGIN, &self.name, &named(what));
        Key {
            ring: Vec::new(),
            next: 0,
            at: self.percentiles.iter().map(|p| level(format!("p{p}"))).collect(),
            min: counter("window_min"),
            max: counter("window_max"),
            sum: counter("window_sum"),
            count: counter("window_count"),
        }
    }

    /// Brings the counters up to date.
    fn report(&self) {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted = Vec::new();
        for key in keys.values() {
            sorted.clear();
            sorted.extend_from_slice(&key.ring);
            sorted.sort_unstable();
            for (percentile, counter) in self.percentiles.iter().zip(&key.at) {
                counter.store(ranked(&sorted, *percentile) as u64, Ordering::Relaxed);
            }
        }
    }
}

impl Key {
    /// Counts an observation. Called under the lock of the keys.
    fn add(&self, number: i64) {
        let anew = self.count.fetch_add(1, Ordering::Relaxed) == 0;
        let bound = |counter: &AtomicU64, better: fn(i64, i64) -> i64| {
            let known = counter.load(Ordering::Relaxed) as i64;
            counter.store(if anew { number } else { better(known, number) } as u64, Ordering::Relaxed);
        };
        bound(self.min, i64::min);
        bound(self.max, i64::max);
        self.sum.fetch_add(number as u64, Ordering::Relaxed);
    }
}

/// The value at a percentile.
// rsyslog: the rank is rounded down, so that of few values the largest is none of them.
fn ranked(sorted: &[i64], percentile: u8) -> i64 {
    let rank = usize::from(percentile) * sorted.len() / 100;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// Whose counters the keys are in statistics.
const ORIGIN: &str = "percentile.bucket";
/// rsyslog's window when none is given.
const DEFAULT_WINDOW: usize = 1000;
/// A configuration must not ask for all of the memory.
const MAX_WINDOW: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_config::catalogue;

    #[test]
    fn counters_follow_the_window() {
        let stats = Arc::new(Stats::default());
        let mut values = Values::defaults(catalogue::percentile_stats());
        let set = |values: &mut Values, name: &str, value| {
            let at = values.index(name).unwrap();
            let origin = sysloom_config::plan::Origin::Explicit;
            values.set(at, sysloom_config::plan::Setting { value, span: sysloom_config::Span::NONE, origin });
        };
        set(&mut values, "percentiles", sysloom_config::plan::Value::List(vec!["50".into(), "95".into()]));
        set(&mut values, "windowsize", sysloom_config::plan::Value::Int(4));
        let bucket = Percentiles::new("b", &values, &stats);
        for n in [100, 1, 2, 3, 4] {
            assert_eq!(bucket.observe(b"k", n), 0);
        }
        let mut seen = Vec::new();
        stats.walk(|origin, _, name, value| {
            if origin == "percentile.bucket" {
                seen.push((name.to_owned(), value.load(Ordering::Relaxed)));
            }
        });
        let want = [
            ("k.p50", 2),
            ("k.p95", 3),
            ("k.window_min", 1),
            ("k.window_max", 100),
            ("k.window_sum", 110),
            ("k.window_count", 5),
        ];
        assert_eq!(seen, want.map(|(name, value)| (name.to_owned(), value)));
    }
}

//! dyn_stats(): counters whose names come from messages, in buckets of bounded size.
//!
//! A metric that nobody has touched for a while goes away, in two generations as in rsyslog: at each turn the old
//! generation is dropped and the current one becomes the old one.

use crate::stats::Stats;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use sysloom_config::plan::Values;

/// A bucket of metrics.
pub struct Bucket {
    name: String,
    most: usize,
    life: Duration,
    stats: Arc<Stats>,
    metrics: Mutex<Metrics>,
    overflow: &'static AtomicU64,
    added: &'static AtomicU64,
    purged: &'static AtomicU64,
    turns: &'static AtomicU64,
}

struct Metrics {
    current: HashMap<Box<[u8]>, &'static AtomicU64>,
    survivors: HashMap<Box<[u8]>, &'static AtomicU64>,
    turned: Instant,
}

impl Bucket {
    pub fn new(name: &str, values: &Values, stats: &Arc<Stats>) -> Arc<Self> {
        let counter = |what: &str| stats.counter("dynstats", "global", &format!("{name}.{what}"));
        let positive = |name, usual| values.int(name).and_then(|n| u64::try_from(n).ok()).unwrap_or(usual);
        Arc::new(Self {
            name: name.into(),
            most: positive("maxCardinality", 2000) as usize,
            life: Duration::from_secs(positive("unusedMetricLife", 3600)),
            metrics: Mutex::new(Metrics {
                current: HashMap::new(),
                survivors: HashMap::new(),
                turned: Instant::now(),
            }),
            overflow: counter("ops_overflow"),
            added: counter("new_metric_add"),
            purged: counter("metrics_purged"),
            turns: counter("purge_triggered"),
            stats: Arc::clone(stats),
        })
    }

    /// `dyn_inc()`: 0 = counted, else the reason why not.
    pub fn increment(&self, metric: &[u8]) -> i64 {
        // rsyslog: a metric without name is not counted.
        if metric.is_empty() {
            return 0;
        }
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        if metrics.turned.elapsed() >= self.life {
            self.turn(&mut metrics);
        }
        if let Some(counter) = metrics.current.get(metric) {
            counter.fetch_add(1, Ordering::Relaxed);
            return 0;
        }
        let counter = match metrics.survivors.remove(metric) {
            Some(counter) => counter,
            None => {
                if metrics.current.len() + metrics.survivors.len() >= self.most {
                    self.overflow.fetch_add(1, Ordering::Relaxed);
                    return OVERFLOW;
                }
                self.added.fetch_add(1, Ordering::Relaxed);
                self.stats.counter(ORIGIN, &self.name, &String::from_utf8_lossy(metric))
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
        metrics.current.insert(metric.into(), counter);
        0
    }

    fn turn(&self, metrics: &mut Metrics) {
        let kept = std::mem::take(&mut metrics.current);
        let gone = std::mem::replace(&mut metrics.survivors, kept);
        for metric in gone.keys() {
            self.stats.forget(ORIGIN, &self.name, &String::from_utf8_lossy(metric));
        }
        self.purged.fetch_add(gone.len() as u64, Ordering::Relaxed);
        self.turns.fetch_add(1, Ordering::Relaxed);
        metrics.turned = Instant::now();
    }
}

/// Whose counters the metrics are in statistics.
const ORIGIN: &str = "dynstats.bucket";
/// rsyslog's code for a bucket that is full.
const OVERFLOW: i64 = -2;

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_config::catalogue;
    use sysloom_config::plan::{Origin, Setting, Value};

    fn bucket(most: i64, life: i64) -> (Arc<Stats>, Arc<Bucket>) {
        let stats = Arc::new(Stats::default());
        let mut values = Values::defaults(catalogue::dyn_stats());
        for (name, n) in [("maxCardinality", most), ("unusedMetricLife", life)] {
            let at = values.index(name).unwrap();
            let span = sysloom_config::Span::NONE;
            values.set(at, Setting { value: Value::Int(n), span, origin: Origin::Explicit });
        }
        let bucket = Bucket::new("b", &values, &stats);
        (stats, bucket)
    }

    fn counted(stats: &Stats) -> Vec<(String, u64)> {
        let mut seen = Vec::new();
        stats.walk(|_, _, name, value| seen.push((name.to_owned(), value.load(Ordering::Relaxed))));
        seen.retain(|(_, value)| *value > 0);
        seen
    }

    #[test]
    fn metrics_are_counted_up_to_the_bucket_s_size() {
        let (stats, bucket) = bucket(2, 3600);
        let results = ["a", "b", "a", "c", ""].map(|metric| bucket.increment(metric.as_bytes()));
        assert_eq!(results, [0, 0, 0, OVERFLOW, 0]);
        let want = [("b.ops_overflow", 1), ("b.new_metric_add", 2), ("a", 2), ("b", 1)];
        assert_eq!(counted(&stats), want.map(|(name, n)| (name.to_owned(), n)));
    }

    #[test]
    fn what_nobody_touches_goes_in_the_second_turn() {
        let (stats, bucket) = bucket(10, 3600);
        bucket.increment(b"old");
        bucket.increment(b"kept");
        let turn = || bucket.turn(&mut bucket.metrics.lock().unwrap());
        turn();
        bucket.increment(b"kept");
        turn();
        let names: Vec<String> = counted(&stats).into_iter().map(|(name, _)| name).collect();
        assert!(names.contains(&"kept".into()) && !names.contains(&"old".into()), "{names:?}");
    }
}

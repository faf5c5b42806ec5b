//! dyn_stats(): counters whose names come from messages, in buckets of bounded size.
//!
//! A metric that nobody has touched for a while goes away, in two generations as in rsyslog: at each turn the old
//! generation is dropped and the current one becomes the old one.

mod state;

use crate::stats::Stats;
use slog::Logger;
use state::State;
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
    /// Counts begin anew whenever they have been read.
    resettable: bool,
    stats: Arc<Stats>,
    metrics: Mutex<Metrics>,
    overflow: &'static AtomicU64,
    added: &'static AtomicU64,
    nameless: &'static AtomicU64,
    purged: &'static AtomicU64,
    turns: &'static AtomicU64,
}

struct Metrics {
    current: HashMap<Box<[u8]>, Metric>,
    survivors: HashMap<Box<[u8]>, Metric>,
    turned: Instant,
    /// For counts that outlast the daemon.
    state: Option<State>,
}

struct Metric {
    count: u64,
    /// Its place in the statistics, brought up to date when they are read.
    shown: &'static AtomicU64,
}

impl Bucket {
    /// `directory` is for its state, unless it names one itself.
    pub fn new(
        name: &str,
        values: &Values,
        directory: Option<&str>,
        stats: &Arc<Stats>,
        log: &Logger,
    ) -> Arc<Self> {
        let most = values.int("maxCardinality").and_then(|n| usize::try_from(n).ok()).unwrap_or(2000);
        let mut state = State::new(name, values, directory, log);
        let kept = state.as_mut().map(State::load).unwrap_or_default();
        let kept = kept.into_iter().take(most).map(|(metric, count)| {
            let shown = stats.level(ORIGIN, name, &String::from_utf8_lossy(&metric));
            (metric, Metric { count, shown })
        });
        let counter = |what: &str| stats.counter("dynstats", "global", &format!("{name}.{what}"));
        let positive = |name, usual| values.int(name).and_then(|n| u64::try_from(n).ok()).unwrap_or(usual);
        let (overflow, added) = (counter("ops_overflow"), counter("new_metric_add"));
        let (nameless, purged) = (counter("no_metric"), counter("metrics_purged"));
        // rsyslog: what waits for a lock for too long is counted here; here it never does.
        counter("ops_ignored");
        let this = Arc::new(Self {
            name: name.into(),
            resettable: values.bool("resettable").unwrap_or(true),
            most,
            life: Duration::from_secs(positive("unusedMetricLife", 3600)),
            metrics: Mutex::new(Metrics {
                current: kept.collect(),
                survivors: HashMap::new(),
                turned: Instant::now(),
                state,
            }),
            overflow,
            added,
            nameless,
            purged,
            turns: counter("purge_triggered"),
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

    /// `dyn_inc()`: 0 = counted, else the reason why not.
    pub fn increment(&self, metric: &[u8]) -> i64 {
        // rsyslog: a metric without name is not counted.
        if metric.is_empty() {
            self.nameless.fetch_add(1, Ordering::Relaxed);
            return 0;
        }
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        if metrics.turned.elapsed() >= self.life {
            self.turn(&mut metrics);
        }
        if let Some(known) = metrics.current.get_mut(metric) {
            known.count += 1;
            metrics.save_if_due();
            return 0;
        }
        let known = match metrics.survivors.remove(metric) {
            Some(known) => known,
            None => {
                if metrics.current.len() + metrics.survivors.len() >= self.most {
                    self.overflow.fetch_add(1, Ordering::Relaxed);
                    return OVERFLOW;
                }
                self.added.fetch_add(1, Ordering::Relaxed);
                let name = String::from_utf8_lossy(metric);
                Metric { count: 0, shown: self.stats.level(ORIGIN, &self.name, &name) }
            }
        };
        metrics.current.insert(metric.into(), Metric { count: known.count + 1, ..known });
        metrics.save_if_due();
        0
    }

    /// Writes what is to outlast the daemon, at its end.
    pub fn save(&self) {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner).save();
    }

    /// The statistics are about to be read.
    fn report(&self) {
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        let Metrics { current, survivors, .. } = &mut *metrics;
        for metric in current.values_mut().chain(survivors.values_mut()) {
            metric.shown.store(metric.count, Ordering::Relaxed);
            if self.resettable {
                metric.count = 0;
            }
        }
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

impl Metrics {
    fn save_if_due(&mut self) {
        if self.state.as_mut().is_some_and(State::is_due) {
            self.save();
        }
    }

    fn save(&mut self) {
        let Self { current, survivors, state, .. } = self;
        if let Some(state) = state {
            state.save(current.iter().chain(survivors.iter()).map(|(metric, m)| (&**metric, m.count)));
        }
    }
}

/// Whose counters the metrics are in statistics.
const ORIGIN: &str = "dynstats.bucket";
/// rsyslog's code for a bucket that is full.
const OVERFLOW: i64 = -6;

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
        let log = Logger::root(slog::Discard, slog::o!());
        let bucket = Bucket::new("b", &values, None, &stats, &log);
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
        let want = [("b.ops_overflow", 1), ("b.new_metric_add", 2), ("b.no_metric", 1), ("a", 2), ("b", 1)];
        assert_eq!(counted(&stats), want.map(|(name, n)| (name.to_owned(), n)));
        // What has been read is counted anew.
        assert_eq!(bucket.increment(b"b"), 0);
        assert_eq!(counted(&stats)[3..], [("b".to_owned(), 1)]);
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

//! The sources of a limit: a table of bounded size. When it is full, one makes room that was not seen since the hand of
//! a clock last came by.

use super::Window;
use crate::stats::Stats;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use sysloom_config::plan::Object;

/// All sources that are known at the moment.
pub(super) struct Sources {
    /// Where each stands.
    places: HashMap<Arc<[u8]>, usize>,
    list: Vec<Source>,
    most: usize,
    hand: usize,
    allowed: &'static AtomicU64,
    dropped: &'static AtomicU64,
    evicted: &'static AtomicU64,
    top: Top,
}

struct Source {
    key: Arc<[u8]>,
    seen: bool,
    window: Window,
    dropped: u64,
}

/// The sources of which most was dropped, as the statistics show them.
struct Top {
    object: String,
    stats: Arc<Stats>,
    /// One for each line, whosever it is.
    counters: Vec<&'static AtomicU64>,
    shown: Vec<String>,
}

/// Counts for a source and for all.
pub(super) struct Counts<'a> {
    own: &'a mut u64,
    allowed: &'static AtomicU64,
    dropped: &'static AtomicU64,
}

impl Counts<'_> {
    pub fn add(self, allowed: u64, dropped: u64) {
        self.allowed.fetch_add(allowed, Ordering::Relaxed);
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
        *self.own += dropped;
    }
}

impl Sources {
    pub fn new(object: &Object, stats: &Arc<Stats>) -> Self {
        let number = |name| object.values.int(name).and_then(|n| usize::try_from(n).ok());
        let (most, top) =
            (number("perSourceMaxStates").unwrap_or(MOST), number("perSourceTopN").unwrap_or(TOP));
        Self::bounded(most, top, &object.name, stats)
    }

    pub fn bounded(most: usize, top: usize, object: &str, stats: &Arc<Stats>) -> Self {
        let counter = |name| stats.counter(ORIGIN, object, name);
        Self {
            places: HashMap::new(),
            list: Vec::new(),
            most: most.max(1),
            hand: 0,
            allowed: counter("per_source_allowed"),
            dropped: counter("per_source_dropped"),
            evicted: counter("per_source_evicted"),
            top: Top {
                object: object.into(),
                stats: Arc::clone(stats),
                // Like all counters, they live as long as the process.
                counters: (0..top.min(MOST)).map(|_| &*Box::leak(Box::default())).collect(),
                shown: Vec::new(),
            },
        }
    }

    /// A source's window, and where what becomes of its messages is counted.
    pub fn of(&mut self, key: &[u8]) -> (&mut Window, Counts<'_>) {
        let key = &key[..key.len().min(LONGEST)];
        let at = match self.places.get(key) {
            Some(at) => *at,
            None => self.enter(key.into()),
        };
        let source = &mut self.list[at];
        source.seen = true;
        let (allowed, dropped) = (self.allowed, self.dropped);
        (&mut source.window, Counts { own: &mut source.dropped, allowed, dropped })
    }

    fn enter(&mut self, key: Arc<[u8]>) -> usize {
        let source = Source { key: Arc::clone(&key), seen: true, window: Window::default(), dropped: 0 };
        let at = if self.list.len() < self.most {
            self.list.push(source);
            self.list.len() - 1
        } else {
            while std::mem::take(&mut self.list[self.hand].seen) {
                self.hand = (self.hand + 1) % self.list.len();
            }
            let at = self.hand;
            self.hand = (at + 1) % self.list.len();
            let old = std::mem::replace(&mut self.list[at], source);
            self.places.remove(&old.key);
            self.evicted.fetch_add(1, Ordering::Relaxed);
            at
        };
        self.places.insert(key, at);
        at
    }

    /// The statistics are about to be read.
    pub fn report(&mut self) {
        let Top { object, stats, counters, shown } = &mut self.top;
        shown.drain(..).for_each(|name| stats.forget(ORIGIN, object, &name));
        let mut worst: Vec<_> = self.list.iter().filter(|source| source.dropped > 0).collect();
        worst.sort_by_key(|source| std::cmp::Reverse(source.dropped));
        for (source, counter) in worst.into_iter().zip(counters) {
            counter.store(source.dropped, Ordering::Relaxed);
            let name = format!("dropped.{}", String::from_utf8_lossy(&source.key));
            stats.show(ORIGIN, object, &name, counter);
            shown.push(name);
        }
    }
}

const ORIGIN: &str = "ratelimit";
const MOST: usize = 10_000;
const TOP: usize = 10;
/// Bytes of a source's name that count: nobody fills the memory with long ones.
const LONGEST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(sources: &mut Sources, keys: &str) {
        keys.bytes().for_each(|key| sources.of(&[key]).1.add(0, 1));
    }

    fn known(sources: &Sources) -> String {
        let mut known: Vec<_> = sources.list.iter().map(|source| char::from(source.key[0])).collect();
        known.sort_unstable();
        assert!(sources.list.iter().enumerate().all(|(at, source)| sources.places[&source.key] == at));
        assert_eq!(sources.places.len(), sources.list.len());
        known.into_iter().collect()
    }

    #[test]
    fn whoever_was_not_seen_makes_room() {
        let stats = Arc::default();
        let mut sources = Sources::bounded(3, 2, "x", &stats);
        enter(&mut sources, "abc");
        assert_eq!(known(&sources), "abc");
        enter(&mut sources, "d");
        assert_eq!(known(&sources), "bcd");
        enter(&mut sources, "bef");
        assert_eq!((known(&sources), sources.evicted.load(Ordering::Relaxed)), ("def".into(), 3));
        for keys in ["", "ebbb"] {
            enter(&mut sources, keys);
            sources.report();
        }
        let mut seen = Vec::new();
        stats.read(false, |_, _, name, value| {
            if let Some(key) = name.strip_prefix("dropped.") {
                seen.push((key.to_owned(), value));
            }
        });
        assert_eq!(seen, [("b".to_owned(), 3), ("e".to_owned(), 2)]);
        assert_eq!(sources.of(&[b'x'; 300]).1.own, &mut 0);
        assert!(sources.places.keys().all(|key| key.len() <= LONGEST));
    }
}

//! Counters of every object, made once by name and read by whoever reports them.
//!
//! A counter is one relaxed atomic that is never freed, so that inputs, outputs and drivers can add to it from any
//! thread without a lock.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// All objects that count something.
#[derive(Default)]
pub struct Stats {
    objects: Mutex<Objects>,
    /// Who computes its counters only when they are read.
    lazy: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

/// What a counter is.
#[derive(Clone, Copy, Debug, Default)]
pub struct CounterKind {
    /// A level rather than a count: resetting leaves it alone.
    pub level: bool,
    /// Its object stands before all others.
    pub first: bool,
    /// Whose object it is, though another's may have the same names; 0 = everybody's.
    pub owner: u64,
}

/// Objects in their order, and where each stands by origin, name and owner.
#[derive(Default)]
struct Objects {
    list: Vec<Object>,
    places: HashMap<(String, String, u64), usize>,
}

struct Object {
    name: String,
    origin: String,
    counters: Vec<(String, &'static AtomicU64, bool)>,
}

impl Stats {
    /// The counter `name` of the object; the same names give the same counter.
    pub fn counter(&self, origin: &str, object: &str, name: &str) -> &'static AtomicU64 {
        self.place(origin, object, name, CounterKind::default())
    }

    /// As [`Stats::counter`], for a level rather than a count: resetting leaves it alone.
    pub fn level(&self, origin: &str, object: &str, name: &str) -> &'static AtomicU64 {
        self.place(origin, object, name, CounterKind { level: true, ..CounterKind::default() })
    }

    /// As [`Stats::counter`], of this kind.
    pub fn place(&self, origin: &str, object: &str, name: &str, kind: CounterKind) -> &'static AtomicU64 {
        let mut objects = self.objects.lock().unwrap_or_else(|e| e.into_inner());
        let counters = &mut objects.find_or_make(origin, object, kind).counters;
        if let Some((_, counter, _)) = counters.iter().find(|(n, ..)| n == name) {
            return counter;
        }
        // Counters belong to objects that live as long as the process.
        let counter: &'static AtomicU64 = Box::leak(Box::default());
        counters.push((name.into(), counter, kind.level));
        counter
    }

    /// Has the object show a counter that somebody keeps, until it is forgotten. It is a level.
    pub fn show(&self, origin: &str, object: &str, name: &str, counter: &'static AtomicU64) {
        let mut objects = self.objects.lock().unwrap_or_else(|e| e.into_inner());
        let object = objects.find_or_make(origin, object, CounterKind::default());
        object.counters.push((name.into(), counter, true));
    }

    /// Takes a counter out of the statistics. Who still counts with it counts for nobody.
    pub fn forget(&self, origin: &str, object: &str, name: &str) {
        let mut objects = self.objects.lock().unwrap_or_else(|e| e.into_inner());
        let found = objects.list.iter_mut().find(|o| o.name == object && o.origin == origin);
        if let Some(object) = found {
            object.counters.retain(|(n, ..)| n != name);
        }
    }

    /// Calls `refresh` whenever the counters are about to be read.
    pub fn before_reading(&self, refresh: Box<dyn Fn() + Send + Sync>) {
        self.lazy.lock().unwrap_or_else(|e| e.into_inner()).push(refresh);
    }

    /// Visits every counter as it is now: origin, object, counter's name, value's place. Those of one object stand in a
    /// row. With `reset`, counts are set to 0 once they were seen.
    pub fn read(&self, reset: bool, mut visit: impl FnMut(&str, &str, &str, u64)) {
        self.lazy.lock().unwrap_or_else(|e| e.into_inner()).iter().for_each(|refresh| refresh());
        let mut seen = Vec::new();
        {
            // Whoever visits may count something itself.
            let objects = self.objects.lock().unwrap_or_else(|e| e.into_inner());
            for object in &objects.list {
                for (name, counter, level) in &object.counters {
                    let value = match reset && !level {
                        true => counter.swap(0, Ordering::Relaxed),
                        false => counter.load(Ordering::Relaxed),
                    };
                    seen.push((object.origin.clone(), object.name.clone(), name.clone(), value));
                }
            }
        }
        for (origin, object, name, value) in &seen {
            visit(origin, object, name, *value);
        }
    }

    /// Visits every counter's place, for who wants to change it.
    pub fn walk(&self, mut visit: impl FnMut(&str, &str, &str, &'static AtomicU64)) {
        self.lazy.lock().unwrap_or_else(|e| e.into_inner()).iter().for_each(|refresh| refresh());
        let objects = self.objects.lock().unwrap_or_else(|e| e.into_inner());
        for object in &objects.list {
            for (name, counter, _) in &object.counters {
                visit(&object.origin, &object.name, name, counter);
            }
        }
    }
}

impl Objects {
    fn find_or_make(&mut self, origin: &str, name: &str, kind: CounterKind) -> &mut Object {
        let key = (origin.to_owned(), name.to_owned(), kind.owner);
        let at = match self.places.get(&key) {
            Some(at) => *at,
            None => {
                let at = if kind.first { 0 } else { self.list.len() };
                if kind.first {
                    self.places.values_mut().for_each(|place| *place += 1);
                }
                let (origin, name, _) = key.clone();
                self.list.insert(at, Object { name, origin, counters: Vec::new() });
                self.places.insert(key, at);
                at
            }
        };
        &mut self.list[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stats: &Stats, reset: bool) -> Vec<(String, String, u64)> {
        let mut seen = Vec::new();
        stats.read(reset, |_, object, name, value| seen.push((object.to_owned(), name.to_owned(), value)));
        seen
    }

    #[test]
    fn counts_are_reset_once_seen_and_levels_are_not() {
        let stats = Stats::default();
        stats.counter("o", "a", "count").fetch_add(3, Ordering::Relaxed);
        stats.level("o", "a", "level").fetch_add(4, Ordering::Relaxed);
        stats.place("o", "first", "x", CounterKind { first: true, ..CounterKind::default() });
        let named = |count| {
            [("first", "x", 0), ("a", "count", count), ("a", "level", 4)]
                .map(|(object, name, value)| (object.to_owned(), name.to_owned(), value))
        };
        assert_eq!(read(&stats, true), named(3));
        assert_eq!(read(&stats, false), named(0));
    }

    #[test]
    fn owners_of_objects_with_one_name_count_for_themselves() {
        let stats = Stats::default();
        let of = |owner| stats.place("o", "shared", "n", CounterKind { owner, ..CounterKind::default() });
        of(1).fetch_add(1, Ordering::Relaxed);
        of(2).fetch_add(5, Ordering::Relaxed);
        of(1).fetch_add(1, Ordering::Relaxed);
        let values: Vec<u64> = read(&stats, false).into_iter().map(|(.., value)| value).collect();
        assert_eq!(values, [2, 5]);
    }
}

//! Counters of every object, made once by name and read by whoever reports them.
//!
//! A counter is one relaxed atomic that is never freed, so that inputs, outputs and drivers can add to it from any
//! thread without a lock.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

/// All objects that count something.
#[derive(Default)]
pub struct Stats {
    objects: Mutex<Vec<Object>>,
}

struct Object {
    name: String,
    origin: String,
    counters: Vec<(String, &'static AtomicU64)>,
}

impl Stats {
    /// The counter `name` of the object; the same names give the same counter.
    pub fn counter(&self, origin: &str, object: &str, name: &str) -> &'static AtomicU64 {
        let mut objects = self.objects.lock().unwrap_or_else(|e| e.into_inner());
        let at = objects.iter().position(|o| o.name == object && o.origin == origin).unwrap_or_else(|| {
            objects.push(Object { name: object.into(), origin: origin.into(), counters: Vec::new() });
            objects.len() - 1
        });
        let counters = &mut objects[at].counters;
        if let Some((_, counter)) = counters.iter().find(|(n, _)| n == name) {
            return counter;
        }
        // Counters belong to objects that live as long as the process.
        let counter: &'static AtomicU64 = Box::leak(Box::default());
        counters.push((name.into(), counter));
        counter
    }

    /// Visits every counter: origin, object, counter's name, value's place.
    pub fn walk(&self, mut visit: impl FnMut(&str, &str, &str, &'static AtomicU64)) {
        let objects = self.objects.lock().unwrap_or_else(|e| e.into_inner());
        for object in objects.iter() {
            for (name, counter) in &object.counters {
                visit(&object.origin, &object.name, name, counter);
            }
        }
    }
}

//! Which callback of which plugin runs on which thread, so that a supervisor can name one that does not return.
//!
//! A callback costs two stores in a place of its thread: no clock is read, since the supervisor looks often enough to
//! know for how long the same call has been there. While a plugin waits inside a host function, it is not counted.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A callback that can be late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Callback {
    Entry,
    Module,
    Instance,
    Activate,
    Run,
    Hup,
    Open,
    Data,
    Close,
    WorkerNew,
    Commit,
    Resume,
    Free,
    Shutdown,
    Context,
    Session,
    Accept,
    Handshake,
    Read,
    Write,
    Parse,
    Modify,
    Generate,
    Call,
}

impl Callback {
    /// As messages name it.
    pub fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

/// A callback that has not returned for longer than the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    pub plugin: String,
    pub callback: &'static str,
    pub since: Duration,
}

/// The supervisor's side: asks all threads, remembers what it saw.
pub struct Watch {
    limit: Duration,
    /// By seat: what ran there, since when it has been seen, whether it was reported.
    seen: HashMap<usize, (u64, Instant, bool)>,
}

impl Watch {
    /// `limit` is how long a callback may take. To be asked several times in that time.
    pub fn new(limit: Duration) -> Self {
        Self { limit, seen: HashMap::new() }
    }

    /// Callbacks that have become overdue since the last look; each call is reported once.
    pub fn look(&mut self) -> Vec<Overdue> {
        let now = Instant::now();
        let mut overdue = Vec::new();
        for (number, seat) in seats().iter().enumerate() {
            let word = seat.word.load(Ordering::Relaxed);
            if word & BUSY == 0 {
                self.seen.remove(&number);
                continue;
            }
            let seen = self.seen.entry(number).or_insert((word, now, false));
            if seen.0 != word {
                *seen = (word, now, false);
            }
            let since = now.duration_since(seen.1);
            if since >= self.limit && !seen.2 {
                seen.2 = true;
                overdue.push(Overdue { plugin: plugin(word), callback: callback(word), since });
            }
        }
        overdue
    }
}

/// A plugin's number in the watch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number(u16);

impl Number {
    /// Takes a plugin's name in.
    pub(super) fn of(name: &str) -> Self {
        let mut names = names();
        let at = names.iter().position(|n| n == name).unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        });
        Self(u16::try_from(at).unwrap_or(u16::MAX))
    }
}

/// A callback is running; until it is dropped.
pub(super) struct Running {
    outer: u64,
}

/// Notes that a callback of a plugin starts on this thread.
pub(super) fn enter(plugin: Number, callback: Callback) -> Running {
    SEAT.with(|seat| {
        let serial = seat.serial.get().wrapping_add(1);
        seat.serial.set(serial);
        let word = serial << SERIAL | u64::from(plugin.0) << PLUGIN | u64::from(callback as u8) << 1 | BUSY;
        Running { outer: seat.put(word) }
    })
}

/// Notes that the plugin waits for the host, until it is dropped.
pub(super) fn pause() -> Running {
    SEAT.with(|seat| Running { outer: seat.put(0) })
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = SEAT.try_with(|seat| match self.outer & BUSY {
            0 => seat.seat.word.store(0, Ordering::Relaxed),
            // A new serial number: the time before the pause does not count.
            _ => {
                let serial = seat.serial.get().wrapping_add(1);
                seat.serial.set(serial);
                let word = serial << SERIAL | self.outer & ((1 << SERIAL) - 1);
                seat.seat.word.store(word, Ordering::Relaxed);
            }
        });
    }
}

/// Where a thread says what it runs; taken over by another thread when it has ended.
struct Seat {
    word: AtomicU64,
    taken: AtomicBool,
}

/// A thread's hold of its seat.
struct Hold {
    seat: &'static Seat,
    serial: Cell<u64>,
}

impl Hold {
    fn take() -> Self {
        let mut seats = seats();
        let free = seats.iter().find(|s| !s.taken.swap(true, Ordering::Acquire)).copied();
        let seat = free.unwrap_or_else(|| {
            let seat: &'static Seat =
                Box::leak(Box::new(Seat { word: AtomicU64::new(0), taken: AtomicBool::new(true) }));
            seats.push(seat);
            seat
        });
        Self { seat, serial: Cell::new(0) }
    }

    fn put(&self, word: u64) -> u64 {
        let outer = self.seat.word.load(Ordering::Relaxed);
        self.seat.word.store(word, Ordering::Relaxed);
        outer
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.seat.word.store(0, Ordering::Relaxed);
        self.seat.taken.store(false, Ordering::Release);
    }
}

thread_local! {
    static SEAT: Hold = Hold::take();
}

fn seats() -> MutexGuard<'static, Vec<&'static Seat>> {
    static SEATS: Mutex<Vec<&'static Seat>> = Mutex::new(Vec::new());
    SEATS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn names() -> MutexGuard<'static, Vec<String>> {
    static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn plugin(word: u64) -> String {
    let number = (word >> PLUGIN) as u16;
    names().get(usize::from(number)).cloned().unwrap_or_default()
}

fn callback(word: u64) -> &'static str {
    NAMES.get((word >> 1 & 0x7f) as usize).copied().unwrap_or("a callback")
}

/// In the order of [`Callback`].
const NAMES: [&str; 24] = [
    "entry",
    "module",
    "new",
    "activate",
    "run",
    "hup",
    "open",
    "data",
    "close",
    "worker",
    "commit",
    "resume",
    "free",
    "shutdown",
    "context",
    "session",
    "accept",
    "handshake",
    "read",
    "write",
    "parse",
    "modify",
    "generate",
    "call",
];
/// A word: one bit that something runs, the callback, the plugin's number, a serial number.
const BUSY: u64 = 1;
const PLUGIN: u32 = 8;
const SERIAL: u32 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn mine(watch: &mut Watch, plugin: &str) -> Vec<&'static str> {
        watch.look().into_iter().filter(|o| o.plugin == plugin).map(|o| o.callback).collect()
    }

    #[test]
    fn an_overdue_callback_is_named_once() {
        let mut watch = Watch::new(Duration::ZERO);
        let plugin = Number::of("late");
        let running = enter(plugin, Callback::Commit);
        assert_eq!(mine(&mut watch, "late"), ["commit"]);
        assert_eq!(mine(&mut watch, "late"), [""; 0]);
        drop(running);
        assert_eq!(mine(&mut watch, "late"), [""; 0]);
        let _running = enter(plugin, Callback::Data);
        assert_eq!(mine(&mut watch, "late"), ["data"]);
    }

    #[test]
    fn waiting_for_the_host_does_not_count() {
        let mut watch = Watch::new(Duration::ZERO);
        let _running = enter(Number::of("patient"), Callback::Data);
        let pause = pause();
        assert_eq!(mine(&mut watch, "patient"), [""; 0]);
        drop(pause);
        assert_eq!(mine(&mut watch, "patient"), ["data"]);
    }

    #[test]
    fn a_callback_within_the_limit_is_not_named() {
        let mut watch = Watch::new(Duration::from_secs(3600));
        let _running = enter(Number::of("quick"), Callback::Commit);
        assert_eq!(mine(&mut watch, "quick"), [""; 0]);
    }

    #[test]
    fn a_thread_that_ends_inside_a_callback_is_not_overdue() {
        let work = || std::mem::forget(enter(Number::of("gone"), Callback::Hup));
        std::thread::spawn(work).join().unwrap();
        assert_eq!(mine(&mut Watch::new(Duration::ZERO), "gone"), [""; 0]);
    }
}

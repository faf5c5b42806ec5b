//! A host for a plugin's own tests (feature `testing`): it keeps what an input submits and logs, gives an output
//! records, and connects to real sockets of the test. No daemon, no library to load.
//!
//! ```
//! # use sysloom_sdk::{Params, testing::{self, TestHost}};
//! #[derive(Params)]
//! struct Settings {
//!     #[param(name = "maxSessions", positive, default = "200")]
//!     max_sessions: u32,
//! }
//! let host = TestHost::new();
//! host.host().counter("submitted").add(1);
//! assert_eq!(host.count("submitted"), 1);
//! assert_eq!(testing::settings::<Settings>(&[]).unwrap().max_sessions, 200);
//! assert!(testing::settings::<Settings>(&[("maxSessions", "none")]).is_err());
//! ```

mod calls;
mod message;
mod readme;
mod rows;
mod settings;
mod wire;

pub use message::{TestMessage, call, written};
pub use readme::{check_readme, table};
pub use rows::Rows;
pub use settings::{settings, stream_settings};
pub use wire::{Far, wire};

use crate::{Complaint, Host, Level};
use std::collections::{HashMap, VecDeque};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A host of a test's own. What it hands out lives as long as the process, as the ABI demands.
#[derive(Clone, Copy)]
pub struct TestHost {
    inner: &'static Inner,
    host: Host,
}

/// A message that an input handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    pub message: Vec<u8>,
    pub peer: u32,
    /// Bits of [`crate::frame_flag`].
    pub flags: u32,
    /// In nanoseconds since 1970; 0 = now.
    pub received_ns: i64,
    /// The JSON text that came with it, see [`crate::frame_flag::VARIABLES`].
    pub variables: Option<String>,
}

/// A line that a plugin logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    /// rsyslog's error code or 0.
    pub code: i32,
    pub text: String,
}

struct Inner {
    log_level: AtomicU32,
    seen: Mutex<Seen>,
    changed: Condvar,
    /// No message is taken any more.
    closed: AtomicBool,
}

#[derive(Default)]
struct Seen {
    submitted: Vec<Submitted>,
    /// Calls of submit, flushes among them, and the flags of the last one.
    calls: usize,
    flushes: usize,
    last_flags: u32,
    lines: Vec<Line>,
    counters: HashMap<String, &'static AtomicU64>,
    peers: Vec<(String, String, u32)>,
    streams: HashMap<i64, TcpStream>,
    next_stream: i64,
    replies: Vec<(u64, Vec<u8>)>,
    /// Origin, object, name, value and flags.
    objects: Vec<(String, String, String, &'static AtomicU64, u32)>,
    commands: Vec<(String, String)>,
    answers: HashMap<String, VecDeque<i64>>,
    settings: HashMap<String, String>,
    /// Properties of the messages behind a commit's rows.
    properties: HashMap<(u64, String), String>,
    rulesets: Vec<String>,
    refusal: Option<Complaint>,
    /// Properties and variables by their number.
    names: Vec<String>,
}

impl Default for TestHost {
    fn default() -> Self {
        Self::new()
    }
}

impl TestHost {
    pub fn new() -> Self {
        let inner: &'static Inner = Box::leak(Box::new(Inner {
            log_level: AtomicU32::new(Level::Trace as u32),
            seen: Mutex::default(),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
        }));
        Self { inner, host: Host { raw: Box::leak(Box::new(calls::table(inner))), me: 1 } }
    }

    /// What a plugin is given.
    pub fn host(&self) -> Host {
        self.host
    }

    /// The messages handed over so far.
    pub fn submitted(&self) -> Vec<Submitted> {
        self.inner.lock().submitted.clone()
    }

    /// The messages handed over so far, as texts.
    pub fn messages(&self) -> Vec<String> {
        let seen = self.inner.lock();
        seen.submitted.iter().map(|s| String::from_utf8_lossy(&s.message).into_owned()).collect()
    }

    /// Waits until so many messages have been handed over; `false` when `patience` is over first.
    pub fn wait_for(&self, messages: usize, patience: Duration) -> bool {
        self.wait(patience, |seen| seen.submitted.len() >= messages)
    }

    /// Waits until a logged line contains the words; `false` when `patience` is over first.
    pub fn wait_for_line(&self, words: &str, patience: Duration) -> bool {
        self.wait(patience, |seen| seen.lines.iter().any(|line| line.text.contains(words)))
    }

    /// How often messages were handed over, how often with FLUSH, and the flags of the last time.
    pub fn submits(&self) -> (usize, usize, u32) {
        let seen = self.inner.lock();
        (seen.calls, seen.flushes, seen.last_flags)
    }

    /// From now on the host takes no messages, as a daemon that stops.
    pub fn close(&self) {
        self.inner.closed.store(true, Ordering::SeqCst);
    }

    /// The lines logged so far.
    pub fn lines(&self) -> Vec<Line> {
        self.inner.lock().lines.clone()
    }

    /// A counter's value; 0 if there is none of that name.
    pub fn count(&self, name: &str) -> u64 {
        self.inner.lock().counters.get(name).map_or(0, |c| c.load(Ordering::Relaxed))
    }

    /// Address, name and port of a sender that was interned.
    pub fn peer(&self, number: u32) -> Option<(String, String, u32)> {
        let index = (number as usize).checked_sub(1)?;
        self.inner.lock().peers.get(index).cloned()
    }

    /// Says what a command answers, one number after the other; the last one stays.
    pub fn answer(&self, command: &str, numbers: &[i64]) {
        self.inner.lock().answers.insert(command.into(), numbers.iter().copied().collect());
    }

    /// The commands that were given, with their arguments.
    pub fn commands(&self) -> Vec<(String, String)> {
        self.inner.lock().commands.clone()
    }

    /// Gives a global parameter its value.
    pub fn set(&self, name: &str, value: &str) {
        self.inner.lock().settings.insert(name.to_ascii_lowercase(), value.into());
    }

    /// Gives the message behind a row of [`Rows`] a property.
    pub fn property(&self, row: usize, name: &str, value: &str) {
        self.inner.lock().properties.insert((row as u64, name.to_ascii_lowercase()), value.into());
    }

    /// The rulesets that messages were handed to by name, one a call.
    pub fn rulesets(&self) -> Vec<String> {
        self.inner.lock().rulesets.clone()
    }

    /// Makes [`Host::verdict`] refuse every peer: with the alert's number and the reason.
    pub fn refuse(&self, alert: i32, why: &str) {
        self.inner.lock().refusal = Some(Complaint::new(why).code(alert));
    }

    /// Waits for so many replies to sessions, and gives them all: session and text.
    pub fn replies(&self, wanted: usize, patience: Duration) -> Vec<(u64, String)> {
        self.wait(patience, |seen| seen.replies.len() >= wanted);
        let seen = self.inner.lock();
        seen.replies.iter().map(|(conn, text)| (*conn, String::from_utf8_lossy(text).into_owned())).collect()
    }

    fn wait(&self, patience: Duration, done: impl Fn(&Seen) -> bool) -> bool {
        let until = Instant::now() + patience;
        let mut seen = self.inner.lock();
        while !done(&seen) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            seen = self.inner.changed.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The host's services as methods: log, counters, senders, submit. Streams are in `stream`.

use crate::{Complaint, Frame, Level, params};
use std::fmt;
use std::ops::{BitOr, BitOrAssign};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use sysloom_abi as abi;
use sysloom_abi::submit_flag;

/// The host, as one instance of a plugin sees it. Cheap to clone; may be used from any thread.
#[derive(Clone, Copy)]
pub struct Host {
    pub(crate) raw: &'static abi::Host,
    /// The instance's id.
    pub(crate) me: u64,
}

// SAFETY: the ABI says that every function of the host may be called from any thread; the table never changes.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

impl Host {
    /// Logs one line. `code` is rsyslog's error code or 0.
    pub fn log(&self, level: Level, code: i32, text: &str) {
        self.log_pairs(level, code, text, &[]);
    }

    /// Whether a line of this level would be kept: one load.
    pub fn enabled(&self, level: Level) -> bool {
        // SAFETY: the ABI says that `log_level` leads to an atomic number which lives as long as the process.
        let limit = unsafe { AtomicU32::from_ptr(self.raw.log_level.cast_mut()) };
        level as u32 <= limit.load(Ordering::Relaxed)
    }

    /// The instance's counter of this name. Ask once and keep it.
    pub fn counter(&self, name: &str) -> Counter {
        // SAFETY: the name is borrowed for the call; the host gives an atomic that it never frees.
        let cell = unsafe { (self.raw.counter)(self.raw.h, self.me, borrow(name.as_bytes())) };
        if cell.is_null() {
            return Counter(Box::leak(Box::new(AtomicU64::new(0))));
        }
        // SAFETY: as above.
        Counter(unsafe { AtomicU64::from_ptr(cell.cast_mut()) })
    }

    /// A number for a sender, for [`Frame::peer`]. With an empty `host` the daemon resolves the address.
    pub fn intern(&self, ip: &str, host: &str, port: u16) -> u32 {
        let (ip, host) = (borrow(ip.as_bytes()), borrow(host.as_bytes()));
        // SAFETY: the texts are borrowed for the call.
        unsafe { (self.raw.peer_intern)(self.raw.h, ip, host, port.into()) }
    }

    /// Hands messages to the daemon, which copies them: how many it took. Waits while the queue is full, unless told
    /// not to.
    pub fn submit(&self, block: &[u8], frames: &[Frame], flags: Submit) -> Result<usize, Rejected> {
        // SAFETY: block and frames are borrowed for the call.
        let taken = unsafe {
            (self.raw.submit)(self.raw.h, self.me, borrow(block), frames.as_ptr(), frames.len(), flags.0)
        };
        usize::try_from(taken).map_err(|_| Rejected { status: taken })
    }

    /// As [`Host::log`], with keys and values.
    pub(crate) fn log_pairs(&self, level: Level, code: i32, text: &str, pairs: &[abi::Kv]) {
        if !self.enabled(level) {
            return;
        }
        let text = borrow(text.as_bytes());
        // SAFETY: everything is borrowed for the call.
        unsafe { (self.raw.log)(self.raw.h, self.me, level as u32, code, text, pairs.as_ptr(), pairs.len()) }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("me", &self.me).finish_non_exhaustive()
    }
}

/// A counter that the host owns and statistics show.
#[derive(Clone, Copy, Debug)]
pub struct Counter(&'static AtomicU64);

impl Counter {
    pub(crate) fn new(cell: &'static AtomicU64) -> Self {
        Self(cell)
    }

    /// For levels: what is there now.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How messages are handed over; combine with `|`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Submit(pub u32);

impl Submit {
    pub const NONE: Submit = Submit(0);
    /// Nothing more is at hand: hand the batch to the queue now.
    pub const FLUSH: Submit = Submit(submit_flag::FLUSH);
    /// The sender can be throttled: wait at the queue's light delay mark.
    pub const LIGHT_DELAY: Submit = Submit(submit_flag::LIGHT_DELAY);
    /// The sender can be held for long: wait at the queue's full delay mark.
    pub const FULL_DELAY: Submit = Submit(submit_flag::FULL_DELAY);
    /// Do not wait while the queue is full: take what fits and say how many.
    pub const NO_WAIT: Submit = Submit(submit_flag::NO_WAIT);
}

impl BitOr for Submit {
    type Output = Submit;
    fn bitor(self, other: Submit) -> Submit {
        Submit(self.0 | other.0)
    }
}

impl BitOrAssign for Submit {
    fn bitor_assign(&mut self, other: Submit) {
        self.0 |= other.0;
    }
}

/// The host took nothing: it stops, or the frames do not lie within the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// One of [`abi::status`].
    pub status: i64,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host took no messages (status {})", self.status)
    }
}

impl std::error::Error for Rejected {}

impl From<Rejected> for Complaint {
    fn from(rejected: Rejected) -> Self {
        Self::new(rejected.to_string())
    }
}

/// Bytes for the length of a call.
pub(crate) fn borrow(bytes: &[u8]) -> abi::Bytes {
    abi::Bytes { ptr: bytes.as_ptr(), len: bytes.len() }
}

/// A static text, for tables.
pub(crate) const fn fixed(text: &'static str) -> abi::Bytes {
    params::bytes(text)
}

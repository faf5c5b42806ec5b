//! What the host does for a plugin. Every function may be called from any thread, also from inside callbacks.

use crate::{Bytes, Complaint, ConnectSpec, Frame, ListenSpec, Opaque, Peer, StreamCb};
use abi_stable::StableAbi;

/// A key and its value in a log line.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Kv {
    pub key: Bytes,
    pub value: Bytes,
}

/// The host's functions. Lives as long as the process; `h` is the first argument of each function. `me` is the id
/// that the host gave to the calling instance (0 = the plugin as such).
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Host {
    pub size: u32,
    pub abi_minor: u32,
    pub h: Opaque,
    /// An atomic number of [`log_level`]: lines above it need not be made.
    pub log_level: *const u32,
    /// Logs one line. `code` is rsyslog's error code or 0.
    pub log: unsafe extern "C" fn(
        h: Opaque,
        me: u64,
        level: u32,
        code: i32,
        text: Bytes,
        kv: *const Kv,
        n_kv: usize,
    ),
    /// A counter of the instance, shown by statistics under its name: an atomic u64 that the host owns and never
    /// frees. The same name gives the same counter.
    pub counter: unsafe extern "C" fn(h: Opaque, me: u64, name: Bytes) -> *const u64,
    /// A number for a sender, for [`Frame::peer`]. `host` may be empty: the host resolves it then.
    pub peer_intern: unsafe extern "C" fn(h: Opaque, ip: Bytes, host: Bytes, port: u32) -> u32,
    /// Copies the messages of `block` into the calling thread's batch. Returns how many were taken, or a negative
    /// status. Waits while the queue is full, unless told not to.
    pub submit: unsafe extern "C" fn(
        h: Opaque,
        me: u64,
        block: Bytes,
        frames: *const Frame,
        n_frames: usize,
        flags: u32,
    ) -> i64,

    /// Listens with the stream parameters of the instance `me`; the host accepts, shakes hands, reads, and calls back.
    /// Returns the bound port (0 if it has none) or FAILED. Sessions come after all inputs are activated.
    pub stream_listen: unsafe extern "C" fn(
        h: Opaque,
        me: u64,
        instance: Opaque,
        spec: *const ListenSpec,
        cb: *const StreamCb,
        why: *mut Complaint,
    ) -> i64,
    /// Sends bytes to the peer of an accepted session: how many were sent or kept for sending, or a negative status.
    pub stream_reply: unsafe extern "C" fn(h: Opaque, conn: u64, bytes: Bytes) -> i64,

    /// Connects with the stream parameters of the action `me`, handshake included, and may block: a handle above 0,
    /// or TIMED_OUT, REFUSED, FAILED.
    pub stream_connect:
        unsafe extern "C" fn(h: Opaque, me: u64, spec: *const ConnectSpec, why: *mut Complaint) -> i64,
    /// Writes all bytes, waiting up to `timeout_ms`: OK; CLOSED when the peer has ended the stream, found before
    /// anything was written; FAILED or TIMED_OUT with the number of bytes taken in `written`.
    pub stream_write: unsafe extern "C" fn(
        h: Opaque,
        stream: i64,
        bytes: Bytes,
        timeout_ms: u32,
        written: *mut usize,
        why: *mut Complaint,
    ) -> i64,
    /// 1 = the stream can be written to, 0 = the peer has closed it or it failed.
    pub stream_alive: unsafe extern "C" fn(h: Opaque, stream: i64) -> i64,
    /// Closes in order (close_notify, half close) and frees the handle.
    pub stream_close: unsafe extern "C" fn(h: Opaque, stream: i64),

    /// For drivers, inside a handshake: may this peer go on? OK, or REFUSED with `why`. The driver then sends a
    /// fitting alert; `why.code` is the TLS alert's number.
    pub verdict: unsafe extern "C" fn(h: Opaque, conn: u64, peer: *const Peer, why: *mut Complaint) -> i64,

    /// A property of a message of the commit at hand, copied to `out` as far as `cap` allows; returns its full
    /// length or INVALID. `message` is of [`crate::Records::messages`].
    pub message_property:
        unsafe extern "C" fn(h: Opaque, message: u64, name: Bytes, out: *mut u8, cap: usize) -> i64,

    /// As `counter`, of an object with an origin and a name of its own. `flags` are bits of [`counter_flag`].
    pub counter_of: unsafe extern "C" fn(
        h: Opaque,
        me: u64,
        origin: Bytes,
        object: Bytes,
        name: Bytes,
        flags: u32,
    ) -> *const u64,
    /// Shows every counter of the daemon to `visitor`, those of one object in a row, and after the last one a null
    /// pointer. `flags` are bits of [`stats_flag`]. May block, since inputs can hold it back ([`crate::InputVt::stats`]).
    pub stats_walk: unsafe extern "C" fn(h: Opaque, me: u64, flags: u32, visitor: *const StatsVisitor) -> i64,
    /// A command to the daemon by name, see the sdk's list: its number, or a negative status and `why`.
    pub control:
        unsafe extern "C" fn(h: Opaque, me: u64, command: Bytes, argument: Bytes, why: *mut Complaint) -> i64,
    /// The value in force of a parameter of `global()`, as text: copied as `message_property` does. INVALID if there
    /// is none of that name, or nobody set it and it has no default.
    pub setting: unsafe extern "C" fn(h: Opaque, name: Bytes, out: *mut u8, cap: usize) -> i64,
    /// As `submit`, to the ruleset of this name instead of the instance's own. Outputs may call it, too.
    pub submit_to: unsafe extern "C" fn(
        h: Opaque,
        me: u64,
        ruleset: Bytes,
        block: Bytes,
        frames: *const Frame,
        n_frames: usize,
        flags: u32,
    ) -> i64,

    /// A number for a property (`msg`) or a variable (`$!a!b`) by name, for the three functions below: ask once, it
    /// holds as long as the process. INVALID if there is no such property.
    pub property: unsafe extern "C" fn(h: Opaque, name: Bytes) -> i64,
    /// Lends a property of a message that the plugin was called with; valid until the next call with this message.
    /// OK, or INVALID when the variable is not there.
    pub message_get: unsafe extern "C" fn(h: Opaque, message: Opaque, property: i64, out: *mut Bytes) -> i64,
    /// Sets a property or variable; `form` is of [`crate::form`]. The bytes are copied unless they lie in the message:
    /// in what `message_get` lends as `rawmsg` or as a property that stands there. `parsesuccess` takes `OK` and `FAIL`;
    /// `rawmsg`, and what is not the message's own, cannot be set. `timereported` takes a time stamp of RFC 3339 or 3164, the latter with
    /// the name of a zone behind it if a `timezone()` has it, and what follows is left alone; empty = that of
    /// reception. How many bytes of the value were used, or INVALID; parsers and message modification only.
    pub message_set:
        unsafe extern "C" fn(h: Opaque, message: Opaque, property: i64, form: u32, value: Bytes) -> i64,
    /// Takes a variable away: OK or INVALID.
    pub message_unset: unsafe extern "C" fn(h: Opaque, message: Opaque, property: i64) -> i64,
}

/// One counter as [`Host::stats_walk`] shows it. Borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Stat {
    pub size: u32,
    pub reserved: u32,
    /// Who counts: `core.action`, `imtcp`.
    pub origin: Bytes,
    pub object: Bytes,
    pub name: Bytes,
    pub value: u64,
}

/// Who hears the counters of [`Host::stats_walk`].
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct StatsVisitor {
    pub size: u32,
    pub reserved: u32,
    pub ctx: Opaque,
    pub visit: unsafe extern "C" fn(ctx: Opaque, stat: *const Stat),
}

/// Flags of [`Host::stats_walk`].
pub mod stats_flag {
    /// Set what was shown to 0, except counters that say otherwise.
    pub const RESET: u32 = 1;
}

/// Flags of [`Host::counter_of`].
pub mod counter_flag {
    /// A level rather than a count: it is never reset.
    pub const LEVEL: u32 = 1;
    /// Its object stands before all others.
    pub const FIRST: u32 = 2;
    /// Its object is the instance's own, even if another's has the same origin and name.
    pub const OWN: u32 = 4;
}

/// Levels of [`Host::log`]: syslog's severities, and two below for debugging.
pub mod log_level {
    pub const CRITICAL: u32 = 2;
    pub const ERROR: u32 = 3;
    pub const WARNING: u32 = 4;
    pub const NOTICE: u32 = 5;
    pub const INFO: u32 = 6;
    pub const DEBUG: u32 = 7;
    pub const TRACE: u32 = 8;
}

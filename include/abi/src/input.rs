//! Inputs: where messages come from. An input runs a thread of its own (`run`), or has the host run its streams
//! ([`StreamCb`]), or both.

use crate::{Bytes, Complaint, Host, Opaque, Value};
use abi_stable::StableAbi;

/// One message inside a submitted block.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, StableAbi)]
pub struct Frame {
    /// Bytes from the block's start.
    pub off: u32,
    pub len: u32,
    /// From [`Host::peer_intern`] or [`StreamCb::open`]; 0 = this host.
    pub peer: u32,
    /// Bits of [`frame_flag`].
    pub flags: u32,
    /// When it came, in nanoseconds since 1970; 0 = now.
    pub received_ns: i64,
}

/// Bits of [`Frame::flags`]. Bits 13 to 15 are the host's own.
pub mod frame_flag {
    /// The message was longer than allowed and its end is missing.
    pub const TRUNCATED: u32 = 1;
    /// From a local socket: PRI, time stamp, tag; no host name.
    pub const LOCAL: u32 = 2;
    /// The message's own time stamp is to be ignored.
    pub const IGNORE_TIMESTAMP: u32 = 4;
    /// Do not look for a host name.
    pub const NO_HOSTNAME: u32 = 8;
    /// A mark message: actions may skip it (`action.writeAllMarkMessages`).
    pub const MARK: u32 = 16;
    /// The sender's variables stand behind the message: the length of a JSON object in four bytes, little end first, and
    /// the object, whose members become `$!`. What is no object is left out.
    pub const VARIABLES: u32 = 32;
    /// A process of this host sent it, and the input tells such apart: what stands from [`PORT_SHIFT`] on is a number of
    /// the process and no port.
    pub const PROCESS: u32 = 64;
    /// For outputs that submit during a commit: `received_ns` is a handle of [`crate::Records::messages`], and a copy of
    /// that message goes on, with its input, its times and all that was set in it; it is not parsed again. Nothing else of
    /// the frame counts.
    pub const COPY: u32 = 128;
    /// From this bit on stands the sender's port; 0 = it has none, or it is not known.
    pub const PORT_SHIFT: u32 = 16;
}

/// Flags of [`Host::submit`].
pub mod submit_flag {
    /// Nothing more is at hand: hand the batch to the queue now.
    pub const FLUSH: u32 = 1;
    /// The sender can be throttled: wait at the queue's light delay mark.
    pub const LIGHT_DELAY: u32 = 2;
    /// The sender can be held for long: wait at the queue's full delay mark.
    pub const FULL_DELAY: u32 = 4;
    /// Do not wait while the queue is full: take what fits and return how many.
    pub const NO_WAIT: u32 = 8;
}

/// An input's functions.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct InputVt {
    pub size: u32,
    pub reserved: u32,
    /// Once per plugin, with the values of `module()`. Null function = no module object.
    pub module_new: Option<
        unsafe extern "C" fn(
            host: *const Host,
            me: u64,
            values: *const Value,
            n_values: usize,
            why: *mut Complaint,
        ) -> Opaque,
    >,
    pub module_free: Option<unsafe extern "C" fn(module: Opaque)>,
    /// Makes an instance from the values of `input()`: checks them, opens nothing. `me` names it in host calls.
    pub instance_new: unsafe extern "C" fn(
        module: Opaque,
        host: *const Host,
        me: u64,
        values: *const Value,
        n_values: usize,
        why: *mut Complaint,
    ) -> Opaque,
    /// Binds, opens, listens: before privileges are dropped. OK or FAILED.
    pub activate: unsafe extern "C" fn(instance: Opaque, why: *mut Complaint) -> i64,
    /// Called on a thread of the host's; returns when `stop_fd` becomes readable. Null = no thread wanted.
    pub run: Option<unsafe extern "C" fn(instance: Opaque, stop_fd: i32) -> i64>,
    /// The daemon got a HUP. Called on the host's main thread.
    pub hup: Option<unsafe extern "C" fn(instance: Opaque)>,
    /// After all threads and streams of the instance have ended.
    pub instance_free: unsafe extern "C" fn(instance: Opaque),
    /// Somebody reads the statistics: called with 0 before, to bring counters up to date (it may block the reader),
    /// and with 1 when all of them were shown. On the reader's thread. Null = not interested.
    pub stats: Option<unsafe extern "C" fn(instance: Opaque, read: u32)>,
}

/// What an input does with the streams that the host accepts for it ([`Host::stream_listen`]). Calls for one session
/// never overlap.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct StreamCb {
    pub size: u32,
    pub reserved: u32,
    /// A session is ready (its handshake is over). `peer` goes into [`Frame::peer`]. The result is the session's
    /// object, passed to the other two; it may be null.
    pub open:
        unsafe extern "C" fn(instance: Opaque, conn: u64, peer: u32, address: Bytes, port: u32) -> Opaque,
    /// Bytes came. Returns 0 to go on, or a negative status to have the session closed.
    pub data: unsafe extern "C" fn(instance: Opaque, session: Opaque, bytes: Bytes) -> i64,
    /// The session is over and its object is to be freed. `reason` is CLOSED, FAILED, TIMED_OUT ...
    pub close: unsafe extern "C" fn(instance: Opaque, session: Opaque, reason: i64),
}

/// What [`Host::stream_listen`] is asked for. Driver, mode and everything else of the stream are the host's own
/// parameters, which belong to the instance `me`.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct ListenSpec {
    pub size: u32,
    /// Sessions at once; 0 = the host's default.
    pub max_sessions: u32,
    /// Connections that may wait for accept; 0 = the host's default.
    pub backlog: u32,
    /// Reads in a row before another session gets its turn; 0 = no limit.
    pub max_reads: u32,
    /// Threads that serve the sessions; 0 = the host's default.
    pub threads: u32,
    /// 1 = TCP keep-alive; probes, time and interval (seconds) of 0 leave the system's.
    pub keep_alive: u32,
    pub keep_alive_probes: u32,
    pub keep_alive_time: u32,
    pub keep_alive_interval: u32,
    /// Bits of [`listen_flag`].
    pub flags: u32,
    pub address: Bytes,
    pub port: Bytes,
    /// A file that gets the bound port as decimal digits; empty = none.
    pub port_file: Bytes,
    /// The listener's name in messages, for example `imtcp`.
    pub name: Bytes,
    /// Who may connect: addresses, networks and names with commas between; empty = whom `$AllowedSender` names.
    pub allowed: Bytes,
}

/// Bits of [`ListenSpec::flags`].
pub mod listen_flag {
    /// Log when a session opens.
    pub const NOTIFY_OPEN: u32 = 1;
    /// Log when a session closes.
    pub const NOTIFY_CLOSE: u32 = 2;
}

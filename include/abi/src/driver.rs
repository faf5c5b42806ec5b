//! Netstream drivers: transports (listen, accept, connect) and layers (a record layer over another stream).
//!
//! All streams are nonblocking. A call that cannot go on returns [`crate::status::WOULD_BLOCK`] and sets `want`
//! (a read may want a write and the other way round). The host repeats a read until WOULD_BLOCK, because a poll does
//! not fire for bytes that a driver has already decrypted. After a partial write the host passes the same bytes again.
//! The host calls one session from one thread at a time, but not always the same one. It owns timeouts.

use crate::{Bytes, Complaint, Host, Opaque, Value};
use abi_stable::StableAbi;

/// The stream below a layer: a transport's session, or another layer's. Valid as long as the layer's session.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Lower {
    pub stream: Opaque,
    /// As [`DriverVt::read`].
    pub read: unsafe extern "C" fn(stream: Opaque, buf: *mut u8, len: usize, want: *mut u32) -> i64,
    /// As [`DriverVt::write`].
    pub write: unsafe extern "C" fn(stream: Opaque, buf: *const u8, len: usize, want: *mut u32) -> i64,
    /// The descriptor below, for socket options only; -1 = none.
    pub fd: i32,
}

/// Where a transport shall listen. Texts are the configuration's; the transport knows what they mean.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct ListenAt {
    pub size: u32,
    /// 0 = any family, 4, 6.
    pub family: u32,
    /// Connections that may wait for accept.
    pub backlog: u32,
    pub reserved: u32,
    /// Empty = all addresses.
    pub address: Bytes,
    /// Number or service; `0` = any free one, the same for all families.
    pub port: Bytes,
}

/// A listening object of a transport.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Listening {
    pub size: u32,
    /// The port that was bound.
    pub port: u32,
    pub listener: Opaque,
    /// Descriptors to poll for readability; the listener owns them.
    pub fds: [i32; 16],
    pub n_fds: u32,
    pub reserved: u32,
}

/// Where a transport shall connect to.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct ConnectTo {
    pub size: u32,
    /// 0 = any family, 4, 6.
    pub family: u32,
    /// Milliseconds for resolving and connecting together.
    pub timeout_ms: u32,
    pub reserved: u32,
    pub host: Bytes,
    pub port: Bytes,
    /// Local address; empty = any.
    pub local: Bytes,
    /// Network device; empty = any.
    pub device: Bytes,
}

/// A stream that a transport accepted or connected.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Connected {
    pub size: u32,
    /// The descriptor to poll; the session owns it.
    pub fd: i32,
    pub session: Opaque,
    /// The peer's address as text without port, `peer_len` bytes.
    pub peer: [u8; 108],
    pub peer_len: u32,
    /// The peer's port; 0 = it has none.
    pub peer_port: u32,
}

/// What the peer presented and proved. Everything is borrowed from the session and valid until its next call.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Peer {
    pub size: u32,
    /// 1 = resumed session: no library calls its verifier then, so the host judges again.
    pub resumed: u32,
    /// 1 = we are the server of this session.
    pub server: u32,
    pub reserved: u32,
    /// DER certificates as received, the peer's own first; 0 = none was presented.
    pub chain: *const Bytes,
    pub n_chain: usize,
    /// A stapled OCSP answer.
    pub staple: Bytes,
    /// The server name that the client asked for.
    pub server_name: Bytes,
    /// For example `TLSv1.3`.
    pub protocol: Bytes,
    /// For example `TLS13_AES_256_GCM_SHA384`.
    pub cipher: Bytes,
    /// For example `X25519MLKEM768`.
    pub group: Bytes,
}

/// A driver's functions. `listen`, `accept`, `unlisten` and `connect` are a transport's; `session` and `handshake` a
/// layer's; the others are both's.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct DriverVt {
    pub size: u32,
    pub reserved: u32,
    /// Makes what all sessions of one listener or one action share: keys, certificates, ciphers. `values` are the
    /// host's stream parameters in the order of [`stream_param`]; `role` is of [`role`]. Null = failed, see `why`.
    /// Called while the daemon still has its privileges. `me` is the owner for log and counters.
    pub context: unsafe extern "C" fn(
        host: *const Host,
        me: u64,
        role: u32,
        values: *const Value,
        n_values: usize,
        why: *mut Complaint,
    ) -> Opaque,
    /// Called after the last session of the context is gone.
    pub context_free: unsafe extern "C" fn(context: Opaque),

    pub listen: Option<
        unsafe extern "C" fn(
            context: Opaque,
            at: *const ListenAt,
            out: *mut Listening,
            why: *mut Complaint,
        ) -> i64,
    >,
    /// Accepts one connection of the descriptor `fd` of the listener: OK, WOULD_BLOCK or FAILED.
    pub accept: Option<
        unsafe extern "C" fn(listener: Opaque, fd: i32, out: *mut Connected, why: *mut Complaint) -> i64,
    >,
    /// Ends listening and frees the listener.
    pub unlisten: Option<unsafe extern "C" fn(listener: Opaque)>,
    /// Connects, and may block for `to.timeout_ms`: OK, TIMED_OUT or FAILED. Called on an action's worker thread.
    pub connect: Option<
        unsafe extern "C" fn(
            context: Opaque,
            to: *const ConnectTo,
            out: *mut Connected,
            why: *mut Complaint,
        ) -> i64,
    >,

    /// Puts a session over `lower`. `conn` is the host's name for it, for [`Host::verdict`]. `server_name` is what a
    /// client asks for (empty: ask for none). Null = failed.
    pub session: Option<
        unsafe extern "C" fn(
            context: Opaque,
            server: u32,
            lower: *const Lower,
            server_name: Bytes,
            conn: u64,
            why: *mut Complaint,
        ) -> Opaque,
    >,
    /// One step of the handshake: OK = finished, WOULD_BLOCK, CLOSED, REFUSED or FAILED (alert already sent).
    pub handshake: Option<unsafe extern "C" fn(session: Opaque, want: *mut u32, why: *mut Complaint) -> i64>,

    /// Reads up to `len` bytes: their number (above 0), WOULD_BLOCK, CLOSED or FAILED.
    pub read: unsafe extern "C" fn(session: Opaque, buf: *mut u8, len: usize, want: *mut u32) -> i64,
    /// Writes up to `len` bytes: how many were taken, WOULD_BLOCK, CLOSED or FAILED. `len` 0 = flush what is held
    /// back: OK when nothing is.
    pub write: unsafe extern "C" fn(session: Opaque, buf: *const u8, len: usize, want: *mut u32) -> i64,
    /// Says that we send no more (close_notify, then the lower stream's half close): OK, WOULD_BLOCK or FAILED.
    pub shutdown: unsafe extern "C" fn(session: Opaque, want: *mut u32) -> i64,
    /// Fills in what the peer presented; a transport leaves everything empty.
    pub peer: unsafe extern "C" fn(session: Opaque, out: *mut Peer) -> i64,
    /// Why the last call on this session failed, in words.
    pub reason: unsafe extern "C" fn(session: Opaque, why: *mut Complaint) -> i64,
    /// Frees the session and closes what it owns. A layer does not free its lower stream; the host does.
    pub free: unsafe extern "C" fn(session: Opaque),
}

/// Bits of `role`.
pub mod role {
    pub const CLIENT: u32 = 1;
    pub const SERVER: u32 = 2;
}

/// Order of the host's stream parameters. Append-only: a driver looks at `n_values`.
pub mod stream_param {
    pub const MODE: usize = 0;
    pub const AUTH_MODE: usize = 1;
    pub const CA_FILE: usize = 2;
    pub const CA_EXTRA_FILES: usize = 3;
    pub const CRL_FILE: usize = 4;
    pub const CERT_FILE: usize = 5;
    pub const KEY_FILE: usize = 6;
    /// gnutlsPriorityString.
    pub const PRIORITY: usize = 7;
    /// A file whose first line is the private key's passphrase. Since 0.2.
    pub const KEY_PASS_FILE: usize = 8;
    pub const COUNT: usize = 9;
}

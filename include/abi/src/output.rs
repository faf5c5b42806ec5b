//! Outputs: where rendered records go. One commit is one transaction of one action.

use crate::{Bytes, Complaint, Host, Opaque, Span, Value};
use abi_stable::StableAbi;

/// The records of one commit. Row `i`, column `c` is `block[cells[i * n_cols + c]]`; with one column the cells stand
/// back to back in order, so `block` is all records joined. Borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Records {
    pub size: u32,
    pub n_cols: u32,
    pub n_rows: usize,
    pub block: Bytes,
    pub cells: *const Span,
    /// One handle a row, for [`Host::message_property`].
    pub messages: *const u64,
}

/// What became of one record; values of `results`.
pub mod result {
    pub const OK: i32 = 0;
    /// Pass it again later.
    pub const RETRY: i32 = 1;
    /// It can never be delivered.
    pub const REJECT: i32 = 2;
}

/// An output's functions.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct OutputVt {
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
    /// Makes an instance from the values of `action()`: checks them, opens nothing.
    pub instance_new: unsafe extern "C" fn(
        module: Opaque,
        host: *const Host,
        me: u64,
        values: *const Value,
        n_values: usize,
        why: *mut Complaint,
    ) -> Opaque,
    /// Before privileges are dropped and before the first worker. Null = nothing to prepare.
    pub activate: Option<unsafe extern "C" fn(instance: Opaque, why: *mut Complaint) -> i64>,
    /// One worker object for each thread that commits to the instance.
    pub worker_new: unsafe extern "C" fn(instance: Opaque, why: *mut Complaint) -> Opaque,
    pub worker_free: unsafe extern "C" fn(worker: Opaque),
    /// Delivers: OK (all of them), SUSPENDED (none of them), DISABLED, or PARTLY with one of [`result`] for each row
    /// in `results`. `why` tells what is in the way, for one line in the log.
    pub commit: unsafe extern "C" fn(
        worker: Opaque,
        records: *const Records,
        results: *mut i32,
        why: *mut Complaint,
    ) -> i64,
    /// Asks whether a suspended destination is back: OK or SUSPENDED.
    pub resume: unsafe extern "C" fn(worker: Opaque, why: *mut Complaint) -> i64,
    /// The daemon got a HUP: close files, to be opened again on the next write. Called on the host's main thread
    /// while workers may be in `commit`.
    pub hup: Option<unsafe extern "C" fn(instance: Opaque)>,
    /// After its workers are gone.
    pub instance_free: unsafe extern "C" fn(instance: Opaque),
}

/// What [`Host::stream_connect`] is asked for. The stream's parameters are those of the action `me`.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct ConnectSpec {
    pub size: u32,
    /// Milliseconds for resolving, connecting and the handshake together; 0 = the host's default.
    pub timeout_ms: u32,
    pub keep_alive: u32,
    pub keep_alive_probes: u32,
    pub keep_alive_time: u32,
    pub keep_alive_interval: u32,
    /// TCP_USER_TIMEOUT in milliseconds; 0 = the system's.
    pub user_timeout_ms: u32,
    pub reserved: u32,
    pub host: Bytes,
    pub port: Bytes,
    /// Local address; empty = any.
    pub local: Bytes,
    /// Network device; empty = any.
    pub device: Bytes,
}

//! What the conformance kit for drivers needs below the safe wrappers: a stream of its own under a layer, and the
//! process's heap. With feature `probe` only; the daemon has no use for it.

use super::*;
use crate::plugin::Host;
use std::fs::File;
use std::io;
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// A stream for a layer to stand on, with whatever habits a test gives it.
pub trait Below: Send {
    /// As [`Session::read`].
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Halt>;
    /// As [`Session::write`].
    fn write(&mut self, buf: &[u8]) -> Result<usize, Halt>;
    /// As [`Session::shutdown`].
    fn shutdown(&mut self) -> Result<(), Halt>;
}

/// A transport without a network, whose sessions are [`Below`]s.
pub struct Ground(Arc<Context>);

struct Standing {
    below: Box<dyn Below>,
    /// The descriptor that a session must have; nobody reads or writes it.
    _fd: File,
}

impl Ground {
    pub fn new(host: &'static Host) -> Self {
        // SAFETY: the table is static and complete.
        let driver = unsafe { Driver::new(host.table(), "ground", manifest_flag::TRANSPORT, &TABLE) };
        let driver = Arc::new(driver.unwrap_or_else(|fault| unreachable!("{fault}")));
        Self(Arc::new(Context { driver, raw: ptr::null_mut() }))
    }

    /// A session that reads and writes `below`.
    pub fn session(&self, below: Box<dyn Below>) -> io::Result<Session> {
        let file = File::open("/dev/null")?;
        let fd = file.as_raw_fd();
        let raw = Box::into_raw(Box::new(Standing { below, _fd: file })).cast();
        Ok(Session { raw, fd, context: Arc::clone(&self.0), below: None })
    }
}

/// Bytes of the C library's heap that are in use, whichever library of the process took them.
pub fn heap_in_use() -> Option<usize> {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: it only reads the allocator's counters, under the allocator's own locks.
        let counters = unsafe { libc::mallinfo2() };
        Some(counters.uordblks + counters.hblkhd)
    }
    #[cfg(not(target_env = "gnu"))]
    None
}

const TABLE: DriverVt = DriverVt {
    size: size_of::<DriverVt>() as u32,
    reserved: 0,
    context: no_context,
    context_free: nothing,
    listen: Some(no_listen),
    accept: Some(no_accept),
    unlisten: Some(nothing),
    connect: Some(no_connect),
    session: None,
    handshake: None,
    read,
    write,
    shutdown,
    peer: no_peer,
    reason: no_reason,
    free,
};

unsafe extern "C" fn no_context(
    _: *const abi::Host,
    _: u64,
    _: u32,
    _: *const abi::Value,
    _: usize,
    _: *mut abi::Complaint,
) -> Opaque {
    ptr::null_mut()
}

unsafe extern "C" fn nothing(_: Opaque) {}

unsafe extern "C" fn no_listen(
    _: Opaque,
    _: *const abi::ListenAt,
    _: *mut abi::Listening,
    _: *mut abi::Complaint,
) -> i64 {
    status::FAILED
}

unsafe extern "C" fn no_accept(_: Opaque, _: i32, _: *mut abi::Connected, _: *mut abi::Complaint) -> i64 {
    status::FAILED
}

unsafe extern "C" fn no_connect(
    _: Opaque,
    _: *const abi::ConnectTo,
    _: *mut abi::Connected,
    _: *mut abi::Complaint,
) -> i64 {
    status::FAILED
}

unsafe extern "C" fn read(session: Opaque, buf: *mut u8, len: usize, wanted: *mut u32) -> i64 {
    // SAFETY: `Ground::session` made it, and one thread at a time calls.
    let standing = unsafe { &mut *session.cast::<Standing>() };
    // SAFETY: the layer lends `len` bytes for the call.
    let buf = if len == 0 { &mut [] } else { unsafe { from_raw_parts_mut(buf, len) } };
    // SAFETY: the layer passes null or a number.
    unsafe { answer(standing.below.read(buf), wanted) }
}

unsafe extern "C" fn write(session: Opaque, buf: *const u8, len: usize, wanted: *mut u32) -> i64 {
    // SAFETY: as in `read`.
    let standing = unsafe { &mut *session.cast::<Standing>() };
    // SAFETY: as in `read`.
    let buf = if len == 0 { &[] } else { unsafe { from_raw_parts(buf, len) } };
    // SAFETY: as in `read`.
    unsafe { answer(standing.below.write(buf), wanted) }
}

unsafe extern "C" fn shutdown(session: Opaque, wanted: *mut u32) -> i64 {
    // SAFETY: as in `read`.
    let standing = unsafe { &mut *session.cast::<Standing>() };
    // SAFETY: as in `read`.
    unsafe { answer(standing.below.shutdown().map(|()| 0), wanted) }
}

unsafe extern "C" fn no_peer(_: Opaque, _: *mut abi::Peer) -> i64 {
    status::OK
}

unsafe extern "C" fn no_reason(_: Opaque, _: *mut abi::Complaint) -> i64 {
    status::OK
}

unsafe extern "C" fn free(session: Opaque) {
    // SAFETY: `Ground::session` made it, and this is its last use.
    drop(unsafe { Box::from_raw(session.cast::<Standing>()) });
}

/// # Safety
/// `wanted` is null or a number of the caller's.
unsafe fn answer(result: Result<usize, Halt>, wanted: *mut u32) -> i64 {
    match result {
        Ok(n) => n as i64,
        Err(Halt::Wait { read, write }) => {
            // SAFETY: the caller's promise.
            if let Some(wanted) = unsafe { wanted.as_mut() } {
                *wanted = u32::from(read) * want::READ + u32::from(write) * want::WRITE;
            }
            status::WOULD_BLOCK
        }
        Err(Halt::Closed) => status::CLOSED,
        Err(_) => status::FAILED,
    }
}

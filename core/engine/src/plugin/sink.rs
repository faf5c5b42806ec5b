//! Where an input's streams go: its callbacks as safe objects. The netstream opens one session for each connection.

use super::link::Link;
use super::raw::borrow;
use super::watch::Callback;
use std::sync::Arc;
use sysloom_abi::{Opaque, StreamCb, status};

/// The callbacks of an input that listens. Cheap to clone. No session and no clone may be used after the input's
/// instance is freed: the netstream stops before.
#[derive(Clone)]
pub struct StreamSink {
    instance: Opaque,
    cb: StreamCb,
    link: Option<Arc<Link>>,
}

// SAFETY: the ABI lets callbacks of different sessions run on any thread at the same time.
unsafe impl Send for StreamSink {}
// SAFETY: as above.
unsafe impl Sync for StreamSink {}

impl StreamSink {
    /// # Safety
    /// `instance` and `cb` came with one call of `stream_listen`.
    pub(super) unsafe fn new(instance: Opaque, cb: StreamCb, link: Option<Arc<Link>>) -> Self {
        Self { instance, cb, link }
    }

    /// A session is ready.
    pub fn open(&self, conn: u64, peer: u32, address: &str, port: u16) -> SinkSession {
        let running = self.link.as_ref().map(|l| l.enter(Callback::Open));
        let raw = match running {
            Some(Err(_)) => None,
            // SAFETY: the instance is alive as long as its streams; the text outlives the call.
            _ => Some(unsafe {
                (self.cb.open)(self.instance, conn, peer, borrow(address.as_bytes()), port.into())
            }),
        };
        SinkSession { sink: self.clone(), raw }
    }
}

/// One session of an input. Dropped without [`SinkSession::close`], it counts as stopped.
pub struct SinkSession {
    sink: StreamSink,
    /// None = closed, or the input has panicked.
    raw: Option<Opaque>,
}

// SAFETY: the ABI has calls for one session never overlap, on any thread; `&mut` sees to that.
unsafe impl Send for SinkSession {}

impl SinkSession {
    /// Bytes came. 0, or a negative status that has the session closed.
    pub fn data(&mut self, bytes: &[u8]) -> i64 {
        let Some(raw) = self.raw else { return status::PANICKED };
        let Some(link) = &self.sink.link else { return self.call(raw, bytes) };
        let Ok(_running) = link.enter(Callback::Data) else { return status::PANICKED };
        let result = self.call(raw, bytes);
        if result < 0 {
            link.check(result, Callback::Data);
        }
        result
    }

    /// The session is over: `reason` is CLOSED, FAILED, TIMED_OUT, or DISABLED when the daemon stops.
    pub fn close(mut self, reason: i64) {
        self.end(reason);
    }

    fn call(&self, raw: Opaque, bytes: &[u8]) -> i64 {
        // SAFETY: the instance is alive as long as its streams, the session was opened and is not closed.
        unsafe { (self.sink.cb.data)(self.sink.instance, raw, borrow(bytes)) }
    }

    fn end(&mut self, reason: i64) {
        let Some(raw) = self.raw.take() else { return };
        let running = self.sink.link.as_ref().map(|l| l.enter(Callback::Close));
        if let Some(Err(_)) = running {
            return;
        }
        // SAFETY: as in `call`; this is the session's last use.
        unsafe { (self.sink.cb.close)(self.sink.instance, raw, reason) }
    }
}

impl Drop for SinkSession {
    fn drop(&mut self) {
        self.end(status::DISABLED);
    }
}

//! Where an input's streams go: its callbacks as safe objects. The netstream opens one session for each connection.

use super::link::{Keep, Link};
use super::raw::borrow;
use super::watch::Callback;
use std::sync::Arc;
use sysloom_abi::{Opaque, StreamCb, status};

/// The callbacks of an input that listens. Cheap to clone; keeps the input's instance alive.
#[derive(Clone)]
pub struct StreamSink {
    instance: Opaque,
    cb: StreamCb,
    link: Arc<Link>,
    _keep: Keep,
}

// SAFETY: the ABI lets callbacks of different sessions run on any thread at the same time.
unsafe impl Send for StreamSink {}
// SAFETY: as above.
unsafe impl Sync for StreamSink {}

impl StreamSink {
    /// `None` while the instance behind the link is still being made or freed.
    ///
    /// # Safety
    /// `instance` and `cb` came with one call of `stream_listen` for the instance behind `link`.
    pub(super) unsafe fn new(instance: Opaque, cb: StreamCb, link: Arc<Link>) -> Option<Self> {
        let keep = link.keep()?;
        Some(Self { instance, cb, link, _keep: keep })
    }

    /// A session is ready.
    pub fn open(&self, conn: u64, peer: u32, address: &str, port: u16) -> SinkSession {
        let raw = self.link.enter(Callback::Open).ok().map(|_running| {
            let address = borrow(address.as_bytes());
            // SAFETY: the instance is alive; the text outlives the call.
            unsafe { (self.cb.open)(self.instance, conn, peer, address, port.into()) }
        });
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
        let link = &self.sink.link;
        let Ok(_running) = link.enter(Callback::Data) else { return status::PANICKED };
        // SAFETY: the instance is alive, the session was opened and is not closed.
        let result = unsafe { (self.sink.cb.data)(self.sink.instance, raw, borrow(bytes)) };
        if result < 0 {
            link.check(result, Callback::Data);
        }
        result
    }

    /// The session is over: `reason` is CLOSED, FAILED, TIMED_OUT, or DISABLED when the daemon stops.
    pub fn close(mut self, reason: i64) {
        self.end(reason);
    }

    fn end(&mut self, reason: i64) {
        let Some(raw) = self.raw.take() else { return };
        if let Ok(_running) = self.sink.link.enter(Callback::Close) {
            // SAFETY: as in `data`; this is the session's last use.
            unsafe { (self.sink.cb.close)(self.sink.instance, raw, reason) }
        }
    }
}

impl Drop for SinkSession {
    fn drop(&mut self) {
        self.end(status::DISABLED);
    }
}

//! Both ends of a stream in memory, for a layer under test.

use crate::Lower;
use crate::values::slice;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use sysloom_abi::{self as abi, Opaque, status, want};

/// A stream for a layer to stand on, and its far end.
pub fn wire() -> (Lower, Far) {
    let pipe: &'static Pipe = Box::leak(Box::new(Pipe(Mutex::new(Ends {
        to_layer: VecDeque::new(),
        from_layer: Vec::new(),
        room: usize::MAX,
        closed: false,
    }))));
    let stream = std::ptr::from_ref(pipe).cast_mut().cast();
    (Lower { raw: abi::Lower { stream, read, write, fd: -1 } }, Far(pipe))
}

/// The far end of a [`wire`]: what a peer would do.
#[derive(Clone, Copy)]
pub struct Far(&'static Pipe);

impl Far {
    /// Bytes for the layer to read.
    pub fn give(&mut self, bytes: &[u8]) {
        self.0.lock().to_layer.extend(bytes);
    }

    /// What the layer has written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().from_layer)
    }

    /// How many bytes more the stream takes before it makes the layer wait; without limit at first.
    pub fn room(&mut self, bytes: usize) {
        self.0.lock().room = bytes;
    }

    /// The peer sends no more and takes nothing.
    pub fn close(&mut self) {
        self.0.lock().closed = true;
    }
}

struct Pipe(Mutex<Ends>);

struct Ends {
    to_layer: VecDeque<u8>,
    from_layer: Vec<u8>,
    room: usize,
    closed: bool,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

unsafe extern "C" fn read(stream: Opaque, buf: *mut u8, len: usize, wanted: *mut u32) -> i64 {
    // SAFETY: `wire` put its pipe there, which is never freed; buffer and place are the caller's `Lower::read`'s.
    let (pipe, buf, wanted) =
        unsafe { (&*stream.cast::<Pipe>(), std::slice::from_raw_parts_mut(buf, len), &mut *wanted) };
    let mut ends = pipe.lock();
    let n = len.min(ends.to_layer.len());
    match n {
        0 if ends.closed => status::CLOSED,
        0 => {
            *wanted = want::READ;
            status::WOULD_BLOCK
        }
        _ => {
            for (slot, byte) in buf.iter_mut().zip(ends.to_layer.drain(..n)) {
                *slot = byte;
            }
            n as i64
        }
    }
}

unsafe extern "C" fn write(stream: Opaque, buf: *const u8, len: usize, wanted: *mut u32) -> i64 {
    // SAFETY: as in `read`.
    let (pipe, buf, wanted) = unsafe { (&*stream.cast::<Pipe>(), slice(buf, len), &mut *wanted) };
    let mut ends = pipe.lock();
    let n = len.min(ends.room);
    match n {
        _ if ends.closed => status::CLOSED,
        0 if len > 0 => {
            *wanted = want::WRITE;
            status::WOULD_BLOCK
        }
        _ => {
            ends.room -= n;
            ends.from_layer.extend(&buf[..n]);
            n as i64
        }
    }
}

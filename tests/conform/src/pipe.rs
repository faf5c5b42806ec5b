//! A pipe in memory for a layer to stand on, with whatever bad habits a line asks for: bytes one by one, every second
//! call in vain, no room, a break. Nothing happens in it by itself, so that what hangs is seen at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use sysloom_engine::plugin::probe::Below;
use sysloom_engine::plugin::{Fault, Halt};

/// One end.
#[derive(Clone)]
pub struct End {
    inbound: Arc<Mutex<Channel>>,
    outbound: Arc<Mutex<Channel>>,
}

/// One direction.
pub struct Channel {
    pub bytes: VecDeque<u8>,
    /// The writer sends no more.
    pub ended: bool,
    /// Neither side gets on.
    pub broken: bool,
    /// Bytes that it holds at most.
    pub room: usize,
    /// Bytes per call.
    pub chunk: usize,
    /// Every second call is in vain.
    pub stutters: bool,
    /// Reads and writes so far.
    calls: [usize; 2],
    /// Everything that was ever written.
    pub record: Option<Vec<u8>>,
}

/// Two ends that are connected.
pub fn pipe() -> (End, End) {
    let (one, other) = (Arc::<Mutex<Channel>>::default(), Arc::<Mutex<Channel>>::default());
    let near = End { inbound: Arc::clone(&one), outbound: Arc::clone(&other) };
    (near, End { inbound: other, outbound: one })
}

impl End {
    /// What comes to this end.
    pub fn inbound(&self) -> MutexGuard<'_, Channel> {
        self.inbound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What leaves from this end.
    pub fn outbound(&self) -> MutexGuard<'_, Channel> {
        self.outbound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes everything that has come.
    pub fn take(&self) -> Vec<u8> {
        self.inbound().bytes.drain(..).collect()
    }

    /// Gives bytes to the other end, whatever its room.
    pub fn give(&self, bytes: &[u8]) {
        let mut outbound = self.outbound();
        outbound.bytes.extend(bytes);
        if let Some(record) = &mut outbound.record {
            record.extend_from_slice(bytes);
        }
    }
}

impl Default for Channel {
    fn default() -> Self {
        Self {
            bytes: VecDeque::new(),
            ended: false,
            broken: false,
            room: usize::MAX,
            chunk: usize::MAX,
            stutters: false,
            calls: [0; 2],
            record: None,
        }
    }
}

impl Channel {
    fn call(&mut self, side: usize) -> Result<bool, Halt> {
        if self.broken {
            return Err(Halt::Failed(Box::new(Fault::new("the stream below broke"))));
        }
        self.calls[side] += 1;
        Ok(self.stutters && self.calls[side] % 2 == 1)
    }
}

impl Below for End {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Halt> {
        let mut channel = self.inbound();
        let wait = Halt::Wait { read: true, write: false };
        if channel.call(READ)? {
            return Err(wait);
        }
        let n = channel.bytes.len().min(buf.len()).min(channel.chunk);
        if n == 0 && !buf.is_empty() {
            return Err(if channel.ended { Halt::Closed } else { wait });
        }
        for (slot, byte) in buf.iter_mut().zip(channel.bytes.drain(..n)) {
            *slot = byte;
        }
        Ok(n)
    }

    fn write(&mut self, buf: &[u8]) -> Result<usize, Halt> {
        let mut channel = self.outbound();
        if channel.call(WRITE)? && !buf.is_empty() {
            return Err(Halt::Wait { read: false, write: true });
        }
        let room = channel.room.saturating_sub(channel.bytes.len());
        let n = buf.len().min(channel.chunk).min(room);
        if n == 0 && !buf.is_empty() {
            return Err(Halt::Wait { read: false, write: true });
        }
        channel.bytes.extend(&buf[..n]);
        if let Some(record) = &mut channel.record {
            record.extend_from_slice(&buf[..n]);
        }
        Ok(n)
    }

    fn shutdown(&mut self) -> Result<(), Halt> {
        self.outbound().ended = true;
        Ok(())
    }
}

const READ: usize = 0;
const WRITE: usize = 1;

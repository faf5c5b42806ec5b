//! Records on their way to the stream below. The buffers are the thread's and go back to it when they are empty, so that
//! an idle session holds none.

use super::Below;
use crate::{Stop, Want};
use std::cell::Cell;

/// Bytes that the stream below has not taken yet.
#[derive(Default)]
pub struct Outbox {
    /// As long as it ever had to be: growing is the only time when bytes are zeroed.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Outbox {
    /// Room for at least `len` more bytes; [`Outbox::commit`] says how many were used.
    pub fn room(&mut self, len: usize) -> &mut [u8] {
        if self.buffer.is_empty() {
            self.buffer = SPARE.take();
        }
        let wanted = self.end + len;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// So many bytes of the room are used.
    pub fn commit(&mut self, len: usize) {
        self.end = self.buffer.len().min(self.end + len);
    }

    /// Adds bytes behind all others.
    pub fn push(&mut self, bytes: &[u8]) {
        if let Some(room) = self.room(bytes.len()).get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
            self.commit(bytes.len());
        }
    }

    /// What waits to be passed on.
    pub fn waiting(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes back all that waits behind the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.end = self.end.min(self.start + len);
    }

    /// Whether everything has been passed on.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Passes everything on, as far as the stream below takes it.
    pub fn flush(&mut self, below: &mut impl Below) -> Result<(), Stop> {
        while let Some(rest) = self.buffer.get(self.start..self.end).filter(|r| !r.is_empty()) {
            match below.write(rest)? {
                // Nothing taken and nothing said: another layer's way to say "later".
                0 => return Err(Stop::Wait(Want::WRITE)),
                n => self.start += n,
            }
        }
        self.clear();
        Ok(())
    }

    /// Forgets what waits, and gives the buffer back to the thread.
    pub fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
        let buffer = std::mem::take(&mut self.buffer);
        let other = SPARE.take();
        SPARE.set(if buffer.len() > other.len() { buffer } else { other });
    }
}

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

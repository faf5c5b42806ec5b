//! Outputs: where rendered records go.

use crate::host::borrow;
use crate::values::slice;
use crate::{Complaint, Host, Params};
use sysloom_abi::{Frame, Span, frame_flag};

/// An output module. One value of the type is one `action()` of the configuration.
pub trait Output: Sized + Send + Sync + 'static {
    /// The word in `action(type=)`.
    const NAME: &'static str;
    /// One of the outputs that rsyslog has built in.
    const BUILTIN: bool = false;
    /// Whether it connects through the host's netstream (and so takes the stream parameters).
    const STREAMS: bool = false;
    /// Prefix of the legacy directives for stream parameters.
    const STREAM_LEGACY: &'static str = "";
    /// Whether it does without templates and reads properties ([`Records::property`]), or nothing.
    const NO_TEMPLATE: bool = false;
    /// The template of an action that names none.
    const DEFAULT_TEMPLATE: &'static str = "";
    /// Options of `module()`.
    type Module: Params + Send + Sync + 'static;
    /// Options of `action()`.
    type Settings: Params;
    /// What one committing thread needs of its own.
    type Worker: Worker<Self>;

    /// Makes an instance: checks what the table cannot say, opens nothing.
    fn new(module: &Self::Module, settings: Self::Settings, host: Host) -> Result<Self, Complaint>;
    /// Prepares what needs privileges. Before the first worker.
    fn activate(&self) -> Result<(), Complaint> {
        Ok(())
    }
    /// The daemon got a HUP: close files, to be opened again on the next write. Workers may be in commit.
    fn hup(&self) {}
}

/// The part of an output that works: one for each committing thread.
pub trait Worker<O: Output>: Sized + Send + 'static {
    /// Called on the thread that will commit.
    fn new(output: &O) -> Result<Self, Complaint>;
    /// Delivers one transaction.
    fn commit(&mut self, output: &O, records: &Records<'_>) -> Commit;
    /// Asks whether a suspended destination is back.
    fn resume(&mut self, output: &O) -> Result<(), Complaint>;
}

/// What became of a transaction.
#[derive(Debug)]
pub enum Commit {
    /// Everything is delivered.
    Done,
    /// Nothing is delivered and the destination is not to be had: try all of it again later.
    Suspended(Complaint),
    /// Nothing will ever be delivered by this action.
    Disabled(Complaint),
    /// One outcome a record, in order.
    Each(Vec<Outcome>, Complaint),
}

/// What became of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Pass it again later.
    Retry,
    /// It can never be delivered.
    Reject,
}

/// The records of one transaction.
#[derive(Clone, Copy)]
pub struct Records<'a> {
    pub(crate) raw: &'a sysloom_abi::Records,
    pub(crate) host: Host,
}

impl<'a> Records<'a> {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.raw.n_rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.raw.n_rows == 0
    }

    /// Texts per record: one for each of the action's templates.
    pub fn columns(&self) -> usize {
        self.raw.n_cols as usize
    }

    /// All texts; with one column that is all records joined, in order.
    pub fn block(&self) -> &'a [u8] {
        // SAFETY: the host lends the block for the call, and `'a` is not longer.
        unsafe { slice(self.raw.block.ptr, self.raw.block.len) }
    }

    /// One text of one record; empty if there is no such place.
    pub fn cell(&self, row: usize, column: usize) -> &'a [u8] {
        if column >= self.columns() || row >= self.len() {
            return &[];
        }
        // SAFETY: the host lends `n_rows * n_cols` cells for the call.
        let cells = unsafe { slice(self.raw.cells, self.len() * self.columns()) };
        let span = cells.get(row * self.columns() + column);
        let Some(Span { off, len }) = span.copied() else { return &[] };
        self.block().get(off as usize..off as usize + len as usize).unwrap_or_default()
    }

    /// The first text of each record.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let records = *self;
        (0..self.len()).map(move |row| records.cell(row, 0))
    }

    /// A frame that stands for a copy of a record's message, for [`Host::submit_to`].
    pub fn copy(&self, row: usize) -> Option<Frame> {
        // SAFETY: the host lends `n_rows` handles for the call.
        let message = unsafe { slice(self.raw.messages, self.len()) }.get(row)?;
        let received_ns = i64::try_from(*message).ok()?;
        Some(Frame { flags: frame_flag::COPY, received_ns, ..Frame::default() })
    }

    /// Puts a property of a record's message into `out`, replacing what is there; `false` if there is no such property.
    pub fn property(&self, row: usize, name: &str, out: &mut Vec<u8>) -> bool {
        out.clear();
        // SAFETY: the host lends `n_rows` handles for the call.
        let messages = unsafe { slice(self.raw.messages, self.len()) };
        let Some(&message) = messages.get(row) else { return false };
        loop {
            let (h, spare) = (self.host.raw.h, out.spare_capacity_mut());
            let (ptr, cap) = (spare.as_mut_ptr().cast(), spare.len());
            // SAFETY: `ptr` has room for `cap` bytes; the name is borrowed for the call.
            let len =
                unsafe { (self.host.raw.message_property)(h, message, borrow(name.as_bytes()), ptr, cap) };
            let Ok(len) = usize::try_from(len) else { return false };
            if len <= cap {
                // SAFETY: the host has written `len` bytes, and `out` was empty.
                unsafe { out.set_len(len) };
                return true;
            }
            out.reserve(len);
        }
    }
}

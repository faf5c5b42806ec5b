//! Outputs: where rendered records go.

use crate::{Complaint, Host, Params};

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
}

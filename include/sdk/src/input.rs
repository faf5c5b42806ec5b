//! Inputs: where messages come from.

use crate::{Complaint, Host, Params};
use std::os::fd::BorrowedFd;

/// An input module. One value of the type is one `input()` of the configuration.
pub trait Input: Sized + Send + Sync + 'static {
    /// The word in `input(type=)`.
    const NAME: &'static str;
    /// Whether it listens through the host's netstream (and so takes the stream parameters); see [`StreamInput`].
    const STREAMS: bool = false;
    /// Prefix of the legacy directives for stream parameters.
    const STREAM_LEGACY: &'static str = "";
    /// Whether [`Input::run`] wants a thread.
    const RUNS: bool = false;
    /// Whether loading the module makes one instance without any `input()`, with nothing set but defaults.
    const AUTO: bool = false;
    /// Options of `module()`.
    type Module: Params + Send + Sync + 'static;
    /// Options of `input()`.
    type Settings: Params;

    /// Makes an instance: checks what the table cannot say, opens nothing.
    fn new(module: &Self::Module, settings: Self::Settings, host: Host) -> Result<Self, Complaint>;
    /// Binds, opens, listens: before privileges are dropped. `self` has its final address from here on.
    fn activate(&self) -> Result<(), Complaint>;
    /// Runs on a thread of the host's until `stop` becomes readable.
    fn run(&self, stop: BorrowedFd<'_>) -> Result<(), Complaint> {
        let _ = stop;
        Ok(())
    }
    /// The daemon got a HUP.
    fn hup(&self) {}
    /// Whether [`Input::stats`] is to be called.
    const STATS: bool = false;
    /// Somebody reads the statistics: before (counters may be brought up to date, the reader waits), and after. Called
    /// on the reader's thread.
    fn stats(&self, reading: Reading) {
        let _ = reading;
    }
}

/// When [`Input::stats`] is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The counters are about to be read.
    Begins,
    /// All of them were shown.
    Ended,
}

/// An input whose streams the host accepts, secures, reads and times out ([`Host::listen`]).
pub trait StreamInput: Input {
    /// What is kept for one session. Idle sessions are many: keep it small.
    type Session: Send + 'static;
    /// A session is ready. `peer` goes into every frame of it.
    fn open(&self, session: Accepted<'_>) -> Self::Session;
    /// Bytes came. `Err` has the session closed and logged.
    fn data(&self, session: &mut Self::Session, bytes: &[u8]) -> Result<(), Complaint>;
    /// The session is over.
    fn close(&self, session: Self::Session, reason: End);
}

/// A session that the host accepted.
#[derive(Clone, Copy, Debug)]
pub struct Accepted<'a> {
    /// The host's name of the session, for [`Host::reply`].
    pub conn: u64,
    /// The sender's number, for [`crate::Frame::peer`].
    pub peer: u32,
    /// The sender's address as text.
    pub address: &'a str,
    /// The sender's port.
    pub port: u16,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The peer closed in order.
    Closed,
    /// The stream broke.
    Failed,
    /// It was silent for too long, or its handshake was.
    TimedOut,
    /// The daemon stops.
    Stopped,
}

//! The two neighbours of a session as traits: the stream below and the daemon. The sdk's types fill them in; tests put
//! memory in their place.

use crate::{Complaint, Host, Level, Lower, PeerFacts, Stop};
use std::fmt::Debug;

/// The stream that carries the records.
pub trait Below: Send + 'static {
    /// Reads into `buf`: how many bytes, above 0.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop>;
    /// Writes from `buf`: how many bytes were taken. An empty `buf` flushes.
    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop>;
}

/// The daemon, as far as TLS needs it.
pub trait Daemon: Debug + Send + Sync + 'static {
    /// May this peer go on? The complaint's code is a TLS alert's number.
    fn verdict(&self, conn: u64, peer: &PeerFacts<'_>) -> Result<(), Complaint>;
    fn log(&self, level: Level, text: &str);
    /// Whether a line of this level would be kept.
    fn enabled(&self, level: Level) -> bool;
}

impl Below for Lower {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        Lower::read(self, buf)
    }

    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop> {
        Lower::write(self, buf)
    }
}

impl Daemon for Host {
    fn verdict(&self, conn: u64, peer: &PeerFacts<'_>) -> Result<(), Complaint> {
        Host::verdict(self, conn, peer)
    }

    fn log(&self, level: Level, text: &str) {
        Host::log(self, level, 0, text);
    }

    fn enabled(&self, level: Level) -> bool {
        Host::enabled(self, level)
    }
}

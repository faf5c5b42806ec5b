//! What the engine does for plugins, as the safe side sees it: [`super::Host`] turns raw calls into these.

use super::{Fault, PeerFacts, StreamSink};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;
use sysloom_abi::Frame;

/// The engine's services. `me` is the id of the calling instance, 0 = a plugin as such. Every function may be called
/// from any thread.
pub trait Services: Send + Sync {
    /// The highest level of lines that are kept, of [`sysloom_abi::log_level`]. Plugins read it directly.
    fn log_level(&self) -> &AtomicU32;
    /// One line; `code` is rsyslog's or 0.
    fn log(&self, me: u64, level: u32, code: i32, text: &str, pairs: &[(&str, &str)]);
    /// The counter of an instance; the same name gives the same one.
    fn counter(&self, me: u64, name: &str) -> &'static AtomicU64;
    /// A number for a sender.
    fn intern(&self, ip: &str, host: &str, port: u16) -> u32;
    /// Takes messages: how many, or a negative status. All frames lie within the block.
    fn submit(&self, me: u64, block: &[u8], frames: &[Frame], flags: u32) -> i64;
    /// Listens for an input: the bound port.
    fn listen(&self, me: u64, sink: StreamSink, spec: &ListenRequest) -> Result<u16, Fault>;
    /// Sends to the peer of an accepted session.
    fn reply(&self, conn: u64, bytes: &[u8]) -> Result<(), Fault>;
    /// Connects for an output: a handle above 0, or a status and why.
    fn connect(&self, me: u64, to: &ConnectRequest) -> Result<i64, (i64, Fault)>;
    /// Writes everything within the time: or a status, how many bytes were taken, and why.
    fn write(&self, stream: i64, bytes: &[u8], timeout: Duration) -> Result<(), (i64, usize, Fault)>;
    /// Whether the stream can be written to.
    fn alive(&self, stream: i64) -> bool;
    /// Closes and frees the handle.
    fn close(&self, stream: i64);
    /// May this peer go on? The fault's code is the TLS alert's number.
    fn verdict(&self, conn: u64, peer: &PeerFacts<'_>) -> Result<(), Fault>;
    /// Copies a property of a message as far as `out` allows; its full length, or a negative status.
    fn property(&self, message: u64, name: &str, out: &mut [u8]) -> i64;
    /// A number for a property or variable, for [`super::Subject`]; negative if there is none of that name.
    fn find_property(&self, _name: &str) -> i64 {
        sysloom_abi::status::INVALID
    }
    /// A counter of an object by its own name; flags of [`sysloom_abi::counter_flag`].
    fn counter_of(
        &self,
        me: u64,
        _origin: &str,
        _object: &str,
        name: &str,
        _flags: u32,
    ) -> &'static AtomicU64 {
        self.counter(me, name)
    }
    /// Shows every counter, and `None` after the last; flags of [`sysloom_abi::stats_flag`].
    fn walk(&self, _flags: u32, visit: &mut dyn FnMut(Option<Stat<'_>>)) {
        visit(None);
    }
    /// A command by name: a number that is not negative.
    fn control(&self, _me: u64, command: &str, _argument: &str) -> Result<i64, Fault> {
        Err(Fault::new(format!("there is no command '{command}'")))
    }
    /// The value in force of a parameter of `global()`, as text.
    fn setting(&self, _name: &str) -> Option<String> {
        None
    }
    /// As [`Services::submit`], to a ruleset by name.
    fn submit_to(&self, _me: u64, _ruleset: &str, _block: &[u8], _frames: &[Frame], _flags: u32) -> i64 {
        sysloom_abi::status::INVALID
    }
}

/// One counter of [`Services::walk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat<'a> {
    pub origin: &'a str,
    pub object: &'a str,
    pub name: &'a str,
    pub value: u64,
}

/// What an input asks to listen for; see [`sysloom_abi::ListenSpec`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenRequest {
    pub address: String,
    pub port: String,
    pub port_file: String,
    pub name: String,
    pub max_sessions: u32,
    pub backlog: u32,
    pub max_reads: u32,
    pub threads: u32,
    pub keep_alive: bool,
    pub keep_alive_probes: u32,
    pub keep_alive_time: u32,
    pub keep_alive_interval: u32,
    pub notify_open: bool,
    pub notify_close: bool,
    /// Who may connect, entries with commas between; empty = whom `$AllowedSender` names.
    pub allowed: String,
}

/// What an output asks to connect to; see [`sysloom_abi::ConnectSpec`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectRequest {
    pub host: String,
    pub port: String,
    pub local: String,
    pub device: String,
    /// Zero = the host's default.
    pub timeout: Duration,
    pub keep_alive: bool,
    pub keep_alive_probes: u32,
    pub keep_alive_time: u32,
    pub keep_alive_interval: u32,
    /// Zero = the system's.
    pub user_timeout: Duration,
}

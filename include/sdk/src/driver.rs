//! Netstream drivers. All streams are nonblocking; see sysloom_abi::DriverVt for the contract.

use crate::{Complaint, Host, Values};
use std::io;
use std::os::fd::RawFd;
use std::time::Duration;
use sysloom_abi::{self as abi, status, stream_param, want};

/// Why a stream call did not do what it was asked for.
#[derive(Debug)]
pub enum Stop {
    /// Repeat the call when what is named is ready.
    Wait(Want),
    /// The peer ended the stream in order.
    Closed,
    /// The peer was refused by [`Host::verdict`] (handshake only).
    Refused(Complaint),
    /// The time allowed is over ([`Transport::connect`] only; in other calls it counts as a failure).
    TimedOut(Complaint),
    /// The stream is broken.
    Failed(Complaint),
}

/// What must be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    pub read: bool,
    pub write: bool,
}

/// A stream of a driver: what a transport accepted or connected, or what a layer made of another stream.
pub trait Stream: Send + 'static {
    /// Reads into `buf`: how many bytes, above 0.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop>;
    /// Writes from `buf`: how many bytes were taken. An empty `buf` flushes: `Ok(0)` when nothing is held back.
    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop>;
    /// Says that we send no more.
    fn shutdown(&mut self) -> Result<(), Stop>;
}

/// A driver that stands on the network itself. The value is what one listener's or action's streams share.
pub trait Transport: Sized + Send + Sync + 'static {
    const NAME: &'static str;
    type Stream: Stream;
    type Listener: Send + Sync + 'static;
    fn new(role: Role, settings: &StreamSettings<'_>, host: Host) -> Result<Self, Complaint>;
    fn listen(&self, at: &ListenAt<'_>) -> Result<Self::Listener, Complaint>;
    /// Descriptors to poll; at most 16.
    fn descriptors(listener: &Self::Listener) -> Vec<RawFd>;
    /// The bound port.
    fn port(listener: &Self::Listener) -> u16;
    fn accept(listener: &Self::Listener, fd: RawFd) -> Result<Connection<Self::Stream>, Stop>;
    /// May block for `to.timeout`, and says [`Stop::TimedOut`] when that is over.
    fn connect(&self, to: &ConnectTo<'_>) -> Result<Connection<Self::Stream>, Stop>;
}

/// A driver over another stream: a record layer.
pub trait Layer: Sized + Send + Sync + 'static {
    const NAME: &'static str;
    /// Whether the streams are encrypted: only such a stack satisfies mode 1.
    const ENCRYPTS: bool;
    type Session: LayerSession;
    fn new(role: Role, settings: &StreamSettings<'_>, host: Host) -> Result<Self, Complaint>;
    fn session(
        &self,
        lower: Lower,
        server: bool,
        server_name: &str,
        conn: u64,
    ) -> Result<Self::Session, Complaint>;
}

/// A layer's session.
pub trait LayerSession: Stream {
    /// One step; `Ok` when finished. A peer that [`Host::verdict`] refuses gets its alert here.
    fn handshake(&mut self) -> Result<(), Stop>;
    /// What the peer presented and proved; called after the handshake.
    fn peer(&self) -> PeerFacts<'_>;
}

/// The stream below a layer. It belongs to the layer's session and must not outlive it.
pub struct Lower {
    pub(crate) raw: abi::Lower,
}

// SAFETY: the ABI lets a session, and with it its lower stream, move between threads.
unsafe impl Send for Lower {}

/// Which side of the connections a driver's value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    Server,
}

/// Where to listen. Texts are the configuration's.
#[derive(Clone, Copy, Debug)]
pub struct ListenAt<'a> {
    /// Empty = all addresses.
    pub address: &'a str,
    /// Number or service; `0` = any free one, the same for all families.
    pub port: &'a str,
    pub family: Family,
    pub backlog: u32,
}

/// Where to connect to.
#[derive(Clone, Copy, Debug)]
pub struct ConnectTo<'a> {
    pub host: &'a str,
    pub port: &'a str,
    pub family: Family,
    /// Local address; empty = any.
    pub local: &'a str,
    /// Network device; empty = any.
    pub device: &'a str,
    pub timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Any,
    V4,
    V6,
}

/// A stream with what is known of its other end.
pub struct Connection<S> {
    pub stream: S,
    /// The descriptor to poll; the stream owns it.
    pub fd: RawFd,
    /// The peer's address without port.
    pub peer: String,
    /// 0 = it has none.
    pub port: u16,
}

/// The host's stream parameters, by name instead of index.
#[derive(Clone, Copy)]
pub struct StreamSettings<'a> {
    pub mode: i64,
    /// Lower case; `anon`, `x509/name` ...
    pub auth_mode: &'a str,
    pub ca_file: Option<&'a str>,
    pub ca_extra_files: Option<&'a str>,
    pub crl_file: Option<&'a str>,
    pub cert_file: Option<&'a str>,
    pub key_file: Option<&'a str>,
    pub priority: Option<&'a str>,
    /// Its first line is the key's passphrase.
    pub key_pass_file: Option<&'a str>,
    pub(crate) values: Values<'a>,
}

/// What the peer presented and proved.
#[derive(Clone, Debug, Default)]
pub struct PeerFacts<'a> {
    /// DER certificates as received, its own first.
    pub chain: Vec<&'a [u8]>,
    pub staple: &'a [u8],
    pub server_name: &'a str,
    pub resumed: bool,
    pub server: bool,
    pub protocol: &'a str,
    pub cipher: &'a str,
    pub group: &'a str,
}

impl Want {
    pub const READ: Want = Want { read: true, write: false };
    pub const WRITE: Want = Want { read: false, write: true };
    pub const BOTH: Want = Want { read: true, write: true };

    pub(crate) fn bits(self) -> u32 {
        u32::from(self.read) * want::READ + u32::from(self.write) * want::WRITE
    }

    fn from_bits(bits: u32) -> Self {
        Self { read: bits & want::READ != 0, write: bits & want::WRITE != 0 }
    }
}

impl Lower {
    /// Reads into `buf`: how many bytes, above 0.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        let mut bits = 0;
        // SAFETY: the stream lives as long as the session that owns this value; `buf` is borrowed for the call.
        let n = unsafe { (self.raw.read)(self.raw.stream, buf.as_mut_ptr(), buf.len(), &mut bits) };
        match n {
            0 => Err(Stop::Closed),
            n => outcome(n, bits).map(|n| n.min(buf.len())),
        }
    }

    /// Writes from `buf`: how many bytes were taken. An empty `buf` flushes.
    pub fn write(&mut self, buf: &[u8]) -> Result<usize, Stop> {
        let mut bits = 0;
        // SAFETY: as in `read`.
        let n = unsafe { (self.raw.write)(self.raw.stream, buf.as_ptr(), buf.len(), &mut bits) };
        outcome(n, bits).map(|n| n.min(buf.len()))
    }

    /// The descriptor below, for socket options only.
    pub fn fd(&self) -> Option<RawFd> {
        Some(self.raw.fd).filter(|fd| *fd >= 0)
    }
}

/// For libraries that want a blocking kind of interface: waiting is `WouldBlock`, an orderly end is 0 bytes.
impl io::Read for Lower {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match Lower::read(self, buf) {
            Err(Stop::Closed) => Ok(0),
            other => other.map_err(io_error),
        }
    }
}

impl io::Write for Lower {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        Lower::write(self, buf).map_err(io_error)
    }

    fn flush(&mut self) -> io::Result<()> {
        Lower::write(self, &[]).map(|_| ()).map_err(io_error)
    }
}

impl<'a> StreamSettings<'a> {
    pub(crate) fn new(values: Values<'a>) -> Result<Self, Complaint> {
        let text = |index| values.text(index).map(|t| t.filter(|t| !t.is_empty()));
        Ok(Self {
            mode: values.number(stream_param::MODE).unwrap_or(0),
            auth_mode: text(stream_param::AUTH_MODE)?.unwrap_or_default(),
            ca_file: text(stream_param::CA_FILE)?,
            ca_extra_files: text(stream_param::CA_EXTRA_FILES)?,
            crl_file: text(stream_param::CRL_FILE)?,
            cert_file: text(stream_param::CERT_FILE)?,
            key_file: text(stream_param::KEY_FILE)?,
            priority: text(stream_param::PRIORITY)?,
            key_pass_file: text(stream_param::KEY_PASS_FILE)?,
            values,
        })
    }

    /// All stream parameters in the order of [`stream_param`], for those that have no field here yet.
    pub fn values(&self) -> Values<'a> {
        self.values
    }
}

fn outcome(n: i64, bits: u32) -> Result<usize, Stop> {
    if let Ok(n) = usize::try_from(n) {
        return Ok(n);
    }
    Err(match n {
        status::WOULD_BLOCK => Stop::Wait(Want::from_bits(bits)),
        status::CLOSED => Stop::Closed,
        _ => Stop::Failed(Complaint::new("the stream below failed")),
    })
}

fn io_error(stop: Stop) -> io::Error {
    match stop {
        Stop::Wait(_) => io::ErrorKind::WouldBlock.into(),
        Stop::Closed => io::ErrorKind::ConnectionAborted.into(),
        Stop::TimedOut(complaint) => io::Error::new(io::ErrorKind::TimedOut, complaint),
        Stop::Refused(complaint) | Stop::Failed(complaint) => io::Error::other(complaint),
    }
}

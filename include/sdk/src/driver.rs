//! Netstream drivers. All streams are nonblocking; see sysloom_abi::DriverVt for the contract.

use crate::{Complaint, Host, Values};
use std::os::fd::RawFd;
use std::time::Duration;

/// Why a stream call did not do what it was asked for.
#[derive(Debug)]
pub enum Stop {
    /// Repeat the call when what is named is ready.
    Wait(Want),
    /// The peer ended the stream in order.
    Closed,
    /// The peer was refused by [`Host::verdict`] (handshake only).
    Refused(Complaint),
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
    /// May block for `to.timeout`.
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
    pub(crate) values: Values<'a>,
}

/// What the peer presented and proved.
#[derive(Clone, Copy, Default)]
pub struct PeerFacts<'a> {
    /// DER certificates as received, its own first.
    pub chain: &'a [&'a [u8]],
    pub staple: &'a [u8],
    pub server_name: &'a str,
    pub resumed: bool,
    pub server: bool,
    pub protocol: &'a str,
    pub cipher: &'a str,
    pub group: &'a str,
}

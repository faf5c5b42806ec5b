//! The host's streams: listening for an input, connecting for an output, and a driver's question about a peer.

use crate::complaint::Words;
use crate::glue::{self, StreamGlue};
use crate::host::borrow;
use crate::{Complaint, Host, Params, PeerFacts, StreamInput};
use std::time::Duration;
use sysloom_abi::{self as abi, status};

/// What an input asks the host to listen for. Driver, mode and the like are the host's own parameters of the instance.
#[derive(Clone, Copy, Debug, Default)]
pub struct Listen<'a> {
    /// Empty = all addresses.
    pub address: &'a str,
    /// Number or service; `0` = any free one.
    pub port: &'a str,
    /// A file that gets the bound port as decimal digits; empty = none.
    pub port_file: &'a str,
    /// The listener's name in messages.
    pub name: &'a str,
    /// Sessions at once; 0 = the host's default.
    pub max_sessions: u32,
    /// Connections that may wait for accept; 0 = the host's default.
    pub backlog: u32,
    /// Reads in a row before another session gets its turn; 0 = no limit.
    pub max_reads: u32,
    /// Threads that serve the sessions; 0 = the host's default.
    pub threads: u32,
    pub keep_alive: KeepAlive,
    /// Log when a session opens.
    pub notify_open: bool,
    /// Log when a session closes.
    pub notify_close: bool,
    /// Who may connect: addresses, networks and names with commas between; empty = whom `$AllowedSender` names.
    pub allowed: &'a str,
}

/// TCP keep-alive; what is 0 stays as the system has it. Times are seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepAlive {
    pub on: bool,
    pub probes: u32,
    pub time: u32,
    pub interval: u32,
}

/// What an output asks the host to connect to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connect<'a> {
    pub host: &'a str,
    /// Number or service.
    pub port: &'a str,
    /// Local address; empty = any.
    pub local: &'a str,
    /// Network device; empty = any.
    pub device: &'a str,
    /// For resolving, connecting and the handshake together; zero = the host's default.
    pub timeout: Duration,
    pub keep_alive: KeepAlive,
    /// TCP_USER_TIMEOUT; zero = the system's.
    pub user_timeout: Duration,
}

/// A connection of an output. Dropping it closes it.
#[derive(Debug)]
pub struct ClientStream {
    host: Host,
    id: i64,
}

/// Why not everything was written.
#[derive(Debug)]
pub enum WriteError {
    /// The peer had ended the stream before anything of this call was written.
    Closed,
    /// The time is over; so many bytes had been taken.
    TimedOut { written: usize },
    /// The stream broke; so many bytes had been taken.
    Failed { written: usize, why: Complaint },
}

impl Host {
    /// Listens; returns the bound port (0 if it has none). `input` is the instance itself, so this is called from
    /// [`crate::Input::activate`] or later. Sessions come once all inputs are activated.
    pub fn listen<I: StreamInput>(&self, input: &I, spec: &Listen<'_>) -> Result<u16, Complaint> {
        let Some(instance) = glue::instance_of(input) else {
            return Err(Complaint::new(
                "listen needs the instance that the host knows, and not before activate",
            ));
        };
        let text = |t: &str| borrow(t.as_bytes());
        let raw = abi::ListenSpec {
            size: size_of::<abi::ListenSpec>() as u32,
            max_sessions: spec.max_sessions,
            backlog: spec.backlog,
            max_reads: spec.max_reads,
            threads: spec.threads,
            keep_alive: spec.keep_alive.on.into(),
            keep_alive_probes: spec.keep_alive.probes,
            keep_alive_time: spec.keep_alive.time,
            keep_alive_interval: spec.keep_alive.interval,
            flags: (u32::from(spec.notify_open) * abi::listen_flag::NOTIFY_OPEN)
                | (u32::from(spec.notify_close) * abi::listen_flag::NOTIFY_CLOSE),
            address: text(spec.address),
            port: text(spec.port),
            port_file: text(spec.port_file),
            name: text(spec.name),
            allowed: text(spec.allowed),
        };
        let callbacks: &'static abi::StreamCb = StreamGlue::<I>::CALLBACKS;
        let (port, why) = Words::new().collect(I::Settings::TABLE, |why| {
            // SAFETY: `instance` was made by this library's glue for exactly this `I` and is freed by the host only
            // after its streams have ended; all else is borrowed for the call or static.
            unsafe { (self.raw.stream_listen)(self.raw.h, self.me, instance, &raw, callbacks, why) }
        });
        u16::try_from(port).map_err(|_| why)
    }

    /// Sends bytes to the peer of an accepted session.
    pub fn reply(&self, conn: u64, bytes: &[u8]) -> Result<(), Complaint> {
        // SAFETY: the bytes are borrowed for the call.
        match unsafe { (self.raw.stream_reply)(self.raw.h, conn, borrow(bytes)) } {
            0.. => Ok(()),
            status::INVALID => Err(Complaint::new("there is no such session")),
            _ => Err(Complaint::new("the reply could not be sent")),
        }
    }

    /// Connects with the stream parameters of this action, handshake included; may block.
    pub fn connect(&self, to: &Connect<'_>) -> Result<ClientStream, Complaint> {
        let text = |t: &str| borrow(t.as_bytes());
        let raw = abi::ConnectSpec {
            size: size_of::<abi::ConnectSpec>() as u32,
            timeout_ms: millis(to.timeout),
            keep_alive: to.keep_alive.on.into(),
            keep_alive_probes: to.keep_alive.probes,
            keep_alive_time: to.keep_alive.time,
            keep_alive_interval: to.keep_alive.interval,
            user_timeout_ms: millis(to.user_timeout),
            reserved: 0,
            host: text(to.host),
            port: text(to.port),
            local: text(to.local),
            device: text(to.device),
        };
        let (id, why) = Words::new().collect(&[], |why| {
            // SAFETY: everything is borrowed for the call.
            unsafe { (self.raw.stream_connect)(self.raw.h, self.me, &raw, why) }
        });
        match id {
            1.. => Ok(ClientStream { host: *self, id }),
            status::TIMED_OUT if why.text.is_empty() => Err(Complaint::new("connecting took too long")),
            _ => Err(why),
        }
    }

    /// For drivers, inside a handshake: may this peer go on? The complaint's code is the TLS alert's number.
    pub fn verdict(&self, conn: u64, peer: &PeerFacts<'_>) -> Result<(), Complaint> {
        let chain: Vec<abi::Bytes> = peer.chain.iter().map(|c| borrow(c)).collect();
        let raw = glue::raw_peer(peer, &chain);
        let (judged, why) = Words::new().collect(&[], |why| {
            // SAFETY: everything is borrowed for the call.
            unsafe { (self.raw.verdict)(self.raw.h, conn, &raw, why) }
        });
        match judged {
            status::OK => Ok(()),
            _ => Err(why),
        }
    }
}

impl ClientStream {
    /// Writes all bytes, waiting up to `timeout`.
    pub fn write_all(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), WriteError> {
        let mut written = 0;
        let (result, why) = Words::new().collect(&[], |why| {
            let (h, ms) = (self.host.raw.h, millis(timeout));
            // SAFETY: the bytes are borrowed for the call, `written` and `why` are ours.
            unsafe { (self.host.raw.stream_write)(h, self.id, borrow(bytes), ms, &mut written, why) }
        });
        match result {
            status::OK => Ok(()),
            status::CLOSED => Err(WriteError::Closed),
            status::TIMED_OUT => Err(WriteError::TimedOut { written }),
            _ => Err(WriteError::Failed { written, why }),
        }
    }

    /// Whether it can be written to; `false` when the peer has closed it or it failed.
    pub fn alive(&self) -> bool {
        // SAFETY: the handle is ours until drop.
        unsafe { (self.host.raw.stream_alive)(self.host.raw.h, self.id) == 1 }
    }

    /// Closes in order.
    pub fn close(self) {}
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and this is its last use.
        unsafe { (self.host.raw.stream_close)(self.host.raw.h, self.id) }
    }
}

impl std::fmt::Display for WriteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WriteError::Closed => f.write_str("the peer has closed the connection"),
            WriteError::TimedOut { .. } => f.write_str("writing took too long"),
            WriteError::Failed { why, .. } => why.fmt(f),
        }
    }
}

impl std::error::Error for WriteError {}

/// Milliseconds, not above what fits; a part of one counts as one, so that it does not turn into "no limit".
fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

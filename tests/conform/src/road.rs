//! A transport's connections, both ends made by the driver: one end is looked at through the driver, and the other one
//! also as what it is, a descriptor, so that the driver is not its own only witness.

use crate::subject::Subject;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sysloom_engine::plugin::{Connected, Context, Destination, Halt, Listener, Session, Side, StreamValues};

/// A listener and what connects to it.
pub struct Road {
    pub listener: Listener,
    pub dial: Dial,
}

/// Where to connect to.
pub struct Dial {
    client: Arc<Context>,
    host: String,
    port: String,
}

/// A connection.
pub struct Ends {
    pub connected: Connected,
    pub accepted: Connected,
}

/// The peer's end as the kernel has it.
pub struct Wire(File);

impl Road {
    pub fn new(subject: &Subject) -> Result<Self, String> {
        Self::with_backlog(subject, 1024)
    }

    pub fn with_backlog(subject: &Subject, backlog: u32) -> Result<Self, String> {
        let server = subject.plain(Side::Server)?;
        let client = subject.plain(Side::Client)?;
        let (address, port) = (&subject.options.listen, &subject.options.port);
        let listener = server.listen(address, port, 0, backlog);
        let listener = listener.map_err(|e| format!("listening on {address} port {port}: {}", e.text))?;
        let port = match listener.port() {
            0 => port.clone(),
            port => port.to_string(),
        };
        let host = subject.options.connect.clone();
        Ok(Self { listener, dial: Dial { client, host, port } })
    }

    pub fn port(&self) -> &str {
        &self.dial.port
    }

    /// A stream of the transport alone to a port that somebody listens on.
    pub fn bare(subject: &Subject, port: &str) -> Result<Connected, String> {
        let transport = if subject.driver.is_transport() {
            Arc::clone(&subject.driver)
        } else {
            subject.loader.driver("ptcp").map_err(|e| e.to_string())?
        };
        let values = StreamValues { auth_mode: "anon".to_owned(), ..StreamValues::default() };
        let client =
            transport.context(1, Side::Client, &values).map_err(|e| format!("no context: {}", e.text))?;
        let dial = Dial { client, host: subject.options.connect.clone(), port: port.to_owned() };
        dial.dial(PATIENCE).map_err(|halt| format!("connect: {}", words(&halt)))
    }

    /// What the host says of a listener that a driver refused without a word.
    pub fn no_words(&self, address: &str) -> String {
        format!("cannot listen on {address} port {}", self.dial.port)
    }

    /// Ends listening; what connects finds nobody any more.
    pub fn part(self) -> Dial {
        self.dial
    }

    /// Connects, as an output does.
    pub fn dial(&self, timeout: Duration) -> Result<Connected, Halt> {
        self.dial.dial(timeout)
    }

    /// Waits for a connection and accepts it.
    pub fn answer(&mut self) -> Result<Connected, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let ready = waiting(&self.listener)?;
            if let Some(index) = ready {
                match self.listener.accept(index) {
                    Ok(connected) => return Ok(connected),
                    Err(Halt::Wait { .. }) => {}
                    Err(halt) => return Err(format!("accept: {}", words(&halt))),
                }
            }
            if Instant::now() > end {
                return Err("a connection that was made is not accepted".to_owned());
            }
        }
    }

    /// One connection.
    pub fn join(&mut self) -> Result<Ends, String> {
        let connected = self.dial(PATIENCE).map_err(|halt| format!("connect: {}", words(&halt)))?;
        Ok(Ends { accepted: self.answer()?, connected })
    }
}

impl Dial {
    pub fn port(&self) -> &str {
        &self.port
    }

    /// Connects to another place.
    pub fn elsewhere(
        &self,
        host: &str,
        port: &str,
        local: &str,
        timeout: Duration,
    ) -> Result<Connected, Halt> {
        let timeout_ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        self.client.connect(&Destination { host, port, local, timeout_ms, ..Destination::default() })
    }

    /// What the host says of a connection that a driver refused without a word.
    pub fn no_words(&self) -> String {
        format!("cannot connect to {} port {}", self.host, self.port)
    }

    pub fn dial(&self, timeout: Duration) -> Result<Connected, Halt> {
        let timeout_ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        let (host, port) = (self.host.as_str(), self.port.as_str());
        self.client.connect(&Destination { host, port, timeout_ms, ..Destination::default() })
    }
}

impl Ends {
    /// The two ends in both orders: first the one to look at.
    pub fn both(road: &mut Road) -> Result<[(Session, Session, &'static str); 2], String> {
        let (one, other) = (road.join()?, road.join()?);
        Ok([
            (one.connected.session, one.accepted.session, "a connected stream"),
            (other.accepted.session, other.connected.session, "an accepted stream"),
        ])
    }
}

impl Wire {
    /// The descriptor of an end that the driver is not asked about any more.
    pub fn of(session: &Session) -> Result<Self, String> {
        let owned = session.as_fd().try_clone_to_owned();
        owned.map(|fd| Self(File::from(fd))).map_err(|e| format!("the stream's descriptor: {e}"))
    }

    /// What has come: `None` = nothing yet, 0 = the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, String> {
        match self.0.read(buffer) {
            Ok(n) => Ok(Some(n)),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
            Err(e) => Err(format!("the peer's end: {e}")),
        }
    }

    /// How many bytes were taken; 0 = none now.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, String> {
        match self.0.write(bytes) {
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
            other => other.map_err(|e| format!("the peer's end: {e}")),
        }
    }

    /// Waits for bytes, or for the end (0).
    pub fn wait_read(&mut self, buffer: &mut [u8]) -> Result<usize, String> {
        loop {
            if let Some(n) = self.read(buffer)? {
                return Ok(n);
            }
            if !ready(self.0.as_fd(), true, false, PATIENCE) {
                return Err("nothing comes at the peer's end".to_owned());
            }
        }
    }

    pub fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            match self.write(bytes)? {
                0 if !ready(self.0.as_fd(), false, true, PATIENCE) => {
                    return Err("the peer's end takes nothing".to_owned());
                }
                n => bytes = &bytes[n..],
            }
        }
        Ok(())
    }

    /// Reads exactly so many bytes.
    pub fn read_exact(&mut self, count: usize) -> Result<Vec<u8>, String> {
        let mut got = vec![0; count];
        let mut filled = 0;
        while filled < count {
            match self.wait_read(&mut got[filled..])? {
                0 => return Err(format!("the stream ends after {filled} of {count} bytes")),
                n => filled += n,
            }
        }
        Ok(got)
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Repeats a call on a stream, as the host does: after WOULD_BLOCK once what it names is ready.
pub fn settle<T>(
    session: &mut Session,
    what: &str,
    mut call: impl FnMut(&mut Session) -> Result<T, Halt>,
) -> Result<T, String> {
    let mut idle = 0;
    loop {
        match call(session) {
            Ok(done) => return Ok(done),
            Err(Halt::Wait { read, write }) => {
                if !ready(session.as_fd(), read, write, PATIENCE) {
                    return Err(format!("{what} waits for what never comes (read {read}, write {write})"));
                }
                idle += 1;
                if idle > MOST_IDLE {
                    return Err(format!("{what} says WOULD_BLOCK for ever, though what it names is ready"));
                }
            }
            Err(halt) => return Err(format!("{what}: {}", words(&halt))),
        }
    }
}

/// Writes everything and flushes.
pub fn write_all(session: &mut Session, mut bytes: &[u8]) -> Result<(), String> {
    while !bytes.is_empty() {
        let n = settle(session, "write", |s| s.write(bytes))?;
        bytes = &bytes[n..];
    }
    settle(session, "flush", |s| s.write(&[])).map(drop)
}

/// Reads exactly so many bytes, `step` at a time.
pub fn read_exact(session: &mut Session, count: usize, step: usize) -> Result<Vec<u8>, String> {
    let mut got = Vec::with_capacity(count);
    let mut buffer = vec![0; step];
    while got.len() < count {
        let n = settle(session, "read", |s| s.read(&mut buffer))?;
        got.extend_from_slice(&buffer[..n]);
    }
    Ok(got)
}

/// Whether a descriptor is ready within the time.
pub fn ready(fd: BorrowedFd<'_>, read: bool, write: bool, limit: Duration) -> bool {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::POLLIN, read);
    flags.set(PollFlags::POLLOUT, write);
    let mut polled = [PollFd::new(fd, flags)];
    let timeout = PollTimeout::try_from(limit.as_millis()).unwrap_or(PollTimeout::MAX);
    matches!(poll(&mut polled, timeout), Ok(n) if n > 0)
}

/// The listener's descriptor that has a connection, after a short wait.
fn waiting(listener: &Listener) -> Result<Option<usize>, String> {
    let mut polled: Vec<PollFd<'_>> = listener.fds().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    poll(&mut polled, PollTimeout::from(200_u8)).map_err(|e| format!("poll: {e}"))?;
    Ok(polled.iter().position(|p| p.any().unwrap_or(false)))
}

/// A halt in words.
pub fn words(halt: &Halt) -> String {
    match halt {
        Halt::Wait { read, write } => format!("WOULD_BLOCK (read {read}, write {write})"),
        Halt::Closed => "CLOSED".to_owned(),
        Halt::TimedOut(why) => format!("TIMED_OUT ({})", why.text),
        Halt::Refused(why) => format!("REFUSED ({})", why.text),
        Halt::Failed(why) => format!("FAILED ({})", why.text),
    }
}

/// Bytes that show when some are lost, doubled or swapped.
pub fn pattern(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

/// The first place where two streams differ, in words.
pub fn same(what: &str, got: &[u8], wanted: &[u8]) -> Result<(), String> {
    if got == wanted {
        return Ok(());
    }
    match got.iter().zip(wanted).position(|(a, b)| a != b) {
        Some(place) => Err(format!("{what}: byte {place} of {} is another one", wanted.len())),
        None => Err(format!("{what}: {} bytes came and not {}", got.len(), wanted.len())),
    }
}

/// How long a condition may take; only what fails waits that long.
pub const PATIENCE: Duration = Duration::from_secs(5);
const MOST_IDLE: u32 = 10_000;

//! One TCP connection.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use sysloom_sdk::{Complaint, Stop, Stream, Want};

/// A nonblocking TCP stream.
pub struct TcpSession {
    stream: TcpStream,
    /// A short read of an accepted stream counts as drained: level-triggered polling tells of what comes later, and
    /// the read that would find nothing is saved. A connected stream asks each time, since a sender must see a FIN
    /// that stands right behind the bytes.
    trusts_short_reads: bool,
    drained: bool,
}

impl TcpSession {
    pub(crate) fn accepted(stream: TcpStream) -> Self {
        Self { stream, trusts_short_reads: true, drained: false }
    }

    pub(crate) fn connected(stream: TcpStream) -> Self {
        Self { stream, trusts_short_reads: false, drained: false }
    }
}

impl Stream for TcpSession {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        if std::mem::take(&mut self.drained) {
            return Err(Stop::Wait(Want { read: true, write: false }));
        }
        if buf.is_empty() {
            return Err(Stop::Failed(Complaint::new("a read into no buffer")));
        }
        loop {
            match self.stream.read(buf) {
                Ok(0) => return Err(Stop::Closed),
                Ok(n) => {
                    self.drained = self.trusts_short_reads && n < buf.len();
                    return Ok(n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    return Err(Stop::Wait(Want { read: true, write: false }));
                }
                Err(e) => return Err(Stop::Failed(broken(&e))),
            }
        }
    }

    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            match self.stream.write(buf) {
                Ok(n) => return Ok(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    return Err(Stop::Wait(Want { read: false, write: true }));
                }
                Err(e) => return Err(Stop::Failed(broken(&e))),
            }
        }
    }

    fn shutdown(&mut self) -> Result<(), Stop> {
        match self.stream.shutdown(Shutdown::Write) {
            Err(e) if e.kind() != io::ErrorKind::NotConnected => Err(Stop::Failed(broken(&e))),
            _ => Ok(()),
        }
    }
}

/// What an error of the system means for a connection.
pub(crate) fn words(e: &io::Error) -> String {
    let known = match e.raw_os_error() {
        Some(libc::ECONNRESET) => "the peer reset the connection",
        Some(libc::EPIPE) => "the peer no longer takes data",
        Some(libc::ECONNREFUSED) => "connection refused: nothing listens there",
        Some(libc::ETIMEDOUT) => "the peer does not answer",
        Some(libc::EHOSTUNREACH) => "no route to the host",
        Some(libc::ENETUNREACH) => "the network is unreachable",
        Some(libc::ENETDOWN) => "the network is down",
        Some(libc::EADDRNOTAVAIL) => "the local address is not to be had",
        Some(libc::EMFILE) => "this process has too many open files (raise its limit of open files)",
        Some(libc::ENFILE) => "the system has too many open files",
        Some(libc::ENOBUFS | libc::ENOMEM) => "the system is out of memory for sockets",
        Some(libc::EACCES | libc::EPERM) => "not permitted (a firewall rule or a missing privilege)",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let text = e.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

fn broken(e: &io::Error) -> Complaint {
    Complaint::new(words(e)).code(e.raw_os_error().unwrap_or(0))
}

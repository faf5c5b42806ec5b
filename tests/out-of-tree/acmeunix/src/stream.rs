//! One connection.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use sysloom_sdk::{Complaint, Stop, Stream, Want};

/// A connected socket.
pub struct Session(UnixStream);

impl Session {
    pub fn new(socket: UnixStream) -> Self {
        Self(socket)
    }
}

impl Stream for Session {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        loop {
            match self.0.read(buf) {
                Ok(0) => return Err(Stop::Closed),
                Ok(n) => return Ok(n),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(stop(&e, Want::READ)),
            }
        }
    }

    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            match self.0.write(buf) {
                Ok(n) => return Ok(n),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(stop(&e, Want::WRITE)),
            }
        }
    }

    fn shutdown(&mut self) -> Result<(), Stop> {
        match self.0.shutdown(Shutdown::Write) {
            // The peer was faster.
            Err(e) if e.kind() != ErrorKind::NotConnected => Err(stop(&e, Want::WRITE)),
            _ => Ok(()),
        }
    }
}

fn stop(e: &io::Error, want: Want) -> Stop {
    match e.kind() {
        ErrorKind::WouldBlock => Stop::Wait(want),
        _ => Stop::Failed(Complaint::io("the socket failed", e).code(e.raw_os_error().unwrap_or(0))),
    }
}

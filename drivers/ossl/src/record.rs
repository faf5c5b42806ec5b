//! The stream below as OpenSSL sees it. It reads straight from there; what it writes gathers in the outbox, so that it
//! never has to wait in the middle of a record.

use std::io::{self, Read, Write};
use sysloom_sdk::Stop;
use sysloom_sdk::tls::words::is_tls;
use sysloom_sdk::tls::{Below, Outbox};

/// The stream below, with what came of using it.
pub struct Io<B> {
    pub below: B,
    pub outbox: Outbox,
    /// Why the last read gave nothing.
    pub stop: Option<Stop>,
    /// Nothing more is read from below: the caller has something to work on.
    pub enough: bool,
    /// The peer sends no more.
    pub ended: bool,
    /// What the peer sent first is no TLS. OpenSSL does not get to see it: it would wait for more, or answer nothing.
    pub strange: bool,
    /// The first bytes that the peer has sent.
    first: [u8; FIRST],
    seen: usize,
}

impl<B: Below> Io<B> {
    pub fn new(below: B) -> Self {
        Self {
            below,
            outbox: Outbox::default(),
            stop: None,
            enough: false,
            ended: false,
            strange: false,
            first: [0; FIRST],
            seen: 0,
        }
    }

    /// Passes on what OpenSSL has written.
    pub fn flush(&mut self) -> Result<(), Stop> {
        self.outbox.flush(&mut self.below)
    }

    /// What the peer sent first.
    pub fn first(&self) -> &[u8] {
        self.first.get(..self.seen).unwrap_or_default()
    }

    /// The peer has sent at least one byte.
    pub fn heard(&self) -> bool {
        self.seen > 0
    }
}

impl<B: Below> Read for Io<B> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.enough {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        // The peer may wait for what has been written so far; if it cannot leave now, the session sees to it.
        let _ = self.flush();
        match self.below.read(buf) {
            Ok(n) => {
                let before = self.seen;
                if let Some(room) = self.first.get_mut(self.seen..) {
                    let came = buf.get(..n).unwrap_or_default();
                    room.iter_mut().zip(came).for_each(|(to, from)| *to = *from);
                    self.seen += room.len().min(came.len());
                }
                // The kind of a record and half of its version.
                self.strange |= before < 2 && !is_tls(self.first());
                if self.strange { Err(io::ErrorKind::Other.into()) } else { Ok(n) }
            }
            Err(Stop::Closed) => {
                self.ended = true;
                Ok(0)
            }
            Err(stop) => {
                let waits = matches!(stop, Stop::Wait(_));
                self.stop = Some(stop);
                Err(if waits { io::ErrorKind::WouldBlock.into() } else { io::ErrorKind::Other.into() })
            }
        }
    }
}

impl<B: Below> Write for Io<B> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.outbox.push(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How much of a stranger's first bytes is kept for the log.
const FIRST: usize = 32;

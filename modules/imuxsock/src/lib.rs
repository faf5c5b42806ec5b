//! imuxsock: messages of this machine's own programs, from the system's log socket and from further datagram sockets.
//!
//! Loading the module opens the system socket (`sysSock.*` of `module()`); each `input()` opens one more. A socket has
//! a thread that reads bursts of datagrams into one block and submits them together, flushing when nothing is left.
#![forbid(unsafe_code)]

mod message;
mod params;
mod reader;
mod socket;

use params::{InputParams, Module, Options};
use socket::Socket;
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;
use sysloom_sdk::{Complaint, Host, Input, plugin};

/// One socket.
pub struct Imuxsock {
    host: Host,
    options: Options,
    socket: OnceLock<Socket>,
}

impl Input for Imuxsock {
    const NAME: &'static str = "imuxsock";
    const RUNS: bool = true;
    const AUTO: bool = true;
    type Module = Module;
    type Settings = InputParams;

    fn new(module: &Module, params: InputParams, host: Host) -> Result<Self, Complaint> {
        let options = match params.socket {
            Some(_) => Options::further(params),
            // Without a name it is the system's socket, of which there is one.
            None => Options::system(module)?,
        };
        Ok(Self { host, options, socket: OnceLock::new() })
    }

    fn activate(&self) -> Result<(), Complaint> {
        if !self.options.open {
            return Ok(());
        }
        let socket = Socket::open(self.host, &self.options)?;
        // The host activates an instance once.
        let _ = self.socket.set(socket);
        Ok(())
    }

    fn run(&self, stop: BorrowedFd<'_>) -> Result<(), Complaint> {
        match self.socket.get() {
            Some(socket) => reader::run(self.host, &self.options, socket, stop),
            None => Ok(()),
        }
    }
}

plugin! { name: "imuxsock", inputs: [Imuxsock] }

#[cfg(test)]
mod tests;

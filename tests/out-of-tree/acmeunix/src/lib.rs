//! `acmeunix`: a netstream transport over unix stream sockets.
//!
//! An address that begins with `/` is a directory, and the port a socket's name in it; any other address means this
//! host, and the port a name in the kernel's abstract name space, which everybody on the host may connect to. Port 0
//! is the first free number from 1024 on. All peers are this host.
#![forbid(unsafe_code)]

mod name;
mod stream;

pub use stream::Session;

use name::Name;
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use sysloom_sdk::{
    Complaint, ConnectTo, Connection, Host, ListenAt, Role, Stop, StreamSettings, Transport, Want, plugin,
};

/// The driver. Its streams share nothing.
pub struct Acmeunix;

/// A listening socket. Its file goes away with it.
pub struct Listener {
    socket: Socket,
    port: u16,
    file: Option<PathBuf>,
}

impl Transport for Acmeunix {
    const NAME: &'static str = "acmeunix";
    type Stream = Session;
    type Listener = Listener;

    fn new(_: Role, _: &StreamSettings<'_>, _: Host) -> Result<Self, Complaint> {
        Ok(Self)
    }

    fn listen(&self, at: &ListenAt<'_>) -> Result<Listener, Complaint> {
        if at.port != "0" {
            return bind(&Name::new(at.address, at.port)?, at).map_err(|e| cannot_bind(at, &e));
        }
        for port in 1024..=u16::MAX {
            match bind(&Name::new(at.address, &port.to_string())?, at) {
                Err(e) if e.kind() == ErrorKind::AddrInUse => {}
                result => return result.map_err(|e| cannot_bind(at, &e)),
            }
        }
        Err(cannot_bind(at, &ErrorKind::AddrInUse.into()))
    }

    fn descriptors(listener: &Listener) -> Vec<RawFd> {
        vec![listener.socket.as_raw_fd()]
    }

    fn port(listener: &Listener) -> u16 {
        listener.port
    }

    fn accept(listener: &Listener, _: RawFd) -> Result<Connection<Session>, Stop> {
        loop {
            match listener.socket.accept() {
                Ok((socket, _)) => return connection(socket).map_err(|e| failed("cannot accept", &e)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Err(Stop::Wait(Want::READ)),
                Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Err(e) => return Err(failed("cannot accept", &e)),
            }
        }
    }

    fn connect(&self, to: &ConnectTo<'_>) -> Result<Connection<Session>, Stop> {
        let name = Name::new(to.host, to.port).map_err(Stop::Failed)?;
        let connect = || {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            // A listener with a full backlog makes connect wait; for unix sockets this time-out holds for it, too.
            socket.set_write_timeout(Some(to.timeout))?;
            socket.connect(&name.address()?)?;
            connection(socket)
        };
        connect().map_err(|e| match failed(&format!("cannot connect to {name}"), &e) {
            Stop::Failed(why) if e.kind() == ErrorKind::WouldBlock => Stop::TimedOut(why),
            stop => stop,
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            let _ = std::fs::remove_file(file);
        }
    }
}

fn bind(name: &Name, at: &ListenAt<'_>) -> io::Result<Listener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let address = name.address()?;
    match socket.bind(&address) {
        Err(e) if e.kind() == ErrorKind::AddrInUse && is_stale(name, &address) => {
            std::fs::remove_file(name.file().unwrap_or(&PathBuf::new()))?;
            socket.bind(&address)?;
        }
        result => result?,
    }
    socket.listen(i32::try_from(at.backlog).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    Ok(Listener { socket, port: name.port(), file: name.file().cloned() })
}

/// Whether a socket's file is left over from a process that is gone.
fn is_stale(name: &Name, address: &SockAddr) -> bool {
    let try_it = || Socket::new(Domain::UNIX, Type::STREAM, None)?.connect(address);
    name.file().is_some() && try_it().is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused)
}

fn connection(socket: Socket) -> io::Result<Connection<Session>> {
    socket.set_nonblocking(true)?;
    let fd = socket.as_raw_fd();
    let stream = Session::new(OwnedFd::from(socket).into());
    Ok(Connection { stream, fd, peer: "127.0.0.1".to_owned(), port: 0 })
}

fn cannot_bind(at: &ListenAt<'_>, e: &io::Error) -> Complaint {
    Complaint::io(format!("cannot bind socket {} in '{}'", at.port, at.address), e).code(CANNOT_BIND)
}

fn failed(what: &str, e: &io::Error) -> Stop {
    Stop::Failed(Complaint::io(what, e).code(e.raw_os_error().unwrap_or(0)))
}

/// rsyslog's code.
const CANNOT_BIND: i32 = 2077;

plugin! { name: "acmeunix", transports: [Acmeunix] }

#[cfg(test)]
mod tests;

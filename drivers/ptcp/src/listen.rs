//! Listening sockets: one per address, all on one port.

use crate::address;
use crate::stream::{TcpSession, words};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use sysloom_sdk::{Complaint, Connection, ListenAt, Stop, Want};

/// The sockets of one listener.
pub struct Sockets {
    all: Vec<Socket>,
    port: u16,
}

impl Sockets {
    /// Binds every address that `at` names. Port 0 gives all of them the same free port.
    pub fn bind(at: &ListenAt<'_>) -> Result<Self, Complaint> {
        let addresses = address::local(at.address, at.port, at.family).map_err(|c| c.code(CANNOT_BIND))?;
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::bind_all(&addresses, at) {
                // Another process has the port that the first family was given: ask for another one.
                Err((address, e))
                    if address.port() == 0 && e.kind() == io::ErrorKind::AddrInUse && tries < PORT_TRIES => {}
                Err((address, e)) => return Err(refused(address, at, &e)),
                Ok(sockets) => return Ok(sockets),
            }
        }
    }

    pub fn descriptors(&self) -> Vec<RawFd> {
        self.all.iter().map(AsRawFd::as_raw_fd).collect()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Accepts one connection of the socket with this descriptor.
    pub fn accept(&self, fd: RawFd) -> Result<Connection<TcpSession>, Stop> {
        let Some(socket) = self.all.iter().find(|s| s.as_raw_fd() == fd) else {
            return Err(Stop::Failed(Complaint::new("the descriptor is none of this listener's")));
        };
        loop {
            match socket.accept4(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) {
                Ok((accepted, from)) => {
                    let from = from.as_socket();
                    let fd = accepted.as_raw_fd();
                    return Ok(Connection {
                        stream: TcpSession::accepted(TcpStream::from(accepted)),
                        fd,
                        peer: from.map(|a| a.ip().to_string()).unwrap_or_default(),
                        port: from.map_or(0, |a| a.port()),
                    });
                }
                Err(e) => match e.raw_os_error() {
                    // The connection died while it waited: the next one may be well.
                    Some(libc::EINTR | libc::ECONNABORTED | libc::EPROTO) => {}
                    _ if e.kind() == io::ErrorKind::WouldBlock => {
                        return Err(Stop::Wait(Want { read: true, write: false }));
                    }
                    code => {
                        return Err(Stop::Failed(Complaint::new(words(&e)).code(code.unwrap_or(0))));
                    }
                },
            }
        }
    }

    fn bind_all(addresses: &[SocketAddr], at: &ListenAt<'_>) -> Result<Self, (SocketAddr, io::Error)> {
        let mut all = Vec::with_capacity(addresses.len());
        let mut port = 0;
        let mut missing = None;
        for &address in addresses.iter().take(MOST) {
            let mut wanted = address;
            if wanted.port() == 0 {
                wanted.set_port(port);
            }
            match bind_one(wanted, at.backlog) {
                Ok(socket) => {
                    let bound = socket.local_addr().ok().and_then(|a| a.as_socket());
                    port = bound.map_or(port, |a| a.port());
                    all.push(socket);
                }
                // A kernel without IPv6, or without an address of it, still serves the other family.
                Err(e) if at.address.is_empty() && lacks_family(&e) => missing = Some((address, e)),
                Err(e) => return Err((address, e)),
            }
        }
        match missing {
            Some(complaint) if all.is_empty() => Err(complaint),
            _ => Ok(Self { all, port }),
        }
    }
}

fn bind_one(address: SocketAddr, backlog: u32) -> io::Result<Socket> {
    let socket =
        Socket::new(Domain::for_address(address), Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    let options = SockRef::from(&socket);
    if address.is_ipv6() {
        options.set_only_v6(true)?;
    }
    options.set_reuse_address(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(i32::try_from(backlog.max(1)).unwrap_or(i32::MAX))?;
    Ok(socket)
}

fn lacks_family(e: &io::Error) -> bool {
    matches!(e.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL | libc::EPROTONOSUPPORT))
}

fn refused(address: SocketAddr, at: &ListenAt<'_>, e: &io::Error) -> Complaint {
    let what = match e.raw_os_error() {
        Some(libc::EADDRINUSE) => "another process listens there already".to_owned(),
        Some(libc::EACCES) => "ports below 1024 need root or CAP_NET_BIND_SERVICE".to_owned(),
        Some(libc::EADDRNOTAVAIL) => "this host has no such address".to_owned(),
        _ => words(e),
    };
    let place = if at.address.is_empty() {
        format!("port {} ({})", at.port, if address.is_ipv6() { "IPv6" } else { "IPv4" })
    } else {
        format!("{} port {}", at.address, at.port)
    };
    Complaint::new(format!("cannot listen on {place}: {what}")).code(CANNOT_BIND)
}

/// The ABI has room for as many descriptors of one listener.
const MOST: usize = 16;
/// How often a free port is looked for that all families can have.
const PORT_TRIES: u32 = 32;
/// rsyslog's code for a listener that cannot be had.
const CANNOT_BIND: i32 = 2077;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::time::{Duration, Instant};
    use sysloom_sdk::{Family, Stream};

    fn at<'a>(address: &'a str, port: &'a str) -> ListenAt<'a> {
        ListenAt { address, port, family: Family::Any, backlog: 8 }
    }

    fn accept(sockets: &Sockets, fd: RawFd) -> Connection<TcpSession> {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            match sockets.accept(fd) {
                Ok(c) => return c,
                Err(Stop::Wait(_)) if Instant::now() < end => std::thread::yield_now(),
                Err(e) => panic!("{e:?}"),
            }
        }
    }

    #[test]
    fn port_zero_is_one_port_for_all_families() {
        let sockets = Sockets::bind(&at("", "0")).unwrap();
        assert_ne!(sockets.port(), 0);
        for s in &sockets.all {
            assert_eq!(s.local_addr().unwrap().as_socket().unwrap().port(), sockets.port());
        }
    }

    #[test]
    fn accepts_reads_and_sees_the_end() {
        let sockets = Sockets::bind(&at("127.0.0.1", "0")).unwrap();
        let fd = sockets.descriptors()[0];
        assert!(matches!(sockets.accept(fd), Err(Stop::Wait(w)) if w.read && !w.write));
        let mut sender = TcpStream::connect(("127.0.0.1", sockets.port())).unwrap();
        let mut got = accept(&sockets, fd);
        assert_eq!((got.peer.as_str(), got.port), ("127.0.0.1", sender.local_addr().unwrap().port()));
        sender.write_all(b"one").unwrap();
        sender.shutdown(std::net::Shutdown::Write).unwrap();
        let mut seen = Vec::new();
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let mut buf = [0; 64];
            match got.stream.read(&mut buf) {
                Ok(n) => seen.extend_from_slice(&buf[..n]),
                Err(Stop::Wait(_)) if Instant::now() < end => std::thread::yield_now(),
                Err(Stop::Closed) => break,
                Err(e) => panic!("{e:?}"),
            }
        }
        assert_eq!(seen, b"one");
        got.stream.shutdown().unwrap();
        assert!(matches!(sockets.accept(-1), Err(Stop::Failed(_))));
    }

    #[test]
    fn a_port_in_use_is_said_so() {
        let first = Sockets::bind(&at("127.0.0.1", "0")).unwrap();
        let port = first.port().to_string();
        let why = Sockets::bind(&at("127.0.0.1", &port)).err().unwrap();
        assert_eq!(why.code, CANNOT_BIND);
        assert!(why.text.contains(&port) && why.text.contains("another process"), "{}", why.text);
        let why = Sockets::bind(&at("192.0.2.1", "0")).err().unwrap();
        assert!(why.text.contains("no such address"), "{}", why.text);
    }
}

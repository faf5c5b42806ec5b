//! Connecting: resolve, then every address in turn until one answers or the time is over.

use crate::address;
use crate::stream::{TcpSession, words};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use sysloom_sdk::{Complaint, ConnectTo, Connection, Family, Stop};

/// Connects to the first address that answers, within `to.timeout` over all.
pub fn connect(to: &ConnectTo<'_>) -> Result<Connection<TcpSession>, Stop> {
    let end = Instant::now() + to.timeout;
    let addresses = resolve(to)?;
    let mut last = None;
    for (i, &address) in addresses.iter().enumerate() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        // The last address has all the time that is left, those before it a fair share.
        let share = left / u32::try_from(addresses.len() - i).unwrap_or(1);
        match try_one(address, to, share.max(SHORTEST.min(left))) {
            Ok(stream) => {
                let fd = stream.as_raw_fd();
                let stream = TcpSession::connected(stream);
                return Ok(Connection { stream, fd, peer: address.ip().to_string(), port: address.port() });
            }
            Err(why) => last = Some((address, why)),
        }
    }
    let (why, code) = match last {
        Some((address, (why, code))) => (format!("cannot connect to {address}: {why}"), code),
        None => (format!("cannot connect to {} port {}: the time is over", to.host, to.port), 0),
    };
    let text = match addresses.len() {
        0 | 1 => why,
        n => format!("{why} (the last of {n} addresses of {})", to.host),
    };
    let complaint = Complaint::new(text).code(code);
    // Without an error of the system's the time was over before the first address was tried.
    let timed_out = code == libc::ETIMEDOUT || code == 0 && Instant::now() >= end;
    Err(if timed_out { Stop::TimedOut(complaint) } else { Stop::Failed(complaint) })
}

fn resolve(to: &ConnectTo<'_>) -> Result<Vec<SocketAddr>, Stop> {
    if to.host.is_empty() {
        return Err(Stop::Failed(Complaint::new("no host to connect to")));
    }
    if to.host.parse::<IpAddr>().is_ok() {
        return address::remote(to.host, to.port, to.family).map_err(Stop::Failed);
    }
    // The resolver knows no deadline of ours, so it works on a thread that can be left behind.
    let (sender, receiver) = mpsc::sync_channel(1);
    let (host, port, family) = (to.host.to_owned(), to.port.to_owned(), to.family);
    std::thread::Builder::new()
        .name("resolve".to_owned())
        .spawn(move || {
            let _ = sender.send(address::remote(&host, &port, family));
        })
        .map_err(|e| {
            let why = format!("cannot start a thread to resolve {}: {}", to.host, words(&e));
            Stop::Failed(Complaint::new(why))
        })?;
    match receiver.recv_timeout(to.timeout) {
        Ok(found) => found.map_err(Stop::Failed),
        Err(_) => {
            let waited = to.timeout.as_secs_f32();
            let why = format!("the name {} was not resolved within {waited:.1} s", to.host);
            Err(Stop::TimedOut(Complaint::new(why)))
        }
    }
}

fn try_one(address: SocketAddr, to: &ConnectTo<'_>, limit: Duration) -> Result<TcpStream, (String, i32)> {
    let failed = |what: &str, e: &io::Error| {
        let why = if what.is_empty() { words(e) } else { format!("{what}: {}", words(e)) };
        (why, e.raw_os_error().unwrap_or(0))
    };
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.cloexec(), Some(Protocol::TCP))
        .map_err(|e| failed("no socket", &e))?;
    if !to.device.is_empty() {
        socket
            .bind_device(Some(to.device.as_bytes()))
            .map_err(|e| failed(&format!("device {}", to.device), &e))?;
    }
    if !to.local.is_empty() {
        let family = if address.is_ipv6() { Family::V6 } else { Family::V4 };
        let local = address::local(to.local, "0", family).map_err(|c| (c.text, 0))?;
        let local = local.first().ok_or_else(|| (format!("no local address {}", to.local), 0))?;
        socket
            .bind(&SockAddr::from(*local))
            .map_err(|e| failed(&format!("local address {}", to.local), &e))?;
    }
    socket.connect_timeout(&SockAddr::from(address), limit).map_err(|e| match e.kind() {
        io::ErrorKind::TimedOut => {
            (format!("no answer within {:.1} s", limit.as_secs_f32()), libc::ETIMEDOUT)
        }
        _ => failed("", &e),
    })?;
    // Records are coalesced above: what is written is meant to leave now.
    socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_nonblocking(true))
        .map_err(|e| failed("socket options", &e))?;
    Ok(TcpStream::from(socket))
}

/// What an address gets at least before the next one is tried.
const SHORTEST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;
    use sysloom_sdk::Stream;

    fn to<'a>(host: &'a str, port: &'a str) -> ConnectTo<'a> {
        let timeout = Duration::from_secs(5);
        ConnectTo { host, port, family: Family::Any, local: "", device: "", timeout }
    }

    fn failure(to: &ConnectTo<'_>) -> Complaint {
        match connect(to) {
            Err(Stop::Failed(c)) => c,
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("connected"),
        }
    }

    #[test]
    fn connects_by_name_from_a_local_address() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let mut to = to("localhost", &port);
        to.local = "127.0.0.2";
        to.family = Family::V4;
        let mut c = connect(&to).unwrap();
        assert_eq!((c.peer.as_str(), c.port.to_string()), ("127.0.0.1", port.clone()));
        let (mut peer, from) = listener.accept().unwrap();
        assert_eq!(from.ip().to_string(), "127.0.0.2");
        assert_eq!(c.stream.write(b"hello").unwrap(), 5);
        c.stream.shutdown().unwrap();
        let mut got = String::new();
        peer.read_to_string(&mut got).unwrap();
        assert_eq!(got, "hello");
    }

    #[test]
    fn a_refused_connection_names_address_and_cause() {
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port().to_string()
        };
        let why = failure(&to("127.0.0.1", &port));
        assert_eq!(why.code, libc::ECONNREFUSED);
        assert!(why.text.contains(&format!("127.0.0.1:{port}: connection refused")), "{}", why.text);
    }

    #[test]
    fn an_unknown_device_is_named() {
        let mut to = to("127.0.0.1", "9");
        to.device = "no-such-dev0";
        assert!(failure(&to).text.contains("device no-such-dev0"));
    }

    #[test]
    fn a_connection_that_nobody_answers_is_timed_out() {
        // A full backlog: the kernel drops what comes then.
        let listener = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SockAddr::from("127.0.0.1:0".parse::<SocketAddr>().unwrap())).unwrap();
        listener.listen(0).unwrap();
        let port = listener.local_addr().unwrap().as_socket().unwrap().port().to_string();
        let mut kept = Vec::new();
        let timeout = Duration::from_millis(400);
        let why = loop {
            match connect(&ConnectTo { timeout, ..to("127.0.0.1", &port) }) {
                Ok(connection) => kept.push(connection),
                Err(why) => break why,
            }
            assert!(kept.len() < 64, "a backlog of 0 takes {} connections", kept.len());
        };
        assert!(matches!(&why, Stop::TimedOut(c) if c.text.contains("no answer within 0.4 s")), "{why:?}");
    }
}

//! Ports of loopback: which are free, and who listens, read from the system's tables so that no test connection is
//! made that a peer would log or answer.

use std::net::{TcpListener, UdpSocket};

/// A port that was free a moment ago, for TCP and UDP. For programs that cannot be given port 0.
pub fn free_port() -> u16 {
    for _ in 0..100 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("loopback has no port that is free for TCP and UDP");
}

/// Whether somebody listens on a TCP port.
pub fn listens(port: u16) -> bool {
    bound(&["/proc/net/tcp", "/proc/net/tcp6"], port, Some(LISTEN))
}

/// Whether somebody has bound a UDP port.
pub fn receives(port: u16) -> bool {
    bound(&["/proc/net/udp", "/proc/net/udp6"], port, None)
}

/// TCP connections with `port` at either end that are established.
pub fn established(port: u16) -> usize {
    let suffix = format!(":{port:04X}");
    let is = |line: &&str| {
        let mut words = line.split_whitespace().skip(1);
        let ends = [words.next(), words.next()];
        ends.iter().flatten().any(|end| end.ends_with(&suffix)) && words.next() == Some(ESTABLISHED)
    };
    let table = |file| std::fs::read_to_string(file).unwrap_or_default();
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().map(|file| table(file).lines().filter(is).count()).sum()
}

fn bound(tables: &[&str], port: u16, state: Option<&str>) -> bool {
    let suffix = format!(":{port:04X}");
    let is = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        words.next().is_some_and(|own| own.ends_with(&suffix))
            && state.is_none_or(|state| words.nth(1) == Some(state))
    };
    tables.iter().any(|file| std::fs::read_to_string(file).unwrap_or_default().lines().any(is))
}

const LISTEN: &str = "0A";
const ESTABLISHED: &str = "01";

//! The wording of netstream's log lines: who, on which listener, which side, at which stage, why, what to do.

use super::live::Live;

/// Where in a connection's life something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Accept,
    Handshake,
    Read,
}

/// A line about an accepted connection.
pub(crate) fn server(live: &Live, stage: Stage, why: &str) -> String {
    let peer = address(live);
    let label = &live.port.label;
    match stage {
        Stage::Accept => {
            format!("{label}: connection from {peer} lost right after accept (server side): {why}")
        }
        Stage::Handshake => {
            format!("{label}: {} handshake with {peer} failed (server side): {why}", live.port.stack().name())
        }
        Stage::Read => format!("{label}: connection from {peer} ended while reading (server side): {why}"),
    }
}

/// A line about a connection of ours that came to nothing or broke.
pub(crate) fn client(driver: &str, to: &str, stage: &str, why: &str) -> String {
    format!("{driver} connection to {to} failed at {stage} (client side): {why}")
}

/// `192.0.2.1:514` or `[2001:db8::1]:514`.
pub(crate) fn address(live: &Live) -> String {
    join(&live.peer, live.peer_port)
}

/// An address and its port in one word.
pub(crate) fn join(address: &str, port: u16) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_usual() {
        assert_eq!(join("192.0.2.1", 514), "192.0.2.1:514");
        assert_eq!(join("2001:db8::1", 6514), "[2001:db8::1]:6514");
    }

    #[test]
    fn a_client_line_names_everything() {
        let line =
            client("rustls", "logs.example.net:6514", "handshake", "the peer's certificate has expired");
        assert_eq!(
            line,
            "rustls connection to logs.example.net:6514 failed at handshake (client side): the peer's certificate \
             has expired"
        );
    }
}

//! What modules with datagram sockets of their own have in common, behind the feature `net`. Streams are the host's.

use crate::{Host, Level};
use socket2::SockRef;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

/// Binds a socket as rsyslog's `ipFreeBind` says it: an address that the system does not have is an error with 0, and
/// bound all the same with 1 or 2; 2 leaves a warning in the log that begins with `who`.
pub fn bind(
    socket: BorrowedFd<'_>,
    address: SocketAddr,
    free_bind: u8,
    host: &Host,
    who: &str,
) -> Result<(), Error> {
    let socket = SockRef::from(&socket);
    match socket.bind(&address.into()) {
        Err(e) if e.kind() == ErrorKind::AddrNotAvailable && free_bind > 0 => {}
        result => return result,
    }
    if address.is_ipv4() {
        socket.set_freebind_v4(true)?
    } else {
        socket.set_freebind_v6(true)?
    }
    socket.bind(&address.into())?;
    if free_bind == 2 {
        let text = format!("{who}: the address {address} is not one of this system; bound with IP_FREEBIND");
        host.log(Level::Warning, 0, &text);
    }
    Ok(())
}

//! What modules with datagram sockets of their own have in common, and the way into another network namespace, behind the
//! feature `net`. Streams are the host's.

use crate::{Complaint, Host, Level};
use nix::sched::{CloneFlags, setns};
use socket2::SockRef;
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

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

/// Does `work` in a network namespace, as `ip netns` names them; without a name, right here. Sockets that it opens stay in
/// that namespace. It runs on a thread of its own, so that no other work ever gets there.
pub fn within<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> Result<T, Complaint> {
    if namespace.is_empty() {
        return Ok(work());
    }
    let failed = |what: String, e: &Error| {
        Complaint::io(format!("networkNamespace \"{namespace}\": {what}"), e).param("networkNamespace")
    };
    if namespace.contains('/') || namespace == "." || namespace == ".." {
        let text = format!("networkNamespace \"{namespace}\" is no name of a namespace, see `ip netns list`");
        return Err(Complaint::new(text).param("networkNamespace"));
    }
    let path = format!("{NAMESPACES}/{namespace}");
    let file =
        File::open(&path).map_err(|e| failed(format!("cannot open {path}, see `ip netns list`"), &e))?;
    std::thread::scope(|scope| {
        let run = || {
            let entered = setns(file.as_fd(), CloneFlags::CLONE_NEWNET);
            entered.map_err(|e| failed("cannot enter it".into(), &e.into()))?;
            Ok(work())
        };
        let thread = std::thread::Builder::new().name("namespace".into()).spawn_scoped(scope, run);
        let thread = thread.map_err(|e| failed("cannot start a thread for it".into(), &e))?;
        // A panic goes on where it would have gone without the thread.
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Where `ip netns add` puts them.
const NAMESPACES: &str = "/run/netns";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_is_not_there_is_a_clear_error() {
        let here = std::thread::current().id();
        assert_eq!(within("", || std::thread::current().id()).unwrap(), here);
        for (name, words) in [
            (
                "no-such-one",
                "networkNamespace \"no-such-one\": cannot open /run/netns/no-such-one, see `ip netns list`: ",
            ),
            ("../x", "networkNamespace \"../x\" is no name of a namespace, see `ip netns list`"),
            ("..", "networkNamespace \"..\" is no name of a namespace, see `ip netns list`"),
        ] {
            let why = within(name, || ()).unwrap_err();
            assert!(why.text.starts_with(words), "{}", why.text);
            assert_eq!(why.param, Some("networkNamespace"));
        }
    }
}

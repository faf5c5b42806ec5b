//! Sockets that were open before the daemon ran: systemd passed them to it (sd_listen_fds(3)).
//!
//! The daemon puts them here before inputs are activated, an input takes the one of its path, and what is left then is
//! closed and named.

use crate::plugin::Fault;
use socket2::{Domain, SockRef, Type};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One for the process.
#[derive(Default)]
pub struct Passed(Mutex<Vec<OwnedFd>>);

impl Passed {
    /// What the process got, in its order.
    pub fn put(&self, passed: Vec<OwnedFd>) {
        *self.lock() = passed;
    }

    /// The descriptor of the datagram socket of this path (`@name`: of that abstract name), which is the caller's from
    /// now on.
    pub fn take(&self, path: &str) -> Result<i64, Fault> {
        let mut passed = self.lock();
        match passed.iter().position(|fd| name(fd).as_deref() == Some(path)) {
            Some(at) => Ok(passed.remove(at).into_raw_fd().into()),
            None => Err(Fault::new(format!("no socket '{path}' was passed"))),
        }
    }

    /// Closes what nobody took; one line for each.
    pub fn close(&self) -> Vec<String> {
        let left = std::mem::take(&mut *self.lock());
        let told = |fd: &OwnedFd| {
            let what = name(fd).map_or("no local datagram socket".into(), |name| format!("socket '{name}'"));
            let number = fd.as_raw_fd();
            format!(
                "systemd passed descriptor {number} ({what}), which no input of the configuration is for: it is \
                 closed; give an imuxsock input its path, or take it out of the .socket unit"
            )
        };
        left.iter().map(told).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<OwnedFd>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a local datagram socket, as a configuration has it.
fn name(fd: &OwnedFd) -> Option<String> {
    let socket = SockRef::from(fd);
    if socket.r#type().ok()? != Type::DGRAM || socket.domain().ok()? != Domain::UNIX {
        return None;
    }
    let address = socket.local_addr().ok()?;
    let path = address.as_pathname().and_then(Path::to_str).map(String::from);
    let hidden = || Some(format!("@{}", String::from_utf8_lossy(address.as_abstract_namespace()?)));
    path.or_else(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};

    #[test]
    fn each_is_taken_once_and_what_is_left_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_string();
        let datagrams = UnixDatagram::bind(path("log")).unwrap();
        let hidden = format!("sysloom-passed-{}", std::process::id());
        let unseen = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&hidden).unwrap()).unwrap();
        let further = UnixDatagram::bind(path("further")).unwrap();
        let listener = UnixListener::bind(path("stream")).unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let numbers = [datagrams.as_raw_fd(), unseen.as_raw_fd()].map(i64::from);
        let passed = Passed::default();
        passed.put(vec![listener.into(), datagrams.into(), unseen.into(), udp.into(), further.into()]);
        assert_eq!(passed.take(&path("log")).unwrap(), numbers[0]);
        assert!(passed.take(&path("log")).is_err() && passed.take(&path("stream")).is_err());
        assert_eq!(passed.take(&format!("@{hidden}")).unwrap(), numbers[1]);
        let left = passed.close();
        let named: Vec<_> = left.iter().map(|line| line.contains("no local datagram socket")).collect();
        assert_eq!(named, [true, true, false], "{left:?}");
        assert!(left[2].contains(&format!("(socket '{}')", path("further"))), "{left:?}");
        assert_eq!(passed.close(), [""; 0]);
    }
}

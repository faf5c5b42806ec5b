//! A datagram socket in the file system (or an abstract one), with everything set that the reader needs.

use crate::params::Options;
use nix::sys::socket::{setsockopt, sockopt};
use std::ffi::OsStr;
use std::fs::{DirBuilder, Permissions, remove_file, set_permissions};
use std::io::{Error, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use sysloom_sdk::{Complaint, Host, Level};

/// An open socket; dropping it removes its file, if that was asked for.
pub struct Socket {
    pub datagrams: UnixDatagram,
    remove: Option<PathBuf>,
}

impl Socket {
    /// Takes over the socket that systemd has opened for this path, or makes it.
    pub fn open(host: Host, options: &Options) -> Result<Self, Complaint> {
        let path = &options.path;
        let (datagrams, remove) = match host.passed_datagrams(path) {
            Some(datagrams) => {
                let (path, fd) = (path.display(), datagrams.as_raw_fd());
                let text = format!("imuxsock: Acquired UNIX socket '{path}' (fd {fd}) from systemd.");
                host.log(Level::Info, 0, &text);
                (datagrams, None)
            }
            None => bind(options).map_err(|e| fault("cannot create", path, &e))?,
        };
        datagrams.set_nonblocking(true).map_err(|e| fault("cannot set up", path, &e))?;
        // Without credentials or time stamps the messages still come.
        let _ = setsockopt(&datagrams, sockopt::PassCred, &true);
        if options.system_time {
            let _ = setsockopt(&datagrams, sockopt::ReceiveTimestampns, &true);
        }
        Ok(Self { datagrams, remove })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(path) = &self.remove {
            let _ = remove_file(path);
        }
    }
}

fn bind(options: &Options) -> Result<(UnixDatagram, Option<PathBuf>), Error> {
    let path = &options.path;
    if let Some(name) = path.as_os_str().as_bytes().strip_prefix(b"@") {
        let datagrams = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
        return Ok((datagrams, None));
    }
    if options.create_path
        && let Some(parent) = path.parent().filter(|p| *p != OsStr::new(""))
    {
        DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
    }
    // rsyslog: whoever listens there already loses it.
    if options.unlink
        && let Err(e) = remove_file(path)
        && e.kind() != ErrorKind::NotFound
    {
        return Err(e);
    }
    let datagrams = UnixDatagram::bind(path)?;
    set_permissions(path, Permissions::from_mode(0o666))?;
    Ok((datagrams, options.unlink.then(|| path.clone())))
}

fn fault(what: &str, path: &Path, e: &Error) -> Complaint {
    Complaint::io(format!("imuxsock: {what} '{}'", path.display()), e).code(CODE_SOCKET)
}

/// rsyslog's code of a local socket that cannot be made.
const CODE_SOCKET: i32 = 2176;

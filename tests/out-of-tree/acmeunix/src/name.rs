//! From address and port to a socket's name.

use socket2::SockAddr;
use std::fmt::{self, Display};
use std::io;
use std::path::{Path, PathBuf};
use sysloom_sdk::Complaint;

/// Where a socket is.
pub enum Name {
    File(PathBuf),
    Abstract(String),
}

impl Name {
    pub fn new(address: &str, port: &str) -> Result<Self, Complaint> {
        if port.is_empty() || port.contains(['/', '\0']) || port.starts_with('.') {
            return Err(Complaint::new(format!("\"{port}\" is no name of a unix socket")));
        }
        Ok(match address.starts_with('/') {
            true => Self::File(Path::new(address).join(port)),
            false => Self::Abstract(format!("\0acmeunix/{port}")),
        })
    }

    pub fn address(&self) -> io::Result<SockAddr> {
        match self {
            Self::File(path) => SockAddr::unix(path),
            Self::Abstract(name) => SockAddr::unix(name),
        }
    }

    /// The socket's file, if it has one.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Abstract(_) => None,
        }
    }

    /// The number that the name is, or 0.
    pub fn port(&self) -> u16 {
        let text = match self {
            Self::File(path) => path.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
            Self::Abstract(name) => name.rsplit('/').next().unwrap_or_default(),
        };
        text.parse().unwrap_or(0)
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{}", name.trim_start_matches('\0')),
        }
    }
}

//! The test harness: builds the daemon once, runs it in a directory of its own, and waits for conditions.
//!
//! Suites stand in tests/suites. A test starts a [`Daemon`] from a configuration, acts on it as the outside would,
//! and waits until what it wants to see is there; nothing sleeps for a fixed time.
#![forbid(unsafe_code)]

mod built;
mod channel;
pub mod collectors;
mod daemon;
mod diag;
mod drivers;
mod peer;
pub mod pki;
pub mod port;
mod stream;
mod tap;
mod wait;

pub use built::{Built, built, cargo, command_of, daemon_command, driver_wanted};
pub use channel::{Auth, Channel};
pub use daemon::{Check, Daemon, check};
pub use diag::{Diag, ask};
pub use drivers::tls_drivers;
pub use peer::Peer;
pub use stream::{TlsClient, TlsServer, TlsVersion, client_config, connect, lines, record_types};
pub use tap::Tap;
pub use wait::{PATIENCE, file_lines, wait_for};

/// Makes two tests of each function that takes a driver's name: `over_rustls::NAME`, and `over_ossl::NAME` where that
/// driver can be built.
#[macro_export]
macro_rules! over_every_driver {
    ($($name:ident),+ $(,)?) => {
        mod over_rustls {
            $(#[test] fn $name() { super::$name("rustls"); })+
        }
        mod over_ossl {
            $(#[test] fn $name() {
                if $crate::driver_wanted("ossl") {
                    super::$name("ossl");
                }
            })+
        }
    };
}

use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory that goes away with the test, unless the test failed.
pub struct Dir(Option<TempDir>);

impl Dir {
    pub fn new() -> Self {
        Self(Some(tempfile::Builder::new().prefix("sysloom-").tempdir().expect("a temporary directory")))
    }

    pub fn path(&self) -> &Path {
        self.0.as_ref().expect("held until dropped").path()
    }

    /// A file's path inside.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file and returns its path.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, text).expect("the directory is ours");
        path
    }
}

impl Default for Dir {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // What a failed test left behind is evidence.
        if std::thread::panicking()
            && let Some(dir) = self.0.take()
        {
            eprintln!("kept: {}", dir.keep().display());
        }
    }
}

//! The same configuration and the same doings in rsyslogd and in this daemon: what comes out is compared.
//!
//! Each part says what is compared and which differences are meant. Without rsyslogd on the machine, what must come out
//! in any case is looked at still.

#[path = "beside/reduction.rs"]
mod reduction;

use std::path::Path;
use std::process::Command;
use sysloom_tests::{Dir, Peer, daemon_command};

/// A daemon to compare, in a directory of its own.
struct Subject {
    name: &'static str,
    dir: Dir,
    daemon: Option<Peer>,
}

impl Subject {
    fn ours(config: &str) -> Self {
        Self::start("sysloomd", daemon_command(), config)
    }

    /// rsyslogd, unless it is not there.
    fn theirs(config: &str) -> Option<Self> {
        let exe = Path::new("/usr/sbin/rsyslogd");
        Peer::wanted("rsyslogd").then(|| Self::start("rsyslogd", Command::new(exe), config))
    }

    /// `{dir}` in the configuration is its directory.
    fn start(name: &'static str, mut command: Command, config: &str) -> Self {
        let dir = Dir::new();
        let config = config.replace("{dir}", &dir.path().display().to_string());
        let config = dir.write("test.conf", config);
        command.args(["-n", "-C", "-iNONE", "-f"]).arg(config).current_dir(dir.path());
        command.env("LC_ALL", "C").env("TZ", "UTC").env("RSYSLOG_DFLT_LOG_INTERNAL", "1");
        let daemon = Peer::start_logged(&dir, name, &mut command);
        Self { name, dir, daemon: Some(daemon) }
    }

    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.dir.file(file)).unwrap_or_default()
    }

    /// The port that it wrote to a file, once it listens there.
    fn port(&self, file: &str) -> u16 {
        let what = format!("{}'s port", self.name);
        sysloom_tests::wait_for(&what, || {
            let port = self.text(file).trim().parse().ok()?;
            std::net::TcpStream::connect(("127.0.0.1", port)).ok().map(|_| port)
        })
    }

    /// Asks it to end, and waits until it has.
    fn stop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.terminate();
        }
    }
}

//! The same configuration and the same doings in rsyslogd and in this daemon: what comes out is compared.
//!
//! Each part says what is compared and which differences are meant. Without rsyslogd on the machine, what must come out
//! in any case is looked at still.

#[path = "beside/marks.rs"]
mod marks;
#[path = "beside/reduction.rs"]
mod reduction;
#[path = "beside/statistics.rs"]
mod statistics;

use std::os::unix::process::CommandExt;
use std::process::Command;
use sysloom_tests::{Dir, Peer, daemon_command};

/// A daemon to compare, in a directory of its own.
struct Subject {
    name: &'static str,
    dir: Dir,
    daemon: Option<Peer>,
}

impl Subject {
    /// Under rsyslogd's name, so that it speaks as rsyslogd.
    fn ours(config: &str) -> Self {
        Self::start("ours", daemon_command(), config)
    }

    /// rsyslogd, unless it is not there.
    fn theirs(config: &str) -> Option<Self> {
        Peer::wanted("rsyslogd").then(|| Self::start("rsyslogd", Command::new(RSYSLOGD), config))
    }

    /// This daemon and rsyslogd, if it is there, with their debug streams on.
    fn both_debugging(config: &str) -> (Self, Option<Self>) {
        let start = |name, mut command: Command| {
            command.arg("-d");
            Self::start(name, command, config)
        };
        let theirs = Peer::wanted("rsyslogd").then(|| start("rsyslogd", Command::new(RSYSLOGD)));
        (start("ours", daemon_command()), theirs)
    }

    /// `{dir}` in the configuration is its directory.
    fn start(name: &'static str, mut command: Command, config: &str) -> Self {
        let dir = Dir::new();
        if name == "ours" {
            command.arg0("rsyslogd");
        }
        let config = config.replace("{dir}", &dir.path().display().to_string());
        let config = dir.write("test.conf", config);
        command.args(["-n", "-C", "-iNONE", "-f"]).arg(config).current_dir(dir.path());
        command.env("LC_ALL", "C").env("TZ", "UTC").env("RSYSLOG_DFLT_LOG_INTERNAL", "1");
        let daemon = Peer::start_logged(&dir, name, &mut command);
        Self { name, dir, daemon: Some(daemon) }
    }

    /// What it wrote to stdout and stderr.
    fn said(&self) -> String {
        self.daemon.as_ref().map(Peer::output).unwrap_or_default()
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

const RSYSLOGD: &str = "/usr/sbin/rsyslogd";

//! A daemon under test, in a directory of its own.

use crate::{Dir, PATIENCE, built, daemon_command, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A running daemon. It is stopped in order by [`Daemon::stop`], and killed if the test ends without.
pub struct Daemon {
    child: Child,
    stderr: PathBuf,
}

/// What a configuration check said.
#[derive(Debug)]
pub struct Check {
    pub code: i32,
    pub stderr: String,
}

impl Daemon {
    /// Starts the daemon on a configuration, in which `{dir}` stands for the test's directory, and waits until it runs.
    pub fn start(dir: &Dir, name: &str, config: &str) -> Self {
        Self::start_with(dir, name, config, |_| {})
    }

    /// As [`Daemon::start`]; `adjust` may change the command.
    pub fn start_with(dir: &Dir, name: &str, config: &str, adjust: impl FnOnce(&mut Command)) -> Self {
        let mut command = daemon_command();
        command.arg("-M").arg(&built().modules);
        Self::launch(dir, name, config, command, adjust)
    }

    /// Starts the system's rsyslogd the same way: it reads the same language.
    pub fn rsyslogd(dir: &Dir, name: &str, config: &str) -> Self {
        Self::launch(dir, name, config, Command::new("/usr/sbin/rsyslogd"), |_| {})
    }

    fn launch(
        dir: &Dir,
        name: &str,
        config: &str,
        mut command: Command,
        adjust: impl FnOnce(&mut Command),
    ) -> Self {
        let config = config.replace("{dir}", &dir.path().display().to_string());
        let file = dir.write(&format!("{name}.conf"), config);
        let pid_file = dir.file(&format!("{name}.pid"));
        let stderr = dir.file(&format!("{name}.stderr"));
        command
            .arg("-n")
            .arg("-f")
            .arg(&file)
            .arg("-i")
            .arg(&pid_file)
            .stdin(Stdio::null())
            .stderr(File::create(&stderr).expect("the directory is ours"));
        adjust(&mut command);
        let mut child = command.spawn().expect("the daemon can be started");
        wait_for("the daemon's pid file", || {
            if let Ok(Some(status)) = child.try_wait() {
                let said = std::fs::read_to_string(&stderr).unwrap_or_default();
                panic!("the daemon ended at start, {status}:\n{said}");
            }
            std::fs::read_to_string(&pid_file).ok().filter(|text| !text.is_empty())
        });
        Self { child, stderr }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The port that a listener wrote to its file.
    pub fn port(&self, file: &Path) -> u16 {
        wait_for("a port file", || std::fs::read_to_string(file).ok()?.trim().parse().ok())
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("the daemon is there");
    }

    /// Waits until a SIGTERM has reached it: the pending signal is taken.
    pub fn wait_stopping(&self) {
        let status = format!("/proc/{}/status", self.child.id());
        wait_for("the signal to be taken", || {
            let text = std::fs::read_to_string(&status).ok()?;
            let mask = text.lines().find_map(|line| line.strip_prefix("ShdPnd:"))?.trim();
            let pending = u64::from_str_radix(mask, 16).ok()?;
            (pending >> (Signal::SIGTERM as u32 - 1) & 1 == 0).then_some(())
        });
    }

    /// What it has said on stderr so far.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Waits until stderr holds `text`.
    pub fn wait_stderr(&self, text: &str) -> String {
        wait_for(&format!("{text:?} on stderr"), || {
            let said = self.stderr();
            said.contains(text).then_some(said)
        })
    }

    /// Asks it to stop, and waits until it has. Panics if it does not end in order.
    pub fn stop(mut self) -> String {
        self.signal(Signal::SIGTERM);
        let status = self.wait();
        assert!(status.success(), "{status}:\n{}", self.stderr());
        self.stderr()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(Instant::now() < end, "the daemon does not end:\n{}", self.stderr());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("stderr of the daemon:\n{}", self.stderr());
        }
    }
}

/// Runs `-N1` on a configuration.
pub fn check(dir: &Dir, config: &str) -> Check {
    let config = config.replace("{dir}", &dir.path().display().to_string());
    let file = dir.write("check.conf", config);
    let out = daemon_command()
        .arg("-N1")
        .arg("-f")
        .arg(&file)
        .arg("-M")
        .arg(&built().modules)
        .output()
        .expect("the daemon can be started");
    let stderr = String::from_utf8_lossy(&out.stderr).replace(&dir.path().display().to_string(), "{dir}");
    Check { code: out.status.code().unwrap_or(-1), stderr }
}

//! Other people's programs as peers of a test: started by the test, ended with it.

use crate::port::{free_port, listens, receives};
use crate::{Dir, PATIENCE, wait_for};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// A running program.
pub struct Peer {
    child: Child,
    output: Option<PathBuf>,
}

impl Peer {
    /// Starts a program; its output goes where `command` says.
    pub fn start(command: &mut Command) -> Self {
        let child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        Self { child, output: None }
    }

    /// Starts a program that reads what the test writes to it; its output goes to a file in the test's directory.
    pub fn start_piped(dir: &Dir, name: &str, command: &mut Command) -> Self {
        Self::start_logged(dir, name, command.stdin(Stdio::piped()))
    }

    /// Starts a program whose output goes to a file in the test's directory.
    pub fn start_logged(dir: &Dir, name: &str, command: &mut Command) -> Self {
        let output = dir.file(&format!("{name}.out"));
        let file = File::create(&output).expect("the directory is ours");
        let copy = file.try_clone().expect("it is open");
        let mut peer = Self::start(command.stdout(file).stderr(copy));
        peer.output = Some(output);
        peer
    }

    /// Starts a server that must be told its port, and waits until it listens. Another process may take the port
    /// first; then it is tried again with another.
    pub fn serve(dir: &Dir, name: &str, command: impl FnMut(u16) -> Command) -> (Self, u16) {
        Self::serve_on(dir, name, None, command)
    }

    /// The same on a port that was used before.
    pub fn serve_on(
        dir: &Dir,
        name: &str,
        port: Option<u16>,
        mut command: impl FnMut(u16) -> Command,
    ) -> (Self, u16) {
        for _ in 0..5 {
            let port = port.unwrap_or_else(free_port);
            let mut command = command(port);
            command.env("LC_ALL", "C");
            let mut peer = Self::start_logged(dir, name, command.stdin(Stdio::piped()));
            let ours = wait_for(&format!("{name} to listen on {port}"), || {
                if peer.child.try_wait().ok()?.is_some() {
                    return Some(false);
                }
                (listens(port) || receives(port)).then_some(true)
            });
            if ours {
                return (peer, port);
            }
            eprintln!("{name} did not start on {port}: {}", peer.output());
        }
        panic!("{name} does not start");
    }

    /// Whether a program is installed.
    pub fn installed(name: &str) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let sbin = ["/usr/sbin".into(), "/sbin".into()];
        std::env::split_paths(&path).chain(sbin).any(|dir| dir.join(name).is_file())
    }

    /// Whether a peer is there. If not, the test is skipped by name, or fails where all peers are demanded
    /// (`SYSLOOM_PEERS=required`).
    pub fn wanted(name: &str) -> bool {
        if Self::installed(name) {
            return true;
        }
        !Self::skipped(name, "tests/install-peers.sh installs it")
    }

    /// Says that a test is skipped for want of something, or fails where nothing may lack; `true` when it says so.
    pub fn skipped(what: &str, advice: &str) -> bool {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        assert!(
            std::env::var_os("SYSLOOM_PEERS").is_none_or(|v| v != "required"),
            "{test}: {what} is missing"
        );
        // Past the test runner's capture: a skip shall be seen.
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {what} is not there ({advice})");
        true
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub fn output(&self) -> String {
        let read = |file: &PathBuf| std::fs::read(file).ok();
        let bytes = self.output.as_ref().and_then(read).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until it has written `text`.
    pub fn wait_output(&self, text: &str) -> String {
        wait_for(&format!("{text:?} from a peer"), || Some(self.output()).filter(|said| said.contains(text)))
    }

    /// Writes to its standard input.
    pub fn write(&mut self, bytes: &[u8]) {
        let stdin: &mut ChildStdin = self.child.stdin.as_mut().expect("started with a pipe");
        stdin.write_all(bytes).expect("the peer reads");
        stdin.flush().expect("the peer reads");
    }

    /// Closes its standard input.
    pub fn end_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits for its end; whether it ended well.
    pub fn wait(&mut self) -> bool {
        self.wait_within(PATIENCE)
    }

    /// The same for one that has much to do.
    pub fn wait_long(&mut self) -> bool {
        self.wait_within(8 * PATIENCE)
    }

    fn wait_within(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status.success();
            }
            assert!(Instant::now() < end, "the peer does not end: {}", self.output());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Ends it at once.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(mut self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("it is our child");
        self.wait();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() && self.output.is_some() {
            eprintln!("output of a peer:\n{}", self.output());
        }
    }
}

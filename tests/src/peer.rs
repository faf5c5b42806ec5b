//! Other people's programs as peers of a test: started by the test, ended with it.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A running program.
pub struct Peer {
    child: Child,
}

impl Peer {
    /// Starts a program; its output goes where `command` says.
    pub fn start(command: &mut Command) -> Self {
        let child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        Self { child }
    }

    /// Starts a program that reads what the test writes to it.
    pub fn start_piped(command: &mut Command) -> Self {
        Self::start(command.stdin(Stdio::piped()))
    }

    /// Whether a program is installed.
    pub fn installed(name: &str) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let sbin = ["/usr/sbin".into(), "/sbin".into()];
        std::env::split_paths(&path).chain(sbin).any(|dir| dir.join(name).is_file())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
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
        self.child.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The process as a shell sees it: options, environment, files, signals, its own messages, and rsyslogd's place.

#[path = "process/globals.rs"]
mod globals;
#[path = "process/interpose.rs"]
mod interpose;
#[path = "process/life.rs"]
mod life;
#[path = "process/options.rs"]
mod options;
#[path = "process/own.rs"]
mod own;
#[path = "process/passed.rs"]
mod passed;
#[path = "process/privileges.rs"]
mod privileges;
#[path = "process/quickstart.rs"]
mod quickstart;
#[path = "process/stock.rs"]
mod stock;
#[path = "process/terminals.rs"]
mod terminals;
#[path = "process/times.rs"]
mod times;

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::{Child, Command, Output};
use sysloom_tests::{Dir, built, daemon_command};

/// The daemon under the name `rsyslogd`.
fn rsyslogd(dir: &Dir) -> Command {
    let name = dir.file("rsyslogd");
    if !name.exists() {
        std::os::unix::fs::symlink(&built().daemon, &name).unwrap();
    }
    let mut command = Command::new(name);
    for (name, value) in daemon_command().get_envs() {
        if value.is_none() {
            command.env_remove(name);
        }
    }
    command.current_dir(dir.path()).arg(format!("-M{}", built().modules.display()));
    command
}

/// A daemon that does not outlive a failing test.
struct Started(Child);

impl Deref for Started {
    type Target = Child;
    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Started {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It has ended already where the test succeeded.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs it to its end with these words.
fn run(dir: &Dir, words: &[&str]) -> Output {
    rsyslogd(dir).args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn config(dir: &Dir, name: &str, text: &str) -> PathBuf {
    dir.write(name, text.replace("{dir}", &dir.path().display().to_string()))
}

/// Whether this runs as root; if not, the test is skipped by name.
fn is_root(test: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        println!("skipped: {test} needs root");
    }
    root
}

/// Compiles a shared library from C.
fn library(dir: &Dir, name: &str, source: &str) -> PathBuf {
    let (from, to) = (dir.write(&format!("{name}.c"), source), dir.file(&format!("{name}.so")));
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&to).arg(from).arg("-ldl").status();
    assert!(status.expect("a C compiler").success());
    to
}

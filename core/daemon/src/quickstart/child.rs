//! One daemon of the quick start: a process of this executable, ended in order when it is dropped.

use super::Failed;
use super::folder::Folder;
use crate::process;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub struct Daemon {
    name: &'static str,
    process: Child,
    pid_file: PathBuf,
    output: PathBuf,
}

impl Daemon {
    /// Starts the daemon on NAME.conf.
    pub fn start(name: &'static str, folder: &Folder) -> Result<Self, Failed> {
        let pid_file = folder.file(&format!("{name}.pid"));
        let output = folder.write(&format!("{name}.out"), "")?;
        let start = || -> io::Result<Child> {
            let file = File::options().append(true).open(&output)?;
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("-n").arg("-i").arg(&pid_file).arg("-f").arg(folder.file(&format!("{name}.conf")));
            command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
            // Ctrl-C is for the quick start, which then ends them in order.
            command.process_group(0);
            process::ends_with_us(&mut command);
            command.spawn()
        };
        let process = start().map_err(|e| Failed::Start(name, e))?;
        Ok(Self { name, process, pid_file, output })
    }

    /// Whether its listeners are bound: it writes its pid file then.
    pub fn is_ready(&self) -> bool {
        self.pid_file.exists()
    }

    /// An error once it has ended.
    pub fn check(&mut self) -> Result<(), Failed> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(how)) => Err(Failed::Ended { name: self.name, how: how.to_string(), said: self.said() }),
            Err(e) => Err(Failed::Start(self.name, e)),
        }
    }

    /// What it has written to its standard output and error.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.output).unwrap_or_default()).into_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.process.id())
            && matches!(self.process.try_wait(), Ok(None))
        {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let end = Instant::now() + PATIENCE;
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        // One that does not end in order ends now; for one that has, this does nothing.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How long an orderly end may take.
const PATIENCE: Duration = Duration::from_secs(10);

//! The process: going to the background, its pid file, its directory.
//!
//! The one place of the daemon that forks. It does so before anything else is started, because only the calling
//! thread lives on in the child.
#![allow(unsafe_code)]

use nix::sys::signal::kill;
use nix::unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork, pipe, setsid};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::exit;

/// The start cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("pidfile '{file}' and pid {pid} already exist: is the daemon running already?", file = .0.display(), pid = .1)]
    Running(PathBuf, i32),
    #[error("cannot write pid file '{file}': {1}", file = .0.display())]
    PidFile(PathBuf, #[source] io::Error),
    #[error("cannot go to the background: {0}")]
    Fork(#[from] nix::Error),
}

/// The child's side of a start in the background: the parent waits until it hears how it went.
pub struct Background {
    parent: File,
}

impl Background {
    /// Forks. The parent stays in here until the child is ready, and exits with its result; the child comes back.
    pub fn enter() -> Result<Self, ProcessError> {
        let (from_child, to_parent) = pipe()?;
        // SAFETY: called before the process has a second thread, so the child may do anything.
        match unsafe { fork() }? {
            ForkResult::Parent { .. } => {
                drop(to_parent);
                let mut heard = String::new();
                let read = File::from(from_child).read_to_string(&mut heard);
                // A child that fails has said why on the stderr that it shares with us.
                exit(if read.is_ok() && heard == READY { 0 } else { 1 });
            }
            ForkResult::Child => {
                drop(from_child);
                setsid()?;
                Ok(Self { parent: File::from(to_parent) })
            }
        }
    }

    /// The daemon runs: the parent may exit, and the terminal is let go of.
    pub fn ready(mut self) {
        // A parent that was killed meanwhile does not matter.
        let _ = self.parent.write_all(READY.as_bytes());
        if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
            let _ = dup2_stdin(&null);
            let _ = dup2_stdout(&null);
            let _ = dup2_stderr(&null);
        }
    }
}

/// The file that says which process the daemon is. It goes away with the value.
pub struct PidFile {
    file: PathBuf,
}

impl PidFile {
    /// Refuses to start beside a running daemon.
    pub fn check(file: &Path) -> Result<(), ProcessError> {
        let Some(pid) = fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()) else {
            return Ok(());
        };
        let alive = pid > 0 && !matches!(kill(Pid::from_raw(pid), None), Err(nix::Error::ESRCH));
        if alive && pid != std::process::id() as i32 {
            return Err(ProcessError::Running(file.into(), pid));
        }
        Ok(())
    }

    /// Writes it so that no reader sees half of it.
    pub fn write(file: &Path) -> Result<Self, ProcessError> {
        let failed = |e| ProcessError::PidFile(file.into(), e);
        let temporary = PathBuf::from(format!("{}.tmp", file.display()));
        fs::write(&temporary, std::process::id().to_string()).map_err(failed)?;
        fs::rename(&temporary, file).map_err(failed)?;
        Ok(Self { file: file.into() })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// What the child writes when it runs.
const READY: &str = "ready\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_names_this_process_and_goes_away() {
        let file = std::env::temp_dir().join(format!("sysloom-pid-{}", std::process::id()));
        let held = PidFile::write(&file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), std::process::id().to_string());
        drop(held);
        assert!(!file.exists());
        fs::write(&file, "1").unwrap();
        assert!(matches!(PidFile::check(&file), Err(ProcessError::Running(_, 1))));
        fs::write(&file, "999999999").unwrap();
        PidFile::check(&file).unwrap();
        fs::remove_file(&file).unwrap();
    }
}

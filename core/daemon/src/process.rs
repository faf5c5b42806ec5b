//! The process: its environment, going to the background, children, its pid file.
//!
//! The one place of the daemon that forks. It does so before anything else is started, because only the calling
//! thread lives on in the child.
#![allow(unsafe_code)]

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork, pipe, setsid};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::time::Duration;

/// The start cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("pidfile '{file}' and pid {pid} already exist: is the daemon running already?", file = .0.display(), pid = .1)]
    Running(PathBuf, i32),
    #[error("cannot write pid file '{file}': {1}", file = .0.display())]
    PidFile(PathBuf, #[source] io::Error),
    #[error("cannot start a process: {0}")]
    Fork(#[from] nix::Error),
    #[error("cannot go to the background: {0}")]
    Pair(#[source] io::Error),
}

/// What every start of the daemon does first.
pub fn prepare() {
    // SAFETY: no handler is installed; a write beyond the file size limit then fails like any other.
    let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
    if std::env::var_os("TZ").is_none() {
        // rsyslog: so that libraries and child processes agree with us, whatever becomes of the root directory.
        let zone = if File::open("/etc/localtime").is_ok() { ":/etc/localtime" } else { "UTC" };
        // SAFETY: the process has one thread.
        unsafe { std::env::set_var("TZ", zone) };
    }
}

/// Sets environment variables for whatever is started from now on.
pub fn environment<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    for (name, value) in pairs {
        // SAFETY: called before the daemon starts its threads; loaded plugins have none yet.
        unsafe { std::env::set_var(name, value) };
    }
}

/// The descriptors that systemd passed to this process (sd_listen_fds(3)); programs that are started do not get them.
// rsyslog: the variables about them stay. Nobody else heeds those, since they name this process.
pub fn passed() -> Vec<OwnedFd> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    if number("LISTEN_PID") != Some(std::process::id()) {
        return Vec::new();
    }
    let own = |fd: u32| {
        let fd = RawFd::try_from(fd).ok()?;
        // SAFETY: of a descriptor that is not open the call says so, and that is all.
        fcntl(unsafe { BorrowedFd::borrow_raw(fd) }, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).ok()?;
        // SAFETY: it is open, it was given to this process, and the process has opened nothing itself yet.
        Some(unsafe { OwnedFd::from_raw_fd(fd) })
    };
    (FIRST_PASSED..FIRST_PASSED.saturating_add(number("LISTEN_FDS").unwrap_or(0))).map_while(own).collect()
}

/// Takes these bits of the mode from every file that is created.
pub fn mask(bits: i64) {
    // Modes have twelve bits.
    umask(Mode::from_bits_truncate(bits as u32 & 0o7777));
}

/// Allows so many open files at once; more than the hard limit only root may.
pub fn open_files(files: i64) -> Result<(), nix::Error> {
    let files = u64::try_from(files).map_err(|_| nix::Error::EINVAL)?;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, files, hard.max(files))
}

/// Children that ended and that nobody waits for. Only the first process of a name space gets such: everybody else's
/// children belong to the plugin that started them.
pub fn reap() {
    if std::process::id() != 1 {
        return;
    }
    while matches!(
        waitpid(None, Some(WaitPidFlag::WNOHANG)),
        Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..))
    ) {}
}

/// Lets a program that is started end when this thread does, even where nobody is left to end it.
pub fn ends_with_us(command: &mut Command) {
    let tie = || prctl::set_pdeathsig(Signal::SIGTERM).map_err(io::Error::from);
    // SAFETY: between fork and exec only a system call is made, and nothing is allocated.
    unsafe { command.pre_exec(tie) };
}

/// How a child ended.
pub enum Ended {
    Exited(u8),
    Killed {
        signal: Signal,
        /// What it had noted until then.
        note: String,
    },
}

/// Runs `work` in a child process, with a place for notes, and waits for its end. `work` gives the exit code.
pub fn in_child(work: impl FnOnce(File) -> u8) -> Result<Ended, ProcessError> {
    let (from_child, to_parent) = pipe()?;
    // SAFETY: called before the process has a second thread, so the child may do anything.
    let child = match unsafe { fork() }? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            drop(from_child);
            exit(work(File::from(to_parent)).into());
        }
    };
    drop(to_parent);
    let mut note = Vec::new();
    // The end of the pipe is the child's; what cannot be read is only a note.
    let _ = File::from(from_child).read_to_end(&mut note);
    loop {
        match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, code)) => return Ok(Ended::Exited(u8::try_from(code).unwrap_or(1))),
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                let note = String::from_utf8_lossy(&note).into_owned();
                return Ok(Ended::Killed { signal, note });
            }
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// The child's side of a start in the background: the parent waits until it hears how it went.
pub struct Background {
    parent: UnixStream,
}

impl Background {
    /// Forks. The parent stays in here until the child is ready, at most for `patience`, and exits with its result; the
    /// child comes back.
    pub fn enter(patience: Duration) -> Result<Self, ProcessError> {
        let (mut from_child, to_parent) = UnixStream::pair().map_err(ProcessError::Pair)?;
        // SAFETY: called before the process has a second thread, so the child may do anything.
        match unsafe { fork() }? {
            ForkResult::Parent { .. } => {
                drop(to_parent);
                let mut heard = [0; READY.len()];
                let _ = from_child.set_read_timeout(Some(patience));
                // A child that fails has said why on the stderr that it shares with us.
                match from_child.read_exact(&mut heard) {
                    Ok(()) if heard == READY.as_bytes() => exit(0),
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                        let _ = writeln!(io::stderr(), "the daemon was not ready within {patience:?}");
                        exit(1);
                    }
                    _ => exit(1),
                }
            }
            ForkResult::Child => {
                drop(from_child);
                setsid()?;
                Ok(Self { parent: to_parent })
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
/// sd_listen_fds(3): the number of the first descriptor.
const FIRST_PASSED: u32 = 3;

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

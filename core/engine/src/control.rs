//! The daemon's levers: what may be asked of it or changed while it runs, by name, and what an instrumentation module
//! sets while the configuration is loaded.
//!
//! Plugins come here through `Host.control`; the daemon and the engine read the values directly.

use crate::passed::Passed;
use crate::plugin::Fault;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One for the process.
pub struct Control {
    /// Set by the signal handler, cleared when the work has begun.
    pub hup_asked: Arc<AtomicBool>,
    /// A HUP is being worked on.
    pub hup_running: AtomicBool,
    /// Reloads of lookup tables that are asked for or at work.
    pub reloads: AtomicUsize,
    /// What holds for a main queue that says nothing itself.
    pub main_default: Times,
    /// What holds for queues of actions that say nothing themselves.
    pub action_default: Times,
    /// What was ordered while running, for the main queue.
    pub main_ordered: Times,
    /// Sockets that systemd opened for the inputs.
    pub passed: Passed,
    inputs_shutdown: Time,
    sizes: Mutex<Vec<Box<dyn Fn() -> usize + Send + Sync>>>,
    termination: Mutex<Option<PathBuf>>,
}

/// A time that may be unset; clones are the same time.
#[derive(Clone)]
pub struct Time(Arc<AtomicI64>);

/// Times of a queue.
#[derive(Clone, Default)]
pub struct Times {
    pub shutdown: Time,
    pub enqueue: Time,
}

impl Default for Time {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(-1)))
    }
}

impl Time {
    /// The time, if somebody set it.
    pub fn is(&self) -> Option<Duration> {
        u64::try_from(self.0.load(Ordering::Relaxed)).ok().map(Duration::from_millis)
    }

    /// Sets it from a number of milliseconds.
    pub fn set(&self, milliseconds: &str) -> Result<i64, Fault> {
        let time: u32 = milliseconds
            .trim()
            .parse()
            .map_err(|_| Fault::new(format!("'{milliseconds}' is no time in ms")))?;
        self.0.store(time.into(), Ordering::Relaxed);
        Ok(0)
    }
}

impl Default for Control {
    fn default() -> Self {
        Self {
            hup_asked: Arc::default(),
            hup_running: AtomicBool::new(false),
            reloads: AtomicUsize::new(0),
            main_default: Times::default(),
            action_default: Times::default(),
            main_ordered: Times::default(),
            passed: Passed::default(),
            inputs_shutdown: Time::default(),
            sizes: Mutex::default(),
            termination: Mutex::default(),
        }
    }
}

impl Control {
    /// A queue that is not direct; `size` tells how many messages it has that are not fully processed.
    pub fn count_queue(&self, size: Box<dyn Fn() -> usize + Send + Sync>) {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner).push(size);
    }

    /// Messages in all queues.
    pub fn queued(&self) -> usize {
        let sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.iter().map(|size| size()).sum()
    }

    /// How long inputs may take to stop; `configured` is global(inputs.timeout.shutdown).
    pub fn inputs_shutdown(&self, configured: Option<i64>) -> Duration {
        let configured = configured.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        self.inputs_shutdown.is().or(configured).unwrap_or(INPUTS_SHUTDOWN)
    }

    /// Obeys a command by name.
    pub fn obey(&self, command: &str, argument: &str, version: &str) -> Result<i64, Fault> {
        match command {
            "queues.size" => Ok(self.queued() as i64),
            "hup.pending" => {
                Ok((self.hup_asked.load(Ordering::SeqCst) || self.hup_running.load(Ordering::SeqCst)).into())
            }
            "lookups.pending" => Ok(self.reloads.load(Ordering::SeqCst) as i64),
            "default mainqueue.timeoutShutdown" => self.main_default.shutdown.set(argument),
            "default mainqueue.timeoutEnqueue" => self.main_default.enqueue.set(argument),
            "default action.queue.timeoutShutdown" => self.action_default.shutdown.set(argument),
            "default action.queue.timeoutEnqueue" => self.action_default.enqueue.set(argument),
            "mainqueue.timeoutShutdown" => self.main_ordered.shutdown.set(argument),
            "mainqueue.timeoutEnqueue" => self.main_ordered.enqueue.set(argument),
            "inputs.timeout.shutdown" => self.inputs_shutdown.set(argument),
            "socket.passed" => self.passed.take(argument),
            "termination.file" => {
                *self.termination.lock().unwrap_or_else(PoisonError::into_inner) = Some(argument.into());
                Ok(0)
            }
            "abort" => {
                let phase = format!("{}-abort", argument.to_ascii_lowercase());
                // The abort matters more than what can be told of it.
                let _ = self.terminated("error", argument, 0, &phase, version);
                std::process::abort();
            }
            other => Err(Fault::new(format!("there is no command '{other}'"))),
        }
    }

    /// Writes the file that says how the process ended, if somebody wants it.
    pub fn terminated(
        &self,
        status: &str,
        reason: &str,
        signal: i32,
        phase: &str,
        version: &str,
    ) -> io::Result<()> {
        let file = self.termination.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(file) = file else { return Ok(()) };
        let text = format!(
            "status={status}\nreason={reason}\npid={}\nsignal={signal}\nversion={version}\nphase={phase}\n\
             queue.overall.size={}\n",
            std::process::id(),
            self.queued()
        );
        record(&file, &text)
    }
}

/// A file of our own: through no symlink, for nobody else.
fn record(file: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
    options.open(file)?.write_all(text.as_bytes())
}

/// rsyslog: the default of global(inputs.timeout.shutdown=).
const INPUTS_SHUTDOWN: Duration = Duration::from_millis(1000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_set_times_and_tell_sizes() {
        let control = Control::default();
        assert_eq!(control.inputs_shutdown(None), Duration::from_millis(1000));
        assert_eq!(control.inputs_shutdown(Some(5)), Duration::from_millis(5));
        control.obey("inputs.timeout.shutdown", "7", "1").unwrap();
        assert_eq!(control.inputs_shutdown(Some(5)), Duration::from_millis(7));
        assert!(control.obey("inputs.timeout.shutdown", "soon", "1").is_err());
        control.count_queue(Box::new(|| 3));
        control.count_queue(Box::new(|| 4));
        assert_eq!(control.obey("queues.size", "", "1").unwrap(), 7);
        assert_eq!(control.obey("hup.pending", "", "1").unwrap(), 0);
        control.hup_asked.store(true, Ordering::SeqCst);
        assert_eq!(control.obey("hup.pending", "", "1").unwrap(), 1);
        assert!(control.obey("make.coffee", "", "1").is_err());
    }

    #[test]
    fn the_termination_file_says_how_it_ended_and_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("end");
        let control = Control::default();
        control.terminated("ok", "normal", 15, "main-return", "1").unwrap();
        assert!(!file.exists());
        control.obey("termination.file", file.to_str().unwrap(), "1").unwrap();
        control.terminated("ok", "normal", 15, "main-return", "1").unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let pid = std::process::id();
        assert_eq!(
            text,
            format!(
                "status=ok\nreason=normal\npid={pid}\nsignal=15\nversion=1\nphase=main-return\nqueue.overall.size=0\n"
            )
        );
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        control.obey("termination.file", link.to_str().unwrap(), "1").unwrap();
        assert!(control.terminated("ok", "normal", 15, "main-return", "2").is_err());
    }
}

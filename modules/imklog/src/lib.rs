//! imklog: the kernel's messages, from /proc/kmsg or /dev/kmsg.
//!
//! Loading the module is all it takes. The log is opened while the daemon still has its privileges; a thread reads it
//! as the kernel writes it.
#![forbid(unsafe_code)]

mod console;
mod message;

use console::Console;
use message::{Message, from_device, from_text, push};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use sysloom_sdk::{
    Complaint, Counter, Frame, Host, Input, Level, Limit, Params, Submit, Waited, frame_flag, plugin, wait,
};

/// `module(load="imklog")`.
#[derive(Params)]
pub struct ModuleParams {
    /// The ruleset that the messages go to.
    #[param(ruleset)]
    pub ruleset: Option<String>,
    /// Where the kernel's messages come from.
    #[param(default = "/proc/kmsg", legacy = "KLogPath:module")]
    pub log_path: PathBuf,
    /// Take messages of other facilities too, which programs put into the kernel's log.
    #[param(default = "off", legacy = "KLogPermitNonKernelFacility:module")]
    pub permit_non_kernel_facility: bool,
    /// The console's log level to set while the daemon runs; -1 = leave it.
    #[param(min = -1, max = 15, default = "-1", legacy = "KLogConsoleLogLevel:module")]
    pub console_log_level: i32,
    /// Take the messages' time from the kernel's stamp.
    #[param(default = "off", legacy = "KLogParseKernelTimestamp:module")]
    pub parse_kernel_timestamp: bool,
    /// Keep the kernel's stamp in the text though it was parsed.
    #[param(default = "off", legacy = "KLogKeepKernelTimestamp:module")]
    pub keep_kernel_timestamp: bool,
    /// The facility of this module's own messages.
    #[param(facility, default = "kern", legacy = "KLogInternalMsgFacility:module")]
    pub internal_msg_facility: u32,
    /// Seconds in which rateLimitBurst messages may come; 0 = no limit.
    #[param(non_negative, default = "0")]
    pub rate_limit_interval: u32,
    /// Messages in an interval; what is above is dropped.
    #[param(non_negative, default = "10000")]
    pub rate_limit_burst: u32,
    /// The ratelimit() object that limits it, instead of interval and burst.
    #[param(name = "rateLimit.name")]
    pub rate_limit_name: Option<String>,
}

pub struct Imklog {
    host: Host,
    path: PathBuf,
    permit_others: bool,
    parse_stamp: bool,
    keep_stamp: bool,
    own_facility: u32,
    console_level: i32,
    limit: Option<Mutex<Limit>>,
    submitted: Counter,
    log: OnceLock<(Mutex<File>, Option<Console>)>,
}

impl Input for Imklog {
    const NAME: &'static str = "imklog";
    const RUNS: bool = true;
    const AUTO: bool = true;
    type Module = ModuleParams;
    type Settings = ();

    fn new(module: &ModuleParams, (): (), host: Host) -> Result<Self, Complaint> {
        Ok(Self {
            host,
            path: module.log_path.clone(),
            permit_others: module.permit_non_kernel_facility,
            parse_stamp: module.parse_kernel_timestamp,
            keep_stamp: module.keep_kernel_timestamp,
            own_facility: module.internal_msg_facility,
            console_level: module.console_log_level,
            limit: Limit::unless_named(
                &module.rate_limit_name,
                module.rate_limit_interval,
                module.rate_limit_burst,
            )
            .map(Mutex::new),
            submitted: host.counter("submitted"),
            log: OnceLock::new(),
        })
    }

    fn activate(&self) -> Result<(), Complaint> {
        let file =
            OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&self.path).map_err(|e| {
                Complaint::io(format!("imklog: cannot open kernel log ({})", self.path.display()), &e)
                    .code(CODE_OPEN)
            })?;
        let console = (self.console_level >= 0).then(|| Console::set(self.console_level)).and_then(|set| {
            set.map_err(|e| {
                let why = Complaint::io("imklog: cannot set the console's log level", &e);
                self.host.log(Level::Warning, 0, &why.text);
            })
            .ok()
        });
        // The host activates an instance once.
        let _ = self.log.set((Mutex::new(file), console));
        Ok(())
    }

    fn run(&self, stop: BorrowedFd<'_>) -> Result<(), Complaint> {
        let Some((file, _)) = self.log.get() else { return Ok(()) };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let device = self.path.starts_with("/dev");
        let mut read = vec![0u8; READ];
        let mut held = Vec::new();
        let failed = |e: std::io::Error| Complaint::io("imklog: cannot wait for messages", &e);
        while wait(stop, Some(file.as_fd()), None).map_err(failed)? == Waited::Ready {
            let count = match file.read(&mut read) {
                // A file that is not the kernel's has an end.
                Ok(0) => return Ok(()),
                Ok(count) => count,
                // EPIPE: the kernel has overwritten what was not read in time.
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::BrokenPipe
                    ) =>
                {
                    continue;
                }
                Err(e) => {
                    let why = Complaint::io("imklog: error reading kernel log - shutting down", &e);
                    self.submit_own(&why.text);
                    return Err(why);
                }
            };
            let bytes = read.get(..count).unwrap_or_default();
            let going_on = if device {
                self.submit(from_device(bytes).into_iter())
            } else {
                held.extend_from_slice(bytes);
                let whole = held.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                let going_on = self.submit(lines(held.get(..whole).unwrap_or_default()));
                held.drain(..whole);
                // A line without an end is none of the kernel's.
                if held.len() > READ {
                    held.clear();
                }
                going_on
            };
            if !going_on {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Imklog {
    /// Submits the messages that are wanted; `false` when the daemon takes no more.
    fn submit<'a>(&self, messages: impl Iterator<Item = Message<'a>>) -> bool {
        let (mut block, mut frames) = (Vec::new(), Vec::new());
        let booted = self.parse_stamp.then(message::boot_ns).flatten();
        for message in messages.filter(|m| self.permit_others || m.pri >> 3 == 0) {
            let at = match (booted, message.stamp_us) {
                (Some(booted), Some(us)) => booted.saturating_add(us.saturating_mul(1000)),
                _ => 0,
            };
            let off = block.len();
            push(&mut block, &message, at == 0 || self.keep_stamp);
            frames.push(Frame {
                off: off as u32,
                len: (block.len() - off) as u32,
                peer: 0,
                flags: FLAGS,
                received_ns: at,
            });
        }
        let allowed = match &self.limit {
            None => frames.len(),
            Some(limit) => {
                let mut limit = limit.lock().unwrap_or_else(PoisonError::into_inner);
                let say =
                    |words: &str, code| self.host.log(Level::Warning, code, &format!("imklog: {words}"));
                limit.take(frames.len(), say)
            }
        };
        let frames = frames.get(..allowed).unwrap_or_default();
        match self.host.submit(&block, frames, Submit::LIGHT_DELAY | Submit::FLUSH) {
            Ok(taken) => {
                self.submitted.add(taken as u64);
                true
            }
            Err(_) => false,
        }
    }

    fn submit_own(&self, text: &str) {
        // rsyslog: a facility is written as its code times 8.
        let message = format!("<{}>{text}", (self.own_facility & !7) | 3);
        let frame = Frame { len: message.len() as u32, flags: FLAGS, ..Frame::default() };
        // It is in the log as well, where the thread's end is told.
        let _ = self.host.submit(message.as_bytes(), &[frame], Submit::FLUSH);
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(from_text)
}

const FLAGS: u32 = frame_flag::LOCAL | frame_flag::NO_HOSTNAME | frame_flag::IGNORE_TIMESTAMP;
/// Bytes of one read; a record of /dev/kmsg must fit.
const READ: usize = 64 << 10;
/// rsyslog's code of a kernel log that cannot be opened.
const CODE_OPEN: i32 = 2145;

plugin! { name: "imklog", inputs: [Imklog] }

#[cfg(test)]
mod tests;

//! ompipe: records into a named pipe that some program reads.
//!
//! The pipe is opened for reading too, so that it stays open while its reader comes and goes. What fits into PIPE_BUF
//! is written whole or not at all; when the pipe is full, the action is suspended until there is room.
#![forbid(unsafe_code)]

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use sysloom_sdk::{Commit, Complaint, Host, Outcome, Output, Params, Records, Worker, plugin};

/// `module(load="builtin:ompipe")`.
#[derive(Params)]
pub struct ModuleParams {
    /// Template of actions that name none.
    #[param(template)]
    pub template: Option<String>,
}

/// `action(type="ompipe")`.
#[derive(Params)]
pub struct ActionParams {
    /// The pipe to write to.
    #[param(required)]
    pub pipe: PathBuf,
    /// Template of the records.
    #[param(template)]
    pub template: Option<String>,
    /// Open the pipe anew when a suspended action is tried again.
    #[param(default = "off")]
    pub try_resume_reopen: bool,
}

pub struct Ompipe {
    params: ActionParams,
    pipe: Mutex<Pipe>,
    hup: AtomicBool,
}

#[derive(Default)]
struct Pipe {
    file: Option<File>,
    /// The rest of a record that is longer than PIPE_BUF and was written in part.
    rest: Vec<u8>,
}

impl Output for Ompipe {
    const NAME: &'static str = "ompipe";
    const BUILTIN: bool = true;
    const DEFAULT_TEMPLATE: &'static str = "RSYSLOG_FileFormat";
    type Module = ModuleParams;
    type Settings = ActionParams;
    type Worker = Writer;

    fn new(_: &ModuleParams, params: ActionParams, _: Host) -> Result<Self, Complaint> {
        Ok(Self { params, pipe: Mutex::default(), hup: AtomicBool::new(false) })
    }

    fn hup(&self) {
        self.hup.store(true, SeqCst);
    }
}

impl Ompipe {
    /// The pipe, closed first if a HUP came.
    fn lock(&self) -> MutexGuard<'_, Pipe> {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if self.hup.swap(false, SeqCst) {
            pipe.close();
        }
        pipe
    }

    fn fault(&self, what: &str, e: &std::io::Error) -> Complaint {
        Complaint::io(format!("{what} '{}'", self.params.pipe.display()), e)
    }

    fn open(&self, pipe: &mut Pipe) -> Result<(), Complaint> {
        if pipe.file.is_none() {
            let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
            let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(&self.params.pipe);
            pipe.file = Some(file.map_err(|e| self.fault("could not open pipe", &e).code(CODE_OPEN))?);
        }
        Ok(())
    }

    /// Writes as many rows as the pipe takes; how many.
    fn write(&self, pipe: &mut Pipe, records: &Records<'_>) -> Result<(), (usize, Complaint)> {
        self.open(pipe).map_err(|why| (0, why))?;
        let Pipe { file: Some(file), rest } = pipe else { return Ok(()) };
        let fault = |e: &std::io::Error| self.fault("write error on pipe", e).code(CODE_WRITE);
        while !rest.is_empty() {
            match file.write(rest) {
                Ok(n) => drop(rest.drain(..n)),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err((0, fault(&e))),
            }
        }
        let mut done = 0;
        for row in records.rows() {
            let written = loop {
                match file.write(row) {
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    result => break result,
                }
            };
            match written {
                Ok(n) => {
                    done += 1;
                    if let Some(left) = row.get(n..).filter(|left| !left.is_empty()) {
                        rest.extend_from_slice(left);
                        return Err((done, fault(&ErrorKind::WouldBlock.into())));
                    }
                }
                Err(e) => {
                    if e.kind() != ErrorKind::WouldBlock {
                        pipe.close();
                    }
                    return Err((done, fault(&e)));
                }
            }
        }
        Ok(())
    }
}

impl Pipe {
    fn close(&mut self) {
        self.file = None;
        self.rest.clear();
    }
}

pub struct Writer;

impl Worker<Ompipe> for Writer {
    fn new(_: &Ompipe) -> Result<Self, Complaint> {
        Ok(Self)
    }

    fn commit(&mut self, output: &Ompipe, records: &Records<'_>) -> Commit {
        match output.write(&mut output.lock(), records) {
            Ok(()) => Commit::Done,
            Err((0, why)) => Commit::Suspended(why),
            Err((done, why)) => {
                let outcome = |row| if row < done { Outcome::Done } else { Outcome::Retry };
                Commit::Each((0..records.len()).map(outcome).collect(), why)
            }
        }
    }

    fn resume(&mut self, output: &Ompipe) -> Result<(), Complaint> {
        let mut pipe = output.lock();
        if output.params.try_resume_reopen {
            pipe.close();
        }
        output.open(&mut pipe)?;
        let Some(file) = &pipe.file else { return Ok(()) };
        let mut fds = [PollFd::new(file.as_fd(), PollFlags::POLLOUT)];
        match poll(&mut fds, PollTimeout::ZERO) {
            Ok(0) => Err(output.fault("write error on pipe", &ErrorKind::WouldBlock.into()).code(CODE_WRITE)),
            // What else is wrong shows when it is written to.
            _ => Ok(()),
        }
    }
}

/// rsyslog's codes.
const CODE_OPEN: i32 = 2039;
const CODE_WRITE: i32 = 2119;

plugin! { name: "ompipe", outputs: [Ompipe] }

#[cfg(test)]
mod tests;

//! One file of an action: opened when needed, written at its end, closed on HUP. It owns what was taken but is not
//! written yet (a buffer, a gzip stream), and it remembers a line that a failed write left torn.

use crate::create::{Creation, fault};
use crate::pack::{Packer, Packing};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{Error, ErrorKind, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use sysloom_sdk::{Commit, Complaint};

/// How an action writes.
pub struct Writing {
    pub add_lf: bool,
    /// None = plain.
    pub packing: Option<Packing>,
    pub robust_zip: bool,
    /// Nothing stays in the buffer at the end of a commit.
    pub at_commit: bool,
    /// Bytes of the buffer.
    pub buffer: usize,
    /// How often the janitor writes what is in the buffer.
    pub background: Option<Duration>,
    pub sync: bool,
    pub rotation: Option<Rotation>,
}

/// A command that makes room when a file has grown too large.
pub struct Rotation {
    pub limit: u64,
    pub command: String,
    pub pass_name: bool,
}

/// A write that did not get through.
#[derive(Debug)]
pub struct Stopped {
    /// Rows that are wholly written.
    pub rows: usize,
    pub why: Complaint,
}

pub struct LogFile {
    path: PathBuf,
    file: Option<File>,
    regular: bool,
    zip: Option<Packer>,
    /// Taken, and to be written before anything else.
    held: Vec<u8>,
    /// The last line in the file is not whole.
    torn: bool,
    /// It stays too large whatever the command does.
    disabled: bool,
    used: Instant,
}

impl Writing {
    /// Whether records may wait for the janitor.
    pub fn in_background(&self) -> bool {
        !self.at_commit && self.background.is_some()
    }

    fn is_direct(&self) -> bool {
        self.at_commit && self.packing.is_none()
    }
}

impl LogFile {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            file: None,
            regular: true,
            zip: None,
            held: Vec::new(),
            torn: false,
            disabled: false,
            used: Instant::now(),
        }
    }

    pub fn is_regular(&self) -> bool {
        self.regular
    }

    pub fn idle_since(&self) -> Instant {
        self.used
    }

    /// Opens the file if it is closed.
    pub fn ready(&mut self, creation: &Creation) -> Result<(), Complaint> {
        if self.disabled {
            return Err(
                Complaint::new(format!("file '{}' is disabled", self.path.display())).code(CODE_DISABLED)
            );
        }
        if self.file.is_some() { Ok(()) } else { self.open(creation) }
    }

    /// What a failed [`LogFile::ready`] means for the records.
    pub fn refusal(&self, why: Complaint) -> Commit {
        if self.disabled { Commit::Disabled(why) } else { Commit::Suspended(why) }
    }

    /// Opens the file anew for an action that was suspended, and writes what waits for it.
    pub fn reopen(&mut self, creation: &Creation) -> Result<(), Complaint> {
        self.file = None;
        self.ready(creation)?;
        if let Some(file) = self.file.as_ref().filter(|_| !self.regular) {
            wait_writable(file, 0).map_err(|e| fault(&self.path, "write error", &e))?;
        }
        self.write_held()
    }

    fn open(&mut self, creation: &Creation) -> Result<(), Complaint> {
        let opened = creation.open(&self.path)?;
        self.regular = opened.regular;
        self.file = Some(opened.file);
        self.used = Instant::now();
        self.torn = self.torn && (!self.regular || self.size() > 0);
        Ok(())
    }

    /// Takes the rows that `bytes` holds, one after another with the lengths of `rows`.
    pub fn put<R: Iterator<Item = usize>>(
        &mut self,
        bytes: &[u8],
        rows: impl Fn() -> R,
        creation: &Creation,
        writing: &Writing,
    ) -> Result<(), Stopped> {
        self.used = Instant::now();
        if !writing.is_direct() {
            self.take(bytes, writing).map_err(|why| Stopped { rows: 0, why })?;
            if writing.at_commit || self.held.len() >= writing.buffer {
                // Whatever happens, the rows are taken: they are no longer the host's.
                self.flush(writing).map_err(|why| Stopped { rows: usize::MAX, why })?;
            }
            return Ok(());
        }
        let chunk = if writing.rotation.is_some() { writing.buffer } else { usize::MAX };
        let (mut start, mut end, mut done) = (0, 0, 0);
        let mut lengths = rows().peekable();
        while let Some(len) = lengths.next() {
            end += len;
            done += 1;
            if lengths.peek().is_some() && end - start < chunk {
                continue;
            }
            let part = bytes.get(start..end).unwrap_or_default();
            if let Err((written, why)) = self.write(part) {
                return Err(Stopped { rows: self.settle(start + written, rows()), why });
            }
            start = end;
            if let Some(rotation) = &writing.rotation {
                self.rotate(rotation, creation).map_err(|why| Stopped { rows: done, why })?;
            }
        }
        if writing.sync && self.regular {
            self.sync().map_err(|why| Stopped { rows: done, why })?;
        }
        Ok(())
    }

    /// Writes what is held back and gives up the file.
    pub fn close(&mut self, writing: &Writing) -> Result<(), Complaint> {
        if self.file.is_none() && self.held.is_empty() {
            return Ok(());
        }
        if let Some(zip) = self.zip.take() {
            self.held.extend_from_slice(&zip.finish().unwrap_or_default());
        }
        let result = self.flush(writing);
        self.file = None;
        self.held.clear();
        result
    }

    /// Writes what is held back if the file is in order.
    pub fn flush_open(&mut self, writing: &Writing) -> Result<(), Complaint> {
        if self.file.is_some() { self.flush(writing) } else { Ok(()) }
    }

    /// Writes what is held back.
    pub fn flush(&mut self, writing: &Writing) -> Result<(), Complaint> {
        if let Some(mut zip) = self.zip.take() {
            if writing.robust_zip {
                self.held.extend_from_slice(&zip.finish().unwrap_or_default());
            } else {
                // A Vec takes everything.
                let _ = zip.flush();
                self.held.append(zip.ready());
                self.zip = Some(zip);
            }
        }
        self.write_held()?;
        if writing.sync && self.regular { self.sync() } else { Ok(()) }
    }

    fn take(&mut self, bytes: &[u8], writing: &Writing) -> Result<(), Complaint> {
        // Bounds what a file that cannot be written may hold.
        if !self.held.is_empty() && (writing.at_commit || self.held.len() > writing.buffer) {
            self.write_held()?;
        }
        let Some(packing) = writing.packing else {
            self.held.extend_from_slice(bytes);
            return Ok(());
        };
        let failed = |e| fault(&self.path, "compression failed", &e);
        let mut zip = match self.zip.take() {
            Some(zip) => zip,
            None => Packer::new(packing).map_err(failed)?,
        };
        zip.write(bytes).map_err(failed)?;
        self.held.append(zip.ready());
        self.zip = Some(zip);
        Ok(())
    }

    fn write_held(&mut self) -> Result<(), Complaint> {
        if self.held.is_empty() {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        let result = self.write_bytes(&held);
        self.held = held;
        let written = match &result {
            Ok(()) => self.held.len(),
            Err((written, _)) => *written,
        };
        self.held.drain(..written);
        result.map_err(|(_, why)| why)
    }

    /// Writes whole lines, after an LF if the file ends in a torn one.
    fn write(&mut self, bytes: &[u8]) -> Result<(), (usize, Complaint)> {
        if self.torn {
            self.write_bytes(b"\n").map_err(|(_, why)| (0, why))?;
            self.torn = false;
        }
        self.write_bytes(bytes)
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), (usize, Complaint)> {
        let Some(file) = &mut self.file else {
            return Err((0, fault(&self.path, "write error", &ErrorKind::NotConnected.into())));
        };
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            let e = match file.write(rest) {
                Ok(0) => ErrorKind::WriteZero.into(),
                Ok(n) => {
                    written += n;
                    continue;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == ErrorKind::WouldBlock => match wait_writable(file, WRITE_WAIT_MS) {
                    Ok(()) => continue,
                    Err(e) => e,
                },
                Err(e) => e,
            };
            // It is opened anew before the next write.
            self.file = None;
            return Err((written, fault(&self.path, "write error", &e)));
        }
        Ok(())
    }

    /// How many rows are whole in the file after a write stopped at `written`; notes a torn one.
    fn settle(&mut self, written: usize, rows: impl Iterator<Item = usize>) -> usize {
        let (mut whole, mut end) = (0, 0);
        for len in rows {
            if end + len > written {
                break;
            }
            end += len;
            whole += 1;
        }
        self.torn = self.torn || written > end;
        whole
    }

    fn sync(&mut self) -> Result<(), Complaint> {
        let Some(file) = &self.file else { return Ok(()) };
        file.sync_data().map_err(|e| fault(&self.path, "write error", &e))
    }

    fn size(&self) -> u64 {
        self.file.as_ref().and_then(|f| f.metadata().ok()).map_or(0, |m| m.len())
    }

    /// Runs the command if the file has grown too large, and starts over with what it left.
    fn rotate(&mut self, rotation: &Rotation, creation: &Creation) -> Result<(), Complaint> {
        if !self.regular || self.size() < rotation.limit {
            return Ok(());
        }
        self.file = None;
        let name = self.path.display().to_string();
        if rotation.command.is_empty() {
            self.disabled = true;
            return Err(Complaint::new(format!(
                "file '{name}' has reached its size limit, and no command makes room"
            ))
            .code(CODE_NO_COMMAND));
        }
        // rsyslog: everything after the first blank is one argument.
        let (program, argument) = match rotation.command.trim_start().split_once(' ') {
            Some((program, argument)) => (program, Some(argument.trim_start())),
            None => (rotation.command.trim(), None),
        };
        let mut command = Command::new(program);
        command.args(argument).stdin(Stdio::null());
        if rotation.pass_name {
            command.arg(&self.path);
        }
        let ran = command.status();
        self.open(creation)?;
        if self.size() < rotation.limit {
            return Ok(());
        }
        self.disabled = true;
        let cause = match ran {
            Err(e) if e.raw_os_error() != Some(Errno::ECHILD as i32) => {
                return Err(
                    Complaint::io(format!("file size limit cmd for file '{name}'"), &e).code(CODE_NO_HELP)
                );
            }
            _ => "did not resolve situation",
        };
        Err(Complaint::new(format!("file size limit cmd for file '{name}' {cause}")).code(CODE_NO_HELP))
    }
}

/// A pipe or a terminal that takes nothing at the moment gets some time.
fn wait_writable(file: &File, ms: u16) -> Result<(), Error> {
    let mut fds = [PollFd::new(file.as_fd(), PollFlags::POLLOUT)];
    loop {
        match poll(&mut fds, PollTimeout::from(ms)) {
            Ok(0) => return Err(ErrorKind::TimedOut.into()),
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// How long a full pipe may hold a commit.
const WRITE_WAIT_MS: u16 = 2000;

/// rsyslog's codes: no command for a size limit, a command without effect, a file given up for that.
const CODE_NO_COMMAND: i32 = 2125;
const CODE_NO_HELP: i32 = 2126;
const CODE_DISABLED: i32 = 2127;

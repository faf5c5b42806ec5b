//! What a plugin may ask of the daemon as such: its settings, a ruleset by name, and commands for instrumentation.

use crate::complaint::Words;
use crate::host::borrow;
use crate::{Complaint, Frame, Host, Rejected, Submit};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;

impl Host {
    /// The value in force of a parameter of `global()`, as text: `maxMessageSize`, `workDirectory`,
    /// `net.ipprotocol`. Also `daemon.name`, `daemon.version` and `daemon.hostname`. `None` if nobody set it and it has
    /// no default. The configuration has been read whole before the first instance is made.
    pub fn setting(&self, name: &str) -> Option<String> {
        let mut out: Vec<u8> = Vec::with_capacity(64);
        loop {
            let spare = out.spare_capacity_mut();
            let (ptr, cap) = (spare.as_mut_ptr().cast(), spare.len());
            // SAFETY: `ptr` has room for `cap` bytes; the name is borrowed for the call.
            let len = unsafe { (self.raw.setting)(self.raw.h, borrow(name.as_bytes()), ptr, cap) };
            let len = usize::try_from(len).ok()?;
            if len <= cap {
                // SAFETY: the host has written `len` bytes, and `out` was empty.
                unsafe { out.set_len(len) };
                return String::from_utf8(out).ok();
            }
            out.reserve(len);
        }
    }

    /// The longest message that inputs take (`global(maxMessageSize=)`), in bytes.
    pub fn max_message_size(&self) -> usize {
        self.setting("maxMessageSize").and_then(|text| text.parse().ok()).unwrap_or(MAX_MESSAGE_SIZE)
    }

    /// As [`Host::submit`], to the ruleset of this name instead of the instance's own. Outputs may call it, too.
    pub fn submit_to(
        &self,
        ruleset: &str,
        block: &[u8],
        frames: &[Frame],
        flags: Submit,
    ) -> Result<usize, Rejected> {
        let (ruleset, block) = (borrow(ruleset.as_bytes()), borrow(block));
        // SAFETY: everything is borrowed for the call.
        let taken = unsafe {
            let (frames, n) = (frames.as_ptr(), frames.len());
            (self.raw.submit_to)(self.raw.h, self.me, ruleset, block, frames, n, flags.0)
        };
        usize::try_from(taken).map_err(|_| Rejected { status: taken })
    }

    /// The datagram socket of this path (`@name`: of that abstract name) that systemd opened before the daemon ran; each
    /// can be had once. It is closed on exec, and its file is systemd's.
    pub fn passed_datagrams(&self, path: &Path) -> Option<UnixDatagram> {
        let fd = self.control("socket.passed", path.to_str()?).ok()?;
        // SAFETY: the host hands over an open descriptor, which is nobody else's from now on.
        Some(unsafe { OwnedFd::from_raw_fd(RawFd::try_from(fd).ok()?) }.into())
    }

    /// A command to the daemon; a host that does not know it says so.
    ///
    /// | command | argument | result |
    /// |---|---|---|
    /// | `queues.size` | | messages in all queues that are not yet fully processed |
    /// | `hup.pending` | | 1 while a HUP is asked for or at work |
    /// | `lookups.pending` | | reloads of lookup tables that are asked for or at work |
    /// | `log.flush` | | hands the daemon's own messages that are still kept to the queue |
    /// | `log.debug` | | switches debug output on |
    /// | `log.plain` | text | a message of the daemon's own of severity info, without the bracket that others end with |
    /// | `log.mark` | text | the same, with the flag that lets actions leave it out |
    /// | `default mainqueue.timeoutShutdown`, `... timeoutEnqueue` | ms | for a main queue that says nothing itself; while the configuration is loaded |
    /// | `default action.queue.timeoutShutdown`, `... timeoutEnqueue` | ms | the same for queues of actions |
    /// | `mainqueue.timeoutShutdown`, `mainqueue.timeoutEnqueue` | ms | from now on |
    /// | `inputs.timeout.shutdown` | ms | from now on |
    /// | `sender.allowed` | `UDP 192.0.2.1`, behind it perhaps a list that replaces `$AllowedSender`'s | 1 if it may send, else 0 |
    /// | `socket.passed` | path, or `@name` | the descriptor of that datagram socket, which systemd passed and which is the caller's from now on; use [`Host::passed_datagrams`] |
    /// | `sender.folded` | `192.0.2.1` | its number for [`Frame::peer`]; its name from DNS will be in lower case |
    /// | `template.pieces` | name | 1 if that template is made of constants and properties alone, else 0; while instances are made and later |
    /// | `termination.file` | path | is written as the last thing when the process ends in order |
    /// | `abort` | reason | writes the termination file with that reason and aborts the process |
    pub fn control(&self, command: &str, argument: &str) -> Result<i64, Complaint> {
        let (command, argument) = (borrow(command.as_bytes()), borrow(argument.as_bytes()));
        // SAFETY: everything is borrowed for the call.
        let call = |why| unsafe { (self.raw.control)(self.raw.h, self.me, command, argument, why) };
        match Words::new().collect(&[], call) {
            (number, _) if number >= 0 => Ok(number),
            (_, complaint) => Err(complaint),
        }
    }
}

/// rsyslog: the default of global(maxMessageSize=).
const MAX_MESSAGE_SIZE: usize = 8096;

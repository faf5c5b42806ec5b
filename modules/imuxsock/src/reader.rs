//! The thread of a socket: bursts of datagrams into one block, one submit for each burst.

use crate::message::{self, annotate, severity};
use crate::params::Options;
use crate::socket::Socket;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg};
use nix::sys::time::TimeSpec;
use nix::unistd::close;
use std::collections::HashMap;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Instant;
use sysloom_sdk::{Complaint, Counter, Frame, Host, Level, Limit, Submit, Waited, frame_flag, wait};

/// What the system says of a datagram.
struct Received {
    len: usize,
    cut: bool,
    sender: Option<UnixCredentials>,
    at_ns: i64,
}

/// The limits of the processes that send.
struct Limits {
    by_process: HashMap<i32, Limit>,
    interval: u32,
    burst: u32,
    severity: u8,
    discarded: Counter,
    limiters: Counter,
}

pub fn run(host: Host, options: &Options, socket: &Socket, stop: BorrowedFd<'_>) -> Result<(), Complaint> {
    let max = host.max_message_size().clamp(1, LONGEST);
    let mut block = vec![0u8; BLOCK.max(max + message::ROOM)];
    let mut frames: Vec<Frame> = Vec::with_capacity(BURST);
    // Room for the descriptors too that a sender may attach: without it they would cost us the credentials.
    let mut control = cmsg_space!(UnixCredentials, TimeSpec, [RawFd; MAX_DESCRIPTORS]);
    let submitted = host.counter("submitted");
    let mut limits = Limits::new(host, options);
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let tag = format!("{}: ", host.setting("daemon.name").unwrap_or_else(|| "sysloomd".into()));
    let peer = options.host_name.as_deref().map_or(0, |name| host.intern("127.0.0.1", name, 0));
    let flags = frame_flags(options);
    let delay = if options.flow_control { Submit::LIGHT_DELAY } else { Submit::NONE };
    let mut held = false;
    let mut failures = 0;
    loop {
        let failed = |e: std::io::Error| Complaint::io("imuxsock: cannot wait for messages", &e);
        let source = Some(socket.datagrams.as_fd());
        if !held && wait(stop, source, None).map_err(failed)? == Waited::Stop {
            return Ok(());
        }
        frames.clear();
        let (mut at, mut drained) = (0, false);
        while at + max + message::ROOM <= block.len() && frames.len() < BURST {
            let space = block.get_mut(at..at + max).unwrap_or_default();
            let received = match receive(socket, space, &mut control) {
                Ok(received) => received,
                Err(Errno::EAGAIN) => {
                    drained = true;
                    break;
                }
                Err(Errno::EINTR) => continue,
                Err(e) if failures >= MAX_FAILURES => return Err(fault(options, e)),
                Err(e) => {
                    failures += 1;
                    host.log(Level::Error, 0, &fault(options, e).text);
                    drained = true;
                    break;
                }
            };
            failures = 0;
            let process = received.sender.map_or(0, |s| s.pid());
            let text = block.get(at..at + received.len).unwrap_or_default();
            if text.is_empty() || (options.ignore_own && process == own && !is_status(text, &tag)) {
                continue;
            }
            if !limits.allow(host, process, text) {
                continue;
            }
            let (mut len, mut behind) = (received.len, 0);
            if let Some(sender) = received.sender {
                let room = block.get_mut(at..at + max + message::ROOM).unwrap_or_default();
                if options.true_pid {
                    len = message::fix_pid(room, len, sender.pid());
                }
                let (pid, uid, gid) = (sender.pid(), sender.uid(), sender.gid());
                if options.annotate && options.parse_trusted {
                    behind = message::variables(room.get_mut(len..).unwrap_or_default(), pid, uid, gid);
                } else if options.annotate {
                    len = annotate(room, len, pid, uid, gid);
                }
            }
            let mut flags = flags;
            if received.cut {
                flags |= frame_flag::TRUNCATED;
            }
            if behind > 0 {
                flags |= frame_flag::VARIABLES;
            }
            flags |= limits.mark(process);
            frames.push(Frame { off: at as u32, len: len as u32, peer, flags, received_ns: received.at_ns });
            at += len + behind;
        }
        held = !drained;
        let now = if drained { delay | Submit::FLUSH } else { delay };
        match host.submit(block.get(..at).unwrap_or_default(), &frames, now) {
            Ok(taken) => submitted.add(taken as u64),
            // The daemon stops.
            Err(_) => return Ok(()),
        }
    }
}

/// Whether this is the daemon's own log, as it comes through syslog(3).
// rsyslog: with Debian's configuration its start and HUP lines arrive although own messages are ignored.
fn is_status(text: &[u8], tag: &str) -> bool {
    let after_pri = text.iter().position(|b| *b == b'>').and_then(|at| text.get(at + 1..));
    after_pri.and_then(|rest| rest.get(STAMP..)).is_some_and(|rest| rest.starts_with(tag.as_bytes()))
}

fn receive(socket: &Socket, space: &mut [u8], control: &mut [u8]) -> Result<Received, Errno> {
    let mut parts = [IoSliceMut::new(space)];
    let fd = socket.datagrams.as_raw_fd();
    let datagram =
        recvmsg::<()>(fd, &mut parts, Some(control), MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC)?;
    let (mut sender, mut at_ns) = (None, 0);
    // Without all of its facts a message is still one.
    for control in datagram.cmsgs().into_iter().flatten() {
        match control {
            ControlMessageOwned::ScmRights(descriptors) => {
                // They are ours now, and nobody wants them.
                for descriptor in descriptors {
                    let _ = close(descriptor);
                }
            }
            ControlMessageOwned::ScmCredentials(credentials) => sender = Some(credentials),
            ControlMessageOwned::ScmTimestampns(time) => {
                at_ns = time.tv_sec().saturating_mul(1_000_000_000).saturating_add(time.tv_nsec());
            }
            _ => {}
        }
    }
    let cut = datagram.flags.contains(MsgFlags::MSG_TRUNC);
    Ok(Received { len: datagram.bytes, cut, sender, at_ns })
}

fn frame_flags(options: &Options) -> u32 {
    let mut flags = 0;
    if options.special_parser {
        flags |= frame_flag::LOCAL;
    }
    if options.ignore_timestamp {
        flags |= frame_flag::IGNORE_TIMESTAMP;
    }
    if !options.parse_hostname {
        flags |= frame_flag::NO_HOSTNAME;
    }
    flags
}

impl Limits {
    fn new(host: Host, options: &Options) -> Self {
        let (interval, burst, severity) = options.limit;
        Self {
            by_process: HashMap::new(),
            interval,
            burst,
            severity,
            discarded: host.counter("ratelimit.discarded"),
            limiters: host.counter("ratelimit.numratelimiters"),
        }
    }

    /// The flags that tell the process apart from others.
    // rsyslog: where they have limits, they have their repetitions counted by themselves.
    fn mark(&self, process: i32) -> u32 {
        if self.interval == 0 || process == 0 {
            return 0;
        }
        // Two that end up with one number differ by 65536 and more.
        let number = (process ^ (process >> 16)) as u32 & 0xffff;
        number << frame_flag::PORT_SHIFT | frame_flag::PROCESS
    }

    fn allow(&mut self, host: Host, process: i32, text: &[u8]) -> bool {
        if self.interval == 0 || severity(text) < self.severity {
            return true;
        }
        if !self.by_process.contains_key(&process) {
            let Some(limit) = Limit::new(self.interval, self.burst) else { return true };
            if self.by_process.len() >= MAX_LIMITERS {
                let now = Instant::now();
                self.by_process.retain(|_, limit| !limit.is_over(now));
            }
            self.by_process.insert(process, limit);
            self.limiters.add(1);
        }
        let Some(limit) = self.by_process.get_mut(&process) else { return true };
        let say = |words: &str, code: i32| {
            host.log(Level::Warning, code, &format!("imuxsock[pid {process}]: {words}"));
        };
        let allowed = limit.take(1, say) == 1;
        if !allowed {
            self.discarded.add(1);
        }
        allowed
    }
}

fn fault(options: &Options, e: Errno) -> Complaint {
    Complaint::io(format!("imuxsock: cannot read '{}'", options.path.display()), &e.into())
}

/// No datagram of a local socket is longer, in bytes.
const LONGEST: usize = 16 << 20;
/// Bytes and messages of one burst.
const BLOCK: usize = 256 << 10;
const BURST: usize = 256;
/// Descriptors that Linux lets a sender attach to a datagram.
const MAX_DESCRIPTORS: usize = 253;
/// Reads that may fail in a row before the socket is given up.
const MAX_FAILURES: u32 = 10;
/// Processes that are watched before those that are silent are forgotten.
const MAX_LIMITERS: usize = 1000;
/// `Nov 23 07:33:26 `
const STAMP: usize = 16;

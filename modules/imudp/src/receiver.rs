//! A thread of an input: reads bursts of datagrams from its sockets into one block, one submit for each burst.

use crate::Imudp;
use crate::listener::Listener;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};
use std::collections::HashMap;
use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use sysloom_sdk::{Complaint, Counter, CounterKind, Frame, Level, Submit, frame_flag};

pub struct Receiver<'a> {
    input: &'a Imudp,
    sockets: Vec<(&'a Listener, MultiHeaders<SockaddrStorage>)>,
    calls: Counter,
    received: Counter,
    /// Room for `MAX_BURST` datagrams.
    block: Vec<u8>,
    /// Bytes for one of them.
    slot: usize,
    frames: Vec<Frame>,
    /// Numbers of senders; none for those that may not send.
    senders: HashMap<IpAddr, Option<u32>>,
    last: (IpAddr, Option<u32>),
    /// The stranger that was told of last.
    told: Option<IpAddr>,
    stamp: i64,
    stamp_used: u32,
    /// When the sockets were last read, and whether something was left in one then.
    drained: Option<Instant>,
    backlog: bool,
}

impl<'a> Receiver<'a> {
    /// The `nth` thread of an input.
    pub fn new(input: &'a Imudp, listeners: &'a [Listener], nth: u32) -> Self {
        let batch = input.batch.clamp(1, MAX_BURST);
        let slot = input.host.max_message_size().clamp(1, LONGEST);
        // rsyslog: its threads serve all listeners; those of all inputs count together here.
        let object = format!("imudp(w{nth})");
        let counter = |name| input.host.counter_of("imudp", &object, name, CounterKind::default());
        let calls = counter("called.recvmmsg");
        // Every read is one of many datagrams.
        counter("called.recvmsg");
        Self {
            input,
            sockets: listeners.iter().map(|l| (l, MultiHeaders::preallocate(batch, None))).collect(),
            calls,
            received: counter("msgs.received"),
            block: vec![0; batch * slot],
            slot,
            frames: Vec::with_capacity(batch),
            senders: HashMap::new(),
            last: (IpAddr::V4(Ipv4Addr::UNSPECIFIED), Some(0)),
            told: None,
            stamp: 0,
            stamp_used: u32::MAX,
            drained: None,
            backlog: false,
        }
    }

    /// Reads until `stop` becomes readable.
    pub fn run(mut self, stop: BorrowedFd<'_>) -> Result<(), Complaint> {
        let listeners: Vec<&Listener> = self.sockets.iter().map(|(l, _)| *l).collect();
        let mut fds: Vec<PollFd<'_>> =
            listeners.iter().map(|l| PollFd::new(l.socket.as_fd(), PollFlags::POLLIN)).collect();
        fds.push(PollFd::new(stop, PollFlags::POLLIN));
        loop {
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(e) => return Err(Complaint::io("imudp: cannot wait for messages", &e.into())),
            }
            if fds.last().is_some_and(|stop| stop.any().unwrap_or(true)) {
                return Ok(());
            }
            // Reading each of many datagrams by itself costs three times as much as reading some together.
            if self.follows_closely() {
                std::thread::sleep(GATHER);
            }
            self.backlog = false;
            for (index, fd) in fds.iter().take(listeners.len()).enumerate() {
                if fd.any().unwrap_or(true) && !self.drain(index) {
                    return Ok(());
                }
            }
            self.drained = Some(Instant::now());
        }
    }

    /// Whether datagrams come one right after the other, but not so many that a backlog waits.
    fn follows_closely(&self) -> bool {
        !self.backlog && self.drained.is_some_and(|at| at.elapsed() < CLOSE)
    }

    /// Reads what a socket has, at most [`BURSTS`] times so that the others and `stop` get their turn; `false` when
    /// the daemon takes no more.
    fn drain(&mut self, index: usize) -> bool {
        for nth in 1..=BURSTS {
            let (count, burst) = match self.receive(index) {
                Ok(found) => found,
                Err(Errno::EAGAIN | Errno::EINTR) => (0, 1),
                Err(e) => {
                    self.complain(e);
                    (0, 1)
                }
            };
            let last = count < burst || nth == BURSTS;
            self.backlog |= nth == BURSTS && count == burst;
            if !self.submit(index, last) {
                return false;
            }
            if last {
                break;
            }
        }
        true
    }

    /// One burst: how many datagrams came, and how many could have come.
    fn receive(&mut self, index: usize) -> Result<(usize, usize), Errno> {
        self.frames.clear();
        let Some((listener, headers)) = self.sockets.get_mut(index) else { return Ok((0, 1)) };
        let burst = self.block.len() / self.slot;
        let mut found: [(usize, bool, Option<SocketAddr>); MAX_BURST] = [(0, false, None); MAX_BURST];
        let mut count = 0;
        {
            let mut slots = self.block.chunks_exact_mut(self.slot);
            let mut parts: [[IoSliceMut<'_>; 1]; MAX_BURST] =
                std::array::from_fn(|_| [IoSliceMut::new(slots.next().unwrap_or_default())]);
            let parts = parts.iter_mut().take(burst);
            let fd = listener.socket.as_raw_fd();
            let datagrams = recvmmsg(fd, headers, parts, MsgFlags::MSG_DONTWAIT, None)?;
            for (datagram, found) in datagrams.zip(&mut found) {
                let cut = datagram.flags.contains(MsgFlags::MSG_TRUNC);
                *found = (datagram.bytes, cut, datagram.address.as_ref().and_then(address_of));
                count += 1;
            }
        }
        self.calls.add(1);
        self.received.add(count as u64);
        if self.input.time_requery == 0 {
            self.stamp_used = u32::MAX;
        }
        for (nth, (len, cut, sender)) in found.into_iter().enumerate().take(count) {
            if len == 0 {
                continue;
            }
            let Some(peer) = sender.map_or(Some(0), |from| self.peer(from.ip())) else {
                self.refuse(index, sender.map(|from| from.ip()));
                continue;
            };
            let received_ns = self.time();
            let port = sender.map_or(0, |from| from.port());
            self.frames.push(Frame {
                off: (nth * self.slot) as u32,
                len: len as u32,
                peer,
                flags: if cut { frame_flag::TRUNCATED } else { 0 }
                    | u32::from(port) << frame_flag::PORT_SHIFT,
                received_ns,
            });
        }
        Ok((count, burst))
    }

    fn submit(&mut self, index: usize, last: bool) -> bool {
        let allowed = match &self.input.limit {
            None => self.frames.len(),
            Some(limit) => {
                let mut limit = limit.lock().unwrap_or_else(PoisonError::into_inner);
                limit.take(self.frames.len(), |words, code| {
                    self.input.host.log(
                        Level::Warning,
                        code,
                        &format!("{}: {words}", self.input.params.name),
                    );
                })
            }
        };
        let flags = if last { Submit::FLUSH } else { Submit::NONE };
        let frames = self.frames.get(..allowed).unwrap_or_default();
        let taken = self.input.host.submit(&self.block, frames, flags);
        self.frames.clear();
        match taken {
            Ok(taken) => {
                if let Some((listener, _)) = self.sockets.get(index) {
                    listener.submitted.add(taken as u64);
                }
                true
            }
            Err(_) => false,
        }
    }

    /// The time of reception, asked anew after every `timeRequery` datagrams.
    pub fn time(&mut self) -> i64 {
        if self.stamp_used >= self.input.time_requery {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.stamp = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
            self.stamp_used = 0;
        }
        if self.input.time_requery > 0 {
            self.stamp_used += 1;
        }
        self.stamp
    }

    /// The sender's number, if it may send.
    fn peer(&mut self, ip: IpAddr) -> Option<u32> {
        if self.last.0 != ip {
            if self.senders.len() >= MAX_SENDERS {
                self.senders.clear();
            }
            let input = self.input;
            let number = *self.senders.entry(ip).or_insert_with(|| {
                let text = ip.to_canonical().to_string();
                // A host that has no lists lets everybody send.
                let may = input
                    .host
                    .control("sender.allowed", &format!("UDP {text} {}", input.allowed))
                    .unwrap_or(1)
                    != 0;
                may.then(|| input.sender(&ip.to_string()))
            });
            self.last = (ip, number);
        }
        self.last.1
    }

    /// A datagram of somebody who may not send.
    fn refuse(&mut self, index: usize, sender: Option<IpAddr>) {
        if let Some((listener, _)) = self.sockets.get(index) {
            listener.disallowed.add(1);
        }
        // rsyslog: several in a row of one sender are one line.
        if std::mem::replace(&mut self.told, sender) == sender {
            return;
        }
        if self.input.host.setting("net.permitACLWarning").as_deref() != Some("off") {
            let text = "imudp: UDP message from disallowed sender discarded";
            self.input.host.log(Level::Error, 0, text);
        }
    }

    fn complain(&self, e: Errno) {
        let why = Complaint::io(format!("{}: error receiving a datagram", self.input.params.name), &e.into());
        self.input.host.log(Level::Error, CODE_RECEIVE, &why.text);
    }
}

fn address_of(address: &SockaddrStorage) -> Option<SocketAddr> {
    match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
        (Some(v4), _) => Some((v4.ip(), v4.port()).into()),
        (_, Some(v6)) => Some((v6.ip(), v6.port()).into()),
        _ => None,
    }
}

/// No datagram is longer, in bytes.
const LONGEST: usize = 65_535;
/// Datagrams of one call.
const MAX_BURST: usize = 128;
/// Bursts of one socket before the others get their turn.
const BURSTS: usize = 16;
/// What follows the last datagram within this time has more behind it.
const CLOSE: Duration = Duration::from_micros(500);
/// How long datagrams that follow each other closely are gathered: even a receive buffer of the system's usual size holds
/// what comes meanwhile at 400,000 in a second.
const GATHER: Duration = Duration::from_millis(1);
/// Senders whose numbers a thread remembers.
const MAX_SENDERS: usize = 10_000;

/// rsyslog's code of a datagram that cannot be received.
const CODE_RECEIVE: i32 = 2165;

//! A loop thread: polls listeners and the connections that were given to it, level-triggered, with one read buffer
//! for all of them. When a round is done and nothing is left to read, the thread's batch goes to the queue.
//!
//! A new connection goes to the loop with the fewest; it is registered with that loop's poll set at once, so that
//! its first event is what wakes the loop.

use super::lines::{self, Stage};
use super::live::{Live, Readiness, State, Turn, table_full};
use super::port::{Port, Seat, count};
use super::verdicts::Verdicts;
use super::{House, keep_alive};
use crate::plugin::{Halt, Listener};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use sysloom_abi::log_level;

/// What other threads know of a loop.
pub(crate) struct Mailbox {
    /// Its place among the loops.
    index: usize,
    epoll: Epoll,
    wake: EventFd,
    jobs: Mutex<Vec<Job>>,
    full: AtomicBool,
    /// The loop sleeps for long and learns of new deadlines only when it is woken.
    dormant: AtomicBool,
    load: AtomicUsize,
}

/// What other threads ask of a loop.
pub(crate) enum Job {
    Serve(Box<Live>),
    Listen(Doorway),
    Reply(u64, Vec<u8>),
    /// A listener has no waiting place left: close those that were silent for too long.
    Relieve(Arc<Port>),
    Stop,
}

/// A listener with what its connections share.
pub(crate) struct Doorway {
    pub port: Arc<Port>,
    pub listener: Listener,
    /// The loops that serve its connections.
    pub loops: Arc<[Arc<Mailbox>]>,
}

impl Mailbox {
    pub fn new(index: usize) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        epoll.add(&wake, EpollEvent::new(EpollFlags::EPOLLIN, WAKE))?;
        Ok(Self {
            index,
            epoll,
            wake,
            jobs: Mutex::new(Vec::new()),
            full: AtomicBool::new(false),
            dormant: AtomicBool::new(false),
            load: AtomicUsize::new(0),
        })
    }

    /// Leaves a job and wakes the loop.
    pub fn post(&self, job: Job) {
        self.leave(job);
        // A full counter means that the loop is being woken already.
        let _ = self.wake.write(1);
    }

    fn leave(&self, job: Job) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).push(job);
        self.full.store(true, Ordering::SeqCst);
    }

    fn take(&self) -> Vec<Job> {
        if !self.full.swap(false, Ordering::SeqCst) {
            return Vec::new();
        }
        std::mem::take(&mut *self.jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives the loop a new connection.
    fn adopt(&self, live: Box<Live>) -> Result<(), (Box<Live>, io::Error)> {
        if let Err(e) = self.epoll.add(&live.session, EpollEvent::new(flags(live.polled), live.conn)) {
            return Err((live, e.into()));
        }
        self.load.fetch_add(1, Ordering::Relaxed);
        self.leave(Job::Serve(live));
        if self.dormant.load(Ordering::SeqCst) {
            let _ = self.wake.write(1);
        }
        Ok(())
    }
}

/// The loop itself. Lives on its thread.
pub(crate) struct Reactor {
    mailbox: Arc<Mailbox>,
    house: Arc<dyn House>,
    verdicts: Arc<Verdicts>,
    conns: Arc<AtomicU64>,
    lives: HashMap<u64, Box<Live>, BuildHasherDefault<Spread>>,
    doors: Vec<Option<Door>>,
    line: VecDeque<u64>,
    deadlines: BinaryHeap<Reverse<(Instant, u64)>>,
    buffer: Vec<u8>,
    got: bool,
    now: Instant,
    round: u64,
}

struct Door {
    way: Doorway,
    /// Out of the poll set for a while, because descriptors are short.
    paused: bool,
    /// The round in which it was ready last.
    round: u64,
    /// Said that it cannot accept, and could not since.
    complained: bool,
}

impl Reactor {
    pub fn new(
        mailbox: Arc<Mailbox>,
        house: Arc<dyn House>,
        verdicts: Arc<Verdicts>,
        conns: Arc<AtomicU64>,
    ) -> Self {
        Self {
            mailbox,
            house,
            verdicts,
            conns,
            lives: HashMap::default(),
            doors: Vec::new(),
            line: VecDeque::new(),
            deadlines: BinaryHeap::new(),
            buffer: vec![0; BUFFER],
            got: false,
            now: Instant::now(),
            round: 1,
        }
    }

    /// Runs until a [`Job::Stop`] comes.
    pub fn run(mut self) {
        let mut events = vec![EpollEvent::empty(); EVENTS];
        loop {
            let ready = match self.wait(&mut events) {
                Ok(n) => n,
                Err(nix::Error::EINTR) => 0,
                Err(e) => {
                    let text = format!("a netstream loop cannot poll: {}", e.desc());
                    self.house.log(0, log_level::CRITICAL, 0, &text);
                    return self.stop();
                }
            };
            self.now = Instant::now();
            self.round += 1;
            if self.run_jobs() {
                return self.stop();
            }
            for event in events.iter().take(ready) {
                match event.data() {
                    WAKE => drop(self.mailbox.wake.read()),
                    token if token & DOOR != 0 => {}
                    conn => self.ready(conn),
                }
            }
            // Last, when this loop knows whose connections have ended: the next one can then stay here, instead of
            // waking another thread.
            for event in events.iter().take(ready) {
                if event.data() != WAKE && event.data() & DOOR != 0 {
                    self.accept(event.data() & !DOOR);
                }
            }
            for _ in 0..self.line.len() {
                let Some(conn) = self.line.pop_front() else { break };
                if let Some(live) = self.lives.get_mut(&conn) {
                    live.queued = false;
                    self.serve(conn);
                }
            }
            self.expire();
            // A lone message shall not wait; while a flood is read the batch fills up by itself.
            if self.got && self.line.is_empty() {
                self.got = false;
                self.house.flush();
            }
        }
    }

    fn wait(&mut self, events: &mut [EpollEvent]) -> nix::Result<usize> {
        if !self.line.is_empty() {
            return self.mailbox.epoll.wait(events, EpollTimeout::ZERO);
        }
        // Coarse: a deadline may be late by a tick, and many of them cost one wake-up.
        let first = self.deadlines.peek().map(|Reverse((first, _))| *first);
        let left = first.map(|first| first.saturating_duration_since(self.now).max(TICK));
        let timeout = left
            .map_or(EpollTimeout::NONE, |left| EpollTimeout::try_from(left).unwrap_or(EpollTimeout::NONE));
        if left.is_some_and(|left| left <= NAP) {
            return self.mailbox.epoll.wait(events, timeout);
        }
        // A connection that comes now and stays silent may have an earlier deadline than any that is known.
        self.mailbox.dormant.store(true, Ordering::SeqCst);
        let timeout = if self.mailbox.full.load(Ordering::SeqCst) { EpollTimeout::ZERO } else { timeout };
        let ready = self.mailbox.epoll.wait(events, timeout);
        self.mailbox.dormant.store(false, Ordering::SeqCst);
        ready
    }

    /// Whether the loop shall stop.
    fn run_jobs(&mut self) -> bool {
        for job in self.mailbox.take() {
            match job {
                Job::Serve(live) => self.adopted(live),
                Job::Listen(way) => self.open_door(way),
                Job::Reply(conn, bytes) => {
                    if let Some(live) = self.lives.get_mut(&conn) {
                        let turn = live.reply(&bytes);
                        self.after(conn, turn);
                    }
                }
                Job::Relieve(port) => self.relieve(&port),
                Job::Stop => return true,
            }
        }
        false
    }

    fn adopted(&mut self, mut live: Box<Live>) {
        let conn = live.conn;
        if let Some(limit) = live.limit() {
            self.deadlines.push(Reverse((live.since + limit, conn)));
        }
        live.open_plain();
        self.lives.insert(conn, live);
    }

    fn open_door(&mut self, way: Doorway) {
        let index = self.doors.len();
        let label = way.port.label.clone();
        let me = way.port.me;
        self.doors.push(Some(Door { way, paused: true, round: 0, complained: false }));
        if let Err(e) = self.poll_door(index) {
            let text = format!("{label}: the listener cannot be polled: {}", e.desc());
            self.house.log(me, log_level::ERROR, 0, &text);
        }
    }

    fn poll_door(&mut self, index: usize) -> nix::Result<()> {
        let Some(Some(door)) = self.doors.get_mut(index) else { return Ok(()) };
        for (i, fd) in door.way.listener.fds().enumerate() {
            let token = DOOR | (index as u64) << 8 | i as u64;
            self.mailbox.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        }
        door.paused = false;
        Ok(())
    }

    fn accept(&mut self, token: u64) {
        let (index, socket) = ((token >> 8) as usize, (token & 0xff) as usize);
        let Some(Some(door)) = self.doors.get_mut(index) else { return };
        // Connections that come one by one are taken so: asking for another one each time would be half the work.
        let turns = if door.round + 1 == self.round { ACCEPTS_A_TURN } else { 1 };
        door.round = self.round;
        for _ in 0..turns {
            let Some(Some(door)) = self.doors.get_mut(index) else { return };
            let connected = match door.way.listener.accept(socket) {
                Ok(connected) => connected,
                Err(Halt::Wait { .. } | Halt::Closed) => return,
                Err(Halt::Failed(why) | Halt::Refused(why) | Halt::TimedOut(why)) => {
                    count(door.way.port.counters.accept_failed);
                    if !std::mem::replace(&mut door.complained, true) {
                        let text = format!("{}: cannot accept: {}", door.way.port.label, why.text);
                        self.house.log(door.way.port.me, log_level::ERROR, 0, &text);
                    }
                    // Those that were silent for too long hold what others need.
                    for mailbox in door.way.loops.iter() {
                        mailbox.post(Job::Relieve(Arc::clone(&door.way.port)));
                    }
                    return self.pause(index);
                }
            };
            door.complained = false;
            let port = Arc::clone(&door.way.port);
            let loops = Arc::clone(&door.way.loops);
            if let Err(say) = self.house.admits(&port.allowed, &connected.peer) {
                count(port.counters.disallowed);
                if say {
                    let text =
                        format!("connection request from disallowed sender {} discarded", connected.peer);
                    self.house.log(port.me, log_level::ERROR, DISALLOWED, &text);
                }
                continue;
            }
            count(port.counters.accepted);
            let seat = match Seat::wait(&port, &connected.peer) {
                Ok(seat) => seat,
                Err(full) => {
                    table_full(&port, &lines::join(&connected.peer, connected.port), full);
                    for mailbox in loops.iter() {
                        mailbox.post(Job::Relieve(Arc::clone(&port)));
                    }
                    continue;
                }
            };
            if let Some(keep) = &port.keep_alive {
                keep_alive(&connected.session, keep, &port);
            }
            let mailbox = loops.iter().min_by_key(|m| m.load.load(Ordering::Relaxed));
            let mailbox = mailbox.unwrap_or(&self.mailbox);
            let conn = super::number(&self.conns, mailbox.index);
            let stack = port.stack();
            if let Some(policy) = stack.policy() {
                self.verdicts.expect(conn, policy, None);
            }
            let session = match stack.dress(connected.session, "", conn) {
                Ok(session) => session,
                Err(why) => {
                    self.verdicts.forget(conn);
                    count(port.counters.accept_failed);
                    let peer = lines::join(&connected.peer, connected.port);
                    let text = format!("{}: connection from {peer} lost: {}", port.label, why.text);
                    self.house.log(port.me, log_level::ERROR, 0, &text);
                    continue;
                }
            };
            let live = Live::new(conn, session, port, seat, &connected.peer, connected.port);
            if let Err((mut live, e)) = mailbox.adopt(Box::new(live)) {
                self.verdicts.forget(conn);
                live.fail(Stage::Accept, &format!("it cannot be polled: {e}"));
            }
        }
    }

    /// Descriptors or memory are short: the listener rests for a second instead of spinning.
    fn pause(&mut self, index: usize) {
        let Some(Some(door)) = self.doors.get_mut(index) else { return };
        if std::mem::replace(&mut door.paused, true) {
            return;
        }
        for fd in door.way.listener.fds() {
            let _ = self.mailbox.epoll.delete(fd);
        }
        self.deadlines.push(Reverse((self.now + PAUSE, DOOR | index as u64)));
    }

    fn ready(&mut self, conn: u64) {
        if !self.lives.contains_key(&conn) && self.run_jobs() {
            // The stop must not be lost: it is seen again on the next round.
            return self.mailbox.post(Job::Stop);
        }
        match self.lives.get(&conn) {
            Some(live) if !live.queued => self.serve(conn),
            _ => {}
        }
    }

    fn serve(&mut self, conn: u64) {
        let Some(live) = self.lives.get_mut(&conn) else { return };
        let turn = live.serve(self.now, &mut self.buffer, &self.verdicts, &mut self.got);
        self.after(conn, turn);
    }

    fn after(&mut self, conn: u64, turn: Turn) {
        let Some(live) = self.lives.get_mut(&conn) else { return };
        match turn {
            Turn::Poll(wanted) if wanted == live.polled => {}
            Turn::Poll(wanted) => {
                live.polled = wanted;
                if live.state == State::Ending {
                    self.deadlines.extend(live.limit().map(|limit| Reverse((self.now + limit, conn))));
                }
                let mut event = EpollEvent::new(flags(wanted), conn);
                if let Err(e) = self.mailbox.epoll.modify(&live.session, &mut event) {
                    live.fail(Stage::Read, &format!("it cannot be polled: {}", e.desc()));
                    self.remove(conn);
                }
            }
            Turn::Again => {
                if !std::mem::replace(&mut live.queued, true) {
                    self.line.push_back(conn);
                }
            }
            Turn::Gone => self.remove(conn),
        }
    }

    fn remove(&mut self, conn: u64) {
        if self.lives.remove(&conn).is_some() {
            // The end of a session may have made a message of what was pending.
            self.got = true;
            self.verdicts.forget(conn);
            self.mailbox.load.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn expire(&mut self) {
        while let Some(Reverse((when, token))) = self.deadlines.peek().copied() {
            if when > self.now {
                return;
            }
            self.deadlines.pop();
            if token & DOOR != 0 {
                let _ = self.poll_door((token & !DOOR) as usize);
                continue;
            }
            let Some(live) = self.lives.get_mut(&token) else { continue };
            match live.limit() {
                Some(limit) if live.since + limit <= self.now => {
                    live.expire(self.now);
                    self.remove(token);
                }
                // Bytes came in the meantime, or the handshake is over and the idle limit counts.
                Some(limit) => self.deadlines.push(Reverse((live.since + limit, token))),
                None => {}
            }
        }
    }

    fn relieve(&mut self, port: &Arc<Port>) {
        let now = self.now;
        let old = |live: &Live| {
            Arc::ptr_eq(&live.port, port)
                && live.state == State::Silent
                && live.since + port.handshake_limit <= now
        };
        let gone: Vec<u64> = self.lives.values().filter(|live| old(live)).map(|live| live.conn).collect();
        for conn in gone {
            if let Some(live) = self.lives.get_mut(&conn) {
                live.expire(now);
            }
            self.remove(conn);
        }
    }

    fn stop(mut self) {
        self.doors.clear();
        self.now = Instant::now();
        for (conn, mut live) in std::mem::take(&mut self.lives) {
            live.stop(self.now, &mut self.buffer, &self.verdicts, &mut self.got);
            self.verdicts.forget(conn);
        }
        self.house.flush();
    }
}

fn flags(ready: Readiness) -> EpollFlags {
    let mut flags = EpollFlags::empty();
    flags.set(EpollFlags::EPOLLIN, ready.read);
    flags.set(EpollFlags::EPOLLOUT, ready.write);
    flags
}

/// Spreads the serial numbers of connections over a table; they come from nobody outside.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Tokens of the poll set: the wake-up, listeners (with this bit), and connections by their number.
const WAKE: u64 = u64::MAX;
const DOOR: u64 = 1 << 63;
/// One read takes as much as this.
const BUFFER: usize = 128 << 10;
const EVENTS: usize = 256;
const ACCEPTS_A_TURN: u32 = 64;
/// The grain of deadlines.
const TICK: Duration = Duration::from_millis(250);
/// rsyslog's code of a sender that may not send.
const DISALLOWED: i32 = 2063;
/// A loop that sleeps no longer than this sees new deadlines in time by itself.
const NAP: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_secs(1);

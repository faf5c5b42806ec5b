//! Connections: listeners and their sessions on loop threads, client streams with a watch on their read side, and
//! the one place where a peer's identity is judged, whatever driver carries it.
//!
//! The engine builds one [`Net`] and calls it for the plugins' stream functions. Drivers come through [`House`] and
//! are known only as `plugin::Driver`. Nothing here blocks a loop: what waits, waits in a poll set.

pub mod identity;

mod client;
mod lines;
mod live;
mod params;
mod port;
mod reactor;
mod stack;
#[cfg(test)]
mod tests;
mod verdicts;

pub use client::WriteFailure;
pub use params::{Expired, HANDSHAKE_LIMIT, RevocationCheck, StreamParams, VERIFY_DEPTH};
pub use stack::Stack;

use crate::plugin::{ConnectRequest, Driver, Fault, ListenRequest, PeerFacts, Session, Side};
use client::Clients;
use port::{Counters, Port, Seats};
use reactor::{Doorway, Job, Mailbox, Reactor};
use socket2::{SockRef, TcpKeepalive};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use sysloom_abi::log_level;
use verdicts::Verdicts;

/// What netstream needs of the engine around it. `me` is the id of the plugin instance at hand.
pub trait House: Send + Sync {
    /// The driver of this name, loaded if need be.
    fn driver(&self, name: &str) -> Result<Arc<Driver>, Fault>;
    /// Hands the calling thread's batch to the queue: nothing more is at hand.
    fn flush(&self);
    /// A number for a sender.
    fn intern(&self, ip: &str, host: &str, port: u16) -> u32;
    /// One line of the log.
    fn log(&self, me: u64, level: u32, code: i32, text: &str);
    /// The instance's counter of this name.
    fn counter(&self, me: u64, name: &str) -> &'static AtomicU64;
    /// Whether this address may connect, by the listener's own list (empty = everybody's), and if not, whether that is
    /// to be logged.
    fn admits(&self, own: &str, ip: &str) -> Result<(), bool> {
        let _ = (own, ip);
        Ok(())
    }
}

/// Where a listener's sessions go.
pub trait Sink: Send + Sync {
    /// A session is ready.
    fn open(&self, conn: u64, peer: u32, address: &str, port: u16) -> Box<dyn SinkSession>;
}

/// One session of a [`Sink`]. Its calls never overlap.
pub trait SinkSession: Send {
    /// Bytes came; a negative status has the session closed.
    fn data(&mut self, bytes: &[u8]) -> i64;
    /// The session is over: CLOSED, FAILED, TIMED_OUT, or DISABLED when the daemon stops.
    fn close(self: Box<Self>, reason: i64);
}

/// All connections of the process.
pub struct Net {
    house: Arc<dyn House>,
    verdicts: Arc<Verdicts>,
    conns: Arc<AtomicU64>,
    clients: Clients,
    loops: Mutex<Loops>,
}

#[derive(Default)]
struct Loops {
    started: bool,
    mailboxes: Vec<Arc<Mailbox>>,
    threads: Vec<JoinHandle<()>>,
    /// Closed by the thread of the same index when it ends.
    ended: Vec<mpsc::Receiver<()>>,
    /// Bound before [`Net::start`].
    waiting: Vec<(Arc<Port>, crate::plugin::Listener, usize)>,
    /// Where the next listener goes.
    next: usize,
    /// All listeners, for a HUP.
    ports: Vec<Weak<Port>>,
}

impl Net {
    pub fn new(house: Arc<dyn House>) -> Self {
        let verdicts = Arc::new(Verdicts::default());
        let conns = Arc::new(AtomicU64::new(1));
        let clients = Clients::new(Arc::clone(&house), Arc::clone(&verdicts), Arc::clone(&conns));
        Self { house, verdicts, conns, clients, loops: Mutex::default() }
    }

    /// Checks an action's or a listener's stream parameters and reads its keys, while privileges last.
    pub fn stack(&self, me: u64, side: Side, params: &StreamParams) -> Result<Stack, Fault> {
        let stack = Stack::new(params, side, me, &|name| self.house.driver(name))?;
        for remark in stack.policy().into_iter().flat_map(|policy| policy.remarks()) {
            self.house.log(me, log_level::WARNING, 0, remark);
        }
        Ok(stack)
    }

    /// Binds now and gives the port; sessions come after [`Net::start`].
    pub fn listen(
        &self,
        me: u64,
        params: &StreamParams,
        spec: &ListenRequest,
        sink: Arc<dyn Sink>,
    ) -> Result<u16, Fault> {
        let stack = self.stack(me, Side::Server, params)?;
        let most = if spec.max_sessions == 0 { MAX_SESSIONS } else { spec.max_sessions };
        let backlog = if spec.backlog == 0 { (most / 10).max(BACKLOG) } else { spec.backlog };
        let listener = stack.listen(&spec.address, &spec.port, params.family, backlog)?;
        let number = listener.port();
        let label = if number == 0 { spec.name.clone() } else { format!("{}:{number}", spec.name) };
        if !spec.port_file.is_empty() {
            std::fs::write(&spec.port_file, number.to_string()).map_err(|e| Fault {
                param: None,
                code: 0,
                text: format!("{label}: cannot write the port to {}: {e}", spec.port_file),
            })?;
        }
        let port = Arc::new(Port {
            me,
            label,
            sink,
            stack: RwLock::new(Arc::new(stack)),
            params: params.clone(),
            house: Arc::clone(&self.house),
            handshake_limit: params.handshake_limit,
            idle_limit: params.idle_limit,
            max_reads: spec.max_reads,
            keep_alive: keep_alive_of(
                spec.keep_alive,
                spec.keep_alive_time,
                spec.keep_alive_interval,
                spec.keep_alive_probes,
            ),
            notify_open: spec.notify_open,
            notify_close: spec.notify_close,
            allowed: spec.allowed.clone(),
            counters: Counters::new(&*self.house, me),
            seats: Seats::new(most, params.max_per_source),
        });
        let threads = if spec.threads == 0 { THREADS } else { spec.threads } as usize;
        let mut loops = self.loops();
        loops.ports.push(Arc::downgrade(&port));
        loops.waiting.push((port, listener, threads.min(MOST_THREADS)));
        if loops.started {
            self.serve(&mut loops)?;
        }
        Ok(number)
    }

    /// Reads the keys and certificates of listeners again: connections that come from now on get them. Where they cannot
    /// be used, what was there before stays.
    pub fn hup(&self) {
        let ports: Vec<_> = self.loops().ports.iter().filter_map(Weak::upgrade).collect();
        for port in ports.iter().filter(|port| port.stack().encrypts()) {
            if let Some(stack) = self.renew(port.me, Side::Server, &port.params, &port.label) {
                port.carry_with(stack);
            }
        }
    }

    /// A stack with the keys and certificates that are there now, if they can be used.
    pub fn renew(&self, me: u64, side: Side, params: &StreamParams, whose: &str) -> Option<Stack> {
        match Stack::new(params, side, me, &|name| self.house.driver(name)) {
            Ok(stack) => Some(stack),
            Err(why) => {
                let text = format!(
                    "{whose}: keys and certificates cannot be read again, those from before stay: {}",
                    why.text
                );
                self.house.log(me, log_level::ERROR, why.code, &text);
                None
            }
        }
    }

    /// Starts to accept on everything that was bound.
    pub fn start(&self) -> Result<(), Fault> {
        let mut loops = self.loops();
        loops.started = true;
        self.serve(&mut loops)
    }

    /// Connects and shakes hands; may block for the time allowed. The failure's number is a status of the ABI.
    pub fn connect(
        &self,
        me: u64,
        stack: &Stack,
        params: &StreamParams,
        to: &ConnectRequest,
    ) -> Result<i64, (i64, Fault)> {
        self.clients.connect(me, stack, params, to)
    }

    /// Starts the thread that watches client streams, which otherwise begins with the first of them.
    pub fn watch_clients(&self) {
        self.clients.start();
    }

    /// Writes all bytes to a client stream, or says how far it got.
    pub fn write(&self, stream: i64, bytes: &[u8], timeout: Duration) -> Result<(), WriteFailure> {
        self.clients.write(stream, bytes, timeout)
    }

    /// Whether the peer has neither closed nor lost the stream.
    pub fn alive(&self, stream: i64) -> bool {
        self.clients.alive(stream)
    }

    /// Ends a client stream in order.
    pub fn close(&self, stream: i64) {
        self.clients.close(stream);
    }

    /// Sends bytes to the peer of an accepted session; they are kept until the peer reads.
    pub fn reply(&self, conn: u64, bytes: &[u8]) {
        if let Some(mailbox) = self.loops().mailboxes.get((conn & LOOP) as usize) {
            mailbox.post(Job::Reply(conn, bytes.to_vec()));
        }
    }

    /// A driver's question from inside a handshake: may this peer go on?
    pub fn verdict(&self, conn: u64, peer: &PeerFacts<'_>) -> Result<(), Fault> {
        let accepted = self.verdicts.judge(conn, peer)?;
        for warning in &accepted.warnings {
            self.house.log(0, log_level::WARNING, EXPIRED, warning);
        }
        Ok(())
    }

    /// Ends everything in order: listeners first, then sessions, then client streams.
    pub fn stop(&self) {
        self.stop_listening(STOP_LIMIT);
        self.clients.stop();
    }

    /// Ends listeners and their sessions in order; client streams go on, since what is queued must still get out.
    /// False = a loop is held up inside an input and was left behind: the inputs' instances must not be freed then.
    pub fn stop_listening(&self, time: Duration) -> bool {
        let Loops { mailboxes, threads, ended, .. } = std::mem::take(&mut *self.loops());
        for mailbox in &mailboxes {
            mailbox.post(Job::Stop);
        }
        let end = Instant::now() + time;
        let mut left = threads.len();
        // Each loop drops its end of the channel when it is through, whatever the reason.
        for (thread, ended) in threads.into_iter().zip(ended) {
            let limit = end.saturating_duration_since(Instant::now());
            if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                continue;
            }
            left -= 1;
            if thread.join().is_err() {
                self.house.log(0, log_level::CRITICAL, 0, "a netstream loop died of a defect");
            }
        }
        if left > 0 {
            let text = format!("{left} netstream loop(s) are held up inside an input and are left behind");
            self.house.log(0, log_level::ERROR, 0, &text);
        }
        left == 0
    }

    /// Gives what was bound to loops, as many as its listeners want.
    fn serve(&self, loops: &mut Loops) -> Result<(), Fault> {
        let wanted = loops.waiting.iter().map(|(_, _, threads)| *threads).max().unwrap_or(0);
        while loops.mailboxes.len() < wanted {
            let failed = |e: std::io::Error| Fault {
                param: None,
                code: 0,
                text: format!("cannot start a thread for connections: {e}"),
            };
            let mailbox = Arc::new(Mailbox::new(loops.mailboxes.len()).map_err(failed)?);
            let reactor = Reactor::new(
                Arc::clone(&mailbox),
                Arc::clone(&self.house),
                Arc::clone(&self.verdicts),
                Arc::clone(&self.conns),
            );
            let name = format!("net{}", loops.mailboxes.len());
            let (running, ended) = mpsc::channel();
            let run = move || {
                let _running: mpsc::Sender<()> = running;
                reactor.run();
            };
            let thread = std::thread::Builder::new().name(name).spawn(run).map_err(failed)?;
            loops.mailboxes.push(mailbox);
            loops.threads.push(thread);
            loops.ended.push(ended);
        }
        for (port, listener, threads) in std::mem::take(&mut loops.waiting) {
            let mine: Arc<[Arc<Mailbox>]> = (0..threads)
                .map(|i| Arc::clone(&loops.mailboxes[(loops.next + i) % loops.mailboxes.len()]))
                .collect();
            loops.next += 1;
            if let Some(first) = mine.first() {
                let first = Arc::clone(first);
                first.post(Job::Listen(Doorway { port, listener, loops: mine }));
            }
        }
        Ok(())
    }

    fn loops(&self) -> MutexGuard<'_, Loops> {
        self.loops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A number for a connection that nobody else has; its last byte names the loop.
fn number(conns: &AtomicU64, index: usize) -> u64 {
    conns.fetch_add(1, Ordering::Relaxed) << LOOP.count_ones() | index as u64 & LOOP
}

/// The keep-alive that a configuration asks for; numbers of 0 leave the system's.
fn keep_alive_of(on: bool, time: u32, interval: u32, probes: u32) -> Option<TcpKeepalive> {
    if !on {
        return None;
    }
    let mut keep = TcpKeepalive::new();
    if time > 0 {
        keep = keep.with_time(Duration::from_secs(time.into()));
    }
    if interval > 0 {
        keep = keep.with_interval(Duration::from_secs(interval.into()));
    }
    if probes > 0 {
        keep = keep.with_retries(probes);
    }
    Some(keep)
}

fn keep_alive(session: &Session, keep: &TcpKeepalive, port: &Port) {
    if let Err(e) = SockRef::from(session).set_tcp_keepalive(keep) {
        let text = format!("{}: keep-alive cannot be set: {e}", port.label);
        port.house.log(port.me, log_level::WARNING, 0, &text);
    }
}

/// rsyslog's code for an expired certificate.
const EXPIRED: i32 = 2092;
/// rsyslog's default for maxSessions.
const MAX_SESSIONS: u32 = 200;
/// Connections that the kernel keeps for us at least: a burst of them shall not wait for a second SYN.
const BACKLOG: u32 = 128;
/// What the loops get to end their sessions.
const STOP_LIMIT: Duration = Duration::from_secs(5);
const THREADS: u32 = 2;
const MOST_THREADS: usize = 128;
/// The part of a connection's number that names its loop; client streams have none.
const LOOP: u64 = 0xff;

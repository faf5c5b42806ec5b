//! Client streams. A watcher thread reads the read side of all of them, so that a close_notify or FIN is answered and
//! known at once; a writer looks once more before its first byte. What is closed lingers until the peer has closed
//! too, since a socket that is closed over unread bytes resets the connection and may take sent messages with it.

use super::House;
use super::lines;
use super::params::StreamParams;
use super::port::count;
use super::stack::Stack;
use super::verdicts::Verdicts;
use crate::plugin::{ConnectRequest, Destination, Fault, Halt, Session};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use socket2::SockRef;
use std::collections::HashMap;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use sysloom_abi::{log_level, status};

/// Why a write did not do what it was asked for.
#[derive(Debug)]
pub struct WriteFailure {
    /// CLOSED (found before anything was written), TIMED_OUT or FAILED.
    pub status: i64,
    /// Bytes that were taken, though nobody knows whether they arrived.
    pub written: usize,
    pub why: Fault,
}

/// All client streams of the process.
pub(crate) struct Clients {
    house: Arc<dyn House>,
    verdicts: Arc<Verdicts>,
    conns: Arc<AtomicU64>,
    next: AtomicI64,
    watch: OnceLock<Result<Arc<Watch>, String>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the watcher and the writers share.
struct Watch {
    epoll: Epoll,
    wake: EventFd,
    streams: Mutex<HashMap<i64, Arc<Client>>>,
    ending: Mutex<HashMap<i64, Arc<Client>>>,
    stop: AtomicBool,
}

struct Client {
    id: i64,
    label: String,
    house: Arc<dyn House>,
    /// Whose stream it is, and what carries it: for the log.
    me: u64,
    driver: String,
    alive: AtomicBool,
    /// An event came while the stream was in use: whoever used it looks after it.
    missed: AtomicBool,
    inner: Mutex<Inner>,
}

struct Inner {
    session: Option<Session>,
    why: Option<Fault>,
    /// A line for the log, which is written when the lock is free again.
    unsaid: Option<String>,
    /// Set when we closed: until then the peer may finish.
    ending: Option<Instant>,
    said_end: bool,
}

impl Clients {
    pub fn new(house: Arc<dyn House>, verdicts: Arc<Verdicts>, conns: Arc<AtomicU64>) -> Self {
        Self {
            house,
            verdicts,
            conns,
            next: AtomicI64::new(1),
            watch: OnceLock::new(),
            thread: Mutex::new(None),
        }
    }

    pub fn connect(
        &self,
        me: u64,
        stack: &Stack,
        params: &StreamParams,
        to: &ConnectRequest,
    ) -> Result<i64, (i64, Fault)> {
        let made = self
            .establish(stack, params, to)
            .and_then(|(session, label)| self.keep(me, stack.name(), session, label));
        if made.is_err() {
            count(self.house.counter(me, "connects.failed"));
        } else {
            count(self.house.counter(me, "connects"));
        }
        made
    }

    pub fn write(&self, stream: i64, bytes: &[u8], timeout: Duration) -> Result<(), WriteFailure> {
        let unknown =
            |text: &str| WriteFailure { status: status::INVALID, written: 0, why: plain(text.to_owned()) };
        let watch = self.watch().map_err(|why| unknown(&why))?;
        let Some(client) = watch.find(stream) else { return Err(unknown("no such stream")) };
        let result = client.write(bytes, timeout);
        if result.is_err() {
            let unsaid = lock(&client.inner).unsaid.take();
            client.say(unsaid);
        }
        if client.missed.load(Ordering::SeqCst) {
            client.tend(&watch);
        }
        result
    }

    pub fn alive(&self, stream: i64) -> bool {
        let found = self.watch().ok().and_then(|watch| watch.find(stream));
        found.is_some_and(|client| client.alive.load(Ordering::SeqCst))
    }

    pub fn close(&self, stream: i64) {
        let Ok(watch) = self.watch() else { return };
        let Some(client) = lock(&watch.streams).remove(&stream) else { return };
        watch.end(client);
    }

    /// Closes all streams, and waits for the peers to answer, but not for long.
    pub fn stop(&self) {
        let Some(Ok(watch)) = self.watch.get() else { return };
        let all: Vec<_> = lock(&watch.streams).drain().map(|(_, client)| client).collect();
        for client in all {
            watch.end(client);
        }
        watch.stop.store(true, Ordering::SeqCst);
        let _ = watch.wake.write(1);
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            self.house.log(0, log_level::CRITICAL, 0, "the watcher of client streams died of a defect");
        }
    }

    /// Starts the watcher; why it cannot be is said when a stream is wanted.
    pub fn start(&self) {
        let _ = self.watch();
    }

    fn watch(&self) -> Result<Arc<Watch>, String> {
        let made = self.watch.get_or_init(|| {
            let watch =
                Arc::new(Watch::new().map_err(|e| format!("cannot watch client streams: {}", e.desc()))?);
            let shared = Arc::clone(&watch);
            let thread = std::thread::Builder::new()
                .name("net-watch".to_owned())
                .spawn(move || shared.run())
                .map_err(|e| format!("cannot start the watcher of client streams: {e}"))?;
            *lock(&self.thread) = Some(thread);
            Ok(watch)
        });
        made.clone()
    }

    /// Connects and shakes hands within the time allowed.
    fn establish(
        &self,
        stack: &Stack,
        params: &StreamParams,
        to: &ConnectRequest,
    ) -> Result<(Session, String), (i64, Fault)> {
        let limit = match to.timeout {
            Duration::ZERO => CONNECT_LIMIT,
            given => given,
        };
        let end = Instant::now() + limit;
        let connected = stack
            .connect(&Destination {
                host: &to.host,
                port: &to.port,
                local: &to.local,
                device: &to.device,
                family: params.family,
                timeout_ms: u32::try_from(limit.as_millis()).unwrap_or(u32::MAX),
            })
            .map_err(|halt| failure(halt, "the connection was closed at once"))?;
        let address = lines::join(&connected.peer, connected.port);
        let label = match to.host == connected.peer {
            true => address,
            false => format!("{} port {} ({address})", to.host, to.port),
        };
        self.set_options(&connected.session, to, &label);
        let limit = limit.min(params.handshake_limit);
        let end = end.min(Instant::now() + limit);
        let conn = super::number(&self.conns, super::LOOP as usize);
        if let Some(policy) = stack.policy() {
            self.verdicts.expect(conn, policy, Some(&to.host));
        }
        let shaken = stack
            .dress(connected.session, &server_name(params, &to.host), conn)
            .map_err(|why| (status::FAILED, why))
            .and_then(|session| match session.is_layered() {
                true => self.shake(session, conn, stack.encrypts(), end, limit),
                false => Ok(session),
            });
        self.verdicts.forget(conn);
        match shaken {
            Ok(session) => Ok((session, label)),
            Err((status, why)) => {
                let text = lines::client(stack.name(), &label, "the handshake", &why.text);
                Err((status, Fault { text, ..why }))
            }
        }
    }

    fn shake(
        &self,
        mut session: Session,
        conn: u64,
        judged: bool,
        end: Instant,
        limit: Duration,
    ) -> Result<Session, (i64, Fault)> {
        let began = Instant::now();
        loop {
            match session.handshake() {
                Ok(()) => break,
                Err(Halt::Wait { read, write }) => {
                    if !ready(&session, read, write, end) {
                        let text = format!("no answer within {:.1} s", limit.as_secs_f32());
                        return Err((status::TIMED_OUT, plain(text)));
                    }
                }
                Err(halt) => return Err(failure(halt, CLOSED_EARLY)),
            }
        }
        self.verdicts.after(conn, &mut session).map_err(|why| (status::REFUSED, why))?;
        if !judged {
            return Ok(session);
        }
        // In TLS 1.3 our side is done before the server has judged our certificate. Its answer, a ticket or an
        // alert, comes a round trip later: wait as long as the handshake took, rather than lose the first message.
        let patience = began.elapsed().clamp(LEAST_PATIENCE, MOST_PATIENCE);
        let end = end.min(Instant::now() + patience);
        let mut scrap = [0; 4096];
        if ready(&session, true, false, end) {
            loop {
                match session.read(&mut scrap) {
                    Ok(_) => {}
                    Err(Halt::Wait { .. }) => break,
                    Err(halt) => {
                        let (status, why) = failure(halt, "the peer closed the connection right after it");
                        return Err((status, why));
                    }
                }
            }
        }
        Ok(session)
    }

    fn set_options(&self, session: &Session, to: &ConnectRequest, label: &str) {
        let socket = SockRef::from(session);
        let keep = super::keep_alive_of(
            to.keep_alive,
            to.keep_alive_time,
            to.keep_alive_interval,
            to.keep_alive_probes,
        );
        let set = keep.map_or(Ok(()), |keep| socket.set_tcp_keepalive(&keep)).and_then(|()| {
            match to.user_timeout {
                Duration::ZERO => Ok(()),
                given => socket.set_tcp_user_timeout(Some(given)),
            }
        });
        if let Err(e) = set {
            let text = format!("connection to {label}: a socket option cannot be set: {e}");
            self.house.log(0, log_level::WARNING, 0, &text);
        }
    }

    /// Gives the stream a handle and to the watcher.
    fn keep(&self, me: u64, driver: &str, session: Session, label: String) -> Result<i64, (i64, Fault)> {
        let failed = |text: String| (status::FAILED, plain(text));
        let watch = self.watch().map_err(failed)?;
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let event = EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT, id.unsigned_abs());
        let inner = Inner { session: Some(session), why: None, unsaid: None, ending: None, said_end: false };
        let client = Arc::new(Client {
            id,
            label,
            house: Arc::clone(&self.house),
            me,
            driver: driver.to_owned(),
            alive: AtomicBool::new(true),
            missed: AtomicBool::new(false),
            inner: Mutex::new(inner),
        });
        lock(&watch.streams).insert(id, Arc::clone(&client));
        let inner = lock(&client.inner);
        let added = inner.session.as_ref().map(|session| watch.epoll.add(session, event));
        if let Some(Err(e)) = added {
            drop(inner);
            lock(&watch.streams).remove(&id);
            return Err(failed(format!("the stream cannot be polled: {}", e.desc())));
        }
        Ok(id)
    }
}

impl Watch {
    fn new() -> nix::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        epoll.add(&wake, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        Ok(Self {
            epoll,
            wake,
            streams: Mutex::default(),
            ending: Mutex::default(),
            stop: AtomicBool::new(false),
        })
    }

    fn find(&self, id: i64) -> Option<Arc<Client>> {
        lock(&self.streams).get(&id).cloned()
    }

    fn run(&self) {
        let mut events = [EpollEvent::empty(); 64];
        let mut last = None;
        loop {
            let idle = lock(&self.ending).is_empty();
            if self.stop.load(Ordering::SeqCst) {
                let end = *last.get_or_insert_with(|| Instant::now() + STOP_LIMIT);
                if idle || Instant::now() >= end {
                    return;
                }
            }
            let timeout = if idle { EpollTimeout::NONE } else { EpollTimeout::from(100_u8) };
            let ready = match self.epoll.wait(&mut events, timeout) {
                Ok(n) => n,
                Err(nix::Error::EINTR) => 0,
                Err(_) => return,
            };
            for event in events.iter().take(ready) {
                if event.data() == 0 {
                    let _ = self.wake.read();
                    continue;
                }
                let id = i64::try_from(event.data()).unwrap_or(0);
                let client = self.find(id).or_else(|| lock(&self.ending).get(&id).cloned());
                if let Some(client) = client {
                    client.tend(self);
                }
            }
            if !idle {
                let now = Instant::now();
                lock(&self.ending).retain(|_, client| !client.is_over(now));
            }
        }
    }

    /// Says our last on a stream and keeps it until the peer has said its own.
    fn end(&self, client: Arc<Client>) {
        client.alive.store(false, Ordering::SeqCst);
        {
            let mut inner = lock(&client.inner);
            if inner.session.is_none() {
                return;
            }
            inner.ending = Some(Instant::now() + LINGER);
        }
        lock(&self.ending).insert(client.id, Arc::clone(&client));
        client.tend(self);
        let _ = self.wake.write(1);
    }
}

impl Client {
    fn write(&self, bytes: &[u8], timeout: Duration) -> Result<(), WriteFailure> {
        let mut inner = lock(&self.inner);
        let end = Instant::now() + timeout;
        // What the peer said meanwhile comes first: after its close nothing that is written arrives.
        inner.listen(self);
        let Inner { session: Some(session), .. } = &mut *inner else {
            let why = inner.why.clone().unwrap_or_else(|| plain("the stream is closed".to_owned()));
            return Err(WriteFailure { status: status::CLOSED, written: 0, why });
        };
        let mut written = 0;
        let (status, why) = loop {
            // At the end an empty write flushes what the layers hold back.
            let rest = bytes.get(written..).unwrap_or_default();
            match session.write(rest) {
                Ok(0) if rest.is_empty() => return Ok(()),
                Ok(n) => written += n,
                Err(Halt::Wait { read, write }) => {
                    if !ready(session, read, write, end) {
                        let text = format!(
                            "{} took {written} of {} bytes within {:.1} s",
                            self.label,
                            bytes.len(),
                            timeout.as_secs_f32()
                        );
                        return Err(WriteFailure { status: status::TIMED_OUT, written, why: plain(text) });
                    }
                    if read {
                        // The layer waits for bytes of the peer: let it see them.
                        let _ = session.read(&mut [0; 4096]);
                    }
                }
                Err(halt) => break failure(halt, "the peer closed the connection"),
            }
        };
        let why = Fault { text: format!("connection to {} broke: {}", self.label, why.text), ..why };
        inner.why = Some(why.clone());
        inner.session = None;
        self.alive.store(false, Ordering::SeqCst);
        // Closed counts only before the first byte: later nobody knows what arrived.
        let status = if written == 0 && status == status::CLOSED { status } else { status::FAILED };
        Err(WriteFailure { status, written, why })
    }

    /// Reads what there is, unless the stream is in use: then its user does it.
    fn tend(&self, watch: &Watch) {
        loop {
            self.missed.store(true, Ordering::SeqCst);
            let mut inner = match self.inner.try_lock() {
                Ok(inner) => inner,
                Err(TryLockError::Poisoned(inner)) => inner.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            self.missed.store(false, Ordering::SeqCst);
            let wanted = inner.listen(self);
            if let Some(session) = &inner.session {
                let mut event = EpollEvent::new(wanted | EpollFlags::EPOLLONESHOT, self.id.unsigned_abs());
                if watch.epoll.modify(session, &mut event).is_err() {
                    inner.lose(self, plain("the stream cannot be polled".to_owned()));
                }
            }
            let unsaid = inner.unsaid.take();
            drop(inner);
            self.say(unsaid);
            if !self.missed.load(Ordering::SeqCst) {
                return;
            }
        }
    }

    fn say(&self, line: Option<String>) {
        if let Some(line) = line {
            self.house.log(self.me, log_level::WARNING, 0, &line);
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        // In use: whoever uses it may hold it for as long as a write takes.
        let inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(inner)) => inner.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        inner.session.is_none() || inner.ending.is_none_or(|end| end <= now)
    }
}

impl Inner {
    /// Reads until nothing is left, and says the last word once we are ending: what to poll for.
    fn listen(&mut self, client: &Client) -> EpollFlags {
        let mut wanted = EpollFlags::EPOLLIN;
        let Some(session) = &mut self.session else { return wanted };
        if self.ending.is_some() && !self.said_end {
            match session.shutdown() {
                Err(Halt::Wait { write: true, .. }) => wanted |= EpollFlags::EPOLLOUT,
                _ => self.said_end = true,
            }
        }
        let mut scrap = [0; 4096];
        loop {
            match session.read(&mut scrap) {
                // A syslog receiver has nothing to say.
                Ok(_) => {}
                Err(Halt::Wait { read: _, write }) => {
                    wanted.set(EpollFlags::EPOLLOUT, write || wanted.contains(EpollFlags::EPOLLOUT));
                    return wanted;
                }
                Err(Halt::Closed) => {
                    // RFC 5425 4.4: a close_notify is answered with one.
                    let _ = session.shutdown();
                    let text = format!("{} closed the connection", client.label);
                    self.lose(client, plain(text));
                    return wanted;
                }
                Err(halt) => {
                    let (_, why) = failure(halt, "it broke");
                    if self.ending.is_none() {
                        let line = lines::client(&client.driver, &client.label, "reading", &why.text);
                        self.unsaid = Some(line);
                    }
                    let text = format!("connection to {} broke: {}", client.label, why.text);
                    self.lose(client, Fault { text, ..why });
                    return wanted;
                }
            }
        }
    }

    fn lose(&mut self, client: &Client, why: Fault) {
        client.alive.store(false, Ordering::SeqCst);
        self.why = Some(why);
        self.session = None;
    }
}

/// Waits until the stream is ready or the time is over.
fn ready(session: &Session, read: bool, write: bool, end: Instant) -> bool {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::POLLIN, read);
    flags.set(PollFlags::POLLOUT, write);
    let mut polled = [PollFd::new(session.as_fd(), flags)];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        // Rounded up, so that the last millisecond is slept and not spun.
        let ms = u32::try_from(left.as_millis()).unwrap_or(u32::MAX).saturating_add(1);
        match poll(&mut polled, PollTimeout::try_from(ms).unwrap_or(PollTimeout::MAX)) {
            Ok(0) | Err(nix::Error::EINTR) => {}
            Ok(_) | Err(_) => return true,
        }
    }
}

fn server_name(params: &StreamParams, host: &str) -> String {
    let name = params.remote_sni.as_deref().unwrap_or(host);
    // RFC 6066 3: literal addresses are not permitted.
    if name.parse::<IpAddr>().is_ok() { String::new() } else { name.to_owned() }
}

fn failure(halt: Halt, closed: &str) -> (i64, Fault) {
    match halt {
        Halt::Closed => (status::CLOSED, plain(closed.to_owned())),
        Halt::TimedOut(why) => (status::TIMED_OUT, *why),
        Halt::Refused(why) => (status::REFUSED, *why),
        Halt::Failed(why) => (status::FAILED, *why),
        Halt::Wait { .. } => (status::FAILED, plain("the stream stalls".to_owned())),
    }
}

fn plain(text: String) -> Fault {
    Fault { param: None, code: 0, text }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const CLOSED_EARLY: &str = "the peer closed the connection before it was over (its log may say why; a listener without TLS does this)";
/// Resolving, connecting and the handshake together, when the caller sets no limit.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// What the peer's answer to our end of the handshake gets.
const LEAST_PATIENCE: Duration = Duration::from_millis(5);
const MOST_PATIENCE: Duration = Duration::from_millis(500);
/// What the peer gets to close its side after we closed ours.
const LINGER: Duration = Duration::from_secs(3);
/// The same when the daemon stops.
const STOP_LIMIT: Duration = Duration::from_millis(500);

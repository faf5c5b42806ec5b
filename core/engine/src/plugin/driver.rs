//! Safe wrappers over a netstream driver's vtable: `Driver`, the `Context` that one listener's or action's streams
//! share, `Listener`, and `Session`, which is a whole stack of layers as one value. Each frees itself; what stands
//! below outlives what stands on it. `netstream` calls these and knows no pointer.

#[cfg(test)]
pub(crate) mod loopback;
#[cfg(feature = "probe")]
pub mod probe;

use super::raw::sized;
use super::watch::{self, Callback, Number};
use super::{Fault, PeerFacts, least};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::ptr;
use std::sync::Arc;
use sysloom_abi as abi;
use sysloom_abi::{Bytes, DriverVt, Opaque, manifest_flag, origin, param_type, status, stream_param, want};

/// A loaded driver: a transport, a layer, or both.
pub struct Driver {
    name: String,
    encrypts: bool,
    vt: &'static DriverVt,
    host: &'static abi::Host,
    number: Number,
}

// SAFETY: name and flags are plain data; the tables are never written to after their plugin was entered, and the ABI
// says that the host's functions and a driver's `context` may be called from any thread.
unsafe impl Send for Driver {}
// SAFETY: as above.
unsafe impl Sync for Driver {}

impl Driver {
    /// Wraps what a plugin handed over under `name`; `flags` are its manifest's.
    ///
    /// # Safety
    /// `vt` is null or points at the driver table of a plugin that is never unloaded.
    pub unsafe fn new(
        host: &'static abi::Host,
        name: &str,
        flags: u32,
        vt: *const DriverVt,
    ) -> Result<Self, Fault> {
        // SAFETY: the caller's promise; `size` is the first field of every table.
        let size = if vt.is_null() { 0 } else { unsafe { ptr::addr_of!((*vt).size).read() } };
        // SAFETY: the caller's promise; what an older table does not have yet is an `Option`.
        let Some(known) = (unsafe { sized(vt, least::DRIVER) }) else {
            let wanted = least::DRIVER;
            return Err(fault(format!("driver {name}: its table has {size} bytes and not {wanted}")));
        };
        let vt: &'static DriverVt = match size as usize >= size_of::<DriverVt>() {
            // SAFETY: not null, aligned, and as large as the type according to its own size.
            true => unsafe { &*vt },
            // As the table of a plugin, it is there as long as the process.
            false => Box::leak(Box::new(known)),
        };
        let driver = Self {
            name: name.to_owned(),
            encrypts: flags & manifest_flag::ENCRYPTS != 0,
            vt,
            host,
            number: Number::of(name),
        };
        if !driver.is_transport() && !driver.is_layer() {
            return Err(fault(format!("driver {name} is neither a transport nor a layer")));
        }
        Ok(driver)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its streams are encrypted, as its manifest says.
    pub fn encrypts(&self) -> bool {
        self.encrypts
    }

    /// Whether it listens, accepts and connects.
    pub fn is_transport(&self) -> bool {
        self.vt.listen.is_some()
            && self.vt.accept.is_some()
            && self.vt.unlisten.is_some()
            && self.vt.connect.is_some()
    }

    /// Whether it works over another stream.
    pub fn is_layer(&self) -> bool {
        self.vt.session.is_some() && self.vt.handshake.is_some()
    }

    /// Makes what all streams of one listener or action share: reads keys and certificates.
    pub fn context(
        self: &Arc<Self>,
        me: u64,
        side: Side,
        values: &StreamValues,
    ) -> Result<Arc<Context>, Fault> {
        let raw_values = values.to_abi();
        let role = match side {
            Side::Client => abi::role::CLIENT,
            Side::Server => abi::role::SERVER,
        };
        let _running = watch::enter(self.number, Callback::Context);
        let (raw, why) = with_why(|why| {
            // SAFETY: the values borrow from `values`, which outlives the call; the host's table is static.
            unsafe { (self.vt.context)(self.host, me, role, raw_values.as_ptr(), raw_values.len(), why) }
        });
        if raw.is_null() {
            return Err(why.or_words(|| format!("driver {} refuses its parameters", self.name)));
        }
        Ok(Arc::new(Context { driver: Arc::clone(self), raw }))
    }
}

/// Which end of its connections a context is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

/// The host's stream parameters as a driver gets them.
#[derive(Clone, Debug, Default)]
pub struct StreamValues {
    pub mode: i64,
    /// Lower case.
    pub auth_mode: String,
    pub ca_file: Option<String>,
    pub ca_extra_files: Option<String>,
    pub crl_file: Option<String>,
    pub cert_file: Option<String>,
    pub key_file: Option<String>,
    pub priority: Option<String>,
    pub key_pass_file: Option<String>,
}

impl StreamValues {
    fn to_abi(&self) -> [abi::Value; stream_param::COUNT] {
        let text = |ty, s: Option<&str>| abi::Value {
            origin: if s.is_some() { origin::CONFIGURED } else { origin::UNSET },
            ty,
            i: 0,
            s: borrow(s.unwrap_or_default().as_bytes()),
            list: ptr::null(),
            n_list: 0,
        };
        let path = |s: &Option<String>| text(param_type::PATH, s.as_deref());
        // The order of `stream_param`.
        [
            abi::Value { i: self.mode, ..text(param_type::NON_NEGATIVE, Some("")) },
            text(param_type::STRING, Some(&self.auth_mode)),
            path(&self.ca_file),
            path(&self.ca_extra_files),
            path(&self.crl_file),
            path(&self.cert_file),
            path(&self.key_file),
            text(param_type::STRING, self.priority.as_deref()),
            path(&self.key_pass_file),
        ]
    }
}

/// What the streams of one listener or one action share. Freed after the last of them.
pub struct Context {
    driver: Arc<Driver>,
    raw: Opaque,
}

// SAFETY: the ABI has sessions of one context made on any thread; the driver keeps the context's insides in order.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    pub fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Listens. `family` is 0, 4 or 6.
    pub fn listen(
        self: &Arc<Self>,
        address: &str,
        port: &str,
        family: u32,
        backlog: u32,
    ) -> Result<Listener, Fault> {
        let Some(listen) = self.driver.vt.listen else { return Err(self.lacks("listen")) };
        let at = abi::ListenAt {
            size: size_of::<abi::ListenAt>() as u32,
            family,
            backlog,
            reserved: 0,
            address: borrow(address.as_bytes()),
            port: borrow(port.as_bytes()),
        };
        let mut out = abi::Listening {
            size: size_of::<abi::Listening>() as u32,
            port: 0,
            listener: ptr::null_mut(),
            fds: [-1; 16],
            n_fds: 0,
            reserved: 0,
        };
        // SAFETY: the context is alive, and both structs are ours and outlive the call.
        let (result, why) = with_why(|why| unsafe { listen(self.raw, &at, &mut out, why) });
        if result < 0 {
            return Err(why.or_words(|| format!("cannot listen on {address} port {port}")));
        }
        if out.listener.is_null() {
            return Err(fault(format!("driver {} reports a listener and gives none", self.driver.name)));
        }
        let fds = out.fds.get(..out.n_fds as usize).unwrap_or(&out.fds).to_vec();
        let port = u16::try_from(out.port).unwrap_or(0);
        let listener = Listener { context: Arc::clone(self), raw: out.listener, port, fds };
        if listener.fds.is_empty() || listener.fds.iter().any(|fd| *fd < 0) {
            return Err(fault(format!("driver {} listens without a descriptor", self.driver.name)));
        }
        Ok(listener)
    }

    /// Connects; blocks for `to.timeout_ms` at most.
    pub fn connect(self: &Arc<Self>, to: &Destination<'_>) -> Result<Connected, Halt> {
        let Some(connect) = self.driver.vt.connect else { return Err(Halt::failed(self.lacks("connect"))) };
        let to_abi = abi::ConnectTo {
            size: size_of::<abi::ConnectTo>() as u32,
            family: to.family,
            timeout_ms: to.timeout_ms,
            reserved: 0,
            host: borrow(to.host.as_bytes()),
            port: borrow(to.port.as_bytes()),
            local: borrow(to.local.as_bytes()),
            device: borrow(to.device.as_bytes()),
        };
        let mut out = no_connection();
        // SAFETY: the context is alive, and both structs are ours and outlive the call.
        let (result, why) = with_why(|why| unsafe { connect(self.raw, &to_abi, &mut out, why) });
        if result < 0 {
            let why = why.or_words(|| format!("cannot connect to {} port {}", to.host, to.port));
            return Err(halt(result, 0, || why));
        }
        self.take(&out)
    }

    /// Puts a layer's session over `lower`, which lives as long as the result. An empty `server_name` asks for none.
    pub fn over(
        self: &Arc<Self>,
        lower: Session,
        side: Side,
        server_name: &str,
        conn: u64,
    ) -> Result<Session, Fault> {
        let Some(session) = self.driver.vt.session else { return Err(self.lacks("session")) };
        let fd = lower.fd;
        let vt = lower.context.driver.vt;
        let below = Box::new(Below {
            raw: abi::Lower { stream: lower.raw, read: vt.read, write: vt.write, fd },
            session: lower,
        });
        let server = u32::from(side == Side::Server);
        let name = borrow(server_name.as_bytes());
        let _running = watch::enter(self.driver.number, Callback::Session);
        let (raw, why) = with_why(|why| {
            // SAFETY: the context is alive; `below` is boxed and stays in place until the new session is freed.
            unsafe { session(self.raw, server, &below.raw, name, conn, why) }
        });
        if raw.is_null() {
            return Err(why.or_words(|| format!("driver {} makes no session", self.driver.name)));
        }
        Ok(Session { raw, fd, context: Arc::clone(self), below: Some(below) })
    }

    fn take(self: &Arc<Self>, out: &abi::Connected) -> Result<Connected, Halt> {
        // No session is made of nothing: freeing it would hand the driver a null pointer.
        if out.session.is_null() {
            let text = format!("driver {} reports a stream and gives none", self.driver.name);
            return Err(Halt::failed(fault(text)));
        }
        let session = Session { raw: out.session, fd: out.fd, context: Arc::clone(self), below: None };
        if session.fd < 0 {
            let text = format!("driver {} gives a stream without a descriptor", self.driver.name);
            return Err(Halt::failed(fault(text)));
        }
        let peer = out.peer.get(..out.peer_len as usize).unwrap_or_default();
        Ok(Connected {
            session,
            peer: String::from_utf8_lossy(peer).into_owned(),
            port: u16::try_from(out.peer_port).unwrap_or(0),
        })
    }

    fn lacks(&self, what: &str) -> Fault {
        fault(format!("driver {} has no function '{what}'", self.driver.name))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: made by this driver, freed once; its sessions and listeners hold a reference and so are gone.
        unsafe { (self.driver.vt.context_free)(self.raw) }
    }
}

/// Where to connect to. `family` is 0, 4 or 6.
#[derive(Clone, Copy, Debug, Default)]
pub struct Destination<'a> {
    pub host: &'a str,
    pub port: &'a str,
    pub local: &'a str,
    pub device: &'a str,
    pub family: u32,
    pub timeout_ms: u32,
}

/// A stream that a transport accepted or connected, with its other end's address.
pub struct Connected {
    pub session: Session,
    pub peer: String,
    pub port: u16,
}

/// A transport's listener.
pub struct Listener {
    context: Arc<Context>,
    raw: Opaque,
    port: u16,
    fds: Vec<RawFd>,
}

// SAFETY: the ABI has a listener's functions called from any thread, one at a time; `&mut` sees to that.
unsafe impl Send for Listener {}

impl Listener {
    /// The bound port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The descriptors to poll.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        // SAFETY: the listener owns its descriptors and keeps them open until it is dropped; none is negative.
        self.fds.iter().map(|fd| unsafe { BorrowedFd::borrow_raw(*fd) })
    }

    /// Accepts one connection of the descriptor number `index`.
    pub fn accept(&mut self, index: usize) -> Result<Connected, Halt> {
        let (Some(accept), Some(fd)) = (self.context.driver.vt.accept, self.fds.get(index)) else {
            return Err(Halt::failed(self.context.lacks("accept")));
        };
        let mut out = no_connection();
        let _running = watch::enter(self.context.driver.number, Callback::Accept);
        // SAFETY: the listener is alive and borrowed mutably, `out` is ours.
        let (result, why) = with_why(|why| unsafe { accept(self.raw, *fd, &mut out, why) });
        if result < 0 {
            return Err(halt(result, want::READ, || why.or_words(|| "cannot accept".to_owned())));
        }
        self.context.take(&out)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(unlisten) = self.context.driver.vt.unlisten {
            // SAFETY: made by this driver and ended once.
            unsafe { unlisten(self.raw) }
        }
    }
}

/// A stream: a transport's session and all layers on it.
pub struct Session {
    raw: Opaque,
    fd: RawFd,
    context: Arc<Context>,
    below: Option<Box<Below>>,
}

/// What a layer's session stands on, at an address that does not change.
struct Below {
    raw: abi::Lower,
    session: Session,
}

// SAFETY: the ABI has one session called from one thread at a time, not always the same; `&mut` sees to that.
unsafe impl Send for Session {}

impl Session {
    /// One step of the handshakes of all layers, the lowest first.
    pub fn handshake(&mut self) -> Result<(), Halt> {
        if let Some(below) = &mut self.below {
            below.session.handshake()?;
        }
        let Some(handshake) = self.context.driver.vt.handshake.filter(|_| self.below.is_some()) else {
            return Ok(());
        };
        let mut wanted = 0;
        let _running = watch::enter(self.context.driver.number, Callback::Handshake);
        // SAFETY: the session is alive and borrowed mutably.
        let (result, why) = with_why(|why| unsafe { handshake(self.raw, &mut wanted, why) });
        if result >= 0 {
            return Ok(());
        }
        let below = self.below.as_ref().filter(|_| result == status::FAILED);
        let why = match below.and_then(|below| below.session.said()) {
            Some(lower) => lower,
            None => why.or_words(|| "the handshake failed".to_owned()),
        };
        Err(halt(result, wanted, || why))
    }

    /// Reads into `buf`: how many bytes, above 0. To be repeated until [`Halt::Wait`].
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, Halt> {
        let mut wanted = 0;
        let read = self.context.driver.vt.read;
        let _running = watch::enter(self.context.driver.number, Callback::Read);
        // SAFETY: the session is alive and borrowed mutably, the buffer is ours.
        let result = unsafe { read(self.raw, buf.as_mut_ptr(), buf.len(), &mut wanted) };
        match self.outcome(result, wanted, buf.len(), "the read failed") {
            // No bytes and no reason, as read(2) has it for the end. The ABI has CLOSED for that; taken as a number,
            // it would be read again for ever.
            Ok(0) if !buf.is_empty() => Err(Halt::Closed),
            other => other,
        }
    }

    /// Writes from `buf`: how many bytes were taken. An empty `buf` flushes what the layers hold back.
    pub fn write(&mut self, buf: &[u8]) -> Result<usize, Halt> {
        let mut wanted = 0;
        let write = self.context.driver.vt.write;
        let _running = watch::enter(self.context.driver.number, Callback::Write);
        // SAFETY: as for `read`.
        let result = unsafe { write(self.raw, buf.as_ptr(), buf.len(), &mut wanted) };
        match self.outcome(result, wanted, buf.len(), "the write failed") {
            // Nothing taken and nothing said: without a wait the caller would try for ever.
            Ok(0) if !buf.is_empty() => Err(Halt::Wait { read: false, write: true }),
            other => other,
        }
    }

    /// Says that we send no more in every layer, but leaves the transport to be closed: for a stream whose peer has
    /// said the same, so that nothing of it is unread.
    pub fn say_end(&mut self) -> Result<(), Halt> {
        let Some(below) = &mut self.below else { return Ok(()) };
        let mut wanted = 0;
        // SAFETY: the session is alive and borrowed mutably.
        let result = unsafe { (self.context.driver.vt.shutdown)(self.raw, &mut wanted) };
        if result < 0 {
            return Err(halt(result, wanted, || fault("the stream cannot be ended".to_owned())));
        }
        below.session.say_end()
    }

    /// Says that we send no more, in every layer and then in the transport.
    pub fn shutdown(&mut self) -> Result<(), Halt> {
        let mut wanted = 0;
        // SAFETY: the session is alive and borrowed mutably.
        let result = unsafe { (self.context.driver.vt.shutdown)(self.raw, &mut wanted) };
        if result < 0 {
            return Err(halt(result, wanted, || self.reason("the stream cannot be ended")));
        }
        match &mut self.below {
            Some(below) => below.session.shutdown(),
            None => Ok(()),
        }
    }

    /// Calls `judge` with what the peer presented, as the uppermost layer that knows reports it.
    pub fn with_peer<R>(&mut self, judge: impl FnOnce(&PeerFacts<'_>) -> R) -> Option<R> {
        let mut out = abi::Peer {
            size: size_of::<abi::Peer>() as u32,
            resumed: 0,
            server: 0,
            reserved: 0,
            chain: ptr::null(),
            n_chain: 0,
            staple: borrow(b""),
            server_name: borrow(b""),
            protocol: borrow(b""),
            cipher: borrow(b""),
            group: borrow(b""),
        };
        // SAFETY: the session is alive and borrowed mutably, `out` is ours.
        let result = unsafe { (self.context.driver.vt.peer)(self.raw, &mut out) };
        if result >= 0 && out.protocol.len > 0 {
            // SAFETY: the driver's promise: everything is valid until the session's next call, and the mutable
            // borrow of `self` excludes one while `judge` runs.
            return Some(judge(&unsafe { PeerFacts::from_abi(&out) }));
        }
        self.below.as_mut()?.session.with_peer(judge)
    }

    /// Whether a layer stands on the transport, so that there may be a handshake.
    pub fn is_layered(&self) -> bool {
        self.below.is_some()
    }

    #[inline]
    fn outcome(&self, result: i64, wanted: u32, len: usize, words: &str) -> Result<usize, Halt> {
        match usize::try_from(result) {
            Ok(n) if n <= len => Ok(n),
            Ok(_) => Err(Halt::failed(fault(format!(
                "driver {} reports more bytes than it was given",
                self.context.driver.name
            )))),
            Err(_) => Err(halt(result, wanted, || self.reason(words))),
        }
    }

    fn reason(&self, words: &str) -> Fault {
        self.said().unwrap_or_else(|| fault(words.to_owned()))
    }

    /// Why the last call failed: the lowest stream that complains knows best, since a layer only sees that what it
    /// stands on is gone.
    fn said(&self) -> Option<Fault> {
        if let Some(why) = self.below.as_ref().and_then(|below| below.session.said()) {
            return Some(why);
        }
        // SAFETY: the session is alive, and `reason` only reads what its last call left.
        let (result, why) = with_why(|why| unsafe { (self.context.driver.vt.reason)(self.raw, why) });
        why.0.filter(|_| result >= 0)
    }
}

impl AsFd for Session {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the transport's session owns the descriptor and is freed with `self`; it is not negative.
        unsafe { BorrowedFd::borrow_raw(self.fd) }
    }
}

impl AsRawFd for Session {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: made by this driver and freed once; what stands below is dropped after this.
        unsafe { (self.context.driver.vt.free)(self.raw) }
    }
}

/// Why a call on a stream did not do what it was asked for.
#[derive(Debug)]
pub enum Halt {
    /// Repeat it when one of these is ready.
    Wait { read: bool, write: bool },
    /// The peer ended the stream in order.
    Closed,
    /// The time is over.
    TimedOut(Box<Fault>),
    /// The peer is not permitted.
    Refused(Box<Fault>),
    /// The stream is broken.
    Failed(Box<Fault>),
}

impl Halt {
    pub(crate) fn failed(fault: Fault) -> Self {
        Self::Failed(Box::new(fault))
    }
}

fn halt(result: i64, wanted: u32, why: impl FnOnce() -> Fault) -> Halt {
    match result {
        // A driver that forgets to say what it waits for waits for bytes.
        status::WOULD_BLOCK if wanted & (want::READ | want::WRITE) == 0 => {
            Halt::Wait { read: true, write: false }
        }
        status::WOULD_BLOCK => {
            Halt::Wait { read: wanted & want::READ != 0, write: wanted & want::WRITE != 0 }
        }
        status::CLOSED => Halt::Closed,
        status::TIMED_OUT => Halt::TimedOut(Box::new(why())),
        status::REFUSED => Halt::Refused(Box::new(why())),
        status::PANICKED => Halt::failed(fault("the driver panicked".to_owned())),
        _ => Halt::Failed(Box::new(why())),
    }
}

fn no_connection() -> abi::Connected {
    abi::Connected {
        size: size_of::<abi::Connected>() as u32,
        fd: -1,
        session: ptr::null_mut(),
        peer: [0; 108],
        peer_len: 0,
        peer_port: 0,
    }
}

fn borrow(bytes: &[u8]) -> Bytes {
    Bytes { ptr: bytes.as_ptr(), len: bytes.len() }
}

fn fault(text: String) -> Fault {
    Fault { param: None, code: 0, text }
}

/// What a driver wrote into a complaint; nothing when it had no words.
struct Said(Option<Fault>);

impl Said {
    fn or_words(self, words: impl FnOnce() -> String) -> Fault {
        self.0.unwrap_or_else(|| fault(words()))
    }
}

/// Runs a call with room for the driver's words. They are copied only when there are any.
#[inline]
fn with_why<R>(call: impl FnOnce(*mut abi::Complaint) -> R) -> (R, Said) {
    let mut text = [0_u8; 1024];
    let cap = text.len() as u32;
    let mut raw = abi::Complaint { param: -1, code: 0, len: 0, cap, text: text.as_mut_ptr() };
    let result = call(&mut raw);
    if raw.len == 0 {
        return (result, Said(None));
    }
    let len = raw.len.min(cap) as usize;
    let text = String::from_utf8_lossy(text.get(..len).unwrap_or_default()).into_owned();
    (result, Said(Some(Fault { param: usize::try_from(raw.param).ok(), code: raw.code, text })))
}

//! The tables of drivers: transports and layers share the functions of a stream.

use super::guard::{fail, guard, guard_why};
use crate::host::{borrow, fixed};
use crate::values::slice;
use crate::{
    Complaint, ConnectTo, Connection, Family, Host, Layer, LayerSession, ListenAt, Lower, PeerFacts, Role,
    Stop, Stream, StreamSettings, Transport, Values,
};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::{null, null_mut};
use std::time::Duration;
use sysloom_abi::{self as abi, Bytes, DriverVt, Iface, Opaque, kind, manifest_flag, role, status};

/// Makes a transport's interface.
pub struct TransportGlue<T>(PhantomData<T>);

impl<T: Transport> TransportGlue<T> {
    pub const MANIFEST_FLAGS: u32 = manifest_flag::TRANSPORT;
    pub const IFACE: Iface = iface(T::NAME, Self::VT);

    const VT: &'static DriverVt = &DriverVt {
        listen: Some(listen::<T>),
        accept: Some(accept::<T>),
        unlisten: Some(unlisten::<T>),
        connect: Some(connect::<T>),
        session: None,
        handshake: None,
        peer: no_peer,
        ..stream_vt::<T::Stream>(context::<T>, context_free::<T>)
    };
}

/// Makes a layer's interface.
pub struct LayerGlue<L>(PhantomData<L>);

impl<L: Layer> LayerGlue<L> {
    pub const MANIFEST_FLAGS: u32 =
        manifest_flag::LAYER | if L::ENCRYPTS { manifest_flag::ENCRYPTS } else { 0 };
    pub const IFACE: Iface = iface(L::NAME, Self::VT);

    const VT: &'static DriverVt = &DriverVt {
        listen: None,
        accept: None,
        unlisten: None,
        connect: None,
        session: Some(session::<L>),
        handshake: Some(handshake::<L::Session>),
        peer: peer::<L::Session>,
        ..stream_vt::<L::Session>(layer_context::<L>, layer_context_free::<L>)
    };
}

const fn iface(name: &'static str, vt: &'static DriverVt) -> Iface {
    Iface {
        size: size_of::<Iface>() as u32,
        kind: kind::DRIVER,
        flags: 0,
        reserved: 0,
        name: fixed(name),
        vt: std::ptr::from_ref(vt).cast::<c_void>(),
        module_params: null(),
        n_module_params: 0,
        instance_params: null(),
        n_instance_params: 0,
        stream_legacy: fixed(""),
        default_template: fixed(""),
    }
}

type ContextNew =
    unsafe extern "C" fn(*const abi::Host, u64, u32, *const abi::Value, usize, *mut abi::Complaint) -> Opaque;

/// The part that every stream has.
const fn stream_vt<S: Stream>(context: ContextNew, context_free: unsafe extern "C" fn(Opaque)) -> DriverVt {
    DriverVt {
        size: size_of::<DriverVt>() as u32,
        reserved: 0,
        context,
        context_free,
        listen: None,
        accept: None,
        unlisten: None,
        connect: None,
        session: None,
        handshake: None,
        read: read::<S>,
        write: write::<S>,
        shutdown: shutdown::<S>,
        peer: no_peer,
        reason: reason::<S>,
        free: free::<S>,
    }
}

/// A context, with whom its log lines belong to.
struct Shared<T> {
    driver: T,
    host: Host,
}

/// A transport's listener.
struct Open<L> {
    listener: L,
    host: Host,
}

/// A stream, with what the ABI wants to be kept of it.
struct Session<S> {
    stream: S,
    host: Host,
    /// Why the last call failed.
    reason: Option<Complaint>,
    /// The chain that the last `peer` lent out.
    chain: Vec<Bytes>,
}

impl<S> Session<S> {
    fn settle(stream: S, host: Host) -> Opaque {
        Box::into_raw(Box::new(Self { stream, host, reason: None, chain: Vec::new() })).cast()
    }
}

/// Makes the context of a transport or a layer.
///
/// # Safety
/// As [`DriverVt::context`].
unsafe fn new_context<T>(
    host: *const abi::Host,
    me: u64,
    role: u32,
    (values, n_values): (*const abi::Value, usize),
    why: *mut abi::Complaint,
    new: fn(Role, &StreamSettings<'_>, Host) -> Result<T, Complaint>,
) -> Opaque {
    // SAFETY: the host's table lives as long as the process; the entry has checked its size.
    let host = Host { raw: unsafe { &*host }, me };
    let make = || {
        // SAFETY: the host lends the values for the call.
        let values = unsafe { Values::from_raw(values, n_values) };
        let side = if role & role::SERVER != 0 { Role::Server } else { Role::Client };
        match StreamSettings::new(values).and_then(|settings| new(side, &settings, host)) {
            Ok(driver) => Box::into_raw(Box::new(Shared { driver, host })).cast(),
            Err(complaint) => {
                // SAFETY: the host passes a valid `why`.
                unsafe { complaint.write(&[], why) };
                null_mut()
            }
        }
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(host, null_mut(), why, make) }
}

unsafe extern "C" fn context<T: Transport>(
    host: *const abi::Host,
    me: u64,
    role: u32,
    values: *const abi::Value,
    n_values: usize,
    why: *mut abi::Complaint,
) -> Opaque {
    // SAFETY: the same contract.
    unsafe { new_context(host, me, role, (values, n_values), why, T::new) }
}

unsafe extern "C" fn layer_context<L: Layer>(
    host: *const abi::Host,
    me: u64,
    role: u32,
    values: *const abi::Value,
    n_values: usize,
    why: *mut abi::Complaint,
) -> Opaque {
    // SAFETY: the same contract.
    unsafe { new_context(host, me, role, (values, n_values), why, L::new) }
}

unsafe extern "C" fn context_free<T: Transport>(context: Opaque) {
    // SAFETY: `context` made it; the host frees it once, after its sessions.
    let owned = unsafe { Box::from_raw(context.cast::<Shared<T>>()) };
    guard(Some(owned.host), (), || drop(owned));
}

unsafe extern "C" fn layer_context_free<L: Layer>(context: Opaque) {
    // SAFETY: `layer_context` made it; the host frees it once, after its sessions.
    let owned = unsafe { Box::from_raw(context.cast::<Shared<L>>()) };
    guard(Some(owned.host), (), || drop(owned));
}

unsafe extern "C" fn listen<T: Transport>(
    context: Opaque,
    at: *const abi::ListenAt,
    out: *mut abi::Listening,
    why: *mut abi::Complaint,
) -> i64 {
    // SAFETY: `context` made it and the host has not freed it.
    let shared = unsafe { &*context.cast::<Shared<T>>() };
    let body = || {
        // SAFETY: the host lends `at` for the call.
        let at = unsafe { &*at };
        // SAFETY: as above.
        let (address, port) = unsafe { (text(at.address), text(at.port)) };
        let at = ListenAt { address, port, family: family(at.family), backlog: at.backlog };
        let listener = match shared.driver.listen(&at) {
            Ok(listener) => listener,
            // SAFETY: the host passes a valid `why`.
            Err(complaint) => return unsafe { fail(&complaint, &[], why, status::FAILED) },
        };
        let fds = T::descriptors(&listener);
        let port = u32::from(T::port(&listener));
        // SAFETY: the host passes room for the answer.
        let out = unsafe { &mut *out };
        out.n_fds = fds.len().min(out.fds.len()) as u32;
        for (slot, fd) in out.fds.iter_mut().zip(fds) {
            *slot = fd;
        }
        out.port = port;
        out.listener = Box::into_raw(Box::new(Open { listener, host: shared.host })).cast();
        status::OK
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(shared.host, status::PANICKED, why, body) }
}

unsafe extern "C" fn accept<T: Transport>(
    listener: Opaque,
    fd: i32,
    out: *mut abi::Connected,
    why: *mut abi::Complaint,
) -> i64 {
    // SAFETY: `listen` made it and the host has not freed it.
    let open = unsafe { &*listener.cast::<Open<T::Listener>>() };
    // SAFETY: the host passes room for the answer and a valid `why`.
    let body =
        || unsafe { connected(T::accept(&open.listener, fd), open.host, out, why, status::WOULD_BLOCK) };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(open.host, status::PANICKED, why, body) }
}

unsafe extern "C" fn unlisten<T: Transport>(listener: Opaque) {
    // SAFETY: `listen` made it, and this is its last use.
    let owned = unsafe { Box::from_raw(listener.cast::<Open<T::Listener>>()) };
    guard(Some(owned.host), (), || drop(owned));
}

unsafe extern "C" fn connect<T: Transport>(
    context: Opaque,
    to: *const abi::ConnectTo,
    out: *mut abi::Connected,
    why: *mut abi::Complaint,
) -> i64 {
    // SAFETY: `context` made it and the host has not freed it.
    let shared = unsafe { &*context.cast::<Shared<T>>() };
    let body = || {
        // SAFETY: the host lends `to` for the call.
        let to = unsafe { &*to };
        // SAFETY: as above.
        let to = unsafe {
            ConnectTo {
                host: text(to.host),
                port: text(to.port),
                family: family(to.family),
                local: text(to.local),
                device: text(to.device),
                timeout: Duration::from_millis(to.timeout_ms.into()),
            }
        };
        // SAFETY: the host passes room for the answer and a valid `why`.
        unsafe { connected(shared.driver.connect(&to), shared.host, out, why, status::TIMED_OUT) }
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(shared.host, status::PANICKED, why, body) }
}

/// Hands a new stream over. `waiting` is what [`Stop::Wait`] means here.
///
/// # Safety
/// `out` has room for the answer, `why` is valid.
unsafe fn connected<S: Stream>(
    result: Result<Connection<S>, Stop>,
    host: Host,
    out: *mut abi::Connected,
    why: *mut abi::Complaint,
    waiting: i64,
) -> i64 {
    let connection = match result {
        Ok(connection) => connection,
        Err(Stop::Wait(_)) => return waiting,
        Err(Stop::Closed) => {
            let complaint = Complaint::new("the peer closed the connection at once");
            // SAFETY: the caller's promise.
            return unsafe { fail(&complaint, &[], why, status::FAILED) };
        }
        Err(Stop::TimedOut(complaint)) => {
            // SAFETY: the caller's promise.
            return unsafe { fail(&complaint, &[], why, status::TIMED_OUT) };
        }
        Err(Stop::Refused(complaint) | Stop::Failed(complaint)) => {
            // SAFETY: the caller's promise.
            return unsafe { fail(&complaint, &[], why, status::FAILED) };
        }
    };
    // SAFETY: the caller's promise.
    let out = unsafe { &mut *out };
    out.fd = connection.fd;
    out.peer_port = connection.port.into();
    let peer = connection.peer.as_bytes();
    out.peer_len = peer.len().min(out.peer.len()) as u32;
    for (slot, byte) in out.peer.iter_mut().zip(peer) {
        *slot = *byte;
    }
    out.session = Session::settle(connection.stream, host);
    status::OK
}

unsafe extern "C" fn session<L: Layer>(
    context: Opaque,
    server: u32,
    lower: *const abi::Lower,
    server_name: Bytes,
    conn: u64,
    why: *mut abi::Complaint,
) -> Opaque {
    // SAFETY: `layer_context` made it and the host has not freed it.
    let shared = unsafe { &*context.cast::<Shared<L>>() };
    let make = || {
        // SAFETY: the host passes a lower stream that lives as long as the session.
        let lower = Lower { raw: unsafe { *lower } };
        // SAFETY: the host lends the text for the call.
        let server_name = unsafe { text(server_name) };
        match shared.driver.session(lower, server != 0, server_name, conn) {
            Ok(session) => Session::settle(session, shared.host),
            Err(complaint) => {
                // SAFETY: the host passes a valid `why`.
                unsafe { complaint.write(&[], why) };
                null_mut()
            }
        }
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(shared.host, null_mut(), why, make) }
}

unsafe extern "C" fn handshake<S: LayerSession>(
    session: Opaque,
    want: *mut u32,
    why: *mut abi::Complaint,
) -> i64 {
    // SAFETY: as in `read`.
    let session = unsafe { &mut *session.cast::<Session<S>>() };
    let host = session.host;
    let body = || {
        let step = session.stream.handshake();
        if let Err(Stop::Refused(complaint) | Stop::TimedOut(complaint) | Stop::Failed(complaint)) = &step {
            // SAFETY: the host passes a valid `why`.
            unsafe { complaint.write(&[], why) };
        }
        // SAFETY: the host passes a valid `want`.
        unsafe { outcome(step.map(|()| 0), &mut session.reason, want) }
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(host, status::PANICKED, why, body) }
}

unsafe extern "C" fn read<S: Stream>(session: Opaque, buf: *mut u8, len: usize, want: *mut u32) -> i64 {
    // SAFETY: this glue made the session, and the host calls it from one thread at a time.
    let session = unsafe { &mut *session.cast::<Session<S>>() };
    guard(Some(session.host), status::PANICKED, || {
        let buf = match len {
            0 => &mut [],
            // SAFETY: the host lends `len` bytes for the call.
            _ => unsafe { std::slice::from_raw_parts_mut(buf, len) },
        };
        let result = match session.stream.read(buf) {
            Ok(0) if len > 0 => Err(Stop::Closed),
            other => other,
        };
        // SAFETY: the host passes a valid `want`.
        unsafe { outcome(result, &mut session.reason, want) }
    })
}

unsafe extern "C" fn write<S: Stream>(session: Opaque, buf: *const u8, len: usize, want: *mut u32) -> i64 {
    // SAFETY: as in `read`.
    let session = unsafe { &mut *session.cast::<Session<S>>() };
    guard(Some(session.host), status::PANICKED, || {
        // SAFETY: the host lends `len` bytes for the call.
        let result = session.stream.write(unsafe { slice(buf, len) });
        // SAFETY: the host passes a valid `want`.
        unsafe { outcome(result, &mut session.reason, want) }
    })
}

unsafe extern "C" fn shutdown<S: Stream>(session: Opaque, want: *mut u32) -> i64 {
    // SAFETY: as in `read`.
    let session = unsafe { &mut *session.cast::<Session<S>>() };
    guard(Some(session.host), status::PANICKED, || {
        let result = session.stream.shutdown().map(|()| 0);
        // SAFETY: the host passes a valid `want`.
        unsafe { outcome(result, &mut session.reason, want) }
    })
}

unsafe extern "C" fn peer<S: LayerSession>(session: Opaque, out: *mut abi::Peer) -> i64 {
    // SAFETY: as in `read`.
    let session = unsafe { &mut *session.cast::<Session<S>>() };
    guard(Some(session.host), status::PANICKED, || {
        let facts = session.stream.peer();
        session.chain.clear();
        session.chain.extend(facts.chain.iter().map(|c| borrow(c)));
        // SAFETY: the host passes room for the answer. What it points at belongs to the session, which is not
        // touched before the host's next call.
        unsafe { fill(out, raw_peer(&facts, &session.chain)) };
        status::OK
    })
}

/// A transport knows nothing of its peer but the address.
unsafe extern "C" fn no_peer(_: Opaque, out: *mut abi::Peer) -> i64 {
    // SAFETY: the host passes room for the answer.
    unsafe { fill(out, raw_peer(&PeerFacts::default(), &[])) };
    status::OK
}

unsafe extern "C" fn reason<S: Stream>(session: Opaque, why: *mut abi::Complaint) -> i64 {
    // SAFETY: as in `read`.
    let session = unsafe { &mut *session.cast::<Session<S>>() };
    guard(Some(session.host), status::PANICKED, || {
        if let Some(complaint) = &session.reason {
            // SAFETY: the host passes a valid `why`.
            unsafe { complaint.write(&[], why) };
        }
        status::OK
    })
}

unsafe extern "C" fn free<S: Stream>(session: Opaque) {
    // SAFETY: this glue made the session, and this is its last use.
    let owned = unsafe { Box::from_raw(session.cast::<Session<S>>()) };
    guard(Some(owned.host), (), || drop(owned));
}

/// The ABI's form of what a peer presented.
pub(crate) fn raw_peer(facts: &PeerFacts<'_>, chain: &[Bytes]) -> abi::Peer {
    abi::Peer {
        size: size_of::<abi::Peer>() as u32,
        resumed: facts.resumed.into(),
        server: facts.server.into(),
        reserved: 0,
        chain: chain.as_ptr(),
        n_chain: chain.len(),
        staple: borrow(facts.staple),
        server_name: borrow(facts.server_name.as_bytes()),
        protocol: borrow(facts.protocol.as_bytes()),
        cipher: borrow(facts.cipher.as_bytes()),
        group: borrow(facts.group.as_bytes()),
    }
}

/// # Safety
/// `out` leads to room of its own `size`.
unsafe fn fill(out: *mut abi::Peer, mut peer: abi::Peer) {
    // SAFETY: the caller's promise; the size stands first.
    let size = unsafe { out.cast::<u32>().read() };
    peer.size = size;
    let len = (size as usize).min(size_of::<abi::Peer>());
    // SAFETY: `len` is within both.
    unsafe { std::ptr::copy_nonoverlapping((&raw const peer).cast::<u8>(), out.cast::<u8>(), len) };
}

/// # Safety
/// `want` is null or valid.
unsafe fn outcome(result: Result<usize, Stop>, reason: &mut Option<Complaint>, want: *mut u32) -> i64 {
    match result {
        Ok(n) => n as i64,
        Err(Stop::Wait(wanted)) => {
            // SAFETY: the caller's promise.
            if let Some(want) = unsafe { want.as_mut() } {
                *want = wanted.bits();
            }
            status::WOULD_BLOCK
        }
        Err(Stop::Closed) => status::CLOSED,
        Err(Stop::Refused(complaint)) => {
            *reason = Some(complaint);
            status::REFUSED
        }
        Err(Stop::TimedOut(complaint) | Stop::Failed(complaint)) => {
            *reason = Some(complaint);
            status::FAILED
        }
    }
}

fn family(number: u32) -> Family {
    match number {
        4 => Family::V4,
        6 => Family::V6,
        _ => Family::Any,
    }
}

/// # Safety
/// The bytes live as long as `'a`.
unsafe fn text<'a>(bytes: Bytes) -> &'a str {
    // SAFETY: the caller's promise.
    std::str::from_utf8(unsafe { slice(bytes.ptr, bytes.len) }).unwrap_or_default()
}

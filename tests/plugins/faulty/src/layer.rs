//! Faults of TLS layers, in front of rustls. What the fault's name says is what goes wrong.

use faulty::{has, inner, module};
use std::cell::{Cell, RefCell};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;
use sysloom_abi::manifest_flag::{ENCRYPTS, LAYER, UNWINDS};
use sysloom_abi::{
    Bytes, Complaint, DriverVt, Host, Lower, Manifest, Module, Opaque, Peer, Value, role, status,
    stream_param, want,
};

#[unsafe(no_mangle)]
#[unsafe(link_section = ".sysloom_manifest")]
#[used]
#[allow(non_upper_case_globals)]
pub static sysloom_manifest__faulty: Manifest = faulty::manifest("faulty", LAYER | ENCRYPTS | UNWINDS);

/// A session with the fault around it. It is what the driver behind stands on, too, and so it is entered again from
/// within its own calls: everything that changes is a cell.
struct Session {
    inner: Cell<Opaque>,
    lower: Lower,
    server: bool,
    shaken: Cell<bool>,
    shut: Cell<bool>,
    /// The last read filled its buffer.
    full: Cell<bool>,
    /// What it writes below is kept back.
    kept: RefCell<Option<Vec<u8>>>,
    /// What was taken though nothing below took it.
    spill: RefCell<Vec<u8>>,
    read: Cell<usize>,
    flushes: Cell<usize>,
    thread: Cell<Option<ThreadId>>,
}

/// The host that the driver behind sees, and the real one.
struct Hosts {
    seen: Host,
    real: Host,
}

static HOSTS: OnceLock<Hosts> = OnceLock::new();
static SESSIONS: AtomicUsize = AtomicUsize::new(0);
static SHAKING: AtomicUsize = AtomicUsize::new(0);

// SAFETY: a host's table may be used on any thread.
unsafe impl Send for Hosts {}
// SAFETY: as above.
unsafe impl Sync for Hosts {}

/// The library's entry.
#[unsafe(no_mangle)]
pub extern "C" fn sysloom_entry__faulty(host: *const Host) -> *const Module {
    faulty::enter(host, "rustls");
    let vt = DriverVt {
        context,
        session: Some(session),
        handshake: Some(handshake),
        read,
        write,
        shutdown,
        peer,
        reason,
        free,
        ..*inner()
    };
    module("faulty", vt)
}

unsafe extern "C" fn context(
    host: *const Host,
    me: u64,
    side: u32,
    values: *const Value,
    n_values: usize,
    why: *mut Complaint,
) -> Opaque {
    // SAFETY: the host's table lives as long as the process, the values as long as the call.
    let (host, mut values) = unsafe { (*host, std::slice::from_raw_parts(values, n_values).to_vec()) };
    let hosts = HOSTS.get_or_init(|| Hosts { seen: Host { verdict, ..host }, real: host });
    let priority = values[stream_param::PRIORITY];
    let text = |words: &'static str| Value {
        origin: 2,
        s: Bytes { ptr: words.as_ptr(), len: words.len() },
        ..priority
    };
    if has("no-tls12") {
        values[stream_param::PRIORITY] = text("NORMAL:-VERS-ALL:+VERS-TLS1.3");
    }
    if has("no-aes-128") {
        values[stream_param::PRIORITY] = text("NORMAL:-AES-128-GCM");
    }
    if has("client-without-certificate") && side == role::CLIENT {
        for index in [stream_param::CERT_FILE, stream_param::KEY_FILE] {
            values[index] = Value { origin: 0, ..text("") };
        }
    }
    // SAFETY: the same contract, here and in all functions below.
    let made = unsafe { (inner().context)(&raw const hosts.seen, me, side, values.as_ptr(), n_values, why) };
    if made.is_null() && has("context-wordless") {
        // SAFETY: the host passes a valid complaint.
        unsafe { (*why).len = 0 };
    }
    made
}

unsafe extern "C" fn verdict(h: Opaque, conn: u64, peer: *const Peer, why: *mut Complaint) -> i64 {
    let real = &HOSTS.get().expect("a context was made").real;
    // SAFETY: the driver behind lends it for the call.
    let mut peer = unsafe { *peer };
    distort(&mut peer);
    if has("client-must-have-certificate") && peer.n_chain == 0 {
        // SAFETY: the driver behind passes a valid complaint.
        unsafe { (*why).code = 116 };
        return status::REFUSED;
    }
    if has("never-asks") {
        return status::OK;
    }
    let conn = conn + u64::from(has("asks-about-another"));
    // SAFETY: as above.
    let result = unsafe { (real.verdict)(h, conn, &raw const peer, why) };
    if result < 0 && has("always-bad-certificate") {
        // SAFETY: as above.
        unsafe { (*why).code = 42 };
    }
    result
}

unsafe extern "C" fn session(
    context: Opaque,
    server: u32,
    lower: *const Lower,
    name: Bytes,
    conn: u64,
    why: *mut Complaint,
) -> Opaque {
    if server != 0 && has("no-server") || has("few-sessions") && SESSIONS.load(Ordering::SeqCst) >= 150 {
        return std::ptr::null_mut();
    }
    if name.len > 255 && has("dies-of-long-names") {
        std::process::abort();
    }
    let own = Box::into_raw(Box::new(Session {
        inner: Cell::new(std::ptr::null_mut()),
        // SAFETY: the host lends it for the call.
        lower: unsafe { *lower },
        server: server != 0,
        shaken: Cell::default(),
        shut: Cell::default(),
        full: Cell::default(),
        kept: RefCell::default(),
        spill: RefCell::default(),
        read: Cell::default(),
        flushes: Cell::default(),
        thread: Cell::default(),
    }));
    // SAFETY: it was just made.
    let fd = unsafe { (*own).lower.fd };
    let below = Lower { stream: own.cast(), read: lower_read, write: lower_write, fd };
    let name = if has("no-server-name") { Bytes { len: 0, ..name } } else { name };
    let make = inner().session.expect("a layer");
    // SAFETY: the lower stream is freed with the session, after the driver's own.
    let made = unsafe { make(context, server, &raw const below, name, conn, why) };
    if made.is_null() {
        // SAFETY: it was just made, and nobody else has it.
        drop(unsafe { Box::from_raw(own) });
        return std::ptr::null_mut();
    }
    // SAFETY: it was just made.
    unsafe { &*own }.inner.set(made);
    SESSIONS.fetch_add(1, Ordering::SeqCst);
    SHAKING.fetch_add(1, Ordering::SeqCst);
    own.cast()
}

unsafe extern "C" fn handshake(own: Opaque, wanted: *mut u32, why: *mut Complaint) -> i64 {
    let s = session_of(own);
    if wrong_thread(s) || has("few-handshakes") && !s.shaken.get() && SHAKING.load(Ordering::SeqCst) > 30 {
        return status::FAILED;
    }
    s.kept.replace(has("fails-silently").then(Vec::new));
    // SAFETY: the same contract.
    let result = unsafe { inner().handshake.expect("a layer")(s.inner.get(), wanted, why) };
    settle(s, result);
    if result == status::OK && !s.shaken.replace(true) {
        SHAKING.fetch_sub(1, Ordering::SeqCst);
    }
    if result == status::FAILED && has("handshake-wordless") {
        // SAFETY: the host passes a valid complaint.
        unsafe { (*why).len = 0 };
    }
    match result {
        status::REFUSED if has("refusal-is-failure") => status::FAILED,
        status::FAILED if has("waits-for-strangers") => wait(wanted, want::READ),
        other => other,
    }
}

unsafe extern "C" fn read(own: Opaque, buf: *mut u8, len: usize, wanted: *mut u32) -> i64 {
    let s = session_of(own);
    if wrong_thread(s) {
        return status::FAILED;
    }
    if has("deaf-after-shutdown") && s.shut.get() {
        return status::CLOSED;
    }
    if has("forgets-pending") && s.full.take() {
        return wait(wanted, want::READ);
    }
    if has("encrypts-nothing") {
        // SAFETY: the same contract.
        return unsafe { (s.lower.read)(s.lower.stream, buf, len, wanted) };
    }
    s.kept.replace(has("fails-silently").then(Vec::new));
    // SAFETY: the same contract.
    let result = unsafe { (inner().read)(s.inner.get(), buf, len, wanted) };
    settle(s, result);
    s.full.set(result == len as i64);
    if result > 0 {
        let before = s.read.get();
        s.read.set(before + result as usize);
        if before >> 19 != s.read.get() >> 19 && has("counter-of-19-bits") {
            // SAFETY: a byte was read.
            unsafe { *buf ^= 1 };
        }
    }
    match result {
        status::WOULD_BLOCK if has("read-wants-write") => wait(wanted, want::WRITE),
        status::CLOSED if has("end-is-failure") => status::FAILED,
        status::CLOSED if has("end-is-silence") => wait(wanted, want::READ),
        status::FAILED if has("ignores-bad-records") => wait(wanted, want::READ),
        other => other,
    }
}

unsafe extern "C" fn write(own: Opaque, buf: *const u8, len: usize, wanted: *mut u32) -> i64 {
    let s = session_of(own);
    if wrong_thread(s) {
        return status::FAILED;
    }
    if has("encrypts-nothing") {
        // SAFETY: the same contract.
        return unsafe { (s.lower.write)(s.lower.stream, buf, len, wanted) };
    }
    if has("second-flush") {
        // Only a flush that follows another one sends.
        s.flushes.set(if len == 0 { s.flushes.get() + 1 } else { 0 });
        if s.flushes.get() == 1 {
            return status::OK;
        }
        if len > 0 {
            // SAFETY: the host lends the bytes for the call.
            s.spill.borrow_mut().extend(unsafe { std::slice::from_raw_parts(buf, len) });
            return len as i64;
        }
    }
    while !s.spill.borrow().is_empty() {
        let held = s.spill.borrow().clone();
        // SAFETY: the same contract.
        match unsafe { (inner().write)(s.inner.get(), held.as_ptr(), held.len(), wanted) } {
            status::WOULD_BLOCK if len > 0 => break,
            taken if taken < 0 => return taken,
            taken => drop(s.spill.borrow_mut().drain(..taken as usize)),
        }
    }
    if s.spill.borrow().is_empty() {
        // SAFETY: the same contract.
        let result = unsafe { (inner().write)(s.inner.get(), buf, len, wanted) };
        if result != status::WOULD_BLOCK || len == 0 || !has("takes-without-end") {
            return result;
        }
    }
    // SAFETY: the host lends the bytes for the call.
    s.spill.borrow_mut().extend(unsafe { std::slice::from_raw_parts(buf, len) });
    len as i64
}

unsafe extern "C" fn shutdown(own: Opaque, wanted: *mut u32) -> i64 {
    let s = session_of(own);
    s.shut.set(true);
    if has("no-close-notify") {
        return status::OK;
    }
    // SAFETY: the same contract.
    unsafe { (inner().shutdown)(s.inner.get(), wanted) }
}

unsafe extern "C" fn peer(own: Opaque, out: *mut Peer) -> i64 {
    // SAFETY: the same contract.
    let result = unsafe { (inner().peer)(session_of(own).inner.get(), out) };
    // SAFETY: the host's room.
    distort(unsafe { &mut *out });
    result
}

unsafe extern "C" fn reason(own: Opaque, why: *mut Complaint) -> i64 {
    if has("reason-wordless") || has("handshake-wordless") {
        return status::OK;
    }
    // SAFETY: the same contract.
    unsafe { (inner().reason)(session_of(own).inner.get(), why) }
}

unsafe extern "C" fn free(own: Opaque) {
    let s = session_of(own);
    if has("leaks-heap") {
        // SAFETY: any size may be asked for.
        std::hint::black_box(unsafe { libc::malloc(200) });
    }
    SESSIONS.fetch_sub(1, Ordering::SeqCst);
    if !s.shaken.get() {
        SHAKING.fetch_sub(1, Ordering::SeqCst);
    }
    // SAFETY: the same contract; `session` made it, and this is its last use.
    unsafe {
        (inner().free)(s.inner.get());
        drop(Box::from_raw(own.cast::<Session>()));
    }
}

unsafe extern "C" fn lower_read(own: Opaque, buf: *mut u8, len: usize, wanted: *mut u32) -> i64 {
    let s = session_of(own);
    // SAFETY: the stream below lives as long as the session.
    match unsafe { (s.lower.read)(s.lower.stream, buf, len, wanted) } {
        1 if len > 1 && has("needs-whole-records") => status::FAILED,
        status::CLOSED if has("waits-after-the-end") => wait(wanted, want::READ),
        status::FAILED if has("break-is-end") => status::CLOSED,
        other => other,
    }
}

unsafe extern "C" fn lower_write(own: Opaque, buf: *const u8, len: usize, wanted: *mut u32) -> i64 {
    let s = session_of(own);
    let mut bytes = Vec::new();
    if len > 0 {
        // SAFETY: the driver behind lends the bytes for the call.
        bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(buf, len) });
    }
    if let Some(kept) = &mut *s.kept.borrow_mut() {
        kept.extend(bytes);
        return len as i64;
    }
    // A record that is as long as it may be becomes longer.
    if has("long-records") && bytes.len() > 16_000 && bytes[0] == 23 {
        bytes[3..5].copy_from_slice(&[0x60, 0]);
    }
    // The first suite of the client's first flight becomes TLS_RSA_WITH_NULL_MD5.
    if has("offers-null") && !s.server && bytes.first() == Some(&22) && bytes.get(5) == Some(&1) {
        let suites = 9 + 2 + 32 + 1 + usize::from(bytes[43]) + 2;
        bytes[suites..suites + 2].copy_from_slice(&[0, 1]);
    }
    // SAFETY: the stream below lives as long as the session.
    unsafe { (s.lower.write)(s.lower.stream, bytes.as_ptr(), len, wanted) }
}

/// Passes on what was kept back, unless the call failed.
fn settle(s: &Session, result: i64) {
    let kept = s.kept.take().unwrap_or_default();
    if result == status::FAILED {
        return;
    }
    let mut rest = kept.as_slice();
    let mut wanted = 0;
    while !rest.is_empty() {
        // SAFETY: the stream below lives as long as the session.
        match unsafe { (s.lower.write)(s.lower.stream, rest.as_ptr(), rest.len(), &raw mut wanted) } {
            status::WOULD_BLOCK => std::thread::yield_now(),
            n if n > 0 => rest = &rest[n as usize..],
            _ => return,
        }
    }
}

/// What is told of a peer, with a fault in it.
fn distort(peer: &mut Peer) {
    if has("tells-one-certificate") {
        peer.n_chain = peer.n_chain.min(1);
    }
    if has("tells-no-client-certificate") && peer.server == 1 {
        peer.n_chain = 0;
    }
    if has("calls-it-ssl") && peer.protocol.len > 0 {
        peer.protocol = Bytes { ptr: b"SSLv3".as_ptr(), len: 5 };
    }
    if has("never-resumed") {
        peer.resumed = 0;
    }
}

fn session_of<'a>(own: Opaque) -> &'a Session {
    // SAFETY: `session` made it, and it lives until `free`.
    unsafe { &*own.cast::<Session>() }
}

fn wrong_thread(s: &Session) -> bool {
    let here = std::thread::current().id();
    let first = s.thread.get().unwrap_or(here);
    s.thread.set(Some(first));
    has("one-thread") && first != here
}

fn wait(wanted: *mut u32, what: u32) -> i64 {
    // SAFETY: the caller passes a number.
    unsafe { *wanted = what };
    status::WOULD_BLOCK
}

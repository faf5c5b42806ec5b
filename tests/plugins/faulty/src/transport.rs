//! Faults of transports, in front of ptcp. What the fault's name says is what goes wrong.

use faulty::{has, inner, module, note, sessions};
use std::ffi::c_void;
use sysloom_abi::manifest_flag::{TRANSPORT, UNWINDS};
use sysloom_abi::{
    Complaint, ConnectTo, Connected, DriverVt, Host, ListenAt, Listening, Manifest, Module, Opaque, Value,
    status, want,
};

#[unsafe(no_mangle)]
#[unsafe(link_section = ".sysloom_manifest")]
#[used]
#[allow(non_upper_case_globals)]
pub static sysloom_manifest__faulty: Manifest = faulty::manifest("faulty", TRANSPORT | UNWINDS);

/// The library's entry.
#[unsafe(no_mangle)]
pub extern "C" fn sysloom_entry__faulty(host: *const Host) -> *const Module {
    faulty::enter(host, "ptcp");
    module(
        "faulty",
        DriverVt {
            context,
            listen: Some(listen),
            accept: Some(accept),
            unlisten: Some(unlisten),
            connect: Some(connect),
            read,
            write,
            shutdown,
            free,
            ..*inner()
        },
    )
}

unsafe extern "C" fn context(
    host: *const Host,
    me: u64,
    role: u32,
    values: *const Value,
    n_values: usize,
    why: *mut Complaint,
) -> Opaque {
    // SAFETY: the host lends the values for the call.
    if unsafe { std::slice::from_raw_parts(values, n_values) }.iter().any(|value| value.s.len > 1000) {
        die();
    }
    if has("leaks-descriptor") {
        // SAFETY: standard error is open.
        unsafe { libc::dup(2) };
    }
    // SAFETY: the same contract, here and in all functions below.
    unsafe { (inner().context)(host, me, role, values, n_values, why) }
}

unsafe extern "C" fn listen(
    context: Opaque,
    at: *const ListenAt,
    out: *mut Listening,
    why: *mut Complaint,
) -> i64 {
    let listen = inner().listen.expect("a transport");
    // SAFETY: the host lends both structs for the call.
    let (at, out) = unsafe { (*at, &mut *out) };
    if at.address.len > 1000 {
        die();
    }
    // SAFETY: as above.
    let mut result = unsafe { listen(context, &raw const at, out, why) };
    if result == status::FAILED && has("grants-taken-port") {
        let elsewhere = ListenAt { port: sysloom_abi::Bytes { ptr: b"0".as_ptr(), len: 1 }, ..at };
        // SAFETY: as above.
        result = unsafe { listen(context, &raw const elsewhere, out, why) };
    }
    if result == status::OK && has("always-readable") {
        // SAFETY: it makes a descriptor.
        out.fds[out.n_fds as usize] = unsafe { libc::eventfd(1, libc::EFD_CLOEXEC) };
        out.n_fds += 1;
    }
    silence(result, "listen-wordless", why);
    result
}

unsafe extern "C" fn accept(listener: Opaque, fd: i32, out: *mut Connected, why: *mut Complaint) -> i64 {
    if has("few-sessions") && sessions().as_ref().is_some_and(|all| all.len() > 64) {
        return status::FAILED;
    }
    // SAFETY: the same contract.
    let result = unsafe { inner().accept.expect("a transport")(listener, fd, out, why) };
    // SAFETY: the host's room for the answer.
    let out = unsafe { &mut *out };
    match result {
        status::OK => made(out),
        status::WOULD_BLOCK if has("fails-when-nobody-waits") => return status::FAILED,
        // The descriptor that is none of the inner listener's.
        status::FAILED if has("always-readable") => return status::WOULD_BLOCK,
        _ => {}
    }
    result
}

unsafe extern "C" fn unlisten(listener: Opaque) {
    if !has("no-unlisten") {
        // SAFETY: the same contract.
        unsafe { inner().unlisten.expect("a transport")(listener) }
    }
}

unsafe extern "C" fn connect(
    context: Opaque,
    to: *const ConnectTo,
    out: *mut Connected,
    why: *mut Complaint,
) -> i64 {
    // SAFETY: the host lends it for the call.
    if unsafe { (*to).host.len } > 1000 {
        die();
    }
    // SAFETY: the same contract.
    let result = unsafe { inner().connect.expect("a transport")(context, to, out, why) };
    if result == status::OK {
        // SAFETY: the host's room for the answer.
        made(unsafe { &mut *out });
    }
    silence(result, "connect-wordless", why);
    match result {
        status::TIMED_OUT if has("timeout-is-failure") => status::FAILED,
        other => other,
    }
}

unsafe extern "C" fn read(session: Opaque, buf: *mut u8, len: usize, wanted: *mut u32) -> i64 {
    if wrong_thread(session) {
        return status::FAILED;
    }
    // SAFETY: the same contract.
    let again = || unsafe { (inner().read)(session, buf, len, wanted) };
    match again() {
        status::WOULD_BLOCK if has("read-wants-write") => {
            // SAFETY: the host's number.
            unsafe { *wanted = want::WRITE };
            status::WOULD_BLOCK
        }
        status::CLOSED if has("end-is-failure") => status::FAILED,
        status::FAILED if has("reset-is-end") => status::CLOSED,
        // The second byte takes the place of the first.
        1 if len == 1 && has("one-byte-buffer") && again() == 1 => 1,
        other => other,
    }
}

unsafe extern "C" fn write(session: Opaque, buf: *const u8, len: usize, wanted: *mut u32) -> i64 {
    if wrong_thread(session) {
        return status::FAILED;
    }
    let before = note(session, |note| note.written);
    if len == 0 && before == 0 && has("flush-fails-at-first") {
        return status::FAILED;
    }
    let mut copy = Vec::new();
    let mut from = buf;
    if has("seven-bits") && len > 0 {
        // SAFETY: the host lends the bytes for the call.
        copy.extend(unsafe { std::slice::from_raw_parts(buf, len) }.iter().map(|b| b & 0x7f));
        from = copy.as_ptr();
    }
    // SAFETY: the same contract.
    let taken = unsafe { (inner().write)(session, from, len, wanted) };
    if taken == status::WOULD_BLOCK && has("write-wants-read") {
        // SAFETY: the host's number.
        unsafe { *wanted = want::READ };
    }
    if taken <= 0 {
        return taken;
    }
    let all = note(session, |note| {
        note.written += taken as usize;
        note.written
    });
    match len as i64 > taken {
        // One byte more than was sent.
        true if has("counter-of-22-bits") && before >> 22 != all >> 22 => taken + 1,
        true if has("takes-more-than-it-sends") => len as i64,
        _ => taken,
    }
}

unsafe extern "C" fn shutdown(session: Opaque, wanted: *mut u32) -> i64 {
    if has("shuts-both-ways") {
        // SAFETY: a number.
        unsafe { libc::shutdown(note(session, |note| note.fd), libc::SHUT_RDWR) };
    }
    // SAFETY: the same contract.
    unsafe { (inner().shutdown)(session, wanted) }
}

unsafe extern "C" fn free(session: Opaque) {
    if has("stays-open") {
        // SAFETY: the session's descriptor is open.
        unsafe { libc::dup(note(session, |note| note.fd)) };
    }
    if has("leaks-heap") {
        // SAFETY: any size may be asked for.
        let lost: *mut c_void = unsafe { libc::malloc(200) };
        std::hint::black_box(lost);
    }
    sessions().get_or_insert_default().remove(&(session as usize));
    // SAFETY: the same contract.
    unsafe { (inner().free)(session) }
}

/// Where a buffer of a thousand bytes would overflow.
fn die() {
    if has("dies-of-long-texts") {
        std::process::abort();
    }
}

/// A new connection.
fn made(out: &mut Connected) {
    note(out.session, |note| note.fd = out.fd);
    if has("peer-with-port") {
        for byte in b":514" {
            out.peer[out.peer_len as usize] = *byte;
            out.peer_len += 1;
        }
    }
}

/// Takes the words of a failure back.
fn silence(result: i64, fault: &str, why: *mut Complaint) {
    if result < 0 && has(fault) {
        // SAFETY: the host passes a valid complaint.
        unsafe { (*why).len = 0 };
    }
}

fn wrong_thread(session: Opaque) -> bool {
    let here = std::thread::current().id();
    has("one-thread") && note(session, |note| *note.thread.get_or_insert(here) != here)
}

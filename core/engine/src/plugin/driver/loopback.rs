//! Drivers for unit tests, in the form in which plugins hand theirs over: a transport over the loopback interface, and
//! a layer whose handshake is one byte `H`, that encrypts nothing and ends its streams with a byte `E`.

use super::*;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::slice::{from_raw_parts, from_raw_parts_mut};
use sysloom_abi::{ConnectTo, Listening, Lower, Peer, Value};

/// The transport `ptcp`.
pub(crate) fn transport(host: &'static abi::Host) -> Arc<Driver> {
    let vt = Box::leak(Box::new(DriverVt {
        listen: Some(listen),
        accept: Some(accept),
        unlisten: Some(unlisten),
        connect: Some(connect),
        session: None,
        handshake: None,
        read: tcp_read,
        write: tcp_write,
        shutdown: tcp_shutdown,
        free: tcp_free,
        reason: no_reason,
        ..layer_vt()
    }));
    // SAFETY: the table is leaked and complete.
    Arc::new(unsafe { Driver::new(host, "ptcp", manifest_flag::TRANSPORT, vt) }.unwrap())
}

/// The layer `hello`, which claims to encrypt.
pub(crate) fn layer(host: &'static abi::Host) -> Arc<Driver> {
    let vt = Box::leak(Box::new(layer_vt()));
    let flags = manifest_flag::LAYER | manifest_flag::ENCRYPTS;
    // SAFETY: the table is leaked and complete.
    Arc::new(unsafe { Driver::new(host, "hello", flags, vt) }.unwrap())
}

/// The layer `liar`: as `hello`, but what it reports of its peer is not what it had judged.
pub(crate) fn liar(host: &'static abi::Host) -> Arc<Driver> {
    let vt = Box::leak(Box::new(DriverVt { peer: other_peer, ..layer_vt() }));
    let flags = manifest_flag::LAYER | manifest_flag::ENCRYPTS;
    // SAFETY: the table is leaked and complete.
    Arc::new(unsafe { Driver::new(host, "liar", flags, vt) }.unwrap())
}

unsafe extern "C" fn other_peer(_: Opaque, out: *mut Peer) -> i64 {
    // SAFETY: the caller's struct.
    let out = unsafe { &mut *out };
    peer_facts(out);
    out.chain = Box::leak(Box::new(borrow(b"somebody else's")));
    out.n_chain = 1;
    status::OK
}

/// A transport that breaks the ABI: it reports success and hands over nothing, reads 0 bytes and takes 0 bytes.
pub(crate) fn wrong(host: &'static abi::Host, what: &str) -> Arc<Driver> {
    let mut vt = *transport(host).vt;
    match what {
        "connect" => vt.connect = Some(connect_nothing),
        "listen" => vt.listen = Some(listen_nothing),
        "read" => vt.read = read_nothing,
        "write" => vt.write = write_nothing,
        other => panic!("nothing wrong is known of {other}"),
    }
    // SAFETY: the table is leaked and complete.
    Arc::new(
        unsafe { Driver::new(host, "wrong", manifest_flag::TRANSPORT, Box::leak(Box::new(vt))) }.unwrap(),
    )
}

unsafe extern "C" fn connect_nothing(
    _: Opaque,
    _: *const ConnectTo,
    _: *mut abi::Connected,
    _: *mut abi::Complaint,
) -> i64 {
    status::OK
}

unsafe extern "C" fn listen_nothing(
    _: Opaque,
    _: *const abi::ListenAt,
    _: *mut Listening,
    _: *mut abi::Complaint,
) -> i64 {
    status::OK
}

unsafe extern "C" fn read_nothing(_: Opaque, _: *mut u8, _: usize, _: *mut u32) -> i64 {
    0
}

unsafe extern "C" fn write_nothing(_: Opaque, _: *const u8, _: usize, _: *mut u32) -> i64 {
    0
}

fn layer_vt() -> DriverVt {
    DriverVt {
        size: size_of::<DriverVt>() as u32,
        reserved: 0,
        context,
        context_free,
        listen: None,
        accept: None,
        unlisten: None,
        connect: None,
        session: Some(session),
        handshake: Some(handshake),
        read,
        write,
        shutdown,
        peer,
        reason,
        free,
    }
}

struct Hello {
    host: *const abi::Host,
    conn: u64,
    lower: Lower,
    ended: bool,
}

unsafe extern "C" fn context(
    host: *const abi::Host,
    _: u64,
    _: u32,
    values: *const Value,
    n: usize,
    _: *mut abi::Complaint,
) -> Opaque {
    assert!(n == stream_param::COUNT && !values.is_null());
    Box::into_raw(Box::new(host)).cast()
}

unsafe extern "C" fn context_free(context: Opaque) {
    // SAFETY: `context` made it.
    drop(unsafe { Box::from_raw(context.cast::<*const abi::Host>()) });
}

unsafe extern "C" fn listen(
    _: Opaque,
    _: *const abi::ListenAt,
    out: *mut Listening,
    _: *mut abi::Complaint,
) -> i64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    // SAFETY: the caller's struct.
    let out = unsafe { &mut *out };
    out.port = listener.local_addr().unwrap().port().into();
    out.fds[0] = listener.as_raw_fd();
    out.n_fds = 1;
    out.listener = Box::into_raw(Box::new(listener)).cast();
    status::OK
}

unsafe extern "C" fn accept(
    listener: Opaque,
    fd: i32,
    out: *mut abi::Connected,
    _: *mut abi::Complaint,
) -> i64 {
    // SAFETY: `listen` made it.
    let listener = unsafe { &*listener.cast::<TcpListener>() };
    assert_eq!(fd, listener.as_raw_fd());
    match listener.accept() {
        // SAFETY: the caller's struct.
        Ok((stream, from)) => give(stream, from, unsafe { &mut *out }),
        Err(_) => status::WOULD_BLOCK,
    }
}

unsafe extern "C" fn unlisten(listener: Opaque) {
    // SAFETY: `listen` made it.
    drop(unsafe { Box::from_raw(listener.cast::<TcpListener>()) });
}

unsafe extern "C" fn connect(
    _: Opaque,
    to: *const ConnectTo,
    out: *mut abi::Connected,
    why: *mut abi::Complaint,
) -> i64 {
    // SAFETY: the caller's structs, borrowed for the call.
    let (to, out) = unsafe { (&*to, &mut *out) };
    // SAFETY: as above.
    let port = unsafe { from_raw_parts(to.port.ptr, to.port.len) };
    let port: u16 = std::str::from_utf8(port).unwrap().parse().unwrap();
    match TcpStream::connect(("127.0.0.1", port)) {
        Ok(stream) => {
            let peer = stream.peer_addr().unwrap();
            give(stream, peer, out)
        }
        Err(e) => {
            // SAFETY: the caller's complaint.
            unsafe { Fault::new(e.to_string()).write(why) };
            status::FAILED
        }
    }
}

fn give(stream: TcpStream, peer: std::net::SocketAddr, out: &mut abi::Connected) -> i64 {
    stream.set_nonblocking(true).unwrap();
    let text = peer.ip().to_string();
    out.peer[..text.len()].copy_from_slice(text.as_bytes());
    out.peer_len = text.len() as u32;
    out.peer_port = peer.port().into();
    out.fd = stream.as_raw_fd();
    out.session = Box::into_raw(Box::new(stream)).cast();
    status::OK
}

fn result(done: std::io::Result<usize>, wanted: u32, want: *mut u32) -> i64 {
    match done {
        Ok(n) => n as i64,
        Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
            // SAFETY: the caller's number.
            unsafe { *want = wanted };
            status::WOULD_BLOCK
        }
        Err(_) => status::FAILED,
    }
}

unsafe extern "C" fn tcp_read(session: Opaque, buf: *mut u8, len: usize, want: *mut u32) -> i64 {
    // SAFETY: `give` made it; the buffer is the caller's.
    let (stream, buf) = unsafe { (&mut *session.cast::<TcpStream>(), from_raw_parts_mut(buf, len)) };
    match result(stream.read(buf), want::READ, want) {
        0 => status::CLOSED,
        n => n,
    }
}

unsafe extern "C" fn tcp_write(session: Opaque, buf: *const u8, len: usize, want: *mut u32) -> i64 {
    // SAFETY: as in `tcp_read`.
    let (stream, buf) = unsafe { (&mut *session.cast::<TcpStream>(), from_raw_parts(buf, len)) };
    result(stream.write(buf), want::WRITE, want)
}

unsafe extern "C" fn tcp_shutdown(session: Opaque, _: *mut u32) -> i64 {
    // SAFETY: `give` made it.
    let _ = unsafe { &*session.cast::<TcpStream>() }.shutdown(Shutdown::Write);
    status::OK
}

unsafe extern "C" fn tcp_free(session: Opaque) {
    // SAFETY: `give` made it.
    drop(unsafe { Box::from_raw(session.cast::<TcpStream>()) });
}

unsafe extern "C" fn session(
    context: Opaque,
    server: u32,
    lower: *const Lower,
    _: Bytes,
    conn: u64,
    _: *mut abi::Complaint,
) -> Opaque {
    // SAFETY: `context` made it; `lower` is borrowed for the call.
    let (host, lower) = unsafe { (*context.cast::<*const abi::Host>(), *lower) };
    let mut hello = Hello { host, conn, lower, ended: false };
    if server == 0 {
        let mut want = 0;
        // SAFETY: the lower stream lives as long as the session.
        assert_eq!(unsafe { (lower.write)(lower.stream, b"H".as_ptr(), 1, &mut want) }, 1);
        hello.ended = false;
    }
    Box::into_raw(Box::new(hello)).cast()
}

unsafe extern "C" fn handshake(session: Opaque, want: *mut u32, why: *mut abi::Complaint) -> i64 {
    // SAFETY: `session` made it.
    let hello = unsafe { &mut *session.cast::<Hello>() };
    let mut byte = 0;
    // SAFETY: the lower stream lives as long as the session.
    match unsafe { (hello.lower.read)(hello.lower.stream, &mut byte, 1, want) } {
        1 => {}
        other => return other,
    }
    if byte != b'H' {
        // SAFETY: the caller's complaint.
        unsafe { Fault::new("no H").write(why) };
        return status::FAILED;
    }
    let mut facts = no_peer();
    peer_facts(&mut facts);
    // SAFETY: the host's table is static, the facts are ours.
    unsafe { ((*hello.host).verdict)((*hello.host).h, hello.conn, &facts, why) }
}

unsafe extern "C" fn read(session: Opaque, buf: *mut u8, len: usize, want: *mut u32) -> i64 {
    // SAFETY: `session` made it.
    let hello = unsafe { &mut *session.cast::<Hello>() };
    if hello.ended {
        return status::CLOSED;
    }
    // SAFETY: the lower stream lives as long as the session; the buffer is the caller's.
    let n = unsafe { (hello.lower.read)(hello.lower.stream, buf, len, want) };
    let Some(last) = usize::try_from(n).ok().and_then(|n| n.checked_sub(1)) else { return n };
    // SAFETY: `n` bytes have been written.
    hello.ended = unsafe { *buf.add(last) } == b'E';
    match n - i64::from(hello.ended) {
        0 => status::CLOSED,
        n => n,
    }
}

unsafe extern "C" fn write(session: Opaque, buf: *const u8, len: usize, want: *mut u32) -> i64 {
    // SAFETY: `session` made it.
    let lower = unsafe { &*session.cast::<Hello>() }.lower;
    // SAFETY: as in `read`.
    if len == 0 { status::OK } else { unsafe { (lower.write)(lower.stream, buf, len, want) } }
}

unsafe extern "C" fn shutdown(session: Opaque, want: *mut u32) -> i64 {
    // SAFETY: `session` made it.
    let lower = unsafe { &*session.cast::<Hello>() }.lower;
    // SAFETY: as in `read`. A peer that is gone needs no end.
    unsafe { (lower.write)(lower.stream, b"E".as_ptr(), 1, want) };
    status::OK
}

fn no_peer() -> Peer {
    let none = borrow(b"");
    Peer {
        size: size_of::<Peer>() as u32,
        resumed: 0,
        server: 0,
        reserved: 0,
        chain: ptr::null(),
        n_chain: 0,
        staple: none,
        server_name: none,
        protocol: none,
        cipher: none,
        group: none,
    }
}

fn peer_facts(out: &mut Peer) {
    out.protocol = borrow(b"HELLO");
}

unsafe extern "C" fn peer(_: Opaque, out: *mut Peer) -> i64 {
    // SAFETY: the caller's struct.
    peer_facts(unsafe { &mut *out });
    status::OK
}

unsafe extern "C" fn reason(_: Opaque, why: *mut abi::Complaint) -> i64 {
    // SAFETY: the caller's complaint.
    unsafe { Fault::new("the test says so").write(why) };
    status::OK
}

unsafe extern "C" fn no_reason(_: Opaque, _: *mut abi::Complaint) -> i64 {
    status::OK
}

unsafe extern "C" fn free(session: Opaque) {
    // SAFETY: `session` made it.
    drop(unsafe { Box::from_raw(session.cast::<Hello>()) });
}

//! The host's functions for [`super::TestHost`]: raw arguments in, what the test may ask for out.

use super::{Inner, Line, Submitted};
use crate::Level;
use crate::values::slice;
use std::io::{ErrorKind, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use sysloom_abi::{
    Bytes, Complaint, ConnectSpec, Frame, Host, Kv, ListenSpec, Opaque, Peer, Stat, StatsVisitor, StreamCb,
    counter_flag, frame_flag, stats_flag, status, submit_flag,
};

pub fn table(inner: &'static Inner) -> Host {
    Host {
        size: size_of::<Host>() as u32,
        abi_minor: sysloom_abi::ABI_MINOR.into(),
        h: std::ptr::from_ref(inner).cast_mut().cast(),
        log_level: inner.log_level.as_ptr(),
        log,
        counter,
        peer_intern,
        submit,
        stream_listen,
        stream_reply,
        stream_connect,
        stream_write,
        stream_alive,
        stream_close,
        verdict,
        message_property,
        counter_of,
        stats_walk,
        control,
        setting,
        submit_to,
        property,
        message_get: super::message::message_get,
        message_set: super::message::message_set,
        message_unset: super::message::message_unset,
    }
}

/// # Safety
/// `h` is that of [`table`].
unsafe fn inner(h: Opaque) -> &'static Inner {
    // SAFETY: the caller's promise; what `table` was given is never freed.
    unsafe { &*h.cast_const().cast::<Inner>() }
}

/// # Safety
/// The bytes live for the call that `'a` stands for.
unsafe fn text<'a>(bytes: Bytes) -> std::borrow::Cow<'a, str> {
    // SAFETY: the caller's promise.
    String::from_utf8_lossy(unsafe { slice(bytes.ptr, bytes.len) })
}

unsafe extern "C" fn log(h: Opaque, _: u64, level: u32, code: i32, words: Bytes, _: *const Kv, _: usize) {
    // SAFETY: the sdk's `Host` calls with arguments as the ABI wants them.
    let (inner, text) = unsafe { (inner(h), text(words).into_owned()) };
    let levels = [Level::Critical, Level::Error, Level::Warning, Level::Notice, Level::Info, Level::Debug];
    let level = levels.into_iter().find(|l| *l as u32 == level).unwrap_or(Level::Trace);
    inner.lock().lines.push(Line { level, code, text });
    inner.changed.notify_all();
}

unsafe extern "C" fn counter(h: Opaque, _: u64, name: Bytes) -> *const u64 {
    // SAFETY: as in `log`.
    let (inner, name) = unsafe { (inner(h), text(name).into_owned()) };
    let mut seen = inner.lock();
    seen.counters.entry(name).or_insert_with(|| Box::leak(Box::new(AtomicU64::new(0)))).as_ptr()
}

unsafe extern "C" fn peer_intern(h: Opaque, ip: Bytes, host: Bytes, port: u32) -> u32 {
    // SAFETY: as in `log`.
    let (inner, ip, host) = unsafe { (inner(h), text(ip).into_owned(), text(host).into_owned()) };
    let mut seen = inner.lock();
    seen.peers.push((ip, host, port));
    seen.peers.len() as u32
}

/// The text that stands behind a message with `frame_flag::VARIABLES`.
fn variables(flags: u32, behind: &[u8]) -> Option<String> {
    let (len, rest) = behind.split_first_chunk().filter(|_| flags & frame_flag::VARIABLES != 0)?;
    let text = rest.get(..u32::from_le_bytes(*len) as usize)?;
    Some(String::from_utf8_lossy(text).into_owned())
}

unsafe extern "C" fn submit(
    h: Opaque,
    _: u64,
    block: Bytes,
    frames: *const Frame,
    n_frames: usize,
    flags: u32,
) -> i64 {
    // SAFETY: as in `log`.
    let (inner, block, frames) = unsafe { (inner(h), slice(block.ptr, block.len), slice(frames, n_frames)) };
    if inner.closed.load(Ordering::SeqCst) {
        return status::FAILED;
    }
    let mut seen = inner.lock();
    for frame in frames {
        let off = frame.off as usize;
        let Some(message) = block.get(off..off + frame.len as usize) else { return status::INVALID };
        let Frame { peer, flags, received_ns, .. } = *frame;
        let behind = block.get(off + frame.len as usize..).unwrap_or_default();
        let variables = variables(flags, behind);
        seen.submitted.push(Submitted { message: message.to_vec(), peer, flags, received_ns, variables });
    }
    seen.calls += 1;
    seen.flushes += usize::from(flags & submit_flag::FLUSH != 0);
    seen.last_flags = flags;
    inner.changed.notify_all();
    n_frames as i64
}

unsafe extern "C" fn stream_listen(
    _: Opaque,
    _: u64,
    _: Opaque,
    _: *const ListenSpec,
    _: *const StreamCb,
    why: *mut Complaint,
) -> i64 {
    // SAFETY: as in `log`.
    unsafe { complain(why, "a test host does not listen: call open, data and close of the input") }
}

unsafe extern "C" fn stream_reply(h: Opaque, conn: u64, reply: Bytes) -> i64 {
    // SAFETY: as in `log`.
    let (inner, reply) = unsafe { (inner(h), slice(reply.ptr, reply.len)) };
    inner.lock().replies.push((conn, reply.to_vec()));
    inner.changed.notify_all();
    reply.len() as i64
}

unsafe extern "C" fn stream_connect(h: Opaque, _: u64, to: *const ConnectSpec, why: *mut Complaint) -> i64 {
    // SAFETY: as in `log`.
    let (inner, to) = unsafe { (inner(h), &*to) };
    // SAFETY: as in `log`.
    let (host, port) = unsafe { (text(to.host), text(to.port)) };
    match connect(&host, &port) {
        Ok(stream) => {
            let mut seen = inner.lock();
            seen.next_stream += 1;
            let id = seen.next_stream;
            seen.streams.insert(id, stream);
            id
        }
        // SAFETY: as in `log`.
        Err(e) => unsafe { complain(why, &crate::Complaint::from(e).text) },
    }
}

fn connect(host: &str, port: &str) -> std::io::Result<TcpStream> {
    let port = port.parse::<u16>().map_err(|_| std::io::Error::from(ErrorKind::InvalidInput))?;
    let mut failure = ErrorKind::NotFound.into();
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect(address) {
            Ok(stream) => return Ok(stream),
            Err(e) => failure = e,
        }
    }
    Err(failure)
}

unsafe extern "C" fn stream_write(
    h: Opaque,
    stream: i64,
    bytes: Bytes,
    timeout_ms: u32,
    written: *mut usize,
    why: *mut Complaint,
) -> i64 {
    // SAFETY: as in `log`.
    let (inner, bytes, written) = unsafe { (inner(h), slice(bytes.ptr, bytes.len), &mut *written) };
    let Some(mut stream) = inner.lock().streams.get(&stream).and_then(|s| s.try_clone().ok()) else {
        return status::INVALID;
    };
    if !is_open(&stream) {
        return status::CLOSED;
    }
    // Zero is no time-out that a socket can have.
    let _ = stream.set_write_timeout(Some(Duration::from_millis(u64::from(timeout_ms).max(1))));
    while let Some(rest) = bytes.get(*written..).filter(|rest| !rest.is_empty()) {
        match stream.write(rest) {
            Ok(n) => *written += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => return status::TIMED_OUT,
            // SAFETY: as in `log`.
            Err(e) => return unsafe { complain(why, &crate::Complaint::from(e).text) },
        }
    }
    status::OK
}

unsafe extern "C" fn stream_alive(h: Opaque, stream: i64) -> i64 {
    // SAFETY: as in `log`.
    let inner = unsafe { inner(h) };
    inner.lock().streams.get(&stream).is_some_and(is_open).into()
}

/// Whether the peer has not closed the stream.
fn is_open(stream: &TcpStream) -> bool {
    let _ = stream.set_nonblocking(true);
    let open = match stream.peek(&mut [0]) {
        Ok(count) => count > 0,
        Err(e) => e.kind() == ErrorKind::WouldBlock,
    };
    let _ = stream.set_nonblocking(false);
    open
}

unsafe extern "C" fn stream_close(h: Opaque, stream: i64) {
    // SAFETY: as in `log`.
    let inner = unsafe { inner(h) };
    inner.lock().streams.remove(&stream);
}

unsafe extern "C" fn verdict(h: Opaque, _: u64, _: *const Peer, why: *mut Complaint) -> i64 {
    // SAFETY: as in `log`.
    let inner = unsafe { inner(h) };
    let Some(refusal) = inner.lock().refusal.clone() else { return status::OK };
    // SAFETY: as in `log`.
    unsafe { refusal.write(&[], why) };
    status::REFUSED
}

unsafe extern "C" fn message_property(h: Opaque, message: u64, name: Bytes, out: *mut u8, cap: usize) -> i64 {
    // SAFETY: as in `log`.
    let (inner, name) = unsafe { (inner(h), text(name).to_ascii_lowercase()) };
    let Some(value) = inner.lock().properties.get(&(message, name)).cloned() else { return status::INVALID };
    // SAFETY: the sdk lends `cap` bytes.
    unsafe { std::ptr::copy_nonoverlapping(value.as_ptr(), out, value.len().min(cap)) };
    value.len() as i64
}

unsafe extern "C" fn counter_of(
    h: Opaque,
    _: u64,
    origin: Bytes,
    object: Bytes,
    name: Bytes,
    flags: u32,
) -> *const u64 {
    // SAFETY: as in `log`.
    let (inner, [origin, object, name]) =
        unsafe { (inner(h), [origin, object, name].map(|t| text(t).into_owned())) };
    let mut seen = inner.lock();
    let at = seen.objects.iter().position(|o| o.0 == origin && o.1 == object && o.2 == name);
    let at = at.unwrap_or_else(|| {
        let cell: &'static AtomicU64 = Box::leak(Box::new(AtomicU64::new(0)));
        let place = if flags & counter_flag::FIRST != 0 { 0 } else { seen.objects.len() };
        seen.objects.insert(place, (origin, object, name, cell, flags));
        place
    });
    seen.objects[at].3.as_ptr()
}

unsafe extern "C" fn stats_walk(h: Opaque, _: u64, flags: u32, visitor: *const StatsVisitor) -> i64 {
    // SAFETY: as in `log`.
    let (inner, visitor) = unsafe { (inner(h), &*visitor) };
    let objects = inner.lock().objects.clone();
    for (origin, object, name, cell, own) in &objects {
        let reset = flags & stats_flag::RESET != 0 && own & counter_flag::LEVEL == 0;
        let value = if reset { cell.swap(0, Ordering::Relaxed) } else { cell.load(Ordering::Relaxed) };
        let [origin, object, name] = [origin, object, name].map(|text| crate::host::borrow(text.as_bytes()));
        let stat = Stat { size: size_of::<Stat>() as u32, reserved: 0, origin, object, name, value };
        // SAFETY: the plugin's own function, called during its call.
        unsafe { (visitor.visit)(visitor.ctx, &stat) };
    }
    // SAFETY: as above.
    unsafe { (visitor.visit)(visitor.ctx, std::ptr::null()) };
    status::OK
}

unsafe extern "C" fn control(h: Opaque, _: u64, command: Bytes, argument: Bytes, why: *mut Complaint) -> i64 {
    // SAFETY: as in `log`.
    let (inner, command, argument) =
        unsafe { (inner(h), text(command).into_owned(), text(argument).into_owned()) };
    let mut seen = inner.lock();
    let answer = seen.answers.get_mut(&command).map(|answers| match answers.len() {
        0 | 1 => answers.front().copied().unwrap_or(0),
        _ => answers.pop_front().unwrap_or(0),
    });
    seen.commands.push((command, argument));
    // SAFETY: as in `log`.
    answer.unwrap_or_else(|| unsafe { complain(why, "the test has no answer to this command") })
}

unsafe extern "C" fn setting(h: Opaque, name: Bytes, out: *mut u8, cap: usize) -> i64 {
    // SAFETY: as in `log`.
    let (inner, name) = unsafe { (inner(h), text(name).to_ascii_lowercase()) };
    let Some(value) = inner.lock().settings.get(&name).cloned() else { return status::INVALID };
    // SAFETY: the sdk lends `cap` bytes.
    unsafe { std::ptr::copy_nonoverlapping(value.as_ptr(), out, value.len().min(cap)) };
    value.len() as i64
}

unsafe extern "C" fn submit_to(
    h: Opaque,
    me: u64,
    ruleset: Bytes,
    block: Bytes,
    frames: *const Frame,
    n_frames: usize,
    flags: u32,
) -> i64 {
    // SAFETY: as in `log`.
    let (inner, ruleset) = unsafe { (self::inner(h), text(ruleset).into_owned()) };
    inner.lock().rulesets.push(ruleset);
    // SAFETY: the same arguments.
    unsafe { submit(h, me, block, frames, n_frames, flags) }
}

unsafe extern "C" fn property(h: Opaque, name: Bytes) -> i64 {
    // SAFETY: as in `log`.
    let (inner, name) = unsafe { (inner(h), text(name).to_ascii_lowercase()) };
    let mut seen = inner.lock();
    let at = seen.names.iter().position(|known| *known == name).unwrap_or_else(|| {
        seen.names.push(name);
        seen.names.len() - 1
    });
    at as i64
}

/// # Safety
/// `why` is null or valid as its fields say.
unsafe fn complain(why: *mut Complaint, words: &str) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { crate::Complaint::new(words).write(&[], why) };
    status::FAILED
}

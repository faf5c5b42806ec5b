//! The host's table: each function turns raw arguments into safe ones and calls the engine's [`Services`]. A plugin's
//! wrong arguments become a status; a panic of the engine does not pass through a plugin.

use super::link::Link;
use super::raw::{borrow, bytes, sized, slice, text};
use super::subject;
use super::watch;
use super::{ConnectRequest, Fault, ListenRequest, PeerFacts, Services, StreamSink};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use sysloom_abi::{
    self as abi, Bytes, ConnectSpec, Frame, Kv, ListenSpec, Opaque, StatsVisitor, StreamCb, listen_flag,
    status,
};

/// A host for plugins. Lives as long as the process, since libraries are never unloaded.
pub struct Host {
    table: abi::Host,
    shared: &'static Shared,
}

// SAFETY: the table never changes, and its functions may be called from any thread.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

/// What the functions find behind `h`.
pub(super) struct Shared {
    pub(super) services: Arc<dyn Services>,
    links: Mutex<HashMap<u64, Weak<Link>>>,
}

impl Shared {
    pub(super) fn links(&self) -> MutexGuard<'_, HashMap<u64, Weak<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host {
    /// Makes a host; one is enough for a daemon.
    pub fn new(services: Arc<dyn Services>) -> &'static Host {
        let shared: &'static Shared = Box::leak(Box::new(Shared { services, links: Mutex::default() }));
        let table = abi::Host {
            size: size_of::<abi::Host>() as u32,
            abi_minor: abi::ABI_MINOR.into(),
            h: std::ptr::from_ref(shared).cast_mut().cast(),
            log_level: shared.services.log_level().as_ptr(),
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
            message_get,
            message_set,
            message_unset,
        };
        Box::leak(Box::new(Host { table, shared }))
    }

    /// The table that plugins get.
    pub fn table(&self) -> &abi::Host {
        &self.table
    }

    pub(super) fn shared(&self) -> &'static Shared {
        self.shared
    }
}

/// Runs a service. A panic ends here: it must not unwind into a plugin.
fn serve<R>(h: Opaque, otherwise: R, service: impl FnOnce(&'static Shared) -> R) -> R {
    // SAFETY: `h` is what `Host::new` put into the table.
    let shared: &'static Shared = unsafe { &*h.cast::<Shared>() };
    let _pause = watch::pause();
    catch_unwind(AssertUnwindSafe(|| service(shared))).unwrap_or(otherwise)
}

unsafe extern "C" fn log(
    h: Opaque,
    me: u64,
    level: u32,
    code: i32,
    words: Bytes,
    kv: *const Kv,
    n_kv: usize,
) {
    serve(h, (), |shared| {
        // SAFETY: the plugin lends everything for the call.
        let (words, pairs) = unsafe {
            let pair = |kv: &Kv| (text(kv.key), text(kv.value));
            (text(words), slice(kv, n_kv).iter().map(pair).collect::<Vec<_>>())
        };
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        shared.services.log(me, level, code, &words, &pairs);
    });
}

unsafe extern "C" fn counter(h: Opaque, me: u64, name: Bytes) -> *const u64 {
    serve(h, std::ptr::null(), |shared| {
        // SAFETY: the plugin lends the name for the call.
        let name = unsafe { text(name) };
        let counter: &'static AtomicU64 = shared.services.counter(me, &name);
        counter.as_ptr()
    })
}

unsafe extern "C" fn peer_intern(h: Opaque, ip: Bytes, host: Bytes, port: u32) -> u32 {
    serve(h, 0, |shared| {
        // SAFETY: the plugin lends the texts for the call.
        let (ip, host) = unsafe { (bytes(ip), bytes(host)) };
        let (ip, host) = (String::from_utf8_lossy(ip), String::from_utf8_lossy(host));
        shared.services.intern(&ip, &host, u16::try_from(port).unwrap_or(0))
    })
}

unsafe extern "C" fn submit(
    h: Opaque,
    me: u64,
    block: Bytes,
    frames: *const Frame,
    n_frames: usize,
    flags: u32,
) -> i64 {
    serve(h, status::FAILED, |shared| {
        // SAFETY: the plugin lends block and frames for the call.
        let (block, frames) = unsafe { (bytes(block), slice(frames, n_frames)) };
        let fits = |f: &Frame| u64::from(f.off) + u64::from(f.len) <= block.len() as u64;
        if !frames.iter().all(fits) {
            return status::INVALID;
        }
        shared.services.submit(me, block, frames, flags)
    })
}

unsafe extern "C" fn stream_listen(
    h: Opaque,
    me: u64,
    instance: Opaque,
    spec: *const ListenSpec,
    cb: *const StreamCb,
    why: *mut abi::Complaint,
) -> i64 {
    serve(h, status::FAILED, |shared| {
        // SAFETY: the plugin lends `spec` and `cb` for the call; both start with their size.
        let (spec, cb) = unsafe { (sized(spec, LISTEN_LEAST), sized(cb, super::least::STREAM_CB)) };
        let (Some(spec), Some(cb)) = (spec, cb) else { return status::INVALID };
        // SAFETY: the texts are lent for the call.
        let request = unsafe { listen_request(&spec) };
        let link = shared.links().get(&me).and_then(Weak::upgrade);
        // SAFETY: both came with this call, and a plugin listens with its own id.
        let Some(sink) = link.and_then(|link| unsafe { StreamSink::new(instance, cb, link) }) else {
            let fault = Fault::new("only an instance that is ready can listen");
            // SAFETY: the plugin passes a valid `why`, or none.
            return unsafe { failed(&fault, why, status::INVALID) };
        };
        match shared.services.listen(me, sink, &request) {
            Ok(port) => port.into(),
            // SAFETY: the plugin passes a valid `why`, or none.
            Err(fault) => unsafe { failed(&fault, why, status::FAILED) },
        }
    })
}

unsafe extern "C" fn stream_reply(h: Opaque, conn: u64, reply: Bytes) -> i64 {
    serve(h, status::FAILED, |shared| {
        // SAFETY: the plugin lends the bytes for the call.
        let reply = unsafe { bytes(reply) };
        match shared.services.reply(conn, reply) {
            Ok(()) => reply.len() as i64,
            Err(_) => status::FAILED,
        }
    })
}

unsafe extern "C" fn stream_connect(
    h: Opaque,
    me: u64,
    spec: *const ConnectSpec,
    why: *mut abi::Complaint,
) -> i64 {
    serve(h, status::FAILED, |shared| {
        // SAFETY: the plugin lends `spec` for the call; it starts with its size.
        let Some(spec) = (unsafe { sized(spec, CONNECT_LEAST) }) else { return status::INVALID };
        // SAFETY: the texts are lent for the call.
        let request = unsafe { connect_request(&spec) };
        match shared.services.connect(me, &request) {
            Ok(stream) => stream,
            // SAFETY: the plugin passes a valid `why`, or none.
            Err((status, fault)) => unsafe { failed(&fault, why, status) },
        }
    })
}

unsafe extern "C" fn stream_write(
    h: Opaque,
    stream: i64,
    block: Bytes,
    timeout_ms: u32,
    written: *mut usize,
    why: *mut abi::Complaint,
) -> i64 {
    serve(h, status::FAILED, |shared| {
        // SAFETY: the plugin lends the bytes for the call.
        let block = unsafe { bytes(block) };
        let timeout = Duration::from_millis(timeout_ms.into());
        let (status, taken) = match shared.services.write(stream, block, timeout) {
            Ok(()) => (status::OK, block.len()),
            // SAFETY: the plugin passes a valid `why`, or none.
            Err((status, taken, fault)) => (unsafe { failed(&fault, why, status) }, taken),
        };
        // SAFETY: the plugin passes a valid place, or none.
        if let Some(written) = unsafe { written.as_mut() } {
            *written = taken;
        }
        status
    })
}

unsafe extern "C" fn stream_alive(h: Opaque, stream: i64) -> i64 {
    serve(h, 0, |shared| shared.services.alive(stream).into())
}

unsafe extern "C" fn stream_close(h: Opaque, stream: i64) {
    serve(h, (), |shared| shared.services.close(stream));
}

unsafe extern "C" fn verdict(h: Opaque, conn: u64, peer: *const abi::Peer, why: *mut abi::Complaint) -> i64 {
    serve(h, status::REFUSED, |shared| {
        // SAFETY: the driver lends `peer` for the call; it starts with its size.
        let Some(peer) = (unsafe { sized(peer, size_of::<abi::Peer>()) }) else {
            return status::REFUSED;
        };
        // SAFETY: what it points at is lent for the call.
        let facts = unsafe { PeerFacts::from_abi(&peer) };
        match shared.services.verdict(conn, &facts) {
            Ok(()) => status::OK,
            // SAFETY: the driver passes a valid `why`, or none.
            Err(fault) => unsafe { failed(&fault, why, status::REFUSED) },
        }
    })
}

unsafe extern "C" fn message_property(h: Opaque, message: u64, name: Bytes, out: *mut u8, cap: usize) -> i64 {
    serve(h, status::INVALID, |shared| {
        // SAFETY: the plugin lends the name for the call.
        let Ok(name) = std::str::from_utf8(unsafe { bytes(name) }) else { return status::INVALID };
        if out.is_null() || cap == 0 {
            return shared.services.property(message, name, &mut []);
        }
        // SAFETY: the plugin lends `cap` bytes, which are written before they are read: zero them first, since they
        // may never have been written to.
        let out = unsafe {
            out.write_bytes(0, cap);
            std::slice::from_raw_parts_mut(out, cap)
        };
        shared.services.property(message, name, out)
    })
}

unsafe extern "C" fn counter_of(
    h: Opaque,
    me: u64,
    origin: Bytes,
    object: Bytes,
    name: Bytes,
    flags: u32,
) -> *const u64 {
    serve(h, std::ptr::null(), |shared| {
        // SAFETY: the plugin lends the texts for the call.
        let [origin, object, name] = [origin, object, name].map(|t| unsafe { text(t) });
        shared.services.counter_of(me, &origin, &object, &name, flags).as_ptr()
    })
}

unsafe extern "C" fn stats_walk(h: Opaque, _me: u64, flags: u32, visitor: *const StatsVisitor) -> i64 {
    serve(h, status::FAILED, |shared| {
        // SAFETY: the plugin lends `visitor` for the call; it starts with its size.
        let Some(visitor) = (unsafe { sized(visitor, size_of::<StatsVisitor>()) }) else {
            return status::INVALID;
        };
        shared.services.walk(flags, &mut |stat| {
            let stat = stat.map(|stat| abi::Stat {
                size: size_of::<abi::Stat>() as u32,
                reserved: 0,
                origin: borrow(stat.origin.as_bytes()),
                object: borrow(stat.object.as_bytes()),
                name: borrow(stat.name.as_bytes()),
                value: stat.value,
            });
            let stat = stat.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
            // SAFETY: the plugin's function and context, for the length of its own call; the texts outlive it.
            unsafe { (visitor.visit)(visitor.ctx, stat) }
        });
        status::OK
    })
}

unsafe extern "C" fn control(
    h: Opaque,
    me: u64,
    command: Bytes,
    argument: Bytes,
    why: *mut abi::Complaint,
) -> i64 {
    serve(h, status::FAILED, |shared| {
        // SAFETY: the plugin lends the texts for the call.
        let (command, argument) = unsafe { (text(command), text(argument)) };
        match shared.services.control(me, &command, &argument) {
            Ok(number) => number.max(0),
            // SAFETY: the plugin passes a valid `why`, or none.
            Err(fault) => unsafe { failed(&fault, why, status::FAILED) },
        }
    })
}

unsafe extern "C" fn setting(h: Opaque, name: Bytes, out: *mut u8, cap: usize) -> i64 {
    serve(h, status::INVALID, |shared| {
        // SAFETY: the plugin lends the name for the call.
        let name = unsafe { text(name) };
        let Some(value) = shared.services.setting(&name) else { return status::INVALID };
        let n = if out.is_null() { 0 } else { value.len().min(cap) };
        if n > 0 {
            // SAFETY: the plugin lends `cap` bytes, and `n` is not more.
            unsafe { std::ptr::copy_nonoverlapping(value.as_ptr(), out, n) };
        }
        value.len() as i64
    })
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
    serve(h, status::FAILED, |shared| {
        // SAFETY: the plugin lends everything for the call.
        let (ruleset, block, frames) = unsafe { (text(ruleset), bytes(block), slice(frames, n_frames)) };
        let fits = |f: &Frame| u64::from(f.off) + u64::from(f.len) <= block.len() as u64;
        if !frames.iter().all(fits) {
            return status::INVALID;
        }
        shared.services.submit_to(me, &ruleset, block, frames, flags)
    })
}

unsafe extern "C" fn property(h: Opaque, name: Bytes) -> i64 {
    serve(h, status::INVALID, |shared| {
        // SAFETY: the plugin lends the name for the call.
        shared.services.find_property(&unsafe { text(name) })
    })
}

unsafe extern "C" fn message_get(h: Opaque, message: Opaque, property: i64, out: *mut Bytes) -> i64 {
    // SAFETY: the plugin passes the handle of the call that it is in, and room for the answer.
    serve(h, status::INVALID, |_| unsafe { subject::get(message, property, out) })
}

unsafe extern "C" fn message_set(h: Opaque, message: Opaque, property: i64, form: u32, value: Bytes) -> i64 {
    // SAFETY: the plugin passes the handle of the call that it is in, and lends the value for this one.
    serve(h, status::INVALID, |_| unsafe { subject::set(message, property, form, value) })
}

unsafe extern "C" fn message_unset(h: Opaque, message: Opaque, property: i64) -> i64 {
    // SAFETY: the plugin passes the handle of the call that it is in.
    serve(h, status::INVALID, |_| unsafe { subject::unset(message, property) })
}

/// # Safety
/// The texts are valid during the call.
unsafe fn listen_request(spec: &ListenSpec) -> ListenRequest {
    // SAFETY: the caller's promise.
    let [address, port, port_file, name, allowed] =
        [spec.address, spec.port, spec.port_file, spec.name, spec.allowed].map(|t| unsafe { text(t) });
    ListenRequest {
        address,
        port,
        port_file,
        name,
        max_sessions: spec.max_sessions,
        backlog: spec.backlog,
        max_reads: spec.max_reads,
        threads: spec.threads,
        keep_alive: spec.keep_alive != 0,
        keep_alive_probes: spec.keep_alive_probes,
        keep_alive_time: spec.keep_alive_time,
        keep_alive_interval: spec.keep_alive_interval,
        notify_open: spec.flags & listen_flag::NOTIFY_OPEN != 0,
        notify_close: spec.flags & listen_flag::NOTIFY_CLOSE != 0,
        allowed,
    }
}

/// # Safety
/// The texts are valid during the call.
unsafe fn connect_request(spec: &ConnectSpec) -> ConnectRequest {
    // SAFETY: the caller's promise.
    let [host, port, local, device] =
        [spec.host, spec.port, spec.local, spec.device].map(|t| unsafe { text(t) });
    ConnectRequest {
        host,
        port,
        local,
        device,
        timeout: Duration::from_millis(spec.timeout_ms.into()),
        keep_alive: spec.keep_alive != 0,
        keep_alive_probes: spec.keep_alive_probes,
        keep_alive_time: spec.keep_alive_time,
        keep_alive_interval: spec.keep_alive_interval,
        user_timeout: Duration::from_millis(spec.user_timeout_ms.into()),
    }
}

/// # Safety
/// `why` is null, or valid as its fields say.
unsafe fn failed(fault: &Fault, why: *mut abi::Complaint, status: i64) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { fault.write(why) };
    status
}

/// Sizes of the first version of the ABI.
const LISTEN_LEAST: usize = std::mem::offset_of!(ListenSpec, allowed);
const CONNECT_LEAST: usize = size_of::<ConnectSpec>();

//! The table of an input, and the callbacks of its streams.

use super::guard::{guard, guard_why, told};
use super::instance::{Instance, release, settle};
use crate::host::fixed;
use crate::values::slice;
use crate::{Accepted, Complaint, End, Host, Input, Level, Params, Reading, StreamInput, Values};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::os::fd::BorrowedFd;
use std::ptr::null_mut;
use sysloom_abi::{self as abi, Bytes, Iface, InputVt, Opaque, StreamCb, iface_flag, kind, status};

/// Makes an input's interface.
pub struct InputGlue<I>(PhantomData<I>);

impl<I: Input> InputGlue<I> {
    pub const IFACE: Iface = Iface {
        size: size_of::<Iface>() as u32,
        kind: kind::INPUT,
        flags: if I::STREAMS { iface_flag::STREAMS } else { 0 } | if I::AUTO { iface_flag::AUTO } else { 0 },
        reserved: 0,
        name: fixed(I::NAME),
        vt: std::ptr::from_ref(Self::VT).cast::<c_void>(),
        module_params: I::Module::TABLE.as_ptr().cast(),
        n_module_params: I::Module::TABLE.len(),
        instance_params: I::Settings::TABLE.as_ptr().cast(),
        n_instance_params: I::Settings::TABLE.len(),
        stream_legacy: fixed(I::STREAM_LEGACY),
        default_template: fixed(""),
    };

    const VT: &'static InputVt = &InputVt {
        size: size_of::<InputVt>() as u32,
        reserved: 0,
        module_new: Some(module_new::<I::Module>),
        module_free: Some(module_free::<I::Module>),
        instance_new: instance_new::<I>,
        activate: activate::<I>,
        run: if I::RUNS { Some(run::<I>) } else { None },
        hup: Some(hup::<I>),
        instance_free: instance_free::<I>,
        stats: if I::STATS { Some(stats::<I>) } else { None },
    };
}

/// Makes the callbacks for the streams of an input.
pub(crate) struct StreamGlue<I>(PhantomData<I>);

impl<I: StreamInput> StreamGlue<I> {
    pub(crate) const CALLBACKS: &'static StreamCb = &StreamCb {
        size: size_of::<StreamCb>() as u32,
        reserved: 0,
        open: open::<I>,
        data: data::<I>,
        close: close::<I>,
    };
}

/// Reads the options of `module()`, for inputs and outputs alike.
pub(super) unsafe extern "C" fn module_new<M: Params>(
    host: *const abi::Host,
    me: u64,
    values: *const abi::Value,
    n_values: usize,
    why: *mut abi::Complaint,
) -> Opaque {
    // SAFETY: the host's table lives as long as the process; the entry has checked its size.
    let host = Host { raw: unsafe { &*host }, me };
    let make = || {
        // SAFETY: the host lends the values for the call.
        let values = unsafe { Values::from_raw(values, n_values) };
        match M::read(&values) {
            Ok(module) => Box::into_raw(Box::new(module)).cast(),
            Err(complaint) => {
                // SAFETY: the host passes a valid `why`.
                unsafe { complaint.write(M::TABLE, why) };
                null_mut()
            }
        }
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(host, null_mut(), why, make) }
}

pub(super) unsafe extern "C" fn module_free<M>(module: Opaque) {
    // SAFETY: `module_new` made it, the host frees it once and after its instances.
    guard(None, (), || drop(unsafe { Box::from_raw(module.cast::<M>()) }));
}

unsafe extern "C" fn instance_new<I: Input>(
    module: Opaque,
    host: *const abi::Host,
    me: u64,
    values: *const abi::Value,
    n_values: usize,
    why: *mut abi::Complaint,
) -> Opaque {
    // SAFETY: the host's table lives as long as the process; the entry has checked its size.
    let host = Host { raw: unsafe { &*host }, me };
    let make = || {
        // SAFETY: `module_new` made it, and the host keeps it until its instances are gone.
        let module = unsafe { &*module.cast::<I::Module>() };
        // SAFETY: the host lends the values for the call.
        let values = unsafe { Values::from_raw(values, n_values) };
        match I::Settings::read(&values).and_then(|settings| I::new(module, settings, host)) {
            Ok(input) => settle(input, host),
            Err(complaint) => {
                // SAFETY: the host passes a valid `why`.
                unsafe { complaint.write(I::Settings::TABLE, why) };
                null_mut()
            }
        }
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(host, null_mut(), why, make) }
}

unsafe extern "C" fn activate<I: Input>(instance: Opaque, why: *mut abi::Complaint) -> i64 {
    // SAFETY: `instance_new` made it and the host has not freed it.
    let instance = unsafe { &*instance.cast::<Instance<I>>() };
    // SAFETY: the host passes a valid `why`.
    let body = || unsafe { told(instance.input.activate(), I::Settings::TABLE, why) };
    // SAFETY: as above.
    unsafe { guard_why(instance.host, status::PANICKED, why, body) }
}

unsafe extern "C" fn run<I: Input>(instance: Opaque, stop_fd: i32) -> i64 {
    // SAFETY: as in `activate`.
    let instance = unsafe { &*instance.cast::<Instance<I>>() };
    guard(Some(instance.host), status::PANICKED, || {
        // SAFETY: the host keeps the descriptor open until `run` has returned.
        let stop = unsafe { BorrowedFd::borrow_raw(stop_fd) };
        ended(&instance.host, instance.input.run(stop))
    })
}

unsafe extern "C" fn hup<I: Input>(instance: Opaque) {
    // SAFETY: as in `activate`.
    let instance = unsafe { &*instance.cast::<Instance<I>>() };
    guard(Some(instance.host), (), || instance.input.hup());
}

unsafe extern "C" fn stats<I: Input>(instance: Opaque, read: u32) {
    // SAFETY: as in `activate`.
    let instance = unsafe { &*instance.cast::<Instance<I>>() };
    let reading = if read == 0 { Reading::Begins } else { Reading::Ended };
    guard(Some(instance.host), (), || instance.input.stats(reading));
}

unsafe extern "C" fn instance_free<I: Input>(instance: Opaque) {
    // SAFETY: `instance_new` made it and the host has not freed it.
    let host = unsafe { (*instance.cast::<Instance<I>>()).host };
    // SAFETY: the host frees it once, after its threads and streams have ended.
    guard(Some(host), (), || unsafe { release::<I>(instance) });
}

unsafe extern "C" fn open<I: StreamInput>(
    instance: Opaque,
    conn: u64,
    peer: u32,
    address: Bytes,
    port: u32,
) -> Opaque {
    // SAFETY: `Host::listen` passed the instance, and the host ends its streams before it frees the instance.
    let instance = unsafe { &*instance.cast::<Instance<I>>() };
    guard(Some(instance.host), null_mut(), || {
        // SAFETY: the host lends the text for the call.
        let address = unsafe { slice(address.ptr, address.len) };
        let address = std::str::from_utf8(address).unwrap_or_default();
        let port = u16::try_from(port).unwrap_or(0);
        let session = instance.input.open(Accepted { conn, peer, address, port });
        Box::into_raw(Box::new(session)).cast()
    })
}

unsafe extern "C" fn data<I: StreamInput>(instance: Opaque, session: Opaque, bytes: Bytes) -> i64 {
    // SAFETY: as in `open`.
    let instance = unsafe { &*instance.cast::<Instance<I>>() };
    // SAFETY: `open` made the session, and calls for one session never overlap.
    let Some(session) = (unsafe { session.cast::<I::Session>().as_mut() }) else {
        return status::PANICKED;
    };
    guard(Some(instance.host), status::PANICKED, || {
        // SAFETY: the host lends the bytes for the call.
        let bytes = unsafe { slice(bytes.ptr, bytes.len) };
        ended(&instance.host, instance.input.data(session, bytes))
    })
}

unsafe extern "C" fn close<I: StreamInput>(instance: Opaque, session: Opaque, reason: i64) {
    // SAFETY: as in `open`.
    let instance = unsafe { &*instance.cast::<Instance<I>>() };
    if session.is_null() {
        return;
    }
    guard(Some(instance.host), (), || {
        // SAFETY: `open` made the session, and this is the host's last use of it.
        let session = unsafe { Box::from_raw(session.cast::<I::Session>()) };
        let reason = match reason {
            status::OK | status::CLOSED => End::Closed,
            status::TIMED_OUT => End::TimedOut,
            status::DISABLED => End::Stopped,
            _ => End::Failed,
        };
        instance.input.close(*session, reason);
    });
}

/// Where the ABI has no room for words they go to the log.
fn ended(host: &Host, result: Result<(), Complaint>) -> i64 {
    match result {
        Ok(()) => status::OK,
        Err(complaint) => {
            host.log(Level::Error, complaint.code, &complaint.to_string());
            status::FAILED
        }
    }
}

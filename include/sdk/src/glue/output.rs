//! The table of an output.

use super::guard::{fail, guard, guard_why, told};
use super::input::{module_free, module_new};
use crate::host::fixed;
use crate::{Commit, Complaint, Host, Outcome, Output, Params, Records, Values, Worker};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::null_mut;
use sysloom_abi::{self as abi, Iface, Opaque, OutputVt, iface_flag, kind, result, status};

/// Makes an output's interface.
pub struct OutputGlue<O>(PhantomData<O>);

impl<O: Output> OutputGlue<O> {
    pub const IFACE: Iface = Iface {
        size: size_of::<Iface>() as u32,
        kind: kind::OUTPUT,
        flags: if O::STREAMS { iface_flag::STREAMS } else { 0 }
            | if O::BUILTIN { iface_flag::BUILTIN } else { 0 }
            | if O::NO_TEMPLATE { iface_flag::NO_TEMPLATE } else { 0 },
        reserved: 0,
        name: fixed(O::NAME),
        vt: std::ptr::from_ref(Self::VT).cast::<c_void>(),
        module_params: O::Module::TABLE.as_ptr().cast(),
        n_module_params: O::Module::TABLE.len(),
        instance_params: O::Settings::TABLE.as_ptr().cast(),
        n_instance_params: O::Settings::TABLE.len(),
        stream_legacy: fixed(O::STREAM_LEGACY),
        default_template: fixed(O::DEFAULT_TEMPLATE),
    };

    const VT: &'static OutputVt = &OutputVt {
        size: size_of::<OutputVt>() as u32,
        reserved: 0,
        module_new: Some(module_new::<O::Module>),
        module_free: Some(module_free::<O::Module>),
        instance_new: instance_new::<O>,
        activate: Some(activate::<O>),
        worker_new: worker_new::<O>,
        worker_free: worker_free::<O>,
        commit: commit::<O>,
        resume: resume::<O>,
        hup: Some(hup::<O>),
        instance_free: instance_free::<O>,
    };
}

struct Instance<O> {
    output: O,
    host: Host,
}

/// A worker and its instance, which the host frees later.
struct Bench<O: Output> {
    worker: O::Worker,
    instance: *const Instance<O>,
}

unsafe extern "C" fn instance_new<O: Output>(
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
        let module = unsafe { &*module.cast::<O::Module>() };
        // SAFETY: the host lends the values for the call.
        let values = unsafe { Values::from_raw(values, n_values) };
        match O::Settings::read(&values).and_then(|settings| O::new(module, settings, host)) {
            Ok(output) => Box::into_raw(Box::new(Instance { output, host })).cast(),
            Err(complaint) => {
                // SAFETY: the host passes a valid `why`.
                unsafe { complaint.write(O::Settings::TABLE, why) };
                null_mut()
            }
        }
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(host, null_mut(), why, make) }
}

unsafe extern "C" fn activate<O: Output>(instance: Opaque, why: *mut abi::Complaint) -> i64 {
    // SAFETY: `instance_new` made it and the host has not freed it.
    let instance = unsafe { &*instance.cast::<Instance<O>>() };
    // SAFETY: the host passes a valid `why`.
    let body = || unsafe { told(instance.output.activate(), O::Settings::TABLE, why) };
    // SAFETY: as above.
    unsafe { guard_why(instance.host, status::PANICKED, why, body) }
}

unsafe extern "C" fn worker_new<O: Output>(instance: Opaque, why: *mut abi::Complaint) -> Opaque {
    let instance: *const Instance<O> = instance.cast();
    // SAFETY: as in `activate`.
    let shared = unsafe { &*instance };
    let make = || match O::Worker::new(&shared.output) {
        Ok(worker) => Box::into_raw(Box::new(Bench { worker, instance })).cast(),
        Err(complaint) => {
            // SAFETY: the host passes a valid `why`.
            unsafe { complaint.write(O::Settings::TABLE, why) };
            null_mut()
        }
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(shared.host, null_mut(), why, make) }
}

unsafe extern "C" fn worker_free<O: Output>(worker: Opaque) {
    // SAFETY: `worker_new` made it; the host frees it before its instance.
    let host = unsafe { (*(*worker.cast::<Bench<O>>()).instance).host };
    // SAFETY: the host frees it once.
    guard(Some(host), (), || drop(unsafe { Box::from_raw(worker.cast::<Bench<O>>()) }));
}

unsafe extern "C" fn commit<O: Output>(
    worker: Opaque,
    records: *const abi::Records,
    results: *mut i32,
    why: *mut abi::Complaint,
) -> i64 {
    // SAFETY: `worker_new` made it, and one thread at a time uses a worker.
    let bench = unsafe { &mut *worker.cast::<Bench<O>>() };
    // SAFETY: the host frees the instance after its workers.
    let instance = unsafe { &*bench.instance };
    let body = || {
        // SAFETY: the host lends the records for the call.
        let records = Records { raw: unsafe { &*records }, host: instance.host };
        let say = |complaint: &Complaint, code| {
            // SAFETY: the host passes a valid `why`.
            unsafe { fail(complaint, O::Settings::TABLE, why, code) }
        };
        match bench.worker.commit(&instance.output, &records) {
            Commit::Done => status::OK,
            Commit::Suspended(complaint) => say(&complaint, status::SUSPENDED),
            Commit::Disabled(complaint) => say(&complaint, status::DISABLED),
            Commit::Each(outcomes, complaint) => {
                for row in 0..records.len() {
                    let outcome = match outcomes.get(row) {
                        Some(Outcome::Done) => result::OK,
                        Some(Outcome::Reject) => result::REJECT,
                        Some(Outcome::Retry) | None => result::RETRY,
                    };
                    // SAFETY: the host has room for one result a record.
                    unsafe { results.add(row).write(outcome) };
                }
                say(&complaint, status::PARTLY)
            }
        }
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(instance.host, status::PANICKED, why, body) }
}

unsafe extern "C" fn resume<O: Output>(worker: Opaque, why: *mut abi::Complaint) -> i64 {
    // SAFETY: as in `commit`.
    let bench = unsafe { &mut *worker.cast::<Bench<O>>() };
    // SAFETY: as in `commit`.
    let instance = unsafe { &*bench.instance };
    let body = || match bench.worker.resume(&instance.output) {
        Ok(()) => status::OK,
        // SAFETY: the host passes a valid `why`.
        Err(complaint) => unsafe { fail(&complaint, O::Settings::TABLE, why, status::SUSPENDED) },
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(instance.host, status::PANICKED, why, body) }
}

unsafe extern "C" fn hup<O: Output>(instance: Opaque) {
    // SAFETY: as in `activate`.
    let instance = unsafe { &*instance.cast::<Instance<O>>() };
    guard(Some(instance.host), (), || instance.output.hup());
}

unsafe extern "C" fn instance_free<O: Output>(instance: Opaque) {
    // SAFETY: `instance_new` made it and the host has not freed it.
    let host = unsafe { (*instance.cast::<Instance<O>>()).host };
    // SAFETY: the host frees it once, after its workers are gone.
    guard(Some(host), (), || drop(unsafe { Box::from_raw(instance.cast::<Instance<O>>()) }));
}

//! The tables of parsers, message modification and string generators.

use super::guard::{fail, guard, guard_why};
use super::input::{module_free, module_new};
use crate::host::fixed;
use crate::{Complaint, Generator, Host, Message, Modify, Params, Parse, Parser, Sink, Values};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::{null, null_mut};
use sysloom_abi::{self as abi, Iface, ModifyVt, Opaque, ParserVt, StrgenVt, kind, status};

/// Makes a parser's interface.
pub struct ParserGlue<P>(PhantomData<P>);

impl<P: Parser> ParserGlue<P> {
    pub const IFACE: Iface =
        iface::<P::Module, P::Settings>(kind::PARSER, P::NAME, std::ptr::from_ref(Self::VT).cast());

    const VT: &'static ParserVt = &ParserVt {
        size: size_of::<ParserVt>() as u32,
        reserved: 0,
        parser_name: fixed(P::PARSER_NAME),
        module_new: Some(module_new::<P::Module>),
        module_free: Some(module_free::<P::Module>),
        instance_new: parser_new::<P>,
        parse: parse::<P>,
        hup: Some(parser_hup::<P>),
        instance_free: free::<P>,
    };
}

/// Makes the interface of a message modification.
pub struct ModifyGlue<M>(PhantomData<M>);

impl<M: Modify> ModifyGlue<M> {
    pub const IFACE: Iface =
        iface::<M::Module, M::Settings>(kind::MODIFY, M::NAME, std::ptr::from_ref(Self::VT).cast());

    const VT: &'static ModifyVt = &ModifyVt {
        size: size_of::<ModifyVt>() as u32,
        reserved: 0,
        module_new: Some(module_new::<M::Module>),
        module_free: Some(module_free::<M::Module>),
        instance_new: modify_new::<M>,
        worker_new: worker_new::<M>,
        worker_free: worker_free::<M>,
        modify: modify::<M>,
        hup: Some(modify_hup::<M>),
        instance_free: free::<M>,
    };
}

/// Makes a string generator's interface.
pub struct GeneratorGlue<G>(PhantomData<G>);

impl<G: Generator> GeneratorGlue<G> {
    pub const IFACE: Iface =
        iface::<G::Settings, ()>(kind::STRGEN, G::NAME, std::ptr::from_ref(Self::VT).cast());

    const VT: &'static StrgenVt = &StrgenVt {
        size: size_of::<StrgenVt>() as u32,
        reserved: 0,
        module_new: generator_new::<G>,
        generate: generate::<G>,
        module_free: free::<G>,
    };
}

/// An interface with the parameters of its module and its instances.
const fn iface<M: Params, I: Params>(kind: u32, name: &'static str, vt: *const c_void) -> Iface {
    Iface {
        size: size_of::<Iface>() as u32,
        kind,
        flags: 0,
        reserved: 0,
        name: fixed(name),
        vt,
        module_params: if M::TABLE.is_empty() { null() } else { M::TABLE.as_ptr().cast() },
        n_module_params: M::TABLE.len(),
        instance_params: if I::TABLE.is_empty() { null() } else { I::TABLE.as_ptr().cast() },
        n_instance_params: I::TABLE.len(),
        stream_legacy: fixed(""),
        default_template: fixed(""),
    }
}

/// An instance of any of them, with its host.
struct Owned<T> {
    it: T,
    host: Host,
}

/// Makes an instance from values.
///
/// # Safety
/// The values are lent for the call, `why` is valid.
unsafe fn make<T, S: Params>(
    host: *const abi::Host,
    me: u64,
    (values, n_values): (*const abi::Value, usize),
    why: *mut abi::Complaint,
    new: impl FnOnce(S, Host) -> Result<T, Complaint>,
) -> Opaque {
    // SAFETY: the host's table lives as long as the process; the entry has checked its size.
    let host = Host { raw: unsafe { &*host }, me };
    let make = || {
        // SAFETY: the host lends the values for the call.
        let values = unsafe { Values::from_raw(values, n_values) };
        match S::read(&values).and_then(|settings| new(settings, host)) {
            Ok(it) => Box::into_raw(Box::new(Owned { it, host })).cast(),
            Err(complaint) => {
                // SAFETY: the host passes a valid `why`.
                unsafe { complaint.write(S::TABLE, why) };
                null_mut()
            }
        }
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(host, null_mut(), why, make) }
}

unsafe extern "C" fn free<T>(instance: Opaque) {
    // SAFETY: `make` made it and the host has not freed it.
    let host = unsafe { (*instance.cast::<Owned<T>>()).host };
    // SAFETY: the host frees it once.
    guard(Some(host), (), || drop(unsafe { Box::from_raw(instance.cast::<Owned<T>>()) }));
}

unsafe extern "C" fn parser_new<P: Parser>(
    module: Opaque,
    host: *const abi::Host,
    me: u64,
    values: *const abi::Value,
    n_values: usize,
    why: *mut abi::Complaint,
) -> Opaque {
    // SAFETY: `module_new` made it, and the host keeps it until its instances are gone; the rest is the same contract.
    unsafe {
        let module = &*module.cast::<P::Module>();
        make(host, me, (values, n_values), why, |settings, host| P::new(module, settings, host))
    }
}

unsafe extern "C" fn parse<P: Parser>(instance: Opaque, message: Opaque) -> i64 {
    // SAFETY: `parser_new` made it and the host has not freed it.
    let owned = unsafe { &*instance.cast::<Owned<P>>() };
    guard(Some(owned.host), status::PANICKED, || {
        // SAFETY: the host lends the message for the call.
        let mut message = unsafe { Message::from_raw(message, owned.host) };
        match owned.it.parse(&mut message) {
            Parse::Accept => status::OK,
            Parse::Decline => status::DECLINED,
        }
    })
}

unsafe extern "C" fn parser_hup<P: Parser>(instance: Opaque) {
    // SAFETY: as in `parse`.
    let owned = unsafe { &*instance.cast::<Owned<P>>() };
    guard(Some(owned.host), (), || owned.it.hup());
}

unsafe extern "C" fn modify_new<M: Modify>(
    module: Opaque,
    host: *const abi::Host,
    me: u64,
    values: *const abi::Value,
    n_values: usize,
    why: *mut abi::Complaint,
) -> Opaque {
    // SAFETY: as in `parser_new`.
    unsafe {
        let module = &*module.cast::<M::Module>();
        make(host, me, (values, n_values), why, |settings, host| M::new(module, settings, host))
    }
}

/// A worker and its instance, which the host frees later.
struct Bench<M: Modify> {
    worker: M::Worker,
    instance: *const Owned<M>,
}

unsafe extern "C" fn worker_new<M: Modify>(instance: Opaque, why: *mut abi::Complaint) -> Opaque {
    let instance: *const Owned<M> = instance.cast();
    // SAFETY: `modify_new` made it and the host has not freed it.
    let owned = unsafe { &*instance };
    let make = || match owned.it.worker() {
        Ok(worker) => Box::into_raw(Box::new(Bench::<M> { worker, instance })).cast(),
        Err(complaint) => {
            // SAFETY: the host passes a valid `why`.
            unsafe { complaint.write(M::Settings::TABLE, why) };
            null_mut()
        }
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(owned.host, null_mut(), why, make) }
}

unsafe extern "C" fn worker_free<M: Modify>(worker: Opaque) {
    // SAFETY: `worker_new` made it; the host frees it before its instance.
    let host = unsafe { (*(*worker.cast::<Bench<M>>()).instance).host };
    // SAFETY: the host frees it once.
    guard(Some(host), (), || drop(unsafe { Box::from_raw(worker.cast::<Bench<M>>()) }));
}

unsafe extern "C" fn modify<M: Modify>(worker: Opaque, message: Opaque, why: *mut abi::Complaint) -> i64 {
    // SAFETY: `worker_new` made it, and one thread at a time uses a worker.
    let bench = unsafe { &mut *worker.cast::<Bench<M>>() };
    // SAFETY: the host frees the instance after its workers.
    let owned = unsafe { &*bench.instance };
    let body = || {
        // SAFETY: the host lends the message for the call.
        let mut message = unsafe { Message::from_raw(message, owned.host) };
        match owned.it.modify(&mut bench.worker, &mut message) {
            Ok(()) => status::OK,
            // SAFETY: the host passes a valid `why`.
            Err(complaint) => unsafe { fail(&complaint, M::Settings::TABLE, why, status::FAILED) },
        }
    };
    // SAFETY: the host passes a valid `why`.
    unsafe { guard_why(owned.host, status::PANICKED, why, body) }
}

unsafe extern "C" fn modify_hup<M: Modify>(instance: Opaque) {
    // SAFETY: as in `worker_new`.
    let owned = unsafe { &*instance.cast::<Owned<M>>() };
    guard(Some(owned.host), (), || owned.it.hup());
}

unsafe extern "C" fn generator_new<G: Generator>(
    host: *const abi::Host,
    me: u64,
    values: *const abi::Value,
    n_values: usize,
    why: *mut abi::Complaint,
) -> Opaque {
    // SAFETY: the same contract.
    unsafe { make(host, me, (values, n_values), why, G::new) }
}

unsafe extern "C" fn generate<G: Generator>(module: Opaque, message: Opaque, out: *const abi::Sink) -> i64 {
    // SAFETY: `generator_new` made it and the host has not freed it.
    let owned = unsafe { &*module.cast::<Owned<G>>() };
    guard(Some(owned.host), status::PANICKED, || {
        // SAFETY: the host lends message and sink for the call.
        let (mut message, out) = unsafe { (Message::from_raw(message, owned.host), &*out) };
        owned.it.generate(&mut message, &mut Sink(out));
        status::OK
    })
}

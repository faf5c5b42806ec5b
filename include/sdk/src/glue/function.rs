//! The tables of functions.

use super::guard::{guard, guard_why};
use super::input::{module_free, module_new};
use crate::host::fixed;
use crate::values::slice;
use crate::{Answer, Arguments, Function, Host, Params};
use std::marker::PhantomData;
use std::ptr::{null, null_mut};
use sysloom_abi::{self as abi, FunctionVt, Iface, Opaque, kind, status};

/// Makes one function's row, and the parts of the interface that all functions of a plugin share.
pub struct FunctionGlue<F>(PhantomData<F>);

impl<F: Function> FunctionGlue<F> {
    pub const ROW: abi::Function = abi::Function {
        size: size_of::<abi::Function>() as u32,
        reserved: 0,
        name: fixed(F::NAME),
        min_args: F::ARGUMENTS.0,
        max_args: F::ARGUMENTS.1,
        call_new: call_new::<F>,
        call: call::<F>,
        call_free: call_free::<F>,
    };

    /// The table of a plugin whose module options are those of this function.
    pub const fn table(rows: &'static [abi::Function]) -> FunctionVt {
        FunctionVt {
            size: size_of::<FunctionVt>() as u32,
            reserved: 0,
            module_new: Some(module_new::<F::Module>),
            module_free: Some(module_free::<F::Module>),
            functions: rows.as_ptr(),
            n_functions: rows.len(),
        }
    }

    /// The interface of that plugin.
    pub const fn iface(name: &'static str, vt: &'static FunctionVt) -> Iface {
        let table = F::Module::TABLE;
        Iface {
            size: size_of::<Iface>() as u32,
            kind: kind::FUNCTION,
            flags: 0,
            reserved: 0,
            name: fixed(name),
            vt: std::ptr::from_ref(vt).cast(),
            module_params: if table.is_empty() { null() } else { table.as_ptr().cast() },
            n_module_params: table.len(),
            instance_params: null(),
            n_instance_params: 0,
            stream_legacy: fixed(""),
            default_template: fixed(""),
        }
    }
}

/// A compiled call, with its host.
struct Call<F> {
    function: F,
    host: Host,
}

unsafe extern "C" fn call_new<F: Function>(
    module: Opaque,
    host: *const abi::Host,
    me: u64,
    args: *const abi::Argument,
    n_args: usize,
    why: *mut abi::Complaint,
) -> Opaque {
    // SAFETY: the host's table lives as long as the process; the entry has checked its size.
    let host = Host { raw: unsafe { &*host }, me };
    let make = || {
        // SAFETY: `module_new` made it, and the host keeps it until its calls are gone.
        let module = unsafe { &*module.cast::<F::Module>() };
        // SAFETY: the host lends the arguments for the call.
        let constants = Arguments(unsafe { slice(args, n_args) });
        match F::new(module, &constants, host) {
            Ok(function) => Box::into_raw(Box::new(Call { function, host })).cast(),
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

unsafe extern "C" fn call<F: Function>(
    call: Opaque,
    args: *const abi::Argument,
    n_args: usize,
    answer: *mut abi::Answer,
) -> i64 {
    // SAFETY: `call_new` made it and the host has not freed it.
    let call = unsafe { &*call.cast::<Call<F>>() };
    guard(Some(call.host), status::PANICKED, || {
        // SAFETY: the host lends arguments and answer for the call.
        let (arguments, answer) = unsafe { (Arguments(slice(args, n_args)), &mut *answer) };
        call.function.call(&arguments, &mut Answer(answer));
        status::OK
    })
}

unsafe extern "C" fn call_free<F: Function>(call: Opaque) {
    // SAFETY: `call_new` made it and the host has not freed it.
    let host = unsafe { (*call.cast::<Call<F>>()).host };
    // SAFETY: the host frees it once.
    guard(Some(host), (), || drop(unsafe { Box::from_raw(call.cast::<Call<F>>()) }));
}

//! Functions of RainerScript that a plugin brings. A call in the configuration is compiled once, when its constant
//! arguments are known, and evaluated for each message that gets there.

use crate::{Bytes, Complaint, Host, Opaque, Sink, Value};
use abi_stable::StableAbi;

/// A function plugin's tables.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct FunctionVt {
    pub size: u32,
    pub reserved: u32,
    /// Once per plugin, with the values of `module()`. Null function = no module object.
    pub module_new: Option<
        unsafe extern "C" fn(
            host: *const Host,
            me: u64,
            values: *const Value,
            n_values: usize,
            why: *mut Complaint,
        ) -> Opaque,
    >,
    pub module_free: Option<unsafe extern "C" fn(module: Opaque)>,
    pub functions: *const Function,
    pub n_functions: usize,
}

/// One function. Rows of a table have one size.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Function {
    pub size: u32,
    pub reserved: u32,
    /// Case counts.
    pub name: Bytes,
    /// Least and greatest number of arguments; the host sees to it.
    pub min_args: u32,
    pub max_args: u32,
    /// Makes the object of one place where the function is called. `args` hold what is constant there; others are
    /// NONE. Null = refused, see `why`; `why.param` is the argument's index.
    pub call_new: unsafe extern "C" fn(
        module: Opaque,
        host: *const Host,
        me: u64,
        args: *const Argument,
        n_args: usize,
        why: *mut Complaint,
    ) -> Opaque,
    /// Evaluates one call and fills in `answer`: OK; anything else counts as 0. Called by several workers at once.
    pub call:
        unsafe extern "C" fn(call: Opaque, args: *const Argument, n_args: usize, answer: *mut Answer) -> i64,
    pub call_free: unsafe extern "C" fn(call: Opaque),
}

/// A value that a function is called with. Borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Argument {
    /// One of [`argument`].
    pub ty: u32,
    pub reserved: u32,
    pub number: i64,
    /// The text, or the JSON text.
    pub text: Bytes,
}

/// Types of [`Argument::ty`] and [`Answer::ty`].
pub mod argument {
    /// Not known yet.
    pub const NONE: u32 = 0;
    pub const NUMBER: u32 = 1;
    pub const TEXT: u32 = 2;
    pub const JSON: u32 = 3;
}

/// Where a function puts its value. The host sets it to the number 0 before.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Answer {
    pub size: u32,
    /// One of [`argument`]; with TEXT and JSON the value is what was written to `out`.
    pub ty: u32,
    pub number: i64,
    pub out: Sink,
    /// What `script_error()` says afterwards; 0 = no error.
    pub script_error: i64,
}

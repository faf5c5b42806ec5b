//! Interfaces that work on one message at a time: parsers, message modification, string generators. The message is a
//! handle that is valid for the call, on its thread; properties are read and set through [`Host::message_get`] and
//! [`Host::message_set`].

use crate::{Bytes, Complaint, Host, Opaque, Value};
use abi_stable::StableAbi;

/// Where a callee puts text of any length: each call appends, and the bytes are copied.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Sink {
    pub size: u32,
    pub reserved: u32,
    pub ctx: Opaque,
    pub write: unsafe extern "C" fn(ctx: Opaque, bytes: Bytes),
}

/// What the value of [`Host::message_set`] is.
pub mod form {
    /// A text; for properties that are numbers its decimal digits.
    pub const TEXT: u32 = 0;
    /// JSON text, for variables: the host reads it, and what is no whole JSON value is INVALID.
    pub const JSON: u32 = 1;
}

/// A parser's functions. Before the first parser the host has sanitised the text (`rawmsg`) and read its PRI; without
/// further words of the parser all of the text after the PRI is no message yet, the tag is empty, the sender is the
/// host, and the time is that of reception.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct ParserVt {
    pub size: u32,
    pub reserved: u32,
    /// The name by which a ruleset knows it without a `parser()` object (`rsyslog.lastline`); empty = none.
    pub parser_name: Bytes,
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
    /// Makes an instance from the values of `parser()`.
    pub instance_new: unsafe extern "C" fn(
        module: Opaque,
        host: *const Host,
        me: u64,
        values: *const Value,
        n_values: usize,
        why: *mut Complaint,
    ) -> Opaque,
    /// Parses one message: OK, or DECLINED, and what was set is forgotten and the next parser asked. Called by
    /// several workers at once.
    pub parse: unsafe extern "C" fn(instance: Opaque, message: Opaque) -> i64,
    /// The daemon got a HUP. Null = not interested.
    pub hup: Option<unsafe extern "C" fn(instance: Opaque)>,
    pub instance_free: unsafe extern "C" fn(instance: Opaque),
}

/// The functions of a message modification: an action that runs at its place in the ruleset, on the worker's thread,
/// so that what follows sees the changed message.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct ModifyVt {
    pub size: u32,
    pub reserved: u32,
    /// As [`ParserVt::module_new`].
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
    /// Makes an instance from the values of `action()`.
    pub instance_new: unsafe extern "C" fn(
        module: Opaque,
        host: *const Host,
        me: u64,
        values: *const Value,
        n_values: usize,
        why: *mut Complaint,
    ) -> Opaque,
    /// One worker object for each thread that runs the action.
    pub worker_new: unsafe extern "C" fn(instance: Opaque, why: *mut Complaint) -> Opaque,
    pub worker_free: unsafe extern "C" fn(worker: Opaque),
    /// Modifies one message: OK; FAILED with `why`, and the message goes on as it is; DISABLED.
    pub modify: unsafe extern "C" fn(worker: Opaque, message: Opaque, why: *mut Complaint) -> i64,
    /// The daemon got a HUP, while workers may be in `modify`. Null = not interested.
    pub hup: Option<unsafe extern "C" fn(instance: Opaque)>,
    /// After its workers are gone.
    pub instance_free: unsafe extern "C" fn(instance: Opaque),
}

/// The functions of a string generator, which stands for a template: `template(type="plugin" plugin="NAME")`.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct StrgenVt {
    pub size: u32,
    pub reserved: u32,
    /// Makes the generator from the values of `module()`.
    pub module_new: unsafe extern "C" fn(
        host: *const Host,
        me: u64,
        values: *const Value,
        n_values: usize,
        why: *mut Complaint,
    ) -> Opaque,
    /// Writes the text for one message: OK, or FAILED and nothing is used of it. Called by several workers at once.
    pub generate: unsafe extern "C" fn(module: Opaque, message: Opaque, out: *const Sink) -> i64,
    pub module_free: unsafe extern "C" fn(module: Opaque),
}

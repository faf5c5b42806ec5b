//! The plugin ABI of sysloom: what a module, a driver and the daemon agree on, and nothing else.
//!
//! Everything here is `#[repr(C)]`, size-prefixed and append-only; there is no logic. The host (core/engine)
//! and the sdk meet only in these types, and `include/sysloom.h` is generated from them for C. `abi_stable`
//! is named here alone: `StableAbi` gives each type a layout that the host compares at load time.
//!
//! Rules that hold for every type and function:
//! - Bytes are borrowed for the call unless a field says otherwise; who allocates frees.
//! - No Rust enum, bool, Vec, String or trait object crosses; codes are integers from [`status`].
//! - A struct starts with its `size`; a reader uses only the fields that the writer's size covers. Those without one
//!   (`Bytes`, `Span`, `Frame`, `Kv`, `Value`, `Complaint`, `Lower`, `Argument`) do not change within a major, nor does
//!   `Sink`, which stands inside others.
//! - No panic and no exception may leave a callback (the sdk guards every one).
//!
//! History (a minor is an addition, a major a break; the major stays 0 until the interface has settled):
//! - 0.1, 2026-11: drivers, inputs, outputs; submit (also to a ruleset by name), counters, log, streams, verdicts,
//!   statistics, commands and settings by name.
//! - 0.2, 2026-11-27: parsers, message modification, string generators and functions; properties and variables of a
//!   message read and set ([`Host::property`], [`Host::message_get`], [`Host::message_set`], [`Host::message_unset`]);
//!   the status DECLINED; variables that come with a message ([`frame_flag::VARIABLES`]); the stream parameter
//!   [`stream_param::KEY_PASS_FILE`]; a listener's own list of senders ([`ListenSpec::allowed`]); objects that count for
//!   one instance ([`counter_flag::OWN`]); the sender's port with each message ([`frame_flag::PORT_SHIFT`]);
//!   messages of processes that are told apart ([`frame_flag::PROCESS`]); copies of messages for another ruleset ([`frame_flag::COPY`]).
#![forbid(unsafe_code)]

mod basic;
mod driver;
mod function;
mod host;
mod input;
mod manifest;
mod message;
mod output;

#[doc(hidden)]
pub use abi_stable::StableAbi;
pub use basic::*;
pub use driver::*;
pub use function::*;
pub use host::*;
pub use input::*;
pub use manifest::*;
pub use message::*;
pub use output::*;

/// Breaks of this ABI so far.
pub const ABI_MAJOR: u16 = 0;
/// Additions to this ABI within its major.
pub const ABI_MINOR: u16 = 2;

/// The layout of the whole ABI, for [`Module::layout`]: a plugin and its host compare these at load time.
pub const fn layout() -> &'static abi_stable::type_layout::TypeLayout {
    <Contract as abi_stable::StableAbi>::LAYOUT
}

/// Compares a plugin's layout with ours. `Err` holds abi_stable's report, which is several KiB long.
pub fn check_layout(theirs: &'static abi_stable::type_layout::TypeLayout) -> Result<(), String> {
    abi_stable::abi_stability::check_layout_compatibility(layout(), theirs)
        .map_err(|e| e.to_string())
        .into_result()
}

/// A type that names every root of the ABI, so that one comparison covers them all.
#[repr(C)]
#[derive(abi_stable::StableAbi)]
pub struct Contract {
    manifest: Manifest,
    module: Module,
    iface: Iface,
    host: Host,
    driver: DriverVt,
    input: InputVt,
    stream: StreamCb,
    output: OutputVt,
    parser: ParserVt,
    modify: ModifyVt,
    strgen: StrgenVt,
    function: FunctionVt,
}

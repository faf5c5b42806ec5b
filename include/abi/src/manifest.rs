//! What a file says of itself before any of its code runs, and what its entry hands over.

use crate::{Bytes, Host, Param};
use abi_stable::StableAbi;
use abi_stable::type_layout::TypeLayout;
use core::ffi::c_void;

/// Pointer-free, in ELF section `.sysloom_manifest`, as symbol `sysloom_manifest__NAME`. The host reads it from
/// the file and judges it before dlopen. Texts are UTF-8, padded with NULs.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Manifest {
    /// [`MANIFEST_MAGIC`].
    pub magic: [u8; 8],
    pub size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    /// The oldest minor of a host that the plugin runs on.
    pub min_host_minor: u16,
    /// Bits `1 << kind` of what the file holds, kinds from [`kind`].
    pub kinds: u16,
    /// Bits of [`manifest_flag`].
    pub flags: u32,
    /// For example `x86_64-linux-gnu`.
    pub target: [u8; 32],
    /// The word that loads it: `imtcp`, or a driver's own name such as `rustls`.
    pub name: [u8; 32],
    pub version: [u8; 24],
    /// The compiler, for messages.
    pub built_with: [u8; 64],
}

/// First bytes of every manifest.
pub const MANIFEST_MAGIC: [u8; 8] = *b"sysloom\x01";
/// The ELF section that holds the manifest.
pub const MANIFEST_SECTION: &str = ".sysloom_manifest";
/// The entry's symbol is this and the plugin's name.
pub const ENTRY_PREFIX: &str = "sysloom_entry__";

/// [`Manifest::target`] of what is compiled right now.
pub const TARGET: &str = if cfg!(target_env = "musl") { MUSL } else { GNU };

const GNU: &str = if cfg!(target_arch = "x86_64") {
    "x86_64-linux-gnu"
} else if cfg!(target_arch = "aarch64") {
    "aarch64-linux-gnu"
} else if cfg!(target_arch = "riscv64") {
    "riscv64-linux-gnu"
} else if cfg!(target_arch = "s390x") {
    "s390x-linux-gnu"
} else {
    "other-linux-gnu"
};

const MUSL: &str = if cfg!(target_arch = "x86_64") {
    "x86_64-linux-musl"
} else if cfg!(target_arch = "aarch64") {
    "aarch64-linux-musl"
} else {
    "other-linux-musl"
};

/// Bits of [`Manifest::flags`].
pub mod manifest_flag {
    /// A panic unwinds and is caught; without it (panic = "abort", or C) a defect ends the daemon.
    pub const UNWINDS: u32 = 1;
    /// A driver whose streams are encrypted: only such a stack satisfies mode 1.
    pub const ENCRYPTS: u32 = 2;
    /// A driver that stands on the network itself (listen, accept, connect).
    pub const TRANSPORT: u32 = 4;
    /// A driver that works over another driver's stream.
    pub const LAYER: u32 = 8;
}

/// Kinds of interface.
pub mod kind {
    pub const DRIVER: u32 = 1;
    pub const INPUT: u32 = 2;
    pub const OUTPUT: u32 = 3;
    pub const PARSER: u32 = 4;
    pub const MODIFY: u32 = 5;
    pub const STRGEN: u32 = 6;
    pub const FUNCTION: u32 = 7;
    pub const PROVIDER: u32 = 8;
}

/// Symbol `sysloom_entry__NAME`. Called once, on the thread that reads the configuration. `host` lives as long as
/// the process. Null = the plugin refuses to run (it says why through [`Host::log`]).
pub type Entry = unsafe extern "C" fn(host: *const Host) -> *const Module;

/// What an entry hands over; lives as long as the process.
#[repr(C)]
#[derive(StableAbi)]
pub struct Module {
    pub size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub ifaces: *const Iface,
    pub n_ifaces: usize,
    /// The plugin's own `layout()`, or null (C plugins): compared only when [`Module::layout_tag`] and the minor agree.
    pub layout: Option<&'static TypeLayout>,
    /// [`LAYOUT_TAG`]: the version of abi_stable that made the layout.
    pub layout_tag: [u8; 16],
    /// Called once before the process ends; null = nothing to do.
    pub shutdown: Option<unsafe extern "C" fn()>,
}

/// Layouts are comparable only between equal tags.
pub const LAYOUT_TAG: [u8; 16] = *b"abi_stable0.11\0\0";

/// One interface of a plugin.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Iface {
    pub size: u32,
    /// One of [`kind`]; says what `vt` points at.
    pub kind: u32,
    /// Bits of [`iface_flag`].
    pub flags: u32,
    pub reserved: u32,
    /// The word in `input(type=)`, `action(type=)`, `parser(type=)`, `template(plugin=)`, or the driver's name.
    pub name: Bytes,
    /// The table of its kind: a [`crate::DriverVt`], [`crate::InputVt`], [`crate::OutputVt`], [`crate::ParserVt`],
    /// [`crate::ModifyVt`], [`crate::StrgenVt`] or [`crate::FunctionVt`].
    pub vt: *const c_void,
    /// Parameters of `module()`.
    pub module_params: *const Param,
    pub n_module_params: usize,
    /// Parameters of `input()`, `action()` or `parser()`.
    pub instance_params: *const Param,
    pub n_instance_params: usize,
    /// Prefix of the legacy directives for stream parameters: `InputTCPServer` makes
    /// `$InputTCPServerStreamDriverMode` and its like. Empty = none.
    pub stream_legacy: Bytes,
    /// The template of an action that names none. Empty = the action must name one, or needs none.
    pub default_template: Bytes,
}

/// Bits of [`Iface::flags`].
pub mod iface_flag {
    /// Takes the host's stream parameters (driver, mode, auth mode, files ...) and may listen or connect.
    pub const STREAMS: u32 = 1;
    /// One of the outputs that rsyslog has built in: answers to `builtin:NAME` too.
    pub const BUILTIN: u32 = 2;
    /// An output whose commit takes no template (it reads properties, or nothing).
    pub const NO_TEMPLATE: u32 = 4;
    /// An input that works without `input()`: loading it makes one instance with nothing set but defaults (the system
    /// socket of imuxsock, imklog, immark). Without options of its own it takes no `input()` at all.
    pub const AUTO: u32 = 8;
}

//! Words that every interface uses: bytes, status codes, complaints, parameters and their values.

use abi_stable::StableAbi;
use core::ffi::c_void;

/// An object of the other side. Only the side that made it looks inside.
pub type Opaque = *mut c_void;

/// Borrowed bytes. Valid for the call that passes them unless the field says otherwise. `ptr` may be null
/// only when `len` is 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Bytes {
    pub ptr: *const u8,
    pub len: usize,
}

/// A part of a block of bytes, in bytes from the block's start.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, StableAbi)]
pub struct Span {
    pub off: u32,
    pub len: u32,
}

/// What went wrong, in the plugin's words. The caller owns the buffer; the callee fills it.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct Complaint {
    /// Index of the parameter at fault in the table of the scope at hand; -1 = no parameter.
    pub param: i32,
    /// rsyslog's error code, positive (2077 = cannot bind); 0 = none.
    pub code: i32,
    /// Bytes of UTF-8 text that the callee wrote.
    pub len: u32,
    /// Bytes that the buffer holds.
    pub cap: u32,
    pub text: *mut u8,
}

/// One option of a plugin. The host parses, checks and defaults; the plugin gets values in table order.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Param {
    pub size: u32,
    /// One of [`param_type`].
    pub ty: u32,
    /// Bits of [`param_flag`].
    pub flags: u32,
    pub reserved: u32,
    /// The name in RainerScript and YAML, as the manual writes it; names compare without case.
    pub name: Bytes,
    /// Other names of the same option, joined by `|`.
    pub aliases: Bytes,
    /// The default as a configuration would write it; a null pointer = none.
    pub default: Bytes,
    /// For words from a list: the words, joined by `|`; empty = any.
    pub choices: Bytes,
    /// Legacy directives without `$`, joined by `|`. Each may carry its scope after a colon:
    /// `module` (sets the module's value), `pending` (waits for the next instance), `sticky` (holds for all
    /// later instances until changed), `trigger` (makes an instance), `run` (makes an instance and has no value), and
    /// `list` (repeats append) or `inverted`. None means `pending`.
    pub legacy: Bytes,
    /// One sentence for `--explain` and the plugin's README.
    pub help: Bytes,
    /// Smallest and largest number; both 0 = no limit but the type's.
    pub min: i64,
    pub max: i64,
}

/// Types of [`Param::ty`]; the spelling rules are rsyslog's.
pub mod param_type {
    /// `on` or `off`.
    pub const BINARY: u32 = 1;
    /// Decimal, `0x` or leading-0 octal.
    pub const INT: u32 = 2;
    /// As INT, 0 or more.
    pub const NON_NEGATIVE: u32 = 3;
    /// As INT, 1 or more.
    pub const POSITIVE: u32 = 4;
    /// Digits with `k m g t p e` (1024) or `K M G T P E` (1000).
    pub const SIZE: u32 = 5;
    pub const STRING: u32 = 6;
    /// A string without blanks.
    pub const WORD: u32 = 7;
    /// A list of strings; a single string counts as a list of one.
    pub const ARRAY: u32 = 8;
    /// One character.
    pub const CHAR: u32 = 9;
    /// Octal digits, first one 0.
    pub const FILE_MODE: u32 = 10;
    /// A user's name; the value is the number.
    pub const USER: u32 = 11;
    /// A group's name; the value is the number.
    pub const GROUP: u32 = 12;
    pub const SEVERITY: u32 = 13;
    pub const FACILITY: u32 = 14;
    /// The name of a template.
    pub const TEMPLATE: u32 = 15;
    /// The name of a ruleset. An output with one hands messages on while they are at work: it gets no queue of its own.
    pub const RULESET: u32 = 16;
    /// A path; used as a string, checked by nobody but the plugin.
    pub const PATH: u32 = 17;
}

/// Bits of [`Param::flags`].
pub mod param_flag {
    pub const REQUIRED: u32 = 1;
    /// Never shown in messages.
    pub const SECRET: u32 = 2;
    pub const DEPRECATED: u32 = 4;
    /// Takes the text after `:module:` in a selector line.
    pub const SELECTOR_TEXT: u32 = 8;
}

/// A parameter's value, at the same index as its [`Param`]. Borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Value {
    /// 0 = nobody set it and it has no default, 1 = default, 2 = the configuration set it.
    pub origin: u32,
    pub ty: u32,
    /// Numbers, modes, ids; 0 or 1 for BINARY; the byte for CHAR.
    pub i: i64,
    pub s: Bytes,
    /// For ARRAY.
    pub list: *const Bytes,
    pub n_list: usize,
}

/// Values of [`Value::origin`].
pub mod origin {
    pub const UNSET: u32 = 0;
    pub const DEFAULT: u32 = 1;
    pub const CONFIGURED: u32 = 2;
}

/// Results. Counts and handles are 0 or positive; these are what else a function may return.
pub mod status {
    pub const OK: i64 = 0;
    /// Nothing can be done until what `want` names is ready.
    pub const WOULD_BLOCK: i64 = -1;
    /// The peer ended the stream in order.
    pub const CLOSED: i64 = -2;
    /// It failed; a [`super::Complaint`] says why where there is one.
    pub const FAILED: i64 = -3;
    /// The plugin panicked; its instance is to be left alone from now on.
    pub const PANICKED: i64 = -4;
    /// Try again later: the destination is not to be had right now.
    pub const SUSPENDED: i64 = -5;
    /// Never try again.
    pub const DISABLED: i64 = -6;
    /// The peer is not permitted.
    pub const REFUSED: i64 = -7;
    /// The time allowed is over.
    pub const TIMED_OUT: i64 = -8;
    /// Some records were taken and some not: see `results`.
    pub const PARTLY: i64 = -9;
    /// The object is unknown or of the wrong kind.
    pub const INVALID: i64 = -10;
    /// The message is for another parser.
    pub const DECLINED: i64 = -11;
}

/// Bits of a `want`: what must be ready before the call is worth repeating.
pub mod want {
    pub const READ: u32 = 1;
    pub const WRITE: u32 = 2;
}

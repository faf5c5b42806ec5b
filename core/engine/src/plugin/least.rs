//! The least sizes of what plugins hand over: those that each table had when it came. A table grows at its end, and what
//! an older plugin's does not have yet is read as zero; so these numbers never change within a major.
//!
//! They are numbers and not `size_of`, which would refuse every older plugin as soon as a table grows. The loader takes
//! libraries of 64 bits alone, so pointers have 8 bytes.

use sysloom_abi::{self as abi, DriverVt, InputVt, OutputVt, StreamCb};

/// By the names of the header, as the first minor has them.
pub const LEAST_SIZES: &[(&str, usize)] = &[
    ("SysloomModule", MODULE),
    ("SysloomIface", IFACE),
    ("SysloomParam", PARAM),
    ("SysloomInputVt", INPUT),
    ("SysloomOutputVt", OUTPUT),
    ("SysloomDriverVt", DRIVER),
    ("SysloomStreamCb", STREAM_CB),
];

pub(super) const MODULE: usize = 56;
pub(super) const IFACE: usize = 104;
pub(super) const PARAM: usize = 128;
pub(super) const INPUT: usize = 72;
pub(super) const OUTPUT: usize = 88;
pub(super) const DRIVER: usize = 120;
pub(super) const STREAM_CB: usize = 32;

// Nothing that was there may go.
const _: () = {
    assert!(MODULE <= size_of::<abi::Module>() && IFACE <= size_of::<abi::Iface>());
    assert!(PARAM <= size_of::<abi::Param>() && STREAM_CB <= size_of::<StreamCb>());
    assert!(INPUT <= size_of::<InputVt>() && OUTPUT <= size_of::<OutputVt>());
    assert!(DRIVER <= size_of::<DriverVt>());
};

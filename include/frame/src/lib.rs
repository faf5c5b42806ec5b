//! Framing of syslog on byte streams, both directions, without I/O.
//!
//! An input feeds what it read into the [`Splitter`] of that session and is told where the whole frames lie;
//! an output puts messages into its send buffer with [`push_octet_counted`] or [`push_lf`]. Octet-counted and
//! LF frames are told apart per frame (RFC 6587 3.4). No input panics, and an idle session owns no memory
//! besides its `Splitter`.
#![forbid(unsafe_code)]

mod push;
mod rules;
mod splitter;

pub use push::{push_lf, push_octet_counted};
pub use rules::Rules;
pub use splitter::{Event, Sink, Splitter};

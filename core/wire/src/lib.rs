//! Syslog on the wire: PRI, RFC 3164, RFC 5424, time stamps, structured data and the reception rules.
//!
//! The engine's workers call [`parse_chain`] for every message and get spans, never copies; templates and functions
//! call the writers of [`Timestamp`]. No I/O, no clock, no allocation in the steady state, and no input panics.
#![forbid(unsafe_code)]

mod chain;
mod class;
pub mod local;
mod message;
mod options;
pub mod pri;
pub mod rfc3164;
pub mod rfc5424;
mod sanitize;
pub mod sd;
pub mod timestamp;

pub use chain::{Verdict, parse_chain, parse_head, parse_text};
pub use message::{Parsed, Span};
pub use options::Options;
pub use pri::Pri;
pub use sanitize::{SanitizeRules, Sanitized, sanitize};
pub use timestamp::{Timestamp, Zone};

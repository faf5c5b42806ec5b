//! The conformance kit for netstream drivers: one set of bodies for any driver file, whoever wrote it.
//!
//! [`Kit`] runs every [`Line`] in a process of its own, so that a driver which crashes or hangs fails that line and no
//! other. `sysloom-conform FILE` is the same as a program; in a test of a driver's own it is two lines:
//!
//! ```no_run
//! // #[test]
//! fn it_conforms() {
//!     sysloom_conform::Kit::new("target/debug/libnsd_foo.so").assert();
//! }
//! ```
#![forbid(unsafe_code)]

mod bodies;
mod count;
mod counterpart;
mod duel;
mod hello;
mod judge;
mod kit;
mod line;
mod pipe;
mod report;
mod road;
mod subject;
mod town;
mod watchdog;

pub use kit::{Kit, Options, is_for_one_line};
pub use line::{Body, Line, lines};
pub use report::{Outcome, Report, Verdict};
pub use subject::Subject;

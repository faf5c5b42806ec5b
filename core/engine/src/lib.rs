//! sysloom's engine: what carries a message from an input to an output, without knowing any of them by name.
//!
//! A message's walk through the rooms: [`intake`] copies it into a thread's [`batch`]; [`queue`] hands the batch to a
//! [`worker`], which parses, runs the [`ruleset`], renders [`template`]s into records, and commits them to [`action`]s.
//! `netstream` runs the connections, `plugin` (the one unsafe room) loads libraries, and `assemble` builds all of it
//! from a configuration's Plan.
#![deny(unsafe_code)]

pub mod action;
pub mod assemble;
pub mod batch;
mod clock;
pub mod control;
pub mod core;
mod crew;
pub mod dynstats;
pub mod engine;
pub mod filter;
pub mod inflate;
mod inline;
pub mod intake;
mod jsonmesg;
pub mod lookup;
pub mod message;
pub mod netstream;
pub mod objects;
pub mod oversize;
pub mod parsers;
pub mod passed;
mod peers;
pub mod percentile;
#[allow(unsafe_code, reason = "the room where the engine meets plugins: see its head")]
pub mod plugin;
pub mod properties;
pub mod queue;
mod ratelimit;
mod reduce;
pub mod ruleset;
pub mod script;
pub mod selflog;
pub mod senders;
pub mod stats;
mod system;
pub mod template;
mod tracking;
pub mod worker;

pub use clock::now_words;

/// Major and minor of the plugin ABI.
pub const ABI: (u16, u16) = (sysloom_abi::ABI_MAJOR, sysloom_abi::ABI_MINOR);

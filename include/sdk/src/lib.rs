//! What a sysloom module or driver is written against: safe traits over the plugin ABI, one macro line that makes a
//! loadable library of them, and the host's services as methods.
//!
//! An input implements [`Input`] (and [`StreamInput`] if the host runs its streams), an output [`Output`], a netstream
//! driver [`Transport`] or [`Layer`], a parser [`Parser`], a message modification [`Modify`], a string generator
//! [`Generator`], a function of RainerScript [`Function`]. Options are a struct with `#[derive(Params)]`. `plugin!` at the foot of the file
//! exports it. Nothing here is reserved for in-tree plugins.

// The derive names the sdk by its crate's name, also in the sdk's own tests.
#[cfg(test)]
extern crate self as sysloom_sdk;

mod complaint;
mod control;
mod driver;
mod function;
#[doc(hidden)]
pub mod glue;
mod host;
mod input;
mod limit;
mod log;
mod message;
#[cfg(feature = "net")]
pub mod net;
mod output;
mod params;
mod stats;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tls;
mod values;
mod wait;

pub use complaint::*;
pub use driver::*;
pub use function::*;
pub use host::*;
pub use input::*;
pub use limit::*;
pub use log::*;
pub use message::*;
pub use output::*;
pub use params::*;
pub use slog;
pub use stats::*;
pub use stream::*;
pub use sysloom_abi::{Frame, frame_flag, listen_flag};
pub use sysloom_derive::{Params, plugin};
pub use sysloom_frame as frame;
pub use values::*;
pub use wait::*;

/// The examples of the README are tests.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../../README.md")]
struct Readme;

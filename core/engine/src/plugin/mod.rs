//! Plugins: finding their files, judging them before any of their code runs, loading them, and calling them.
//!
//! This is the engine's one room with unsafe code: everything that leaves it is safe to use. `assemble` loads plugins
//! through [`Loader`] and makes instances of them; the engine's services reach plugins through [`Host`]. What a plugin
//! does wrong ends here as a [`LoadError`] or a [`Fault`]; a plugin that panics is left alone from then on.

mod driver;
mod error;
mod fault;
mod function;
mod host;
mod input;
mod least;
mod link;
mod load;
mod manifest;
mod message;
mod output;
mod peer;
mod raw;
mod search;
mod services;
mod sink;
mod spec;
mod subject;
mod values;
mod watch;

#[cfg(test)]
pub(crate) use driver::loopback;
#[cfg(feature = "probe")]
pub use driver::probe;
pub use driver::{Connected, Context, Destination, Driver, Halt, Listener, Session, Side, StreamValues};
pub use error::{Attempt, LoadError, LoadFailure};
pub use fault::Fault;
pub use function::{Answered, FunctionCall, FunctionFacts, FunctionModule, Operand};
pub use host::Host;
pub use input::{InputInstance, InputModule};
pub use least::LEAST_SIZES;
pub use load::{Iface, Loader, Param, Plugin};
pub use manifest::Facts;
pub use message::{Generator, ModifyInstance, ModifyModule, ModifyWorker, ParserInstance, ParserModule};
pub use output::{Committed, OutputInstance, OutputModule, OutputWorker, Rows};
pub use peer::PeerFacts;
pub use search::Search;
pub use services::{ConnectRequest, ListenRequest, Services, Stat};
pub use sink::{SinkSession, StreamSink};
pub use spec::spec;
pub use subject::{Given, Subject};
pub use values::{Content, HostValue, Origin};
pub use watch::{Callback, Overdue, Watch};

/// The system's words, without Rust's ` (os error 13)`.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}

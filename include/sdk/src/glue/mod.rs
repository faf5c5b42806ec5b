//! What `plugin!` expands to: tables of plain functions made from the traits. Each function turns raw arguments into
//! safe ones and lets no panic out. Not for use by hand; what is here may change in any release.

mod driver;
mod entry;
mod function;
mod guard;
mod input;
mod instance;
mod message;
mod output;

pub use driver::{LayerGlue, TransportGlue};
pub use entry::{Exported, enter, guard_shutdown, manifest, module};
pub use function::FunctionGlue;
pub use input::InputGlue;
pub use message::{GeneratorGlue, ModifyGlue, ParserGlue};
pub use output::OutputGlue;
pub use sysloom_abi::{Function as RawFunction, FunctionVt, Host as RawHost, Iface, Manifest, Module};

pub(crate) use driver::raw_peer;
pub(crate) use input::StreamGlue;
pub(crate) use instance::instance_of;

//! Scripts: variables, expressions and functions of RainerScript, compiled once from the Plan.
//!
//! Rulesets evaluate [`Expr`]s and set variables; templates and filters read variables. Expressions that only compare
//! properties with constants touch no heap; others may make texts and JSON values while they are evaluated.

mod compile;
pub mod expr;
pub mod functions;
pub mod json;
pub mod parse;
pub mod random;
mod run;
#[cfg(test)]
pub mod tests;
pub mod value;
pub mod vars;

pub use compile::Compiler;
pub use expr::Expr;
pub use json::Json;
pub use run::Run;
pub use value::Value;
pub use vars::{Globals, Path, Slot, Vars};

//! rsyslog's configuration language: sysklogd selectors, `$` directives, RainerScript and YAML, read into one
//! typed [`plan::Plan`]. The daemon calls [`load`] and hands the Plan to the engine; nothing here opens a socket,
//! starts a thread or knows a plugin by name. Plugins describe their parameters as data ([`catalogue`]), and every
//! complaint is data too ([`diagnostic`]), so one run reports every mistake at its place.
#![forbid(unsafe_code)]

mod ast;
pub mod catalogue;
pub mod diagnostic;
pub mod environment;
pub mod explain;
pub mod origins;
mod parse;
pub mod plan;
pub mod policy;
pub mod print;
mod resolve;
pub mod source;
pub mod suggest;
mod tables;
mod text;
mod yaml;

pub use diagnostic::{Diagnostic, Severity};
pub use environment::{Environment, System};
pub use plan::Plan;
pub use source::{Sources, Span};

use std::path::Path;

/// What a configuration came to: the usable part of it, the texts it was read from, and all complaints.
#[derive(Debug)]
pub struct Loaded {
    pub plan: Plan,
    pub sources: Sources,
    /// In order of discovery; empty means clean.
    pub diagnostics: Vec<Diagnostic>,
    /// An `include(mode="abort-if-missing")` found nothing: the daemon must not start.
    pub abort: bool,
}

impl Loaded {
    /// Whether any complaint is an error (and not merely a warning or note).
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }
}

/// Reads the configuration that starts at `main`; never fails, what went wrong stands in the diagnostics.
pub fn load(main: &Path, env: &mut dyn Environment) -> Loaded {
    resolve::load(main, env)
}

//! From tree to Plan, statement by statement in the order of the files: modules are loaded when they are met, legacy
//! values take effect from their line on, includes are read where they stand. What cannot be used is reported and left
//! out; the rest goes on.

mod action;
mod builtin;
mod directive;
mod expr;
mod finish;
mod include;
mod input;
mod legacy;
mod module;
mod object;
mod queues;
mod replacer;
mod ruleset;
mod statement;
mod template;
mod values;

#[cfg(test)]
pub(crate) use values::convert_text;
pub(crate) use values::{Raw, convert};

use crate::catalogue;
use crate::diagnostic::Diagnostic;
use crate::environment::Environment;
use crate::plan::{Plan, RulesetId, Values};
use crate::source::{Sources, Span};
use crate::{Loaded, ast};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Reads the configuration that starts at `main`.
pub(crate) fn load(main: &Path, env: &mut dyn Environment) -> Loaded {
    let mut loader = Loader::new(env);
    loader.add_builtin_templates();
    loader.load_builtin_modules();
    loader.main_file(main);
    loader.finish();
    // In the order of the files' lines, what stands nowhere last; the sort is stable.
    loader.diagnostics.sort_by_key(|d| d.span.map_or((u32::MAX, 0), |span| (span.file, span.start)));
    Loaded {
        plan: loader.plan,
        sources: loader.sources,
        diagnostics: loader.diagnostics,
        abort: loader.abort,
    }
}

/// The state of a load.
struct Loader<'e> {
    env: &'e mut dyn Environment,
    sources: Sources,
    diagnostics: Vec<Diagnostic>,
    plan: Plan,
    abort: bool,
    legacy: legacy::Legacy,
    /// Modules that could not be loaded, by bare name in lower case: what only follows from that is not reported.
    failed_modules: HashSet<String>,
    /// Why an output that should always be there is not.
    missing_builtins: HashMap<String, String>,
    /// For each module whether a module() object gave it parameters.
    explicit_modules: Vec<bool>,
    rulesets: Vec<ruleset::State>,
    /// Where top-level statements go: `$RuleSet`.
    current: RulesetId,
    /// `$MainMsgQueue...`
    main_queue: Values,
    /// Templates whose definition could not be used, and where it was tried.
    failed_templates: HashMap<String, Span>,
    /// Names of actions, and where they were given.
    action_names: HashMap<String, Span>,
    /// Files being read, innermost last.
    reading: Vec<PathBuf>,
    depth: u32,
    keep_case: bool,
    bsd: statement::BsdBlocks,
    /// global(environment=...)
    variables: HashMap<String, String>,
}

impl<'e> Loader<'e> {
    fn new(env: &'e mut dyn Environment) -> Loader<'e> {
        let mut loader = Loader {
            env,
            sources: Sources::default(),
            diagnostics: Vec::new(),
            plan: Plan { globals: Values::unset(catalogue::globals()), ..Plan::default() },
            abort: false,
            legacy: legacy::Legacy::new(),
            failed_modules: HashSet::new(),
            missing_builtins: HashMap::new(),
            explicit_modules: Vec::new(),
            rulesets: Vec::new(),
            current: RulesetId::DEFAULT,
            main_queue: Values::unset(catalogue::main_queue()),
            failed_templates: HashMap::new(),
            action_names: HashMap::new(),
            reading: Vec::new(),
            depth: 0,
            keep_case: false,
            bsd: statement::BsdBlocks::default(),
            variables: HashMap::new(),
        };
        loader.define_ruleset(crate::plan::DEFAULT_RULESET, Span::NONE);
        loader
    }

    fn error(
        &mut self,
        code: i32,
        slug: &'static str,
        message: impl Into<String>,
        at: Span,
    ) -> &mut Diagnostic {
        self.report(Diagnostic::error(code, slug, message, at))
    }

    fn warning(
        &mut self,
        code: i32,
        slug: &'static str,
        message: impl Into<String>,
        at: Span,
    ) -> &mut Diagnostic {
        self.report(Diagnostic::warning(code, slug, message, at))
    }

    fn report(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        self.diagnostics.push(diagnostic);
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    /// The place of a piece of text within what a span covers; the whole span if it is not there, or more than once.
    fn within(&self, at: Span, piece: &str) -> Span {
        let text = self.sources.text(at);
        match text.find(piece) {
            Some(found) if !piece.is_empty() && text.rfind(piece) == Some(found) => {
                let start = at.start + found as u32;
                Span { start, end: start + piece.len() as u32, ..at }
            }
            _ => at,
        }
    }

    /// A value as text or list, with backticks run.
    fn raw(&mut self, value: &ast::Value, at: Span) -> Raw {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match value {
            ast::Value::Text(bytes) => Raw::Text(text(bytes)),
            ast::Value::Array(items) => Raw::List(items.iter().map(|(bytes, _)| text(bytes)).collect()),
            ast::Value::Backtick(command) => Raw::Text(self.backtick(command, at)),
        }
    }

    /// The value of `` `echo ...` `` or `` `cat file` ``.
    fn backtick(&mut self, command: &str, at: Span) -> String {
        let command = command.trim_start();
        if let Some(text) = command.strip_prefix("echo ") {
            return self.echo(text.trim_start());
        }
        if let Some(file) = command.strip_prefix("cat ") {
            let path = PathBuf::from(file.trim());
            return match self.env.read(&path) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(error) => {
                    let message =
                        format!("file could not be accessed for `cat {}`: {}", file.trim(), plain(&error));
                    self.error(2207, "backtick", message, at);
                    format!("# file '{}' could not be read", file.trim())
                }
            };
        }
        let message =
            format!("invalid command in backticks: '{command}' - only `echo` and `cat` are supported");
        self.error(2207, "backtick", message, at);
        String::new()
    }

    fn echo(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let (variable, tail) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
                Some(parts) => parts,
                None => after.split_at(after.find(|c| !name(c)).unwrap_or(after.len())),
            };
            if variable.is_empty() {
                out.push('$');
            } else if let Some(value) =
                self.variables.get(variable).cloned().or_else(|| self.env.var(variable))
            {
                out.push_str(&value);
            }
            rest = tail;
        }
        out.push_str(rest);
        out
    }
}

/// An I/O error without Rust's `(os error N)`.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}

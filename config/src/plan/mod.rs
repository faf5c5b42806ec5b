//! The typed result of a load. `engine::assemble` builds the daemon from it and asks no further questions about
//! text: names are resolved to numbers, values have their types, defaults are filled in, legacy syntax is folded
//! into the same nodes as everything else. Each part keeps the span it came from.

mod expr;
mod filter;
mod property;
mod script;
mod template;
mod values;

pub(crate) use expr::FUNCTIONS;
pub use expr::{BinaryOp, CoreFunction, Expr, ExprKind, Function, UnaryOp};
pub use filter::{Comparison, Filter, PriorityMask};
pub(crate) use property::property_names;
pub use property::{JsonPath, JsonRoot, Property, PropertyRef, Step};
pub use script::{Block, Statement};
pub use template::{
    Case, Constant, ControlCharacters, DataType, DateFormat, FieldPick, Format, NoMatch, OnEmpty, Piece,
    Position, RegexKind, RegexPick, Replacer, SecurePath, Template, TemplateKind, TemplateOption,
};
pub use values::{Origin, Setting, Value, Values};

use crate::catalogue::ModuleSpec;
use crate::source::Span;
use std::sync::Arc;

/// A template's place in [`Plan::templates`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TemplateId(pub usize);

/// A ruleset's place in [`Plan::rulesets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RulesetId(pub usize);

impl RulesetId {
    /// RSYSLOG_DefaultRuleset.
    pub const DEFAULT: RulesetId = RulesetId(0);
}

/// The name of the ruleset that takes what stands outside of rulesets.
pub const DEFAULT_RULESET: &str = "RSYSLOG_DefaultRuleset";

/// An action's place in [`Plan::actions`]; also the number in its default name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActionId(pub usize);

/// A whole configuration.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// global() and its legacy forms, over [`crate::catalogue::globals`].
    pub globals: Values,
    /// main_queue() or `$MainMsgQueue...`; after a load it is there, with the defaults of its origin.
    pub main_queue: Option<Values>,
    /// In order of loading.
    pub modules: Vec<Module>,
    pub inputs: Vec<Input>,
    /// Empty means that every message would be lost; the daemon refuses to start then.
    pub actions: Vec<Action>,
    /// rsyslog's built-in templates first.
    pub templates: Vec<Template>,
    /// RSYSLOG_DefaultRuleset first.
    pub rulesets: Vec<Ruleset>,
    /// `$DefaultRuleset`: where inputs without a ruleset deliver. Inputs have it resolved already.
    pub default_ruleset: Option<RulesetId>,
    pub parsers: Vec<Parser>,
    pub lookup_tables: Vec<Object>,
    pub dyn_stats: Vec<Object>,
    pub percentile_stats: Vec<Object>,
    pub timezones: Vec<Object>,
    pub ratelimits: Vec<Object>,
    /// `$outchannel`; actions that use one carry its values already.
    pub outchannels: Vec<OutChannel>,
    /// `$AllowedSender`, in order.
    pub allowed_senders: Vec<AllowedSender>,
    /// global(environment=...): variables to set before anything starts.
    pub environment: Vec<(String, String)>,
}

/// A loaded module and its module-level values.
#[derive(Clone, Debug)]
pub struct Module {
    pub spec: Arc<ModuleSpec>,
    /// Over the spec's module table.
    pub values: Values,
    /// Over [`crate::catalogue::streams`], global values folded in; empty unless the module uses streams.
    pub streams: Values,
    /// The name as it was written: a path, a name with `.so`, `builtin:omfile`.
    pub written: String,
    /// An instance was asked for, whatever came of it; or there are errors, and nobody knows.
    pub asked: bool,
    pub span: Span,
}

/// One instance of an input module.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its place in [`Plan::modules`].
    pub module: usize,
    /// Over the spec's instance table.
    pub values: Values,
    /// Module-level and global values are folded in; empty unless the module uses streams.
    pub streams: Values,
    /// Where it delivers; none means [`Plan::default_ruleset`], and failing that RSYSLOG_DefaultRuleset.
    pub ruleset: Option<RulesetId>,
    pub span: Span,
}

/// One action.
#[derive(Clone, Debug)]
pub struct Action {
    /// Its place in [`Plan::modules`].
    pub module: usize,
    /// Its name if one was given; else it is called `action-N-MODULE`.
    pub name: Option<String>,
    /// Over the spec's instance table.
    pub values: Values,
    /// Module-level and global values are folded in; empty unless the module uses streams.
    pub streams: Values,
    /// The `action.*` parameters, over [`crate::catalogue::action_common`].
    pub common: Values,
    /// Given when any queue parameter was, over [`crate::catalogue::action_queue`].
    pub queue: Option<Values>,
    /// The template chosen for it or the module's default; none when the module has none.
    pub template: Option<TemplateId>,
    pub span: Span,
}

/// A named list of statements.
#[derive(Clone, Debug)]
pub struct Ruleset {
    pub name: String,
    pub body: Block,
    /// Given when any queue parameter was, over [`crate::catalogue::ruleset_queue`].
    pub queue: Option<Values>,
    /// Names of parsers in order; empty means the default chain.
    pub parsers: Vec<(String, Span)>,
    pub span: Span,
}

/// A parser() object: a named instance of a parser module.
#[derive(Clone, Debug)]
pub struct Parser {
    pub name: String,
    /// Its place in [`Plan::modules`].
    pub module: usize,
    /// Over the spec's instance table.
    pub values: Values,
    pub span: Span,
}

/// A lookup_table(), dyn_stats(), percentile_stats(), timezone() or ratelimit() object.
#[derive(Clone, Debug)]
pub struct Object {
    pub name: String,
    pub values: Values,
    pub span: Span,
}

/// `$outchannel name,file[,size,command]`.
#[derive(Clone, Debug)]
pub struct OutChannel {
    pub name: String,
    pub file: String,
    pub size: Option<i64>,
    pub command: Option<String>,
    pub span: Span,
}

/// `$AllowedSender PROTOCOL, pattern`.
#[derive(Clone, Debug)]
pub struct AllowedSender {
    /// `TCP`, `UDP` or `GSS`.
    pub protocol: String,
    pub pattern: String,
    pub span: Span,
}

impl Plan {
    /// The ruleset with this name.
    pub fn ruleset(&self, name: &str) -> Option<RulesetId> {
        // rsyslog: ruleset names are compared without regard to case.
        self.rulesets.iter().position(|r| r.name.eq_ignore_ascii_case(name)).map(RulesetId)
    }

    /// The template with this name; the first definition of a name is the valid one.
    pub fn template(&self, name: &str) -> Option<TemplateId> {
        self.templates.iter().position(|t| t.name == name).map(TemplateId)
    }

    /// The name of an action in messages and statistics.
    pub fn action_name(&self, id: ActionId) -> String {
        let Some(action) = self.actions.get(id.0) else { return format!("action-{}", id.0) };
        if let Some(name) = &action.name {
            return name.clone();
        }
        let Some(module) = self.modules.get(action.module) else { return format!("action-{}", id.0) };
        let prefix = if module.spec.builtin { "builtin:" } else { "" };
        format!("action-{}-{prefix}{}", id.0, module.spec.name)
    }
}

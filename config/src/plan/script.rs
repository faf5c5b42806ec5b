//! What a ruleset does, statement by statement.

use super::{ActionId, Expr, Filter, JsonPath, RulesetId};
use crate::source::Span;

/// Statements in order of execution.
pub type Block = Vec<Statement>;

/// One statement; `&` chains, blocks and includes are flattened into the [`Block`] around them.
#[derive(Clone, Debug)]
pub enum Statement {
    If {
        filter: Filter,
        then: Block,
        otherwise: Block,
        span: Span,
    },
    Action(ActionId),
    Stop,
    Continue,
    /// `set $var = expr;`: keeps the type; a path through a non-object is ignored; objects merge.
    Set {
        var: JsonPath,
        expr: Expr,
        span: Span,
    },
    /// `reset $var = expr;`: as Set, but always replaces.
    Reset {
        var: JsonPath,
        expr: Expr,
        span: Span,
    },
    Unset {
        var: JsonPath,
        span: Span,
    },
    Call {
        ruleset: RulesetId,
        span: Span,
    },
    CallIndirect {
        expr: Expr,
        span: Span,
    },
    Foreach {
        var: JsonPath,
        list: Expr,
        body: Block,
        span: Span,
    },
    /// `table` is a place in `Plan::lookup_tables`.
    ReloadLookupTable {
        table: usize,
        stub: Option<String>,
        span: Span,
    },
}

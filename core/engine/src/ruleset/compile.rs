//! From the Plan's statements to steps. What the engine cannot do yet is an error at its place, never skipped.

use super::{Ruleset, Step};
use crate::filter::Filter;
use sysloom_config::plan::{self, Block, Plan, Statement};
use sysloom_config::{Diagnostic, Span};

/// Compiles all rulesets of a Plan. A statement that cannot be compiled is reported and left out.
pub fn compile(plan: &Plan, diagnostics: &mut Vec<Diagnostic>) -> Vec<Ruleset> {
    let one = |ruleset: &plan::Ruleset| {
        let mut body = Vec::new();
        steps(&ruleset.body, &mut body, diagnostics);
        Ruleset { name: ruleset.name.clone(), body }
    };
    plan.rulesets.iter().map(one).collect()
}

fn steps(block: &Block, out: &mut Vec<Step>, diagnostics: &mut Vec<Diagnostic>) {
    for statement in block {
        match statement {
            Statement::If { filter, then, otherwise, span } => {
                let Some(filter) = compile_filter(filter, *span, diagnostics) else { continue };
                let (mut yes, mut no) = (Vec::new(), Vec::new());
                steps(then, &mut yes, diagnostics);
                steps(otherwise, &mut no, diagnostics);
                out.push(Step::If { filter, then: yes, otherwise: no });
            }
            Statement::Action(id) => out.push(Step::Action(id.0)),
            Statement::Stop => out.push(Step::Stop),
            // rsyslog: `continue` does nothing.
            Statement::Continue => {}
            Statement::Call { ruleset, .. } => out.push(Step::Call(ruleset.0)),
            Statement::Set { span, .. } => unsupported("set", *span, diagnostics),
            Statement::Reset { span, .. } => unsupported("reset", *span, diagnostics),
            Statement::Unset { span, .. } => unsupported("unset", *span, diagnostics),
            Statement::CallIndirect { span, .. } => unsupported("call_indirect", *span, diagnostics),
            Statement::Foreach { span, .. } => unsupported("foreach", *span, diagnostics),
            Statement::ReloadLookupTable { span, .. } => {
                unsupported("reload_lookup_table", *span, diagnostics);
            }
        }
    }
}

fn compile_filter(filter: &plan::Filter, span: Span, diagnostics: &mut Vec<Diagnostic>) -> Option<Filter> {
    match filter {
        plan::Filter::Priority(mask) => Some(Filter::Priority(*mask)),
        plan::Filter::Property { property, negate, op, value } => {
            if let plan::PropertyRef::Json(_) = property {
                unsupported("a filter on a variable", span, diagnostics);
                return None;
            }
            match Filter::property(property, *negate, *op, value) {
                Ok(filter) => Some(filter),
                Err(bad) => {
                    let text = format!("regular expression does not compile: {bad}");
                    diagnostics.push(Diagnostic::error(2207, "bad-regex", text, span));
                    None
                }
            }
        }
        plan::Filter::Expr(expr) => {
            unsupported("an expression filter", expr.span, diagnostics);
            None
        }
    }
}

fn unsupported(what: &str, span: Span, diagnostics: &mut Vec<Diagnostic>) {
    let text = format!("{what} is not supported yet; the statement is left out");
    diagnostics.push(Diagnostic::error(2207, "unsupported", text, span));
}

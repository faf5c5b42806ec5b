//! From the Plan's statements to steps.

use super::{Ruleset, Step};
use crate::script::Compiler;
use std::sync::Arc;
use sysloom_config::catalogue::Kinds;
use sysloom_config::plan::{self, Block, Plan, Statement};

/// Compiles all rulesets of a Plan. A statement whose filter is refused is reported and left out.
pub fn compile(plan: &Plan, compiler: &mut Compiler<'_>) -> Vec<Ruleset> {
    let one = |ruleset: &plan::Ruleset| {
        let mut body = Vec::new();
        steps(plan, &ruleset.body, &mut body, compiler);
        Ruleset { name: ruleset.name.clone(), body }
    };
    plan.rulesets.iter().map(one).collect()
}

fn steps(plan: &Plan, block: &Block, out: &mut Vec<Step>, compiler: &mut Compiler<'_>) {
    for statement in block {
        match statement {
            Statement::If { filter, then, otherwise, span } => {
                let Some(condition) = compiler.filter(filter, *span) else { continue };
                let (mut yes, mut no) = (Vec::new(), Vec::new());
                steps(plan, then, &mut yes, compiler);
                steps(plan, otherwise, &mut no, compiler);
                out.push(Step::If { condition, then: yes, otherwise: no });
            }
            Statement::Action(id) => {
                let module = plan.actions.get(id.0).and_then(|action| plan.modules.get(action.module));
                let modifies = module.is_some_and(|module| module.spec.kinds.contains(Kinds::MODIFY));
                out.push(if modifies { Step::Modify(id.0) } else { Step::Action(id.0) });
            }
            Statement::Stop => out.push(Step::Stop),
            // rsyslog: `continue` does nothing.
            Statement::Continue => {}
            Statement::Call { ruleset, .. } => out.push(Step::Call(ruleset.0)),
            Statement::CallIndirect { expr, .. } => out.push(Step::CallIndirect(compiler.expr(expr))),
            Statement::Set { var, expr, .. } => {
                let (path, value) = (compiler.path(var), compiler.expr(expr));
                out.push(Step::Set { path, value, reset: false });
            }
            Statement::Reset { var, expr, .. } => {
                let (path, value) = (compiler.path(var), compiler.expr(expr));
                out.push(Step::Set { path, value, reset: true });
            }
            Statement::Unset { var, .. } => out.push(Step::Unset(compiler.path(var))),
            Statement::Foreach { var, list, body, .. } => {
                let (path, list) = (compiler.path(var), compiler.expr(list));
                let mut inner = Vec::new();
                steps(plan, body, &mut inner, compiler);
                out.push(Step::Foreach { path, list, body: inner });
            }
            Statement::ReloadLookupTable { table, stub, .. } => {
                if let Some(table) = compiler.objects.tables.get(*table) {
                    out.push(Step::ReloadTable(Arc::clone(table), stub.clone()));
                }
            }
        }
    }
}

//! Expressions: properties, functions and their constant arguments are looked up.

use super::Loader;
use crate::ast;
use crate::catalogue::Kinds;
use crate::plan::{BinaryOp, CoreFunction, Expr, ExprKind, Function, PropertyRef, UnaryOp};
use crate::source::Span;

impl Loader<'_> {
    /// Resolves an expression. What is unknown in it is reported and becomes an empty text or 0, as in rsyslog.
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Expr {
        let span = expr.span;
        let kind = match &expr.kind {
            ast::ExprKind::Number(n) => ExprKind::Number(*n),
            ast::ExprKind::Text(text) => ExprKind::Text(text.clone()),
            ast::ExprKind::Backtick(command) => ExprKind::Text(self.backtick(command, span).into_bytes()),
            ast::ExprKind::Array(items) => ExprKind::Array(items.clone()),
            ast::ExprKind::Variable(name) => self.variable(name, span),
            ast::ExprKind::Unary(op, inner) => ExprKind::Unary(*op, Box::new(self.expr(inner))),
            ast::ExprKind::Binary(op, left, right) => self.binary(*op, left, right),
            ast::ExprKind::Call(name, args) => self.call(&name.text, name.span, args, span),
        };
        Expr { kind, span }
    }

    /// Points at operands that cannot be what was meant.
    fn doubtful_operands(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr) {
        if matches!(op, BinaryOp::And | BinaryOp::Or) {
            for operand in [left, right] {
                let constant = matches!(
                    operand.kind,
                    ast::ExprKind::Text(_) | ast::ExprKind::Number(_) | ast::ExprKind::Array(_)
                );
                if constant {
                    let word = if op == BinaryOp::And { "and" } else { "or" };
                    let message =
                        format!("an operand of '{word}' is a constant, its value is always the same");
                    self.warning(2357, "constant-operand", message, operand.span).help.push(
                        "to compare with one of several texts write `$msg contains [\"a\", \"b\"]`".into(),
                    );
                }
            }
        }
        let compares = matches!(
            op,
            BinaryOp::Equal
                | BinaryOp::NotEqual
                | BinaryOp::Less
                | BinaryOp::LessEqual
                | BinaryOp::Greater
                | BinaryOp::GreaterEqual
                | BinaryOp::Contains
                | BinaryOp::ContainsI
                | BinaryOp::StartsWith
                | BinaryOp::StartsWithI
                | BinaryOp::EndsWith
        );
        // In parentheses it is meant: then the span begins before the `not`.
        if let (true, ast::ExprKind::Unary(UnaryOp::Not, inner)) = (compares, &left.kind)
            && self.sources.text(left.span).get(..3).is_some_and(|word| word.eq_ignore_ascii_case("not"))
            && !matches!(inner.kind, ast::ExprKind::Call(..))
        {
            let message =
                "'not' binds tighter than the comparison: it negates only what stands right behind it";
            self.warning(2357, "not-precedence", message, left.span)
                .help
                .push("to negate the comparison write `not (...)` around it".into());
        }
    }

    /// Operators of one level make a tree that is deep on the left; it is walked without recursion there.
    fn binary(&mut self, op: crate::plan::BinaryOp, left: &ast::Expr, right: &ast::Expr) -> ExprKind {
        let mut links = vec![(op, right, Span::NONE)];
        let mut first = left;
        self.doubtful_operands(op, left, right);
        while let ast::ExprKind::Binary(op, left, right) = &first.kind {
            self.doubtful_operands(*op, left, right);
            links.push((*op, right, first.span));
            first = left;
        }
        let mut result = self.expr(first);
        while let Some((op, right, span)) = links.pop() {
            let right = self.expr(right);
            let kind = ExprKind::Binary(op, Box::new(result), Box::new(right));
            if links.is_empty() {
                return kind;
            }
            result = Expr { kind, span };
        }
        result.kind
    }

    fn variable(&mut self, name: &str, at: Span) -> ExprKind {
        let is_path = matches!(name.as_bytes().get(1), Some(b'!' | b'.' | b'/'));
        let written = if is_path { name } else { name.strip_prefix('$').unwrap_or(name) };
        // Names are written as they stand; they are found without regard to case unless variables.caseSensitive is on.
        match self.property(written, true, at) {
            Some(property) => ExprKind::Property(property),
            None => {
                // Names may hold `-`, `.` and `!`, so an operator without blanks is swallowed by the name before it.
                let known = |part: Option<(&str, &str)>| {
                    part.is_some_and(|(head, _)| PropertyRef::find(head, self.keep_case).is_some())
                };
                if (known(written.split_once('-')) || known(written.split_once('!')))
                    && let Some(last) = self.diagnostics.last_mut()
                {
                    last.help =
                        vec![format!("`${written}` is read as one name: put blanks around operators")];
                }
                ExprKind::Text(Vec::new())
            }
        }
    }

    fn call(&mut self, name: &str, name_at: Span, args: &[ast::Expr], span: Span) -> ExprKind {
        let args: Vec<Expr> = args.iter().map(|arg| self.expr(arg)).collect();
        let core = CoreFunction::find(name);
        let module = self.plan.modules.iter().enumerate().find_map(|(at, module)| {
            Some((at, module.spec.functions.iter().find(|f| f.name == name)?.clone()))
        });
        let (function, (min, max)) = match (core, module) {
            (Some(core), _) => (Function::Core(core), core.arity()),
            (None, Some((at, spec))) => (Function::Module(at, spec.name), (spec.min_args, spec.max_args)),
            (None, None) => {
                self.unknown_function(name, name_at);
                return ExprKind::Call(Function::Zero, Vec::new());
            }
        };
        if args.len() < min || args.len() > max {
            let takes = if min == max { min.to_string() } else { format!("{min} to {max}") };
            let message = format!("number of parameters for {name}() must be {takes} but is {}.", args.len());
            self.error(2207, "function-arguments", message, span);
            return ExprKind::Call(Function::Zero, Vec::new());
        }
        match function {
            Function::Core(core) => self.core_call(core, args, span),
            other => ExprKind::Call(other, args),
        }
    }

    fn core_call(&mut self, core: CoreFunction, mut args: Vec<Expr>, span: Span) -> ExprKind {
        let constant = |arg: Option<&Expr>| match arg.map(|a| &a.kind) {
            Some(ExprKind::Text(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        };
        let needs_constant = match core {
            CoreFunction::Prifilt
            | CoreFunction::Lookup
            | CoreFunction::DynInc
            | CoreFunction::PercentileObserve
            | CoreFunction::ExecTemplate => Some(0),
            CoreFunction::ReMatch
            | CoreFunction::ReMatchI
            | CoreFunction::ReExtract
            | CoreFunction::ReExtractI => Some(1),
            _ => None,
        };
        let Some(index) = needs_constant else { return ExprKind::Call(Function::Core(core), args) };
        let Some(text) = constant(args.get(index)) else {
            let at = args.get(index).map_or(span, |a| a.span);
            let message = format!("param {} of {}() must be a constant string", index + 1, core.name());
            self.error(2207, "constant-argument", message, at);
            return ExprKind::Call(Function::Zero, Vec::new());
        };
        let at = args.get(index).map_or(span, |a| a.span);
        let by_name = |list: &[crate::plan::Object]| list.iter().position(|o| o.name == text);
        let function = match core {
            CoreFunction::Prifilt => Function::Prifilt(self.selector(&text, at)),
            CoreFunction::Lookup => {
                let table = by_name(&self.plan.lookup_tables);
                if table.is_none() {
                    let message = format!("lookup table '{text}' not found (used in function: lookup)");
                    self.error(2207, "unknown-lookup-table", message, at);
                }
                Function::Lookup(table)
            }
            CoreFunction::DynInc => {
                let bucket = by_name(&self.plan.dyn_stats);
                if bucket.is_none() {
                    self.error(2207, "unknown-bucket", format!("dyn-stats bucket '{text}' not found"), at);
                }
                Function::DynInc(bucket)
            }
            CoreFunction::PercentileObserve => {
                let bucket = by_name(&self.plan.percentile_stats);
                if bucket.is_none() {
                    self.error(
                        2207,
                        "unknown-bucket",
                        format!("perctile-stats bucket '{text}' not found"),
                        at,
                    );
                }
                Function::PercentileObserve(bucket)
            }
            CoreFunction::ExecTemplate => match self.plan.template(&text) {
                Some(template) => Function::ExecTemplate(template),
                None => {
                    let message = format!("exec_template(): template '{text}' could not be found");
                    self.error(2207, "unknown-template", message, at);
                    return ExprKind::Call(Function::Zero, Vec::new());
                }
            },
            other => return ExprKind::Call(Function::Core(other), args),
        };
        args.remove(0);
        ExprKind::Call(function, args)
    }

    fn unknown_function(&mut self, name: &str, at: Span) {
        // A function module that could not be loaded has been reported already.
        if self.failed_modules.iter().any(|m| m.starts_with("fm")) {
            return;
        }
        let lower = name.to_ascii_lowercase();
        let from_modules = self
            .plan
            .modules
            .iter()
            .filter(|m| m.spec.kinds.contains(Kinds::FUNCTION))
            .flat_map(|m| m.spec.functions.iter().map(|f| f.name.clone()))
            .collect::<Vec<_>>();
        let names =
            crate::plan::FUNCTIONS.iter().map(|f| f.name()).chain(from_modules.iter().map(String::as_str));
        let near = crate::suggest::nearest(&lower, names).map(String::from);
        let d = self.error(2207, "unknown-function", format!("function '{name}' not found"), at);
        if let Some(near) = near {
            d.help.push(match near == lower {
                true => format!("functions are written in lower case: `{near}`"),
                false => format!("did you mean `{near}`?"),
            });
        }
    }
}

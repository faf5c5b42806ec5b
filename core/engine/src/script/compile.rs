//! From the Plan's expressions to compiled ones: constants are folded, regular expressions compiled, tables, buckets
//! and templates looked up, and comparisons of a property with constants become tests.

use super::expr::{Expr, any, is_comparison, is_logical, operate};
use super::functions::{Call, Shown};
use super::value::Value;
use super::vars::Path;
use crate::core;
use crate::filter::{Constant, Gatherer, Kind, Regex, Test};
use crate::objects::Objects;
use crate::template::Template;
use std::sync::Arc;
use sysloom_config::plan::{
    self, BinaryOp, CoreFunction, ExprKind, Filter, Function, JsonPath, Property, PropertyRef, RegexKind,
    UnaryOp,
};
use sysloom_config::{Diagnostic, Span};

/// What compiling needs to know, and what comes of it besides the result.
pub struct Compiler<'a> {
    pub objects: &'a Objects,
    pub templates: &'a [Arc<Template>],
    /// Names of variables match only in the same case.
    pub exact_names: bool,
    pub gatherer: Gatherer,
    pub diagnostics: &'a mut Vec<Diagnostic>,
}

impl Compiler<'_> {
    pub fn path(&self, path: &JsonPath) -> Path {
        Path::new(path, self.exact_names)
    }

    /// A condition before statements; none if it is refused, which is reported.
    pub fn filter(&mut self, filter: &Filter, at: Span) -> Option<Expr> {
        match filter {
            Filter::Priority(mask) => Some(Expr::Priority(Box::new(*mask))),
            Filter::Expr(expr) => Some(self.expr(expr)),
            Filter::Property { property, negate, op, value } => {
                match (Test::property(*op, value), property) {
                    (Ok(test), PropertyRef::Named(property)) => {
                        let test = test.gather(*property, &mut self.gatherer);
                        Some(Expr::Test(*property, Box::new(test), *negate))
                    }
                    (Ok(test), PropertyRef::Json(path)) => {
                        Some(Expr::VariableTest(self.path(path), Box::new(test), *negate))
                    }
                    (Err(bad), _) => {
                        self.bad_regex(&bad.to_string(), at);
                        None
                    }
                }
            }
        }
    }

    /// An expression. What is wrong in it is reported and counts as 0.
    pub fn expr(&mut self, expr: &plan::Expr) -> Expr {
        match &expr.kind {
            ExprKind::Number(n) => Expr::Number(*n),
            ExprKind::Text(text) => Expr::Text(text.as_slice().into()),
            ExprKind::Array(items) => Expr::Array(boxed(items)),
            ExprKind::Property(PropertyRef::Named(property)) => Expr::Property(*property),
            ExprKind::Property(PropertyRef::Json(path)) => Expr::Variable(self.path(path)),
            ExprKind::Unary(op, inner) => self.unary(*op, inner),
            ExprKind::Binary(op, left, right) => self.chain(*op, left, right),
            ExprKind::Call(function, args) => self.call(function, args, expr.span),
        }
    }

    fn unary(&mut self, op: UnaryOp, inner: &plan::Expr) -> Expr {
        let inner = self.expr(inner);
        match (op, inner.constant()) {
            (UnaryOp::Not, Some(value)) => Expr::Number((!value.is_true()).into()),
            (UnaryOp::Negate, Some(value)) => Expr::Number(value.number().0.wrapping_neg()),
            (UnaryOp::Not, None) => Expr::Not(Box::new(inner)),
            (UnaryOp::Negate, None) => Expr::Negate(Box::new(inner)),
        }
    }

    /// The tree of a long condition is deep on the left; it becomes chains from its leaf upwards.
    fn chain(&mut self, op: BinaryOp, left: &plan::Expr, right: &plan::Expr) -> Expr {
        let mut links = vec![(op, right)];
        let mut first = left;
        while let ExprKind::Binary(op, left, right) = &first.kind {
            links.push((*op, right));
            first = left;
        }
        let mut made = self.expr(first);
        while let Some((op, right)) = links.pop() {
            let right = self.expr(right);
            made = self.link(made, op, right);
        }
        made
    }

    fn link(&mut self, left: Expr, op: BinaryOp, right: Expr) -> Expr {
        if let Expr::Property(property) = left
            && let Some(test) = self.test(property, op, &right)
        {
            return test;
        }
        if let (Some(a), Some(b)) = (left.constant(), right.constant()) {
            let value = match &right {
                Expr::Array(items) if is_comparison(op) => Value::Number(any(op, &a, items).into()),
                _ => operate(op, a, &b),
            };
            return match value {
                Value::Number(n) => Expr::Number(n),
                other => Expr::Text(other.into_shown().into_owned().into()),
            };
        }
        match left {
            // Conditions stay among themselves, so that they can be decided without making values.
            Expr::Chain(first, links) if links.iter().all(|(o, _)| is_logical(*o)) == is_logical(op) => {
                let mut links = links.into_vec();
                links.push((op, right));
                Expr::Chain(first, links.into())
            }
            left => Expr::Chain(Box::new(left), Box::new([(op, right)])),
        }
    }

    /// A comparison of a property with constants as a test.
    fn test(&mut self, property: Property, op: BinaryOp, right: &Expr) -> Option<Expr> {
        if !is_comparison(op) {
            return None;
        }
        let (kind, negate) = match (op, right) {
            (BinaryOp::Equal | BinaryOp::NotEqual, Expr::Text(text)) => {
                (Kind::IsEqual(text.clone()), op == BinaryOp::NotEqual)
            }
            (BinaryOp::Equal | BinaryOp::NotEqual, Expr::Array(items)) => {
                (Kind::one_of(items), op == BinaryOp::NotEqual)
            }
            (BinaryOp::Contains, Expr::Text(text)) => (Kind::contains(text), false),
            (BinaryOp::StartsWith, Expr::Text(text)) => (Kind::StartsWith(text.clone()), false),
            (BinaryOp::EndsWith, Expr::Text(text)) => (Kind::EndsWith(text.clone()), false),
            (_, Expr::Text(text)) => (Kind::Compare(op, Constant::Text(text.clone())), false),
            (_, Expr::Number(n)) => (Kind::Compare(op, Constant::Number(*n)), false),
            (_, Expr::Array(items)) => (Kind::Compare(op, Constant::Array(items.clone())), false),
            _ => return None,
        };
        let test = Test::new(kind).gather(property, &mut self.gatherer);
        Some(Expr::Test(property, Box::new(test), negate))
    }

    fn call(&mut self, function: &Function, args: &[plan::Expr], at: Span) -> Expr {
        let mut compiled: Vec<Expr> = args.iter().map(|arg| self.expr(arg)).collect();
        let mut next = || if compiled.is_empty() { Expr::Number(0) } else { compiled.remove(0) };
        let call = match function {
            Function::Prifilt(mask) => return Expr::Priority(Box::new(*mask)),
            Function::Zero => return Expr::Number(0),
            Function::Lookup(table) => {
                Call::Lookup(table.and_then(|t| self.objects.tables.get(t).cloned()), next())
            }
            Function::DynInc(bucket) => {
                Call::DynInc(bucket.and_then(|b| self.objects.buckets.get(b).cloned()), next())
            }
            Function::PercentileObserve(bucket) => {
                let bucket = bucket.and_then(|b| self.objects.percentiles.get(b).cloned());
                Call::Observe(bucket, next(), next())
            }
            Function::ExecTemplate(template) => match self.templates.get(template.0) {
                Some(template) => Call::ExecTemplate(Arc::clone(template)),
                None => return Expr::Number(0),
            },
            Function::Module(index, name) => {
                // A module that was refused has been reported.
                let Some(Some(module)) = self.objects.functions.get(*index) else { return Expr::Number(0) };
                let constants: Vec<_> = compiled.iter().map(Expr::constant).collect();
                let shown: Vec<_> = constants.iter().map(Shown::of).collect();
                let operands: Vec<_> = shown.iter().map(Shown::operand).collect();
                match module.call(name, core::id_of(core::Kind::Module, *index), &operands) {
                    Ok(call) => Call::Plugin(call, compiled.into()),
                    Err(fault) => {
                        let span = fault.param.and_then(|n| args.get(n)).map_or(at, |arg| arg.span);
                        let text = format!("function {name}(): {}", fault.text);
                        self.diagnostics.push(Diagnostic::error(2207, "refused-by-module", text, span));
                        return Expr::Number(0);
                    }
                }
            }
            Function::Core(function) => match function {
                CoreFunction::ReMatch | CoreFunction::ReMatchI => {
                    let Some(regex) = self.regex(args, *function == CoreFunction::ReMatchI) else {
                        return Expr::Number(0);
                    };
                    Call::Match(next(), regex)
                }
                CoreFunction::ReExtract | CoreFunction::ReExtractI => {
                    let Some(regex) = self.regex(args, *function == CoreFunction::ReExtractI) else {
                        return Expr::Number(0);
                    };
                    let (text, _) = (next(), next());
                    Call::Extract(text, regex, Box::new([next(), next(), next()]))
                }
                CoreFunction::Exists => match next() {
                    Expr::Variable(path) => Call::Exists(path),
                    _ => {
                        let text = "exists() takes a variable that begins with `$!`, `$.` or `$/`";
                        self.diagnostics.push(Diagnostic::error(2207, "constant-argument", text, at));
                        return Expr::Number(0);
                    }
                },
                core => Call::Core(*core, compiled.into()),
            },
        };
        Expr::Call(Box::new(call))
    }

    /// The regular expression that a function has as its second argument.
    fn regex(&mut self, args: &[plan::Expr], ignore_case: bool) -> Option<Regex> {
        let arg = args.get(1)?;
        let ExprKind::Text(text) = &arg.kind else { return None };
        match Regex::new(text, RegexKind::Extended, ignore_case) {
            Ok(regex) => Some(regex),
            Err(bad) => {
                self.bad_regex(&bad.to_string(), arg.span);
                None
            }
        }
    }

    fn bad_regex(&mut self, why: &str, at: Span) {
        let text = format!("regular expression does not compile: {why}");
        self.diagnostics.push(Diagnostic::error(2207, "bad-regex", text, at));
    }
}

fn boxed(items: &[Vec<u8>]) -> Box<[Box<[u8]>]> {
    items.iter().map(|item| item.as_slice().into()).collect()
}

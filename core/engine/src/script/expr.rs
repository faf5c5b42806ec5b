//! Compiled expressions and their evaluation.
//!
//! Operators of one level stand in one chain that is walked from left to right, so that long conditions need no deep
//! stack. A right operand is looked at as it is written: arrays mean "any element" there.

use super::functions::Call;
use super::run::Run;
use super::value::Value;
use super::vars::{self, Path};
use crate::filter::Test;
use crate::message::Message;
use memchr::memmem;
use std::borrow::Cow;
use std::cmp::Ordering;
use sysloom_config::plan::{BinaryOp, PriorityMask, Property};

/// An expression ready to be evaluated.
pub enum Expr {
    Number(i64),
    Text(Box<[u8]>),
    Array(Box<[Box<[u8]>]>),
    Property(Property),
    Variable(Path),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    /// The first operand, then operators with their right operands.
    Chain(Box<Expr>, Box<[(BinaryOp, Expr)]>),
    /// A property against constants: 0 or 1.
    Test(Property, Box<Test>, bool),
    /// As Test, for a variable.
    VariableTest(Path, Box<Test>, bool),
    Priority(Box<PriorityMask>),
    Call(Box<Call>),
}

impl Expr {
    /// The value, if it needs no message.
    pub fn constant(&self) -> Option<Value<'_>> {
        match self {
            Self::Number(n) => Some(Value::Number(*n)),
            Self::Text(text) => Some(Value::text(&**text)),
            Self::Array(items) => Some(first(items)),
            _ => None,
        }
    }

    /// Whether the condition holds for a message.
    pub fn holds(&self, message: &Message<'_>, run: &mut Run) -> bool {
        match self {
            Self::Test(property, test, negate) => test.passes(*property, message, run) != *negate,
            Self::VariableTest(path, test, negate) => {
                message.variable(path, &mut run.scratch);
                test.holds(&run.scratch) != *negate
            }
            Self::Priority(mask) => mask.matches(message.facility(), message.severity()),
            Self::Not(inner) => !inner.holds(message, run),
            Self::Chain(first, rest) if rest.iter().all(|(op, _)| is_logical(*op)) => {
                let mut holds = first.holds(message, run);
                for (op, right) in rest {
                    // Where the left side decides, the right side is not evaluated.
                    if holds == (*op == BinaryOp::And) {
                        holds = right.holds(message, run);
                    }
                }
                holds
            }
            _ => self.value(message, run).is_true(),
        }
    }

    /// The value for a message.
    pub fn value<'a>(&'a self, message: &Message<'a>, run: &mut Run) -> Value<'a> {
        match self {
            Self::Number(n) => Value::Number(*n),
            Self::Text(text) => Value::text(&**text),
            Self::Array(items) => first(items),
            Self::Property(property) => property_value(*property, message, run),
            Self::Variable(path) => variable(path, message),
            Self::Not(_) | Self::Test(..) | Self::VariableTest(..) | Self::Priority(_) => {
                Value::Number(self.holds(message, run).into())
            }
            Self::Negate(inner) => Value::Number(inner.value(message, run).number().0.wrapping_neg()),
            Self::Chain(first, rest) => {
                let mut value = first.value(message, run);
                for (op, right) in rest {
                    value = match op {
                        BinaryOp::And | BinaryOp::Or => {
                            let left = value.is_true();
                            let decided = left != (*op == BinaryOp::And);
                            Value::Number(if decided { left } else { right.holds(message, run) }.into())
                        }
                        _ => match right {
                            Self::Array(items) if is_comparison(*op) => {
                                Value::Number(any(*op, &value, items).into())
                            }
                            right => {
                                let right = right.value(message, run);
                                operate(*op, value, &right)
                            }
                        },
                    };
                }
                value
            }
            Self::Call(call) => call.value(message, run),
        }
    }
}

/// A property's value; borrowed from the message where it stands there as such.
fn property_value<'a>(property: Property, message: &Message<'a>, run: &mut Run) -> Value<'a> {
    if let Some(text) = message.plain(property) {
        return Value::text(text);
    }
    Value::text(message.named(property, &mut run.scratch).to_vec())
}

/// A variable's value, as a copy.
pub fn variable<'a>(path: &Path, message: &Message<'_>) -> Value<'a> {
    vars::read(path, message.vars, &message.around.globals, Value::from_json)
}

/// Applies an operator that is not logical to two values.
pub fn operate<'a>(op: BinaryOp, left: Value<'a>, right: &Value<'_>) -> Value<'a> {
    let numbers = |f: fn(i64, i64) -> i64| Value::Number(f(left.number().0, right.number().0));
    match op {
        BinaryOp::Add => numbers(i64::wrapping_add),
        BinaryOp::Subtract => numbers(i64::wrapping_sub),
        BinaryOp::Multiply => numbers(i64::wrapping_mul),
        // rsyslog: a division by 0 gives 0.
        BinaryOp::Divide => numbers(|a, b| if b == 0 { 0 } else { a.wrapping_div(b) }),
        BinaryOp::Modulo => numbers(|a, b| if b == 0 { 0 } else { a.wrapping_rem(b) }),
        BinaryOp::Concat => {
            let mut text = left.into_shown().into_owned();
            text.extend_from_slice(&right.shown());
            Value::Text(Cow::Owned(text))
        }
        BinaryOp::And => Value::Number((left.is_true() && right.is_true()).into()),
        BinaryOp::Or => Value::Number((left.is_true() || right.is_true()).into()),
        _ => Value::Number(compare(op, &left, right).into()),
    }
}

/// Whether a comparison with an array holds: with any element, or for `!=` with all.
pub fn any(op: BinaryOp, left: &Value<'_>, items: &[Box<[u8]>]) -> bool {
    // rsyslog: a number is compared with the first element alone.
    if let Value::Number(_) = left {
        return compare(op, left, &first(items));
    }
    let left = Value::Text(left.shown());
    let mut compared = items.iter().map(|item| compare(op, &left, &Value::text(&**item)));
    if op == BinaryOp::NotEqual { compared.all(|c| c) } else { compared.any(|c| c) }
}

fn compare(op: BinaryOp, left: &Value<'_>, right: &Value<'_>) -> bool {
    match op {
        BinaryOp::Equal => left.equals(right),
        BinaryOp::NotEqual => !left.equals(right),
        BinaryOp::Less => left.order(right) == Ordering::Less,
        BinaryOp::LessEqual => left.order(right) != Ordering::Greater,
        BinaryOp::Greater => left.order(right) == Ordering::Greater,
        BinaryOp::GreaterEqual => left.order(right) != Ordering::Less,
        BinaryOp::Contains => memmem::find(&left.shown(), &right.shown()).is_some(),
        BinaryOp::ContainsI => contains_i(&left.shown(), &right.shown()),
        BinaryOp::StartsWith => left.shown().starts_with(&right.shown()),
        BinaryOp::StartsWithI => {
            let right = right.shown();
            left.shown().get(..right.len()).is_some_and(|head| head.eq_ignore_ascii_case(&right))
        }
        BinaryOp::EndsWith => left.shown().ends_with(&right.shown()),
        _ => false,
    }
}

/// Whether `text` holds `needle` in any case.
pub fn contains_i(text: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || text.windows(needle.len()).any(|part| part.eq_ignore_ascii_case(needle))
}

/// Whether an array on the right of this operator means its elements.
pub fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(
        op,
        Equal
            | NotEqual
            | Less
            | LessEqual
            | Greater
            | GreaterEqual
            | Contains
            | ContainsI
            | StartsWith
            | StartsWithI
            | EndsWith
    )
}

/// `and` and `or`.
pub fn is_logical(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::And | BinaryOp::Or)
}

fn first(items: &[Box<[u8]>]) -> Value<'_> {
    Value::text(items.first().map_or(&[][..], |item| &**item))
}

//! Functions of plugins: values on their way across the border and back.

use crate::message::Message;
use crate::plugin::{Answered, FunctionCall, Operand};
use crate::script::Expr;
use crate::script::parse;
use crate::script::run::Run;
use crate::script::value::Value;
use std::borrow::Cow;

/// A value in the form in which a plugin sees it.
pub enum Shown<'a> {
    Unknown,
    Number(i64),
    Text(&'a [u8]),
    Json(Cow<'a, [u8]>),
}

impl<'a> Shown<'a> {
    /// Of a constant, if the argument is one.
    pub fn of(value: &'a Option<Value<'_>>) -> Self {
        value.as_ref().map_or(Self::Unknown, Self::value)
    }

    fn value(value: &'a Value<'_>) -> Self {
        match value {
            Value::Number(number) => Self::Number(*number),
            Value::Text(text) => Self::Text(text),
            Value::Json(_) => Self::Json(value.shown()),
        }
    }

    pub fn operand(&self) -> Operand<'_> {
        match self {
            Self::Unknown => Operand::Unknown,
            Self::Number(number) => Operand::Number(*number),
            Self::Text(text) => Operand::Text(text),
            Self::Json(text) => Operand::Json(text),
        }
    }
}

/// Evaluates arguments, then the function. With a few arguments, as all functions have, nothing is allocated here but
/// a text that the function answers.
pub fn call<'a>(call: &FunctionCall, args: &'a [Expr], message: &Message<'a>, run: &mut Run) -> Value<'a> {
    if args.len() > FEW {
        let values: Vec<Value<'_>> = args.iter().map(|arg| arg.value(message, run)).collect();
        let shown: Vec<Shown<'_>> = values.iter().map(Shown::value).collect();
        let operands: Vec<Operand<'_>> = shown.iter().map(Shown::operand).collect();
        return answer(call, &operands, run);
    }
    let values: [Option<Value<'_>>; FEW] =
        std::array::from_fn(|at| args.get(at).map(|arg| arg.value(message, run)));
    let shown: [Shown<'_>; FEW] = std::array::from_fn(|at| Shown::of(&values[at]));
    let operands: [Operand<'_>; FEW] = std::array::from_fn(|at| shown[at].operand());
    answer(call, &operands[..args.len()], run)
}

fn answer<'a>(call: &FunctionCall, operands: &[Operand<'_>], run: &mut Run) -> Value<'a> {
    let mut text = Vec::new();
    let (answered, script_error) = call.evaluate(operands, &mut text);
    run.script_error = script_error;
    match answered {
        Answered::Number(number) => Value::Number(number),
        Answered::Text => Value::text(text),
        Answered::Json => parse::parse(&text).map_or_else(|| Value::text(text), Value::Json),
    }
}

/// Arguments that need no memory of their own.
const FEW: usize = 4;

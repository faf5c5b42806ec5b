//! Calls of functions, with what is known at load looked up already: expressions, tables, buckets, templates.

mod cef;
mod json;
mod net;
mod plugin;
mod text;
mod time;

use super::run::Run;
use super::value::Value;
use super::vars::{self, Path};
use super::{Expr, random};
use crate::dynstats::Bucket;
use crate::filter::Regex;
use crate::lookup::Table;
use crate::message::Message;
use crate::percentile::Percentiles;
use crate::plugin::FunctionCall;
use crate::template::Template;
use std::borrow::Cow;
use std::sync::Arc;
use sysloom_config::plan::CoreFunction;

pub use plugin::Shown;

/// A call ready to be evaluated.
pub enum Call {
    Core(CoreFunction, Box<[Expr]>),
    Match(Expr, Regex),
    /// Value, expression, number of the match, of the part in it, and what is given if there is none.
    Extract(Expr, Regex, Box<[Expr; 3]>),
    Exists(Path),
    /// A missing table gives a fixed text.
    Lookup(Option<Arc<Table>>, Expr),
    DynInc(Option<Arc<Bucket>>, Expr),
    Observe(Option<Arc<Percentiles>>, Expr, Expr),
    ExecTemplate(Arc<Template>),
    /// A function of a plugin.
    Plugin(FunctionCall, Box<[Expr]>),
}

impl Call {
    /// The function's result for a message.
    pub fn value<'a>(&'a self, message: &Message<'a>, run: &mut Run) -> Value<'a> {
        match self {
            Self::Core(function, args) => core(*function, args, message, run),
            Self::Match(text, regex) => {
                let text = text.value(message, run);
                Value::Number(regex.is_match(&text.shown()).into())
            }
            Self::Extract(text, regex, rest) => extract(text, regex, rest, message, run),
            Self::Exists(path) => {
                let found = vars::read(path, message.vars, &message.around.globals, |found| {
                    found.is_some_and(|json| *json != super::Json::Null)
                });
                Value::Number(found.into())
            }
            Self::Lookup(table, key) => {
                let key = key.value(message, run);
                match table {
                    Some(table) => table.find(&key),
                    None => Value::text(&b"TABLE-NOT-FOUND"[..]),
                }
            }
            Self::DynInc(bucket, key) => {
                let key = key.value(message, run);
                Value::Number(bucket.as_ref().map_or(-1, |bucket| bucket.increment(&key.shown())))
            }
            Self::Observe(percentiles, key, number) => {
                let key = key.value(message, run);
                let number = number.value(message, run).number().0;
                let done = percentiles.as_ref().map_or(-1, |p| p.observe(&key.shown(), number));
                Value::Number(done)
            }
            Self::Plugin(call, args) => plugin::call(call, args, message, run),
            Self::ExecTemplate(template) => {
                let mut out = Vec::new();
                template.render(message, &mut run.buffers, &mut out);
                Value::Text(Cow::Owned(out))
            }
        }
    }
}

fn core<'a>(function: CoreFunction, args: &'a [Expr], message: &Message<'a>, run: &mut Run) -> Value<'a> {
    use CoreFunction as F;
    let mut values = [const { Value::Number(0) }; MAX_ARGS];
    // The arguments that look at a variable itself are evaluated by their functions.
    for (slot, arg) in values.iter_mut().zip(args) {
        *slot = arg.value(message, run);
    }
    let [a, b, c, ..] = &values;
    let number = |n: i64| Value::Number(n);
    match function {
        F::Strlen => number(a.shown().len() as i64),
        F::Tolower => Value::text(a.shown().to_ascii_lowercase()),
        F::Toupper => Value::text(a.shown().to_ascii_uppercase()),
        F::Ltrim => Value::text(text::ltrim(&a.shown()).to_vec()),
        F::Rtrim => Value::text(text::rtrim(&a.shown()).to_vec()),
        F::Cstr => Value::text(a.shown().into_owned()),
        F::Cnum => number(a.number().0),
        F::Cbool => number(text::cbool(a).into()),
        F::Getenv => Value::text(text::getenv(&a.shown())),
        F::Substring => Value::text(text::substring(&a.shown(), b.number().0, c.number().0).to_vec()),
        F::Field => text::field(&a.shown(), b, c.number().0),
        F::Replace => Value::text(text::replace(&a.shown(), &b.shown(), &c.shown())),
        F::Wrap => {
            let escape = if args.len() > 2 { Some(c.shown()) } else { None };
            Value::text(text::wrap(&a.shown(), &b.shown(), escape.as_deref()))
        }
        F::Split => Value::Json(text::split(&a.shown(), &b.shown())),
        F::Random => number(pick(a)),
        F::Int2hex => Value::text(text::int2hex(a)),
        F::Num2ipv4 => Value::text(net::num2ipv4(a)),
        F::Ip42num | F::Ipv42num => number(net::ip42num(&a.shown())),
        F::IsInSubnet => number(net::is_in_subnet(&a.shown(), &b.shown()).into()),
        F::FormatTime => time::format_time(a, &b.shown()),
        F::ParseTime => run.reported(time::parse_time(&a.shown(), false)),
        F::ParseTimeLocaltz => run.reported(time::parse_time(&a.shown(), true)),
        F::IsTime => {
            let format = if args.len() > 1 { Some(b.shown()) } else { None };
            let is = time::is_time(a, format.as_deref());
            run.script_error = i64::from(!is);
            number(is.into())
        }
        F::ParseJson => json::parse_json(&a.shown(), &b.shown(), message, run),
        F::GetProperty => json::get_property(&a.clone(), b, message, run),
        F::AppendJson => {
            let [a, b, c, ..] = values;
            json::append(a, b, if args.len() > 2 { Some(c) } else { None }, message)
        }
        F::ScriptError => number(run.script_error),
        F::PreviousActionSuspended => number(run.suspended.into()),
        F::B64Decode => Value::text(text::b64_decode(&a.shown())),
        F::Tocef => Value::text(cef::header(&values)),
        F::CefExtEscape => Value::text(cef::escape_value(&a.shown())),
        // These are compiled to calls of their own.
        F::ReMatch
        | F::ReMatchI
        | F::ReExtract
        | F::ReExtractI
        | F::Prifilt
        | F::Lookup
        | F::DynInc
        | F::PercentileObserve
        | F::ExecTemplate
        | F::Exists => number(0),
    }
}

impl Run {
    /// A number, or 0 and an error for `script_error()`.
    fn reported<'a>(&mut self, result: Option<i64>) -> Value<'a> {
        self.script_error = i64::from(result.is_none());
        Value::Number(result.unwrap_or(0))
    }
}

/// `random(n)`
fn pick(limit: &Value<'_>) -> i64 {
    match limit.number() {
        (0, _) | (_, false) => 0,
        (n, true) => (random::next() % n.unsigned_abs()) as i64,
    }
}

fn extract<'a>(
    text: &'a Expr,
    regex: &Regex,
    rest: &'a [Expr; 3],
    message: &Message<'a>,
    run: &mut Run,
) -> Value<'a> {
    let text = text.value(message, run);
    let [wanted, part, default] = rest;
    let wanted = u32::try_from(wanted.value(message, run).number().0);
    let part = u32::try_from(part.value(message, run).number().0);
    let shown = text.shown();
    let found = match (wanted, part) {
        (Ok(wanted), Ok(part)) => regex.find_nth(&shown, wanted, part),
        _ => None,
    };
    match found.and_then(|range| shown.get(range)) {
        Some(found) => Value::text(found.to_vec()),
        None => default.value(message, run),
    }
}

/// The most arguments that a function takes: those of tocef().
const MAX_ARGS: usize = 8;

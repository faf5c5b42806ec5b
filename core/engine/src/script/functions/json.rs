//! Functions on JSON values and variables.

use crate::message::Message;
use crate::script::json::{Json, Object};
use crate::script::parse;
use crate::script::run::Run;
use crate::script::value::Value;
use crate::script::vars::{self, Path};
use sysloom_config::plan::JsonPath;

/// `parse_json(text, "\$!path")`: 0 if the text was JSON and is stored now, else 1.
pub fn parse_json<'a>(text: &[u8], path: &[u8], message: &Message<'_>, run: &mut Run) -> Value<'a> {
    let stored = || {
        let path = JsonPath::parse(std::str::from_utf8(path).ok()?, true)?;
        let value = parse::parse(text)?;
        let path = Path::new(&path, message.around.exact_names);
        vars::set(&path, message.vars, &message.around.globals, value, false);
        Some(())
    };
    run.script_error = i64::from(stored().is_none());
    Value::Number(run.script_error)
}

/// `get_property(value, key)`: a member or element.
pub fn get_property<'a>(
    value: &Value<'_>,
    key: &Value<'_>,
    message: &Message<'_>,
    run: &mut Run,
) -> Value<'a> {
    let name = key.shown();
    run.script_error = 0;
    let found = match value {
        Value::Json(json) if name.is_empty() => Some(json),
        Value::Json(Json::Object(object)) => object.find(&name, message.around.exact_names),
        Value::Json(Json::Array(items)) => match key.number() {
            (at, true) => usize::try_from(at).ok().and_then(|at| items.get(at)),
            _ => None,
        },
        // rsyslog: a value without parts is its own only part.
        Value::Json(json) => Some(json),
        Value::Number(n) => return Value::Number(*n),
        Value::Text(text) if name.is_empty() || !text.is_empty() => return Value::text(text.to_vec()),
        Value::Text(_) => None,
    };
    if found.is_none() {
        run.script_error = 1;
    }
    Value::from_json(found)
}

/// `append_json(array, x)` or `append_json(object, key, x)`: a changed copy.
pub fn append<'a>(
    to: Value<'a>,
    second: Value<'_>,
    third: Option<Value<'_>>,
    message: &Message<'_>,
) -> Value<'a> {
    match (to, third) {
        (Value::Json(Json::Array(mut items)), None) => {
            items.push(second.into_json());
            Value::Json(Json::Array(items))
        }
        (Value::Json(Json::Object(mut object)), Some(value)) => {
            Object::put(&mut object, &second.shown(), value.into_json(), message.around.exact_names);
            Value::Json(Json::Object(object))
        }
        _ => Value::Json(Json::Null),
    }
}

//! A message for a parser, a modification or a generator under test: properties and variables by name.

use super::TestHost;
use crate::Message;
use crate::values::slice;
use std::collections::BTreeMap;
use sysloom_abi::{Bytes, Opaque, form, status};

/// The properties of one message. Names compare without case.
pub struct TestMessage {
    host: TestHost,
    values: BTreeMap<String, Vec<u8>>,
}

impl TestMessage {
    /// A message whose properties `rawmsg` and `msg` are this text, with the PRI 13.
    pub fn new(host: &TestHost, text: &str) -> Self {
        let mut message = Self { host: *host, values: BTreeMap::new() };
        message.set("rawmsg", text);
        message.set("msg", text);
        message.set("pri", "13");
        message
    }

    /// Gives it a property.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_ascii_lowercase(), value.into());
    }

    /// A property, empty if it has none of that name.
    pub fn get(&self, name: &str) -> String {
        let value = self.values.get(&name.to_ascii_lowercase());
        value.map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    }

    /// Whether the variable or property is there.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(&name.to_ascii_lowercase())
    }

    /// Lends it to a plugin.
    pub fn lend<R>(&mut self, call: impl FnOnce(&mut Message<'_>) -> R) -> R {
        let host = self.host.host();
        // SAFETY: the handle is good for the call, and the functions below make nothing else of it.
        call(&mut unsafe { Message::from_raw(std::ptr::from_mut(self).cast(), host) })
    }
}

/// Texts that a generator writes.
pub fn written(write: impl FnOnce(&mut crate::Sink<'_>)) -> Vec<u8> {
    unsafe extern "C" fn append(ctx: Opaque, text: Bytes) {
        // SAFETY: `ctx` is the vector below, and the text is lent for the call.
        unsafe { (*ctx.cast::<Vec<u8>>()).extend_from_slice(slice(text.ptr, text.len)) }
    }
    let mut out = Vec::new();
    let raw = sink(&mut out, append);
    write(&mut crate::Sink(&raw));
    out
}

/// Compiles a function with constant arguments and calls it with the same: its answer as text, and script_error().
pub fn call<F: crate::Function>(
    host: &TestHost,
    module: &F::Module,
    arguments: &[crate::Argument<'_>],
) -> Result<(String, i64), crate::Complaint> {
    unsafe extern "C" fn append(ctx: Opaque, text: Bytes) {
        // SAFETY: as in `written`.
        unsafe { (*ctx.cast::<Vec<u8>>()).extend_from_slice(slice(text.ptr, text.len)) }
    }
    use sysloom_abi::argument;
    let raw = |value: &crate::Argument<'_>| {
        let (ty, number, text) = match value {
            crate::Argument::Unknown => (argument::NONE, 0, &[][..]),
            crate::Argument::Number(number) => (argument::NUMBER, *number, &[][..]),
            crate::Argument::Text(text) => (argument::TEXT, 0, *text),
            crate::Argument::Json(text) => (argument::JSON, 0, *text),
        };
        sysloom_abi::Argument { ty, reserved: 0, number, text: crate::host::borrow(text) }
    };
    let raw: Vec<_> = arguments.iter().map(raw).collect();
    let arguments = crate::Arguments(&raw);
    let function = F::new(module, &arguments, host.host())?;
    let mut text = Vec::new();
    let mut answer = sysloom_abi::Answer {
        size: size_of::<sysloom_abi::Answer>() as u32,
        ty: argument::NUMBER,
        number: 0,
        out: sink(&mut text, append),
        script_error: 0,
    };
    function.call(&arguments, &mut crate::Answer(&mut answer));
    let (ty, number, error) = (answer.ty, answer.number, answer.script_error);
    let shown = if ty == argument::NUMBER { number.to_string() } else { lossy(&text) };
    Ok((shown, error))
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn sink(out: &mut Vec<u8>, write: unsafe extern "C" fn(Opaque, Bytes)) -> sysloom_abi::Sink {
    let size = size_of::<sysloom_abi::Sink>() as u32;
    sysloom_abi::Sink { size, reserved: 0, ctx: std::ptr::from_mut(out).cast(), write }
}

/// # Safety
/// `message` is a handle of [`TestMessage::lend`].
unsafe fn owner<'a>(message: Opaque, property: i64) -> Option<(&'a mut TestMessage, String)> {
    // SAFETY: the caller's promise.
    let message = unsafe { message.cast::<TestMessage>().as_mut() }?;
    let index = usize::try_from(property).ok()?;
    let name = message.host.inner.lock().names.get(index).cloned()?;
    Some((message, name))
}

pub unsafe extern "C" fn message_get(_: Opaque, message: Opaque, property: i64, out: *mut Bytes) -> i64 {
    // SAFETY: the sdk passes the handle of its call.
    let found = unsafe { owner(message, property) };
    let value = found.and_then(|(message, name)| message.values.get(&name));
    let Some(value) = value else { return status::INVALID };
    // SAFETY: the sdk has room for the answer.
    unsafe { *out = crate::host::borrow(value) };
    status::OK
}

pub unsafe extern "C" fn message_set(
    _: Opaque,
    message: Opaque,
    property: i64,
    how: u32,
    value: Bytes,
) -> i64 {
    // SAFETY: the value is lent for the call; it is copied before anything else is touched.
    let value = unsafe { slice(value.ptr, value.len) }.to_vec();
    // SAFETY: the sdk passes the handle of its call.
    let Some((message, name)) = (unsafe { owner(message, property) }) else { return status::INVALID };
    if how == form::JSON && !is_json(&value) {
        return status::INVALID;
    }
    let used = value.len() as i64;
    message.values.insert(name, value);
    used
}

pub unsafe extern "C" fn message_unset(_: Opaque, message: Opaque, property: i64) -> i64 {
    // SAFETY: the sdk passes the handle of its call.
    let found = unsafe { owner(message, property) };
    let there = found.is_some_and(|(message, name)| message.values.remove(&name).is_some());
    if there { status::OK } else { status::INVALID }
}

/// Whether a text is one JSON value, and nothing but blanks around it.
fn is_json(text: &[u8]) -> bool {
    value(text.trim_ascii_start()).is_some_and(|rest| rest.trim_ascii().is_empty())
}

fn value(text: &[u8]) -> Option<&[u8]> {
    match text.first()? {
        b'{' => members(text, b'}', |text| {
            let rest = string(text)?.trim_ascii_start();
            value(rest.strip_prefix(b":")?.trim_ascii_start())
        }),
        b'[' => members(text, b']', value),
        b'"' => string(text),
        _ => {
            let len = text.iter().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
            let (word, rest) = text.split_at(len);
            let number = || std::str::from_utf8(word).is_ok_and(|word| word.parse::<f64>().is_ok());
            (matches!(word, b"true" | b"false" | b"null") || number()).then_some(rest)
        }
    }
}

fn members(text: &[u8], end: u8, one: impl Fn(&[u8]) -> Option<&[u8]>) -> Option<&[u8]> {
    let mut rest = text.get(1..)?.trim_ascii_start();
    if rest.first() == Some(&end) {
        return rest.get(1..);
    }
    loop {
        rest = one(rest)?.trim_ascii_start();
        match rest.split_first()? {
            (b',', more) => rest = more.trim_ascii_start(),
            (last, more) => return (*last == end).then_some(more),
        }
    }
}

fn string(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text.strip_prefix(b"\"")?;
    loop {
        match rest.split_first()? {
            (b'"', rest) => return Some(rest),
            (b'\\', more) => rest = more.get(1..)?,
            (_, more) => rest = more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json() {
        for good in [r#"{"a":[1,-2.5e3,"x\"y",true,{}]} "#, "[]", "null", "\"\""] {
            assert!(is_json(good.as_bytes()), "{good}");
        }
        for bad in ["", "{", "{\"a\"}", "[1,]", "{} x", "nul", "\"open", "{a:1}"] {
            assert!(!is_json(bad.as_bytes()), "{bad}");
        }
    }
}

//! Functions on texts.

use crate::script::Json;
use crate::script::value::Value;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Blanks at the head taken away; only blanks.
pub fn ltrim(text: &[u8]) -> &[u8] {
    let from = text.iter().position(|b| *b != b' ').unwrap_or(text.len());
    text.get(from..).unwrap_or_default()
}

/// Blanks at the end taken away; only blanks.
pub fn rtrim(text: &[u8]) -> &[u8] {
    let to = text.iter().rposition(|b| *b != b' ').map_or(0, |at| at + 1);
    text.get(..to).unwrap_or_default()
}

/// `cbool()`: false are the number 0 and a few words.
pub fn cbool(value: &Value<'_>) -> bool {
    match value {
        Value::Text(text) => {
            let text = text.trim_ascii();
            ![&b""[..], b"0", b"no", b"off", b"false"].iter().any(|word| text.eq_ignore_ascii_case(word))
        }
        other => other.is_true(),
    }
}

/// A variable of the environment, empty if there is none.
pub fn getenv(name: &[u8]) -> Vec<u8> {
    // `var_os` panics on names that no variable can have.
    if name.is_empty() || name.iter().any(|b| matches!(b, b'=' | 0)) {
        return Vec::new();
    }
    std::env::var_os(OsStr::from_bytes(name)).map(OsStringExt::into_vec).unwrap_or_default()
}

/// `substring(text, start, len)`; a negative length leaves out as many bytes of the whole.
pub fn substring(text: &[u8], start: i64, len: i64) -> &[u8] {
    let start = usize::try_from(start).unwrap_or(0).min(text.len());
    // rsyslog: counted from all of the text, not from what is left after `start`.
    let len = if len < 0 { (text.len() as i64).saturating_add(len).max(0) } else { len };
    let end = start.saturating_add(usize::try_from(len).unwrap_or(usize::MAX)).min(text.len());
    text.get(start..end).unwrap_or_default()
}

/// `field(text, delimiter, n)`; a number is the delimiter's code.
pub fn field<'a>(text: &[u8], delimiter: &Value<'_>, n: i64) -> Value<'a> {
    let code;
    let delimiter: &[u8] = match delimiter {
        Value::Text(text) => text,
        other => {
            code = [other.number().0 as u8];
            &code
        }
    };
    let found = usize::try_from(n).ok().filter(|n| *n > 0).and_then(|n| {
        if delimiter.is_empty() {
            return (n == 1).then(|| &text[..0]);
        }
        let mut rest = text;
        for _ in 1..n {
            rest = rest.get(memmem::find(rest, delimiter)? + delimiter.len()..)?;
        }
        rest.get(..memmem::find(rest, delimiter).unwrap_or(rest.len()))
    });
    Value::text(found.unwrap_or(b"***FIELD NOT FOUND***").to_vec())
}

/// Every `find` in `text` replaced. An empty `find` gives the replacement alone.
pub fn replace(text: &[u8], find: &[u8], with: &[u8]) -> Vec<u8> {
    if find.is_empty() {
        return with.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in memmem::find_iter(text, find) {
        out.extend_from_slice(text.get(from..at).unwrap_or_default());
        out.extend_from_slice(with);
        from = at + find.len();
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    out
}

/// `wrap(text, wrapper[, escape])`
pub fn wrap(text: &[u8], wrapper: &[u8], escape: Option<&[u8]>) -> Vec<u8> {
    let inner = match escape {
        Some(escape) if !wrapper.is_empty() => replace(text, wrapper, escape),
        _ => text.to_vec(),
    };
    [wrapper, &inner, wrapper].concat()
}

/// `split(text, separator)`: an array of texts.
pub fn split(text: &[u8], separator: &[u8]) -> Json {
    let mut items = Vec::new();
    if !separator.is_empty() {
        let mut rest = text;
        while let Some(at) = memmem::find(rest, separator) {
            items.push(Json::Text(rest.get(..at).unwrap_or_default().to_vec()));
            rest = rest.get(at + separator.len()..).unwrap_or_default();
        }
        items.push(Json::Text(rest.to_vec()));
    }
    Json::Array(items)
}

/// `int2hex(n)`
pub fn int2hex(value: &Value<'_>) -> Vec<u8> {
    match value.number() {
        (n, true) => format!("{n:x}").into_bytes(),
        _ => b"NAN".to_vec(),
    }
}

/// `b64_decode(text)`: empty if it is no base64.
pub fn b64_decode(text: &[u8]) -> Vec<u8> {
    BASE64.decode(text).unwrap_or_default()
}

/// Padded as RFC 4648 has it, whatever the bits say that no byte needs.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

//! ArcSight's Common Event Format.

use crate::script::value::Value;

/// `tocef(version, vendor, product, device version, id, name, severity, extension)`
pub fn header(values: &[Value<'_>]) -> Vec<u8> {
    let mut out = b"CEF:".to_vec();
    for (at, value) in values.iter().enumerate() {
        let text = value.shown();
        if at > 0 {
            out.push(b'|');
        }
        match at {
            EXTENSION => out.extend_from_slice(&text),
            SIGNATURE => escape(&text, b"\\|%=#", &mut out),
            _ => escape(&text, b"\\|", &mut out),
        }
    }
    out
}

/// `cef_ext_escape(text)`: a value of the extension.
pub fn escape_value(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &b in text {
        match b {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\\' | b'=' => out.extend_from_slice(&[b'\\', b]),
            _ => out.push(b),
        }
    }
    out
}

fn escape(text: &[u8], which: &[u8], out: &mut Vec<u8>) {
    for &b in text {
        if which.contains(&b) {
            out.push(b'\\');
        }
        out.push(b);
    }
}

/// Places among the arguments.
const SIGNATURE: usize = 4;
const EXTENSION: usize = 7;

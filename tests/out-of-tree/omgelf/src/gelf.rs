//! One message as a GELF object.

/// Appends an object and its NUL. `property` puts a property of the message into the buffer it is given, and tells
/// whether there is one; `buffer` is that buffer, kept for the next call.
pub fn object(out: &mut Vec<u8>, property: impl Fn(&str, &mut Vec<u8>) -> bool, buffer: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"version\":\"1.1\"");
    for (key, name, is_number) in FIELDS {
        if !property(name, buffer) || buffer.trim_ascii().is_empty() {
            continue;
        }
        out.extend_from_slice(b",\"");
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\":");
        let value = buffer.trim_ascii();
        match is_number && value.iter().all(u8::is_ascii_digit) {
            true => out.extend_from_slice(value),
            false => string(out, value),
        }
    }
    out.extend_from_slice(b"}\0");
}

/// A JSON string; what is no UTF-8 becomes U+FFFD.
fn string(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    for c in String::from_utf8_lossy(value).chars() {
        match c {
            '"' | '\\' => out.extend([b'\\', c as u8]),
            '\n' => out.extend(b"\\n"),
            '\t' => out.extend(b"\\t"),
            c if c.is_control() => out.extend(format!("\\u{:04x}", u32::from(c)).into_bytes()),
            c => out.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// GELF's key, the property that fills it, and whether it is a number.
const FIELDS: [(&str, &str, bool); 5] = [
    ("host", "hostname", false),
    ("short_message", "msg", false),
    ("level", "syslogseverity", true),
    ("_facility", "syslogfacility-text", false),
    ("_application", "app-name", false),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_the_string() {
        let mut out = Vec::new();
        string(&mut out, b"a\"b\\c\x01\xff\n");
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\\"b\\\\c\\u0001\u{fffd}\\n\"");
    }
}

//! A walk over STRUCTURED-DATA: elements, their parameters, values without escapes.
//!
//! The walk is as tolerant as the parser of messages: it ends where the grammar of RFC 5424 6.3 is left, and what
//! came before stays valid.

use std::borrow::Cow;

/// The elements of a `structured-data` property; none for `-`.
pub fn elements(structured_data: &[u8]) -> Elements<'_> {
    Elements { rest: structured_data }
}

/// Iterates over SD-ELEMENTs.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    /// What the walk has not taken; after the last element, anything but nothing is malformed.
    pub fn remainder(&self) -> &'a [u8] {
        self.rest
    }
}

/// One SD-ELEMENT.
#[derive(Clone, Debug)]
pub struct Element<'a> {
    /// SD-ID.
    pub id: &'a [u8],
    /// Its SD-PARAMs in their order; a name may occur more than once.
    pub params: Params<'a>,
}

/// Iterates over SD-PARAMs.
#[derive(Clone, Debug)]
pub struct Params<'a> {
    rest: &'a [u8],
}

/// One SD-PARAM; the value as it stands between its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    pub name: &'a [u8],
    pub escaped: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    // RFC 5424 6.3.1: "[" SD-ID *(SP SD-PARAM) "]", one after the other.
    fn next(&mut self) -> Option<Element<'a>> {
        let inside = self.rest.strip_prefix(b"[")?;
        let (id, after) = split_name(inside)?;
        // The parameters are walked twice, so that an element without its end is not reported.
        let mut params = Params { rest: after };
        while params.next().is_some() {}
        self.rest = params.rest.strip_prefix(b"]")?;
        let within = after.len() - params.rest.len();
        Some(Element { id, params: Params { rest: after.get(..within)? } })
    }
}

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;

    // RFC 5424 6.3.3: PARAM-NAME "=" %d34 PARAM-VALUE %d34.
    fn next(&mut self) -> Option<Param<'a>> {
        let (name, after) = split_name(self.rest.strip_prefix(b" ")?)?;
        let value = after.strip_prefix(b"=\"")?;
        let mut escape = false;
        let len = value.iter().position(|&byte| {
            let ends = byte == b'"' && !escape;
            escape = byte == b'\\' && !escape;
            ends
        })?;
        self.rest = value.get(len + 1..)?;
        Some(Param { name, escaped: value.get(..len)? })
    }
}

impl<'a> Param<'a> {
    /// PARAM-VALUE without its escapes; copied only if it has some.
    // RFC 5424 6.3.3: `"`, `\` and `]` are escaped; a backslash before anything else is a regular character.
    pub fn value(&self) -> Cow<'a, [u8]> {
        if memchr::memchr(b'\\', self.escaped).is_none() {
            return Cow::Borrowed(self.escaped);
        }
        let mut out = Vec::with_capacity(self.escaped.len());
        let mut rest = self.escaped;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match (byte, after.split_first()) {
                (b'\\', Some((&next @ (b'"' | b'\\' | b']'), later))) => {
                    out.push(next);
                    rest = later;
                }
                _ => out.push(byte),
            }
        }
        Cow::Owned(out)
    }
}

/// Appends `value` with the escapes that a PARAM-VALUE needs.
pub fn push_escaped(out: &mut Vec<u8>, value: &[u8]) {
    for &byte in value {
        if matches!(byte, b'"' | b'\\' | b']') {
            out.push(b'\\');
        }
        out.push(byte);
    }
}

// RFC 5424 6.3: SD-NAME, without `=`, SP, `]` and `"`. rsyslog: the limit of 32 and the alphabet are not enforced.
fn split_name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = text.iter().position(|byte| matches!(byte, b'=' | b' ' | b']' | b'"'))?;
    if len == 0 {
        return None;
    }
    text.split_at_checked(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(text: &str) -> String {
        let mut out = String::new();
        let mut walk = elements(text.as_bytes());
        for element in walk.by_ref() {
            out += &format!("{}(", String::from_utf8_lossy(element.id));
            for param in element.params {
                let (name, value) = (String::from_utf8_lossy(param.name), param.value());
                out += &format!("{name}={};", String::from_utf8_lossy(&value));
            }
            out += ")";
        }
        out + &String::from_utf8_lossy(walk.remainder())
    }

    // RFC 5424-11, -12, -14, -15, -16.
    #[test]
    fn walks() {
        for (text, expected) in [
            ("-", "-"),
            ("", ""),
            ("[a]", "a()"),
            ("[a@32473 b=\"c\" d=\"e f\"][x y=\"]z\\]\"]", "a@32473(b=c;d=e f;)x(y=]z];)"),
            ("[a b=\"1\" b=\"2\"]", "a(b=1;b=2;)"),
            ("[a b=\"q\\\"\\\\\\]\"]", "a(b=q\"\\];)"),
            ("[a b=\"\\n\\\"]", "[a b=\"\\n\\\"]"),
            ("[a b=\"c:\\dir\"]", "a(b=c:\\dir;)"),
            ("[a b=\"\"]", "a(b=;)"),
            ("[a b=\"x\"] [c]", "a(b=x;) [c]"),
            ("[a b=\"x\"][c d=\"y", "a(b=x;)[c d=\"y"),
            ("[a b=x]", "[a b=x]"),
            ("[a  b=\"x\"]", "[a  b=\"x\"]"),
            ("[]", "[]"),
            ("[ a]", "[ a]"),
            ("[a", "[a"),
            ("[", "["),
        ] {
            assert_eq!(walked(text), expected, "{text}");
        }
    }

    #[test]
    fn escapes_come_back() {
        for value in ["", "plain", "\"", "\\", "]", "a\\\"]b\\", "\\\\]]"] {
            let mut text = b"[id name=\"".to_vec();
            push_escaped(&mut text, value.as_bytes());
            text.extend_from_slice(b"\"]");
            let element = elements(&text).next().unwrap();
            let param = element.params.clone().next().unwrap();
            assert_eq!(&*param.value(), value.as_bytes());
        }
    }
}

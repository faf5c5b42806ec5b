//! JSON values of variables: what `$!`, `$.` and `$/` hold, and their text as rsyslog writes it.
//!
//! Strings and keys are bytes, because messages are; members keep the order in which they were added.

use crate::system;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Int(i64),
    /// A number with a fraction or an exponent, and the text that it was read from.
    Double(f64, Option<Box<[u8]>>),
    Text(Vec<u8>),
    Array(Vec<Json>),
    Object(Object),
}

/// Members in the order of their arrival; a key stands only once.
// rsyslog: a member that was taken away leaves a gap, and the next new member goes into the first gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(Vec<Option<(Box<[u8]>, Json)>>);

impl Json {
    /// An object without members.
    pub fn object() -> Self {
        Self::Object(Object::default())
    }

    /// A copy as expressions make it.
    // rsyslog: a copy of a number forgets how the number was written.
    pub fn copy(&self) -> Self {
        match self {
            Self::Double(number, _) => Self::Double(*number, None),
            Self::Array(items) => Self::Array(items.iter().map(Self::copy).collect()),
            Self::Object(object) => {
                Self::Object(Object(object.iter().map(|(k, v)| Some((k.into(), v.copy()))).collect()))
            }
            other => other.clone(),
        }
    }

    /// Appends the JSON text, with blanks (`{ "a": 1 }`) or without.
    pub fn write(&self, blanks: bool, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(n) => system::signed(*n, out),
            Self::Double(_, Some(text)) => out.extend_from_slice(text),
            Self::Double(n, None) => write_double(*n, out),
            Self::Text(text) => quote(text, out),
            Self::Array(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    separate(at, blanks, out);
                    item.write(blanks, out);
                }
                out.extend_from_slice(if blanks { b" ]" } else { b"]" });
            }
            Self::Object(object) => {
                out.push(b'{');
                for (at, (key, value)) in object.iter().enumerate() {
                    separate(at, blanks, out);
                    quote(key, out);
                    out.extend_from_slice(if blanks { b": " } else { b":" });
                    value.write(blanks, out);
                }
                out.extend_from_slice(if blanks { b" }" } else { b"}" });
            }
        }
    }

    /// Appends the value as templates and expressions show it: strings bare, null as nothing, others as JSON.
    pub fn write_value(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => {}
            Self::Text(text) => out.extend_from_slice(text),
            other => other.write(true, out),
        }
    }
}

impl Object {
    /// The member with this name. An exact match goes before one that differs in case only.
    pub fn find(&self, key: &[u8], exact: bool) -> Option<&Json> {
        self.0.get(self.place(key, exact)?)?.as_ref().map(|(_, value)| value)
    }

    /// As [`Object::find`], for changes.
    pub fn find_mut(&mut self, key: &[u8], exact: bool) -> Option<&mut Json> {
        let at = self.place(key, exact)?;
        self.0.get_mut(at)?.as_mut().map(|(_, value)| value)
    }

    /// Adds a member, or replaces the value of the one that is there.
    pub fn put(&mut self, key: &[u8], value: Json, exact: bool) {
        if let Some(there) = self.find_mut(key, exact) {
            *there = value;
            return;
        }
        let member = Some((key.into(), value));
        match self.0.iter_mut().find(|slot| slot.is_none()) {
            Some(gap) => *gap = member,
            None => self.0.push(member),
        }
    }

    /// Takes a member away.
    pub fn remove(&mut self, key: &[u8], exact: bool) {
        if let Some(slot) = self.place(key, exact).and_then(|at| self.0.get_mut(at)) {
            *slot = None;
        }
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Json)> {
        self.0.iter().flatten().map(|(key, value)| (&**key, value))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes over all members of another object.
    pub fn merge(&mut self, other: Object, exact: bool) {
        for (key, value) in other.0.into_iter().flatten() {
            self.put(&key, value, exact);
        }
    }

    fn place(&self, key: &[u8], exact: bool) -> Option<usize> {
        let find = |same: &dyn Fn(&[u8]) -> bool| {
            self.0.iter().position(|member| member.as_ref().is_some_and(|(k, _)| same(k)))
        };
        match find(&|k| k == key) {
            None if !exact => find(&|k| k.eq_ignore_ascii_case(key)),
            same => same,
        }
    }
}

fn separate(at: usize, blanks: bool, out: &mut Vec<u8>) {
    if at > 0 {
        out.push(b',');
    }
    if blanks {
        out.push(b' ');
    }
}

fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    crate::template::json_escape(text, false, out);
    out.push(b'"');
}

/// Seventeen significant digits, as C's `%.17g` has them.
fn write_double(n: f64, out: &mut Vec<u8>) {
    if !n.is_finite() {
        let text = if n.is_nan() {
            "NaN"
        } else if n > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        return out.extend_from_slice(text.as_bytes());
    }
    let scientific = format!("{n:.16e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..17).contains(&exponent) {
        let places = usize::try_from(16 - exponent).unwrap_or(0);
        let fixed = format!("{n:.places$}");
        return out.extend_from_slice(without_zeros(&fixed).as_bytes());
    }
    out.extend_from_slice(without_zeros(digits).as_bytes());
    let sign = if exponent < 0 { '-' } else { '+' };
    out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &Json, blanks: bool) -> String {
        let mut out = Vec::new();
        value.write(blanks, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_as_rsyslog_writes_it() {
        let mut inner = Object::default();
        inner.put(b"k", Json::object(), true);
        inner.put(b"e", Json::Array(Vec::new()), true);
        let value = Json::Array(vec![
            Json::Int(-3),
            Json::Double(2.5, Some(b"2.50".as_slice().into())),
            Json::Bool(true),
            Json::Null,
            Json::Object(inner),
            Json::Text(b"a/\"\n\x01".to_vec()),
        ]);
        assert_eq!(
            text(&value, true),
            r#"[ -3, 2.50, true, null, { "k": { }, "e": [ ] }, "a\/\"\n\u0001" ]"#
        );
        assert_eq!(text(&value, false), r#"[-3,2.50,true,null,{"k":{},"e":[]},"a\/\"\n\u0001"]"#);
        assert_eq!(text(&value.copy(), false).matches("2.5,").count(), 1);
    }

    #[test]
    fn doubles_have_seventeen_digits() {
        for (n, want) in [
            (2.5, "2.5"),
            (0.1, "0.10000000000000001"),
            (1000.0, "1000"),
            (1e20, "1e+20"),
            (1.5e-7, "1.4999999999999999e-07"),
            (-0.0, "-0"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(text(&Json::Double(n, None), true), want);
        }
    }

    #[test]
    fn members_are_found_without_regard_to_case() {
        let mut object = Object::default();
        object.put(b"Foo", Json::Int(1), false);
        object.put(b"foo", Json::Int(2), false);
        assert_eq!(object.len(), 1);
        assert_eq!(object.find(b"FOO", false), Some(&Json::Int(2)));
        assert_eq!(object.find(b"FOO", true), None);
        object.remove(b"fOO", false);
        assert!(object.is_empty());
    }
}

//! The property replacer: what a template's options do to one property's value, in rsyslog's order of work.
//!
//! Compiled once from the Plan; at run time it moves between two buffers that the caller lends, so nothing is
//! allocated per message.

use crate::filter::Regex;
use memchr::memchr;
use sysloom_config::plan::{
    Case, ControlCharacters, DataType, FieldPick, Format, NoMatch, OnEmpty, Position, RegexPick, Replacer,
    SecurePath,
};

/// A replacer ready to run.
pub struct Steps {
    field: Option<FieldPick>,
    regex: Option<(RegexPick, Option<Regex>)>,
    position: Option<Position>,
    fixed_width: bool,
    sp_if_no_1st_sp: bool,
    case: Case,
    control: ControlCharacters,
    path: SecurePath,
    drop_last_lf: bool,
    compress_space: bool,
    format: Format,
    fieldname: Vec<u8>,
    data_type: DataType,
    on_empty: OnEmpty,
    omit_if_zero: bool,
}

/// Two buffers that take turns holding the value.
#[derive(Default)]
pub struct Scratch {
    now: Vec<u8>,
    next: Vec<u8>,
}

impl Steps {
    /// Compiles what the Plan says; `name` is the field's name in JSON if the template gives none.
    pub fn new(replacer: &Replacer, name: &str) -> Self {
        // rsyslog: an expression that does not compile makes every value "**NO MATCH** **BAD REGULAR EXPRESSION**".
        let regex = replacer.regex.as_ref().map(|pick| {
            let compiled = Regex::new(&pick.expression, pick.kind, false).ok();
            (pick.clone(), compiled)
        });
        Self {
            field: replacer.field,
            regex,
            position: replacer.position,
            fixed_width: replacer.fixed_width,
            sp_if_no_1st_sp: replacer.sp_if_no_1st_sp,
            case: replacer.case,
            control: replacer.control,
            path: replacer.path,
            drop_last_lf: replacer.drop_last_lf,
            compress_space: replacer.compress_space,
            format: replacer.format,
            fieldname: replacer.fieldname.as_deref().unwrap_or(name).as_bytes().to_vec(),
            data_type: replacer.data_type,
            on_empty: replacer.on_empty,
            omit_if_zero: replacer.omit_if_zero,
        }
    }

    /// Whether the value comes out as it went in.
    pub fn is_identity(&self) -> bool {
        self.field.is_none()
            && self.regex.is_none()
            && self.position.is_none()
            && !self.sp_if_no_1st_sp
            && self.case == Case::Keep
            && self.control == ControlCharacters::Keep
            && self.path == SecurePath::Keep
            && !self.drop_last_lf
            && !self.compress_space
            && self.format == Format::Plain
    }

    /// Whether the only work is `sp-if-no-1st-sp`, which every file template has.
    pub fn is_leading_space_only(&self) -> bool {
        let others = Self {
            sp_if_no_1st_sp: false,
            field: self.field,
            regex: None,
            position: self.position,
            fixed_width: false,
            case: self.case,
            control: self.control,
            path: self.path,
            drop_last_lf: self.drop_last_lf,
            compress_space: self.compress_space,
            format: self.format,
            fieldname: Vec::new(),
            data_type: self.data_type,
            on_empty: self.on_empty,
            omit_if_zero: self.omit_if_zero,
        };
        self.sp_if_no_1st_sp && self.regex.is_none() && others.is_identity()
    }

    /// Appends the replaced value to `out`.
    pub fn apply(&self, value: &[u8], scratch: &mut Scratch, out: &mut Vec<u8>) {
        let mut value = value;
        if let Some(pick) = &self.field {
            match field(value, pick) {
                Some(found) => value = found,
                None => return self.finish(b"**FIELD NOT FOUND**", scratch, out),
            }
        } else if let Some((pick, regex)) = &self.regex {
            match matched(value, pick, regex.as_ref()) {
                Ok(found) => value = found,
                Err(text) => return self.finish(text, scratch, out),
            }
        }
        let mut pad = 0;
        if let Some(position) = &self.position {
            (value, pad) = substring(value, position, self.fixed_width);
        }
        if self.sp_if_no_1st_sp {
            // rsyslog: the output is the blank alone, never the value.
            let blank = value.first().is_some_and(|b| *b != b' ');
            value = if blank { b" " } else { b"" };
        }
        if self.is_plain_after_substring() && pad == 0 {
            return self.finish(value, scratch, out);
        }
        scratch.now.clear();
        scratch.now.extend_from_slice(value);
        scratch.now.resize(value.len() + pad, b' ');
        match self.case {
            Case::Keep => {}
            Case::Lower => scratch.now.make_ascii_lowercase(),
            Case::Upper => scratch.now.make_ascii_uppercase(),
        }
        self.escape_control(scratch);
        self.secure_path(scratch);
        if self.drop_last_lf
            && !matches!(self.control, ControlCharacters::Escape | ControlCharacters::EscapeOctal)
            && scratch.now.last() == Some(&b'\n')
        {
            scratch.now.pop();
        }
        if self.compress_space {
            let mut previous = 0;
            scratch.now.retain(|&b| !(std::mem::replace(&mut previous, b) == b' ' && b == b' '));
        }
        let value = std::mem::take(&mut scratch.now);
        self.finish(&value, scratch, out);
        scratch.now = value;
    }

    fn is_plain_after_substring(&self) -> bool {
        self.case == Case::Keep
            && self.control == ControlCharacters::Keep
            && self.path == SecurePath::Keep
            && !self.drop_last_lf
            && !self.compress_space
    }

    fn escape_control(&self, scratch: &mut Scratch) {
        if self.control == ControlCharacters::Keep || !scratch.now.iter().any(u8::is_ascii_control) {
            return;
        }
        scratch.next.clear();
        for &b in &scratch.now {
            if !b.is_ascii_control() {
                scratch.next.push(b);
                continue;
            }
            match self.control {
                ControlCharacters::Keep => scratch.next.push(b),
                // rsyslog: decimal here, although reception escapes in octal.
                ControlCharacters::Escape => {
                    scratch.next.extend([b'#', b'0' + b / 100, b'0' + b / 10 % 10, b'0' + b % 10]);
                }
                ControlCharacters::EscapeOctal => {
                    scratch.next.extend([b'#', b'0' + b / 64, b'0' + b / 8 % 8, b'0' + b % 8]);
                }
                ControlCharacters::Space => scratch.next.push(b' '),
                ControlCharacters::Drop => {}
            }
        }
        std::mem::swap(&mut scratch.now, &mut scratch.next);
    }

    fn secure_path(&self, scratch: &mut Scratch) {
        match self.path {
            SecurePath::Keep => return,
            SecurePath::Drop => scratch.now.retain(|b| *b != b'/'),
            SecurePath::Replace => scratch.now.iter_mut().filter(|b| **b == b'/').for_each(|b| *b = b'_'),
        }
        match scratch.now.as_slice() {
            b"" | b"." => {
                scratch.now.clear();
                scratch.now.push(b'_');
            }
            b".." => {
                scratch.now.clear();
                scratch.now.extend(b"_.");
            }
            _ => {}
        }
    }

    fn finish(&self, value: &[u8], _scratch: &mut Scratch, out: &mut Vec<u8>) {
        match self.format {
            Format::Plain => out.extend_from_slice(value),
            Format::Csv => {
                out.push(b'"');
                for &b in value {
                    if b == b'"' {
                        out.push(b'"');
                    }
                    out.push(b);
                }
                out.push(b'"');
            }
            Format::Json => json_escape(value, false, out),
            Format::Jsonr => json_escape(value, true, out),
            Format::Jsonf | Format::Jsonfr => self.member(value, out),
        }
    }

    /// `"fieldname":"value"`, the value in its type.
    fn member(&self, value: &[u8], out: &mut Vec<u8>) {
        let trimmed = value.trim_ascii();
        let is_number = self.data_type == DataType::Number;
        let is_zero = trimmed.iter().all(|b| *b == b'0');
        if value.is_empty() && self.on_empty == OnEmpty::Skip || self.omit_if_zero && is_number && is_zero {
            return;
        }
        out.push(b'"');
        out.extend_from_slice(&self.fieldname);
        out.extend_from_slice(b"\":");
        if value.is_empty() && self.on_empty == OnEmpty::Null {
            return out.extend_from_slice(b"null");
        }
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        match self.data_type {
            DataType::Number if trimmed.is_empty() => out.push(b'0'),
            DataType::Number => out.extend_from_slice(trimmed),
            DataType::Auto if digits => out.extend_from_slice(value),
            // rsyslog: everything but `0` is true, also `false`.
            DataType::Bool if value == b"0" => out.extend_from_slice(b"false"),
            DataType::Bool => out.extend_from_slice(b"true"),
            DataType::String | DataType::Auto => {
                out.push(b'"');
                json_escape(value, self.format == Format::Jsonfr, out);
                out.push(b'"');
            }
        }
    }
}

/// Appends `value` with RFC 4627's escapes; with `keep_escapes`, escapes that are there stay as they are.
pub fn json_escape(value: &[u8], keep_escapes: bool, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut escaped = false;
    for (i, &b) in value.iter().enumerate() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match b {
            b'"' => out.extend(b"\\\""),
            b'/' => out.extend(b"\\/"),
            b'\\' if keep_escapes => match value.get(i + 1) {
                Some(n @ (b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u')) => {
                    out.extend([b, *n]);
                    escaped = true;
                }
                _ => out.extend(b"\\\\"),
            },
            b'\\' => out.extend(b"\\\\"),
            0x08 => out.extend(b"\\b"),
            0x0c => out.extend(b"\\f"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0..=0x1f => {
                out.extend(b"\\u00");
                out.extend([HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]);
            }
            _ => out.push(b),
        }
    }
}

/// The n-th field of a value.
fn field<'a>(value: &'a [u8], pick: &FieldPick) -> Option<&'a [u8]> {
    let mut rest = value;
    if pick.number == 0 {
        return None;
    }
    for _ in 1..pick.number {
        let at = memchr(pick.delimiter, rest)?;
        rest = &rest[at + 1..];
        if pick.join_delimiters {
            while rest.first() == Some(&pick.delimiter) {
                rest = &rest[1..];
            }
        }
    }
    let end = memchr(pick.delimiter, rest).unwrap_or(rest.len());
    Some(&rest[..end])
}

/// What the regex finds, or the text for finding nothing.
fn matched<'a>(value: &'a [u8], pick: &RegexPick, regex: Option<&Regex>) -> Result<&'a [u8], &'a [u8]> {
    let Some(regex) = regex else { return Err(b"**NO MATCH** **BAD REGULAR EXPRESSION**") };
    if let Some(part) = regex.part_of_nth(value, pick.match_number, pick.submatch) {
        // rsyslog: a part that took no part in the match is empty.
        return Ok(part.and_then(|range| value.get(range)).unwrap_or_default());
    }
    match pick.no_match {
        NoMatch::Default => Err(b"**NO MATCH**"),
        NoMatch::Blank => Err(b""),
        NoMatch::Zero => Err(b"0"),
        NoMatch::Field => Ok(value),
    }
}

/// The part of a value, and how many blanks make it as wide as asked for.
fn substring<'a>(value: &'a [u8], position: &Position, fixed_width: bool) -> (&'a [u8], usize) {
    let len = value.len() as i64;
    let (from, to) = if position.from_end {
        // Both count from the end: `4:2` of `abcdef` is `cde`.
        let to = position.to.unwrap_or(1);
        let (far, near) = (position.from.max(to), position.from.min(to).max(1));
        ((len - far + 1).max(1), len - near + 1)
    } else {
        let to = match position.to {
            None => len,
            // rsyslog: the first byte is never left out.
            Some(n) if n < 0 => len.saturating_add(n).max(1),
            Some(n) => n,
        };
        (position.from.max(1), to)
    };
    let wide = if fixed_width && position.to.is_some_and(|to| to > 0) { (to - from + 1).max(0) } else { 0 };
    // rsyslog: what begins behind the end is not padded.
    let wide = if from > len { 0 } else { wide };
    let (start, end) = (from - 1, to.min(len));
    let part = match (usize::try_from(start), usize::try_from(end)) {
        (Ok(start), Ok(end)) if start < end => value.get(start..end).unwrap_or_default(),
        _ => &[],
    };
    (part, (wide as usize).saturating_sub(part.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(replacer: Replacer, value: &str) -> String {
        let mut out = Vec::new();
        Steps::new(&replacer, "msg").apply(value.as_bytes(), &mut Scratch::default(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn options_do_what_the_language_says() {
        let r = Replacer::default;
        let position = |from, to, from_end| Some(Position { from, to, from_end });
        let field = |number| Some(FieldPick { number, delimiter: b',', join_delimiters: false });
        let cases: &[(Replacer, &str, &str)] = &[
            (r(), "as is", "as is"),
            (Replacer { field: field(2), ..r() }, "a,b,c", "b"),
            (Replacer { field: field(4), ..r() }, "a,b,c", "**FIELD NOT FOUND**"),
            (Replacer { position: position(2, Some(3), false), ..r() }, "abcdef", "bc"),
            (Replacer { position: position(2, None, false), ..r() }, "abcdef", "bcdef"),
            (Replacer { position: position(9, Some(12), false), ..r() }, "abcdef", ""),
            (Replacer { position: position(1, Some(-2), false), ..r() }, "abcdef", "abcd"),
            (Replacer { position: position(4, Some(2), true), ..r() }, "abcdef", "cde"),
            (Replacer { position: position(2, Some(5), false), fixed_width: true, ..r() }, "abc", "bc  "),
            (Replacer { sp_if_no_1st_sp: true, ..r() }, "x", " "),
            (Replacer { sp_if_no_1st_sp: true, ..r() }, " x", ""),
            (Replacer { sp_if_no_1st_sp: true, ..r() }, "", ""),
            (Replacer { case: Case::Upper, ..r() }, "aBc", "ABC"),
            (Replacer { control: ControlCharacters::Escape, ..r() }, "a\tb\x7f", "a#009b#127"),
            (Replacer { control: ControlCharacters::EscapeOctal, ..r() }, "a\tb", "a#011b"),
            (Replacer { control: ControlCharacters::Space, ..r() }, "a\tb", "a b"),
            (Replacer { control: ControlCharacters::Drop, ..r() }, "a\tb", "ab"),
            (Replacer { path: SecurePath::Drop, ..r() }, "/", "_"),
            (Replacer { path: SecurePath::Replace, ..r() }, "../a", ".._a"),
            (Replacer { path: SecurePath::Replace, ..r() }, "..", "_."),
            (Replacer { drop_last_lf: true, ..r() }, "a\n\n", "a\n"),
            (Replacer { compress_space: true, ..r() }, "  a   b ", " a b "),
            (Replacer { format: Format::Csv, ..r() }, "a\"b", "\"a\"\"b\""),
            (Replacer { format: Format::Json, ..r() }, "a\"\\/\n\u{1}", "a\\\"\\\\\\/\\n\\u0001"),
            (Replacer { format: Format::Jsonr, ..r() }, "a\\n\\x", "a\\n\\\\x"),
            (Replacer { format: Format::Jsonf, ..r() }, "v", "\"msg\":\"v\""),
        ];
        for (replacer, value, want) in cases {
            assert_eq!(run(replacer.clone(), value), *want, "{replacer:?} of {value:?}");
        }
    }
}

//! Quoted strings and their escapes, which differ between object parameters, expressions and property filters.

use super::{Failed, Parsed, Parser};

/// Where a string stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Object,
    Expression,
}

impl Parser<'_> {
    /// Reads a string whose opening quote is next.
    pub(super) fn string(&mut self, place: Place) -> Parsed<Vec<u8>> {
        let start = self.cursor.at();
        let quote = self.cursor.next().ok_or(Failed)?;
        let mut out = Vec::new();
        let mut complained = false;
        loop {
            let at = self.cursor.at();
            let Some(c) = self.cursor.next() else {
                self.cursor.go(start + 1);
                let what = match place {
                    Place::Object => "object definition",
                    Place::Expression => "expression",
                };
                let message = invalid_character(quote, what);
                self.report("unclosed-string", message, start, start + 1);
                return Err(Failed);
            };
            if c == quote {
                if self.cursor.slice(start, at).contains('\n') {
                    self.long_string = Some(start);
                }
                return Ok(out);
            }
            if c == '\\' {
                if !self.escape(place, &mut out) && !complained {
                    complained = true;
                    let end = self.cursor.at();
                    let message = "invalid character '\\' - is there an invalid escape sequence somewhere?";
                    self.report("invalid-escape", message, at, end);
                    if let Some(last) = self.diagnostics.last_mut() {
                        last.help.push("a backslash that is meant literally is written `\\\\`".into());
                    }
                }
                continue;
            }
            if c == '$' && quote == '"' && place == Place::Expression && !complained {
                complained = true;
                let message =
                    "invalid character '$' in expression - is there an invalid escape sequence somewhere?";
                self.report("dollar-in-string", message, at, at + 1);
                if let Some(last) = self.diagnostics.last_mut() {
                    last.help.push("write `\\$`, or put the text in single quotes".into());
                }
            }
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    /// Decodes what follows a backslash; false (and the text taken as it is) when it is no escape.
    fn escape(&mut self, place: Place, out: &mut Vec<u8>) -> bool {
        let Some(c) = self.cursor.peek() else { return false };
        let plain = match (c, place) {
            ('"' | '\'' | '\\', _) => c as u8,
            ('b', _) => 8,
            ('n', _) => b'\n',
            ('r', _) => b'\r',
            ('t', _) => b'\t',
            ('$', Place::Expression) => b'$',
            ('?', Place::Object) => b'?',
            ('a', Place::Object) => 7,
            ('f', Place::Object) => 12,
            // rsyslog: accepted, but its table of escapes lacks it.
            ('v', Place::Object) => b'?',
            ('x', _) => return self.numeric(1, 2, 16, out),
            ('0'..='3', Place::Expression) => return self.numeric(0, 3, 8, out),
            ('0'..='7', Place::Object) => {
                // rsyslog: three digits are meant; with fewer its value is accidental.
                let digits =
                    self.cursor.rest().bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
                return self.numeric(0, digits, 8, out);
            }
            _ => {
                out.push(b'\\');
                return false;
            }
        };
        self.cursor.next();
        out.push(plain);
        true
    }

    /// Decodes `digits` digits of a base, `skip` bytes ahead.
    fn numeric(&mut self, skip: usize, digits: usize, radix: u32, out: &mut Vec<u8>) -> bool {
        let at = self.cursor.at() + skip;
        let text = self.cursor.slice(at, at + digits);
        match u8::from_str_radix(text, radix) {
            Ok(byte) if text.len() == digits && text.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                self.cursor.go(at + digits);
                out.push(byte);
                true
            }
            _ => {
                out.push(b'\\');
                false
            }
        }
    }

    /// Reads a backtick string whose opening backtick is next.
    pub(super) fn backtick(&mut self) -> Parsed<String> {
        let start = self.cursor.at();
        self.cursor.next();
        let inside = self.cursor.take_while(|c| c != '`');
        if !self.cursor.eat(b'`') {
            self.cursor.go(start + 1);
            self.report("unclosed-string", "a backtick string does not end", start, start + 1);
            return Err(Failed);
        }
        Ok(inside.to_string())
    }
}

/// rsyslog's sentence for a character that fits nowhere.
pub(super) fn invalid_character(c: char, place: &str) -> String {
    format!("invalid character '{c}' in {place} - is there an invalid escape sequence somewhere?")
}

/// What to say of a character that looks like another one: texts copied from a page bring them along.
pub(super) fn lookalike(c: char) -> Option<String> {
    let meant = match c {
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2033}' => "a plain double quote `\"`",
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{2032}' => "a plain single quote `'`",
        '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{3000}' => "an ordinary blank",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "a plain minus `-`",
        '\u{2026}' => "three dots",
        _ => return None,
    };
    Some(format!("this is the character U+{:04X}, which only looks like {meant}", c as u32))
}

/// Blanks of all kinds, of no width too.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{200b}'
}

/// Decodes the escapes of legacy `$template` texts: `\% \" \\ \n \r \t \ddd` (decimal); any other character after a
/// backslash stands for itself.
pub(crate) fn decimal_escapes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let digits = rest.iter().take(3).take_while(|b| b.is_ascii_digit()).count();
        if digits > 0 {
            let (number, after) = rest.split_at(digits);
            let value = number.iter().fold(0u32, |n, b| n * 10 + u32::from(b - b'0'));
            out.push(value as u8);
            rest = after;
        } else if let Some((&escaped, after)) = rest.split_first() {
            out.push(match escaped {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                other => other,
            });
            rest = after;
        } else {
            out.push(b'\\');
        }
    }
    out
}

//! Reads JSON text into values, as lenient as rsyslog's reader in what senders are known to write.

use super::json::{Json, Object};

/// Reads one value; the second result is the text behind it. None if there is no whole value.
pub fn parse_prefix(text: &[u8]) -> Option<(Json, &[u8])> {
    let mut reader = Reader { rest: text };
    let value = reader.value(MAX_DEPTH)?;
    Some((value, reader.rest))
}

/// Reads a text that is one value and nothing else but blanks.
pub fn parse(text: &[u8]) -> Option<Json> {
    let (value, rest) = parse_prefix(text)?;
    rest.iter().all(u8::is_ascii_whitespace).then_some(value)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: u32) -> Option<Json> {
        self.blanks();
        match self.rest.first()? {
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b'"' => self.string(b'"').map(Json::Text),
            b'\'' => self.string(b'\'').map(Json::Text),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: u32) -> Option<Json> {
        self.eat(b'{');
        let mut object = Object::default();
        self.blanks();
        if self.eat(b'}') {
            return Some(Json::Object(object));
        }
        loop {
            self.blanks();
            let quote = *self.rest.first().filter(|b| matches!(b, b'"' | b'\''))?;
            let key = self.string(quote)?;
            self.blanks();
            self.eat(b':').then_some(())?;
            let value = self.value(depth)?;
            object.put(&key, value, true);
            self.blanks();
            if self.eat(b'}') {
                return Some(Json::Object(object));
            }
            self.eat(b',').then_some(())?;
        }
    }

    fn array(&mut self, depth: u32) -> Option<Json> {
        self.eat(b'[');
        let mut items = Vec::new();
        self.blanks();
        if self.eat(b']') {
            return Some(Json::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.blanks();
            if self.eat(b']') {
                return Some(Json::Array(items));
            }
            self.eat(b',').then_some(())?;
        }
    }

    fn string(&mut self, quote: u8) -> Option<Vec<u8>> {
        self.eat(quote);
        let mut text = Vec::new();
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b if b == quote => return Some(text),
                b'\\' => self.escape(&mut text)?,
                b => text.push(b),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Option<()> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        text.push(match byte {
            b'"' | b'\\' | b'/' | b'\'' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let unit = self.hex()?;
                let code = match unit {
                    0xd800..0xdc00 if self.rest.starts_with(b"\\u") => {
                        let back = self.rest;
                        self.rest = self.rest.get(2..)?;
                        match self.hex()? {
                            low @ 0xdc00..0xe000 => 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00),
                            _ => {
                                self.rest = back;
                                unit
                            }
                        }
                    }
                    _ => unit,
                };
                let shown = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                text.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes());
                return Some(());
            }
            _ => return None,
        });
        Some(())
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = std::str::from_utf8(self.rest.get(..4)?).ok()?;
        self.rest = self.rest.get(4..)?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    }

    fn number(&mut self) -> Option<Json> {
        let end = self.rest.iter().position(|b| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let shown = std::str::from_utf8(text).ok()?;
        if shown.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            let number: i128 = shown.parse().ok()?;
            return Some(Json::Int(number.clamp(i64::MIN.into(), i64::MAX.into()) as i64));
        }
        Some(Json::Double(shown.parse().ok()?, Some(text.into())))
    }

    fn word(&mut self) -> Option<Json> {
        let words = [
            (&b"null"[..], Json::Null),
            (b"true", Json::Bool(true)),
            (b"false", Json::Bool(false)),
            (b"nan", Json::Double(f64::NAN, None)),
        ];
        for (word, value) in words {
            if self.rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)) {
                self.rest = self.rest.get(word.len()..)?;
                return Some(value);
            }
        }
        None
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn eat(&mut self, byte: u8) -> bool {
        let Some(rest) = self.rest.strip_prefix(&[byte]) else { return false };
        self.rest = rest;
        true
    }
}

/// Objects and arrays inside each other; rsyslog's reader goes as deep.
const MAX_DEPTH: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_and_bad_texts() {
        let shown = |text: &str| {
            let mut out = Vec::new();
            parse(text.as_bytes())?.write(false, &mut out);
            Some(String::from_utf8(out).unwrap())
        };
        for (text, want) in [
            (r#" {"a": [1, -2.50, TRUE, null], "b": {}} "#, r#"{"a":[1,-2.50,true,null],"b":{}}"#),
            (r#""\u00e9\ud83d\ude00\t\/""#, "\"\u{e9}\u{1f600}\\t\\/\""),
            (r#"{"dup":1,"dup":2}"#, r#"{"dup":2}"#),
            ("99999999999999999999", "9223372036854775807"),
            (r#"{'a':'b'}"#, r#"{"a":"b"}"#),
        ] {
            assert_eq!(shown(text).as_deref(), Some(want), "{text}");
        }
        for text in
            ["", " ", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "nul", "\"a", "1 2", "-", "\"\\x\"", "\"\\u12\""]
        {
            assert_eq!(shown(text), None, "{text}");
        }
        // No beginning of a text, and no text with one byte changed, does more than fail.
        let whole = br#"{"a":[1,-2.5e3,"\u00e9\ud83d\ude00",null],"b":{"c":true}}"#;
        for at in 0..whole.len() {
            assert!(parse(&whole[..at]).is_none());
            for byte in [0, b'"', b'\\', b'{', b']', 0xff] {
                let mut changed = whole.to_vec();
                changed[at] = byte;
                let _ = parse(&changed);
            }
        }
        assert!(parse("[".repeat(100_000).as_bytes()).is_none());
        assert!(parse(format!("{}{}", "[".repeat(32), "]".repeat(32)).as_bytes()).is_some());
    }
}

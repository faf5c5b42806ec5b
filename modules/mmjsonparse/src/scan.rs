//! Finds where JSON objects lie in other text. The daemon reads them; this only says where one may be, and gives up at
//! the first byte that no object has, so that text full of braces costs little.

/// The next object at or behind `from`: where it begins and ends.
pub fn object(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        at += text.get(at..)?.iter().position(|byte| *byte == b'{')?;
        if let Some(rest) = value(text.get(at..)?, MAX_DEPTH) {
            return Some((at, text.len() - rest.len()));
        }
        at += 1;
    }
}

/// What stands behind a value.
fn value(text: &[u8], depth: u32) -> Option<&[u8]> {
    match text.first()? {
        b'{' => members(text, b'}', |text| {
            let rest = string(text)?.trim_ascii_start().strip_prefix(b":")?;
            value(rest.trim_ascii_start(), depth.checked_sub(1)?)
        }),
        b'[' => members(text, b']', |text| value(text, depth.checked_sub(1)?)),
        b'"' | b'\'' => string(text),
        b'-' | b'0'..=b'9' => {
            let len =
                text.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
            text.get(len.count()..)
        }
        _ => {
            let is_there = |word: &&str| {
                text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
            };
            let word = ["null", "true", "false", "nan"].into_iter().find(is_there)?;
            text.get(word.len()..)
        }
    }
}

/// What stands behind an object or array, each of whose members `one` passes over.
fn members(text: &[u8], end: u8, one: impl Fn(&[u8]) -> Option<&[u8]>) -> Option<&[u8]> {
    let mut rest = text.get(1..)?.trim_ascii_start();
    if let [first, behind @ ..] = rest
        && *first == end
    {
        return Some(behind);
    }
    loop {
        match one(rest)?.trim_ascii_start() {
            [b',', more @ ..] => rest = more.trim_ascii_start(),
            [last, behind @ ..] if *last == end => return Some(behind),
            _ => return None,
        }
    }
}

/// What stands behind a string.
fn string(text: &[u8]) -> Option<&[u8]> {
    let (quote, mut rest) = text.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    loop {
        match rest {
            [b'\\', b'u', digits @ ..] => {
                let is_hex = digits.get(..4)?.iter().all(u8::is_ascii_hexdigit);
                rest = digits.get(4..).filter(|_| is_hex)?;
            }
            [b'\\', b'"' | b'\\' | b'/' | b'\'' | b'b' | b'f' | b'n' | b'r' | b't', more @ ..] => rest = more,
            [b'\\', ..] | [] => return None,
            [byte, more @ ..] if byte == quote => return Some(more),
            [_, more @ ..] => rest = more,
        }
    }
}

/// As deep as the daemon reads.
const MAX_DEPTH: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_whole_object_is_found() {
        for (text, want) in [
            ("{}", Some("{}")),
            (
                "a {\"b\": [1, -2.5e3, 'x', {\"y\": null}]} c",
                Some("{\"b\": [1, -2.5e3, 'x', {\"y\": null}]}"),
            ),
            ("{ no {\"a\":\"}\"} {\"b\":1}", Some("{\"a\":\"}\"}")),
            ("{\"open\": {\"a\":\"\\\"\\u00e9\"}", Some("{\"a\":\"\\\"\\u00e9\"}")),
            ("{{\"a\":1}}", Some("{\"a\":1}")),
            ("{\"a\":1,}", None),
            ("{\"a\":zzz}", None),
            ("{\"a\":\"\\x\"}", None),
            ("{\"a\":\"\\u12\"}", None),
            ("[1]", None),
            ("", None),
        ] {
            let found = object(text.as_bytes(), 0).map(|(from, to)| &text[from..to]);
            assert_eq!(found, want, "{text}");
        }
        assert_eq!(object(b"{} {\"a\":1}", 1), Some((3, 10)));
    }

    /// Text that is made to be looked at again and again is done with in one go through it, nearly.
    #[test]
    fn text_full_of_braces_is_soon_done_with() {
        for piece in ["{", "{\"a\":", "{\"a\":[", "{\"", "{'", "{\"\\", "{\"a\":1,"] {
            let text = piece.repeat(1_000_000 / piece.len());
            assert_eq!(object(text.as_bytes(), 0), None, "{piece}");
        }
        let nested = format!("{}1{}", "{\"a\":".repeat(40), "}".repeat(40));
        let (from, to) = object(nested.as_bytes(), 0).expect("the inner part is not too deep");
        assert!(from > 0 && nested[from..to].matches('{').count() == 32, "{from} {to}");
    }
}

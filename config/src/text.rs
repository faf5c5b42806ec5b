//! The line layer: continuations joined, byte-order mark and carriage returns dropped. Parsers work on this
//! logical text; every place in it can be traced back to the file it was read from.

use crate::source::Span;

/// A file's text as the parsers see it.
#[derive(Debug)]
pub struct Text {
    file: u32,
    logical: String,
    /// (place in the logical text, place in the file), where the two drift apart.
    map: Vec<(u32, u32)>,
}

impl Text {
    /// Joins continued lines of `raw`, the text of source number `file`.
    pub fn new(file: u32, raw: &str) -> Text {
        let mut text = Text { file, logical: String::with_capacity(raw.len()), map: Vec::new() };
        let bytes = raw.as_bytes();
        let mut from = if raw.starts_with('\u{feff}') { 3 } else { 0 };
        let mut at = from;
        while let Some(byte) = bytes.get(at) {
            let skip = match byte {
                b'\\' => joined(bytes.get(at + 1..).unwrap_or_default()).map(|n| n + 1),
                b'\r' if bytes.get(at + 1) == Some(&b'\n') => Some(1),
                // A NUL cannot be part of any value; rsyslog's reader stops the line there.
                0 => Some(1),
                _ => None,
            };
            match skip {
                Some(n) => {
                    text.push(raw, from, at);
                    at += n;
                    from = at;
                }
                None => at += 1,
            }
        }
        text.push(raw, from, bytes.len());
        text
    }

    /// The joined text.
    pub fn as_str(&self) -> &str {
        &self.logical
    }

    /// The place in the file of a stretch of the joined text.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let start = self.raw(start);
        // The end is traced from its last byte, so that a span never swallows a continuation behind it.
        Span {
            file: self.file,
            start,
            end: if end == 0 { start } else { (self.raw(end - 1) + 1).max(start) },
        }
    }

    fn push(&mut self, raw: &str, from: usize, to: usize) {
        if let Some(part) = raw.get(from..to).filter(|part| !part.is_empty()) {
            self.map.push((self.logical.len() as u32, from as u32));
            self.logical.push_str(part);
        }
    }

    fn raw(&self, at: usize) -> u32 {
        let at = at as u32;
        let index = self.map.partition_point(|(logical, _)| *logical <= at);
        match index.checked_sub(1).and_then(|i| self.map.get(i)) {
            Some((logical, raw)) => raw + (at - logical),
            None => at,
        }
    }
}

/// How many bytes after a backslash belong to a line's continuation: trailing blanks, the line end and the blanks
/// that the next line starts with. None when the line goes on.
fn joined(rest: &[u8]) -> Option<usize> {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let mut n = rest.iter().take_while(|b| blank(b) || **b == b'\r').count();
    if rest.get(n) != Some(&b'\n') {
        return None;
    }
    n += 1;
    n += rest.get(n..).unwrap_or_default().iter().take_while(|b| blank(b)).count();
    Some(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuations_join_and_keep_their_places() {
        let text = Text::new(0, "\u{feff}*.* \\ \r\n\t/x\r\n# c\\\nd");
        assert_eq!(text.as_str(), "*.* /x\n# cd");
        let at = text.as_str().find('/').unwrap();
        assert_eq!(text.span(at, at + 2), Span { file: 0, start: 12, end: 14 });
        assert_eq!(text.span(0, 1), Span { file: 0, start: 3, end: 4 });
    }

    #[test]
    fn a_backslash_within_a_line_stays() {
        assert_eq!(Text::new(0, "a\\b\\").as_str(), "a\\b\\");
    }
}

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
    /// For a text that stands inside another file: (place in it, place in the file), and the stretch it must stay in.
    outer: Option<(Vec<(u32, u32)>, Span)>,
}

impl Text {
    /// Joins continued lines of `raw`, the text of source number `file`.
    pub fn new(file: u32, raw: &str) -> Text {
        let mut text = Text { file, logical: String::with_capacity(raw.len()), map: Vec::new(), outer: None };
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

    /// A text that is the value of a YAML scalar at `span` of `raw`. A block of lines has been shifted to the left; what
    /// has been changed by escapes or folding cannot be traced and counts as the whole scalar.
    pub fn within(file: u32, raw: &str, span: Span, scalar: &str, block: bool) -> Text {
        let mut map = Vec::new();
        let mut rest = raw.get(span.start as usize..).unwrap_or("");
        let mut at = span.start as usize;
        let mut place = 0;
        if block {
            for line in scalar.split_inclusive('\n') {
                let content = line.trim_end_matches('\n');
                // The scalar's lines follow one another in the file; only the indicator's line lies before them.
                while let Some(found) = rest.split_inclusive('\n').next() {
                    let end = found.trim_end_matches(['\n', '\r']);
                    let start = at + end.len().saturating_sub(content.len());
                    at += found.len();
                    rest = rest.get(found.len()..).unwrap_or("");
                    if end.ends_with(content) && (!content.is_empty() || end.trim().is_empty()) {
                        map.push((place as u32, start as u32));
                        break;
                    }
                }
                place += line.len();
            }
        } else if let Some(found) =
            rest.get(..span.end.saturating_sub(span.start) as usize).and_then(|s| s.find(scalar))
        {
            map.push((0, (at + found) as u32));
        }
        let whole = if block { Span { end: raw.len() as u32, ..span } } else { span };
        Text { outer: Some((map, whole)), ..Text::new(file, scalar) }
    }

    /// The joined text.
    pub fn as_str(&self) -> &str {
        &self.logical
    }

    /// The place in the file of a stretch of the joined text.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let limit = self.outer.as_ref().map_or(u32::MAX, |(_, whole)| whole.end);
        let start = self.raw(start);
        if let Some((map, whole)) = &self.outer
            && map.is_empty()
        {
            return *whole;
        }
        // The end is traced from its last byte, so that a span never swallows a continuation behind it.
        Span {
            file: self.file,
            start,
            end: if end == 0 { start } else { (self.raw(end - 1) + 1).min(limit).max(start) },
        }
    }

    fn push(&mut self, raw: &str, from: usize, to: usize) {
        if let Some(part) = raw.get(from..to).filter(|part| !part.is_empty()) {
            self.map.push((self.logical.len() as u32, from as u32));
            self.logical.push_str(part);
        }
    }

    fn raw(&self, at: usize) -> u32 {
        let at = trace(&self.map, at as u32);
        match &self.outer {
            Some((map, whole)) => trace(map, at).clamp(whole.start, whole.end),
            None => at,
        }
    }
}

/// Follows a map from the place at or before `at`.
fn trace(map: &[(u32, u32)], at: u32) -> u32 {
    let index = map.partition_point(|(from, _)| *from <= at);
    match index.checked_sub(1).and_then(|i| map.get(i)) {
        Some((from, to)) => to + (at - from),
        None => at,
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
    fn a_block_of_yaml_keeps_its_places() {
        let raw = "script: |\n    *.* \\\n      /x\n\n    stop\n";
        let scalar = "*.* \\\n  /x\n\nstop\n";
        let text = Text::within(0, raw, Span { file: 0, start: 8, end: 9 }, scalar, true);
        assert_eq!(text.as_str(), "*.* /x\n\nstop\n");
        for word in ["/x", "stop", "*.*"] {
            let at = text.as_str().find(word).unwrap();
            assert_eq!(text.span(at, at + word.len()).start as usize, raw.find(word).unwrap(), "{word}");
        }
    }

    #[test]
    fn a_backslash_within_a_line_stays() {
        assert_eq!(Text::new(0, "a\\b\\").as_str(), "a\\b\\");
    }
}

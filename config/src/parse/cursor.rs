//! A place in the logical text, and the small moves that all parsers share.

use crate::source::Span;
use crate::text::Text;

/// A reading position.
pub(super) struct Cursor<'a> {
    text: &'a Text,
    all: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a Text) -> Cursor<'a> {
        Cursor { text, all: text.as_str(), at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Moves to a place that [`Cursor::at`] gave, or a known number of ASCII bytes behind one.
    pub(super) fn go(&mut self, at: usize) {
        let mut at = at.min(self.all.len());
        while !self.all.is_char_boundary(at) {
            at += 1;
        }
        self.at = at;
    }

    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        self.text.span(start, end.min(self.all.len()))
    }

    /// The text from here to the end.
    pub(super) fn rest(&self) -> &'a str {
        self.all.get(self.at..).unwrap_or("")
    }

    /// The text between two places.
    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.all.get(start..end).unwrap_or("")
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The next byte, or 0 at the end.
    pub(super) fn byte(&self) -> u8 {
        self.byte_at(0)
    }

    /// The byte `n` places ahead, or 0 behind the end.
    pub(super) fn byte_at(&self, n: usize) -> u8 {
        self.all.as_bytes().get(self.at + n).copied().unwrap_or(0)
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Steps over an ASCII byte if it is the next one.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.byte() == byte && self.at < self.all.len();
        if found {
            self.at += 1;
        }
        found
    }

    /// Steps over characters as long as `keep` holds and returns them.
    pub(super) fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or("")
    }

    /// The rest of the line, without its end; the cursor moves to the line end.
    pub(super) fn line(&mut self) -> &'a str {
        self.take_while(|c| c != '\n')
    }

    /// Whether only blanks stand between the line's start and here.
    pub(super) fn at_line_start(&self) -> bool {
        let before = self.all.as_bytes().get(..self.at).unwrap_or_default();
        before.iter().rev().find(|b| !matches!(b, b' ' | b'\t')).is_none_or(|b| *b == b'\n')
    }

    pub(super) fn skip_blanks(&mut self) {
        self.take_while(|c| c == ' ' || c == '\t');
    }

    /// Skips blanks, line ends and `/* */`, but no `#` comments: the layout of expressions.
    pub(super) fn skip_blank_lines(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
            if !self.skip_block_comment() {
                return;
            }
        }
    }

    /// Skips blanks, line ends and comments of both kinds: the layout of statements and objects.
    pub(super) fn skip_layout(&mut self) {
        loop {
            self.skip_blank_lines();
            if self.byte() != b'#' {
                return;
            }
            self.line();
        }
    }

    /// Steps over `/* ... */`; one that never ends goes to the end of the text.
    fn skip_block_comment(&mut self) -> bool {
        let Some(inside) = self.rest().strip_prefix("/*") else { return false };
        self.at += 2 + inside.find("*/").map_or(inside.len(), |end| end + 2);
        true
    }

    /// Whether the next characters are this keyword, in any case, and no longer word.
    pub(super) fn looking_at(&self, keyword: &str) -> bool {
        let rest = self.rest();
        let matches = rest.get(..keyword.len()).is_some_and(|head| head.eq_ignore_ascii_case(keyword));
        matches && !rest.as_bytes().get(keyword.len()).is_some_and(|b| is_word(*b))
    }

    /// Steps over a keyword.
    pub(super) fn eat_keyword(&mut self, keyword: &str) -> bool {
        let found = self.looking_at(keyword);
        if found {
            self.at += keyword.len();
        }
        found
    }

    /// What a syntax error here is about: a word, or one character; empty at the end.
    pub(super) fn token(&self) -> &'a str {
        let rest = self.rest();
        let word = rest.bytes().take_while(|b| is_word(*b)).count();
        let one = rest.chars().next().map_or(0, char::len_utf8);
        rest.get(..word.max(one)).unwrap_or("")
    }
}

/// Letters, digits and `_`.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

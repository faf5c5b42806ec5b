//! `word(name="value" ...)`: objects, their parameters, and the bodies of rulesets and list templates.

use super::strings::{Place, invalid_character, is_blank};
use super::{Failed, Parsed, Parser};
use crate::ast::{Node, NodeKind, Object, Param, Value, Word};

/// Words that begin an object.
pub(crate) const OBJECTS: &[&str] = &[
    "global",
    "main_queue",
    "module",
    "input",
    "action",
    "ruleset",
    "template",
    "parser",
    "lookup_table",
    "dyn_stats",
    "percentile_stats",
    "timezone",
    "include",
    "ratelimit",
];

impl Parser<'_> {
    /// Whether a word and a parenthesis stand here: an object, known or not. Gives the word's length.
    pub(super) fn object_ahead(&self) -> Option<usize> {
        let rest = self.cursor.rest();
        let length = rest.bytes().take_while(|b| super::cursor::is_word(*b)).count();
        let after = rest.get(length..)?.trim_start_matches([' ', '\t', '\n']);
        (length > 0 && after.starts_with('(')).then_some(length)
    }

    /// Reads an object statement; the cursor is at its word.
    pub(super) fn object_statement(&mut self, length: usize) -> Parsed<Node> {
        let start = self.cursor.at();
        let word = self.cursor.slice(start, start + length).to_ascii_lowercase();
        if !OBJECTS.contains(&word.as_str()) {
            return Err(self.unknown_object(&word, start, length));
        }
        let mut object = self.object(length)?;
        let kind = match word.as_str() {
            "action" => NodeKind::Action(object),
            "ruleset" => {
                self.cursor.skip_layout();
                if self.cursor.byte() != b'{' {
                    return Err(self.expected("a ruleset's statements follow in `{ }`"));
                }
                let body = self.braces()?;
                NodeKind::Ruleset { object, body }
            }
            "template" => {
                let end = self.cursor.at();
                self.cursor.skip_layout();
                if self.cursor.eat(b'{') {
                    object.children = self.template_list()?;
                } else {
                    self.cursor.go(end);
                }
                NodeKind::Object(object)
            }
            _ => NodeKind::Object(object),
        };
        Ok(Node { kind, span: self.cursor.span(start, self.cursor.at()) })
    }

    /// Reads word and parameters; the cursor is at the word.
    fn object(&mut self, length: usize) -> Parsed<Object> {
        let start = self.cursor.at();
        let word = self.cursor.slice(start, start + length).to_ascii_lowercase();
        self.cursor.go(start + length);
        self.cursor.skip_blank_lines();
        self.cursor.eat(b'(');
        let mut params = Vec::new();
        loop {
            self.layout(start);
            if self.cursor.eat(b')') {
                break;
            }
            params.push(self.param(start)?);
        }
        let span = self.cursor.span(start, self.cursor.at());
        Ok(Object { word, span, params, children: Vec::new() })
    }

    /// Skips layout inside the object that begins at `object`; of blanks that are no ordinary ones the first is reported.
    fn layout(&mut self, object: usize) {
        loop {
            self.cursor.skip_layout();
            let Some(c) = self.cursor.peek().filter(|c| !c.is_ascii() && is_blank(*c)) else { return };
            if self.odd_object != Some(object) {
                self.odd_object = Some(object);
                let at = self.cursor.at();
                self.report("syntax", invalid_character(c, "object definition"), at, at + c.len_utf8());
                self.explain_lookalike(c);
            }
            // rsyslog: such characters are stepped over.
            self.cursor.take_while(|c| !c.is_ascii() && is_blank(c));
        }
    }

    fn param(&mut self, object: usize) -> Parsed<Param> {
        let start = self.cursor.at();
        let name = self.cursor.take_while(|c| c.is_ascii_alphanumeric() || "._-".contains(c)).to_string();
        if name.is_empty() {
            return Err(self.stray(object));
        }
        let name = Word { text: name, span: self.cursor.span(start, self.cursor.at()) };
        self.layout(object);
        if !self.cursor.eat(b'=') {
            let failed = match self.cursor.peek() {
                Some(c) if !c.is_ascii_alphanumeric() && !"()[],".contains(c) => self.stray(object),
                _ => self.unexpected(),
            };
            if let Some(last) = self.diagnostics.last_mut() {
                last.help.push("a parameter is written `name=\"value\"`".into());
            }
            self.blame_long_string(object);
            return Err(failed);
        }
        self.layout(object);
        let at = self.cursor.at();
        let value = match self.cursor.byte() {
            b'"' => Value::Text(self.string(Place::Object)?),
            b'`' => Value::Backtick(self.backtick()?),
            b'[' => Value::Array(self.array(object)?),
            _ => {
                let failed = self.stray(object);
                if let Some(last) = self.diagnostics.last_mut() {
                    last.help.push("values stand in double quotes".into());
                }
                return Err(failed);
            }
        };
        Ok(Param { name, value, span: self.cursor.span(at, self.cursor.at()) })
    }

    fn array(&mut self, object: usize) -> Parsed<Vec<(Vec<u8>, crate::source::Span)>> {
        self.cursor.eat(b'[');
        let mut items = Vec::new();
        loop {
            self.layout(object);
            let at = self.cursor.at();
            match self.cursor.byte() {
                b']' => {
                    self.cursor.eat(b']');
                    return Ok(items);
                }
                b'"' => {
                    let text = self.string(Place::Object)?;
                    items.push((text, self.cursor.span(at, self.cursor.at())));
                }
                _ => return Err(self.stray(object)),
            }
            self.layout(object);
            if !self.cursor.eat(b',') && self.cursor.byte() != b']' {
                return Err(self.stray(object));
            }
        }
    }

    fn template_list(&mut self) -> Parsed<Vec<Object>> {
        let opened = self.cursor.at();
        let mut list = Vec::new();
        loop {
            self.layout(opened);
            if self.cursor.eat(b'}') {
                return Ok(list);
            }
            let start = self.cursor.at();
            let Some(length) = self.object_ahead() else {
                return Err(self.expected("a list template consists of `property(...)` and `constant(...)`"));
            };
            let word = self.cursor.slice(start, start + length).to_ascii_lowercase();
            if word != "property" && word != "constant" {
                return Err(self.expected("a list template consists of `property(...)` and `constant(...)`"));
            }
            list.push(self.object(length)?);
        }
    }

    /// After an error in the object that begins at `object`: a string that runs over its line's end is the likely cause.
    fn blame_long_string(&mut self, object: usize) {
        let Some(quote) = self.long_string.filter(|quote| *quote > object) else { return };
        let at = self.cursor.span(quote, quote + 1);
        if let Some(last) = self.diagnostics.pop() {
            let text = "this string goes on over the end of its line: is its closing quote missing?";
            self.diagnostics.push(last.label(at, text));
        }
    }

    /// Reports a character that cannot stand inside an object.
    fn stray(&mut self, object: usize) -> Failed {
        let at = self.cursor.at();
        match self.cursor.peek() {
            Some(c) => {
                self.report("syntax", invalid_character(c, "object definition"), at, at + c.len_utf8());
                self.explain_lookalike(c);
            }
            None => {
                self.unexpected();
                let opened = self.cursor.span(object, object + 1);
                if let Some(last) = self.diagnostics.pop() {
                    self.diagnostics.push(last.label(opened, "this object is not closed by `)`"));
                }
            }
        }
        Failed
    }

    fn unknown_object(&mut self, word: &str, start: usize, length: usize) -> Failed {
        self.report(
            "unknown-object",
            format!("syntax error on token '{word}': there is no object of this name"),
            start,
            start + length,
        );
        if let (Some(near), Some(last)) =
            (crate::suggest::nearest(word, OBJECTS.iter().copied()), self.diagnostics.last_mut())
        {
            last.help.push(format!("did you mean `{near}`?"));
        }
        // Stepping over the parameters keeps them from being taken for statements.
        self.cursor.go(start + length);
        self.cursor.skip_blank_lines();
        let mut depth = 0usize;
        while let Some(c) = self.cursor.next() {
            match c {
                '(' => depth += 1,
                ')' if depth <= 1 => break,
                ')' => depth -= 1,
                '"' => {
                    self.cursor.take_while(|c| c != '"');
                    self.cursor.next();
                }
                _ => {}
            }
        }
        Failed
    }
}

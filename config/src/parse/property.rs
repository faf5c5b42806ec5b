//! Property filters: `:property, [!]op, "value"`.

use super::{Failed, Parsed, Parser};
use crate::ast::{Condition, Word};
use crate::plan::Comparison;

pub(crate) const COMPARISONS: &[(&str, Comparison)] = &[
    ("contains", Comparison::Contains),
    ("isequal", Comparison::IsEqual),
    ("startswith", Comparison::StartsWith),
    ("endswith", Comparison::EndsWith),
    ("isempty", Comparison::IsEmpty),
    ("regex", Comparison::Regex),
    ("ereregex", Comparison::EreRegex),
];

impl Parser<'_> {
    /// Whether a property filter (and not an action `:module:`) begins here.
    pub(super) fn property_filter_ahead(&self) -> bool {
        let rest = self.cursor.rest();
        let Some(rest) = rest.strip_prefix(':') else { return false };
        let line = rest.split('\n').next().unwrap_or("");
        let name = line.trim_start_matches([' ', '\t']);
        let end = name.find([',', ':', '"']).unwrap_or(name.len());
        name.get(end..).is_some_and(|tail| tail.starts_with(','))
    }

    /// Reads a property filter; none (reported) when its operation is unknown, but the text behind it is sound.
    pub(super) fn property_filter(&mut self) -> Parsed<Option<Condition>> {
        let begin = self.cursor.at();
        self.cursor.eat(b':');
        self.cursor.skip_blanks();
        let start = self.cursor.at();
        let text = self.cursor.take_while(|c| !matches!(c, ',' | ' ' | '\t' | '\n'));
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-' || b == b'$') {
            let end = self.cursor.at();
            self.report("property-filter", format!("syntax error on token '{text}'"), start, end);
            if let Some(last) = self.diagnostics.last_mut() {
                let help = match text.starts_with("$!") || text.starts_with("$.") || text.starts_with("$/") {
                    true => format!(
                        "a property filter cannot read variables: write `if {text} contains \"...\" then ...`"
                    ),
                    false => "a property filter is written `:property, [!]operation, \"value\"`".to_string(),
                };
                last.help.push(help);
            }
            return Err(Failed);
        }
        let name = Word { text: text.to_string(), span: self.cursor.span(start, self.cursor.at()) };
        self.comma()?;
        let negate = self.cursor.eat(b'!');
        self.cursor.skip_blanks();
        let start = self.cursor.at();
        let op = self.cursor.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-').to_string();
        let end = self.cursor.at();
        self.comma()?;
        let value = self.property_value()?;
        let found = COMPARISONS.iter().find(|(n, _)| n.eq_ignore_ascii_case(&op));
        let Some((_, op)) = found else {
            self.report("compare-operation", format!("error: invalid compare operation '{op}'"), start, end);
            let near = crate::suggest::nearest(&op, COMPARISONS.iter().map(|(n, _)| *n));
            if let Some(last) = self.diagnostics.last_mut() {
                last.help.push(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        "operations are contains, isequal, startswith, endswith, isempty, regex, ereregex"
                            .into()
                    }
                });
            }
            return Ok(None);
        };
        let _ = begin;
        Ok(Some(Condition::Property { name, negate, op: *op, value }))
    }

    fn comma(&mut self) -> Parsed<()> {
        self.cursor.skip_blanks();
        if !self.cursor.eat(b',') {
            return Err(self.expected("a property filter is written `:property, [!]operation, \"value\"`"));
        }
        self.cursor.skip_blanks();
        Ok(())
    }

    fn property_value(&mut self) -> Parsed<Vec<u8>> {
        let start = self.cursor.at();
        if !self.cursor.eat(b'"') {
            return Err(self.expected("the value of a property filter stands in double quotes"));
        }
        let mut out = Vec::new();
        loop {
            match self.cursor.next() {
                Some('"') => return Ok(out),
                Some('\\') if matches!(self.cursor.byte(), b'"' | b'\\') => {
                    out.push(self.cursor.byte());
                    self.cursor.next();
                }
                Some('\n') | None => {
                    self.cursor.go(start);
                    self.report("unclosed-string", "syntax error on token '\"'", start, start + 1);
                    return Err(Failed);
                }
                Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
}

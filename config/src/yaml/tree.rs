//! A YAML document as a tree of texts, lists and mappings with their places. Tags, anchors and aliases have no
//! meaning in a configuration and are refused.

use crate::ast::Word;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use saphyr_parser::{Event, Parser, ScalarStyle};

/// A node of the document.
#[derive(Debug)]
pub(super) struct Tree {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// The text, and whether it was written as a block of lines (`|` or `>`).
    Text(String, bool),
    List(Vec<Tree>),
    Map(Vec<(Word, Tree)>),
}

/// Deeper documents are refused.
const MAX_DEPTH: u32 = 64;

/// Reads the first document of a text; none when it is no YAML (which is reported) or empty.
pub(super) fn read(source: u32, raw: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Tree> {
    let mut bytes: Vec<u32> = raw.char_indices().map(|(at, _)| at as u32).collect();
    bytes.push(raw.len() as u32);
    let mut reader = Reader { parser: Parser::new_from_str(raw), bytes, source, raw, depth: 0 };
    let result = reader.document();
    match result {
        Ok(tree) => tree,
        Err((message, span)) => {
            diagnostics.push(Diagnostic::error(2207, "yaml", message, span));
            None
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// The byte at which each character starts.
    bytes: Vec<u32>,
    source: u32,
    raw: &'a str,
    depth: u32,
}

type Failure = (String, Span);

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Option<Tree>, Failure> {
        loop {
            match self.next()? {
                None | Some((Event::StreamEnd, _)) => return Ok(None),
                Some((
                    event @ (Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..)),
                    span,
                )) => {
                    let tree = self.node(event, span)?;
                    // The rest is read for its errors.
                    while let Some((event, span)) = self.next()? {
                        if matches!(event, Event::DocumentStart(_)) {
                            return Err((
                                "a configuration is one YAML document, this is a second one".into(),
                                span,
                            ));
                        }
                    }
                    return Ok(Some(tree));
                }
                Some((Event::Alias(_), span)) => return Err((ALIAS.into(), span)),
                Some(_) => {}
            }
        }
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Failure> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, at))) => {
                let span = self.span(at.start.index(), at.end.index());
                Ok(Some((event, span)))
            }
            Some(Err(error)) => {
                let at = error.marker().index();
                Err((format!("invalid YAML: {}", error.info()), self.span(at, at)))
            }
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let byte = |index: usize| self.bytes.get(index).copied().unwrap_or(self.raw.len() as u32);
        Span { file: self.source, start: byte(start), end: byte(end.max(start)) }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Tree, Failure> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err((format!("nesting is deeper than {MAX_DEPTH} levels"), span));
        }
        let tree = match event {
            Event::Scalar(text, style, ..) => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                Tree { kind: Kind::Text(text.into_owned(), block), span: trimmed(span, self.raw) }
            }
            Event::SequenceStart(..) => self.list(span)?,
            Event::MappingStart(..) => self.map(span)?,
            Event::Alias(_) => return Err((ALIAS.into(), span)),
            _ => return Err(("unexpected end of the YAML document".into(), span)),
        };
        self.depth -= 1;
        Ok(tree)
    }

    fn list(&mut self, span: Span) -> Result<Tree, Failure> {
        let mut items = Vec::new();
        let mut end = span;
        loop {
            match self.next()? {
                None => return Err(("unexpected end of the YAML document".into(), span)),
                Some((Event::SequenceEnd, _)) => {
                    return Ok(Tree { kind: Kind::List(items), span: span.to(end) });
                }
                Some((event, at)) => {
                    let item = self.node(event, at)?;
                    end = item.span;
                    items.push(item);
                }
            }
        }
    }

    fn map(&mut self, span: Span) -> Result<Tree, Failure> {
        let mut entries = Vec::new();
        let mut end = span;
        loop {
            let key = match self.next()? {
                None => return Err(("unexpected end of the YAML document".into(), span)),
                Some((Event::MappingEnd, _)) => {
                    return Ok(Tree { kind: Kind::Map(entries), span: span.to(end) });
                }
                Some((Event::Scalar(text, ..), at)) => {
                    Word { text: text.into_owned(), span: trimmed(at, self.raw) }
                }
                Some((_, at)) => return Err(("a key must be a plain text".into(), at)),
            };
            let Some((event, at)) = self.next()? else {
                return Err(("unexpected end of the YAML document".into(), span));
            };
            let value = self.node(event, at)?;
            end = value.span;
            entries.push((key, value));
        }
    }
}

/// A span without the blanks and line ends at its end.
fn trimmed(span: Span, raw: &str) -> Span {
    let text = raw.get(span.start as usize..span.end as usize).unwrap_or("");
    Span { end: span.start + text.trim_end().len() as u32, ..span }
}

const ALIAS: &str = "anchors and aliases are not supported in a configuration";

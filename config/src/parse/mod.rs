//! From text to tree: one hand-written parser for sysklogd lines, `$` directives and RainerScript, since they may
//! be mixed line by line. After a syntax error it goes on at the next statement, so one run finds every error.

mod action;
mod cursor;
mod directive;
mod expr;
mod object;
mod property;
mod selector;
mod statement;
mod strings;

pub(crate) use selector::{
    FACILITIES, SEVERITIES, decode as decode_selector, facility as facility_number,
    severity as severity_number,
};
pub(crate) use strings::decimal_escapes;

use crate::ast::{Condition, Expr, Node};
use crate::diagnostic::Diagnostic;
use crate::text::Text;
use cursor::Cursor;

/// Parses a whole text as statements.
pub(crate) fn script(text: &Text, diagnostics: &mut Vec<Diagnostic>) -> Vec<Node> {
    let mut parser = Parser::new(text, diagnostics);
    parser.script(None)
}

/// Parses a text as one expression; none when it is not one (which is reported).
pub(crate) fn expression(text: &Text, diagnostics: &mut Vec<Diagnostic>) -> Option<Expr> {
    let mut parser = Parser::new(text, diagnostics);
    let expr = parser.expr().ok()?;
    parser.cursor.skip_blank_lines();
    if parser.cursor.peek().is_some() {
        parser.unexpected();
        return None;
    }
    Some(expr)
}

/// Parses a text as a selector or property filter; none when it is neither (which is reported).
pub(crate) fn filter(text: &Text, diagnostics: &mut Vec<Diagnostic>) -> Option<Condition> {
    let mut parser = Parser::new(text, diagnostics);
    parser.cursor.skip_blank_lines();
    let condition = match parser.property_filter_ahead() {
        true => parser.property_filter().ok()??,
        false => match parser.selector() {
            Some(selector) => Condition::Selector(selector),
            None => {
                parser.expected(
                    "a filter is a selector (`mail.info`) or a property filter (`:msg, contains, \"x\"`)",
                );
                return None;
            }
        },
    };
    parser.cursor.skip_blank_lines();
    if parser.cursor.peek().is_some() {
        parser.unexpected();
        return None;
    }
    Some(condition)
}

/// A syntax error that has been reported; the statement it stands in is given up.
#[derive(Debug)]
struct Failed;

type Parsed<T> = Result<T, Failed>;

/// The state of one run over a text.
struct Parser<'a> {
    cursor: Cursor<'a>,
    diagnostics: &'a mut Vec<Diagnostic>,
    depth: u32,
    /// It has been said that reading goes on where rsyslog's would end.
    said_going_on: bool,
    /// The object in which an odd blank was reported last.
    odd_object: Option<usize>,
    /// The opening quote of the last string that runs over a line's end.
    long_string: Option<usize>,
}

/// Deeper nesting of blocks and parentheses than this is refused: it would exhaust the stack.
const MAX_DEPTH: u32 = 128;

impl<'a> Parser<'a> {
    fn new(text: &'a Text, diagnostics: &'a mut Vec<Diagnostic>) -> Parser<'a> {
        Parser {
            cursor: Cursor::new(text),
            diagnostics,
            depth: 0,
            said_going_on: false,
            odd_object: None,
            long_string: None,
        }
    }

    /// Reports an error with code 2207 between two places of the text.
    fn report(&mut self, slug: &'static str, message: impl Into<String>, start: usize, end: usize) {
        let span = self.cursor.span(start, end);
        self.diagnostics.push(Diagnostic::error(2207, slug, message, span));
    }

    /// Adds to the last report that a character is not what it looks like.
    fn explain_lookalike(&mut self, c: char) {
        if let (Some(help), Some(last)) = (strings::lookalike(c), self.diagnostics.last_mut()) {
            last.help.push(help);
        }
    }

    /// Reports what stands at the cursor as a syntax error.
    fn unexpected(&mut self) -> Failed {
        let start = self.cursor.at();
        let token = self.cursor.token();
        self.report("syntax", format!("syntax error on token '{token}'"), start, start + token.len());
        Failed
    }

    /// As [`Parser::unexpected`], with a sentence of help.
    fn expected(&mut self, what: &str) -> Failed {
        self.unexpected();
        if let Some(last) = self.diagnostics.last_mut() {
            last.help.push(what.to_string());
        }
        Failed
    }

    /// Runs `inner` one level deeper, or reports that nesting is too deep.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            let at = self.cursor.at();
            self.report("too-deep", format!("nesting is deeper than {MAX_DEPTH} levels"), at, at + 1);
            return Err(Failed);
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}

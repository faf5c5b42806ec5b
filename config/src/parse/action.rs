//! The actions of selector lines: `/file`, `-/file`, `?template`, `|pipe`, `@host`, `:module:text`, `^program`, `~`
//! and lists of users, each with an optional `;template`. The text ends at the line's end.

use super::{Failed, Parsed, Parser};
use crate::ast::{ActionText, Node, NodeKind, Target, Word};
use crate::diagnostic::Diagnostic;

impl Parser<'_> {
    /// Reads an action; the cursor is at its first character. None when it must be left out, which is reported, but is
    /// no reason to give up the statement around it.
    pub(super) fn legacy_action(&mut self) -> Parsed<Option<Node>> {
        let start = self.cursor.at();
        let Some(target) = self.target()? else { return Ok(None) };
        let Ok(template) = self.template_suffix() else { return Ok(None) };
        let span = self.cursor.span(start, self.cursor.at());
        self.cursor.line();
        Ok(Some(Node { kind: NodeKind::LegacyAction(ActionText { target, template, span }), span }))
    }

    fn target(&mut self) -> Parsed<Option<Target>> {
        // rsyslog: its file output answers to this prefix, with the ordinary forms behind it.
        let file = ":omfile:";
        if self.cursor.rest().get(..file.len()).is_some_and(|head| head.eq_ignore_ascii_case(file)) {
            self.cursor.go(self.cursor.at() + file.len());
        }
        let rest = self.cursor.rest();
        let sync = !(rest.starts_with('-') && rest.get(1..).is_some_and(|r| r.starts_with(['/', '.', '?'])));
        if !sync {
            self.cursor.next();
        }
        let target = match self.cursor.peek() {
            Some('/' | '.') => Target::File { path: self.file_name(), sync },
            Some('?') => {
                self.cursor.next();
                Target::DynaFile { template: self.file_name(), sync }
            }
            Some('$') => {
                self.cursor.next();
                Target::Channel(self.file_name())
            }
            Some('|') => {
                let at = self.cursor.at();
                self.cursor.next();
                self.cursor.skip_blanks();
                let name = self.file_name();
                if name.text.is_empty() {
                    let message = "invalid character '|' - is there an invalid escape sequence somewhere?";
                    self.report("syntax", message, at, at + 1);
                    self.cursor.line();
                    return Ok(None);
                }
                Target::Pipe(name)
            }
            Some('@') => return self.forward(),
            Some(':') => return self.module_action().map(Some),
            Some('^') => {
                self.cursor.next();
                Target::Program(self.file_name())
            }
            Some('~') => {
                self.cursor.next();
                Target::Discard
            }
            Some('*') if self.cursor.byte_at(1) == b'.' => {
                let at = self.cursor.at();
                self.report("syntax", "syntax error on token '*'", at, at + 1);
                if let Some(last) = self.diagnostics.last_mut() {
                    last.help.push("a selector stands at the start of a line".into());
                }
                self.cursor.line();
                return Ok(None);
            }
            Some('*') => {
                let at = self.cursor.at();
                self.cursor.next();
                Target::Users(Word { text: "*".into(), span: self.cursor.span(at, at + 1) })
            }
            Some(c) if c.is_ascii_alphanumeric() || c == '_' => self.users(),
            Some('>') => {
                let at = self.cursor.at();
                self.report(
                    "unsupported",
                    "the database action `>` is gone; load the database's output module and use action()",
                    at,
                    at + 1,
                );
                self.cursor.line();
                return Ok(None);
            }
            Some(c) => {
                let at = self.cursor.at();
                let message =
                    format!("invalid character '{c}' - is there an invalid escape sequence somewhere?");
                self.report("syntax", message, at, at + c.len_utf8());
                if c.is_ascii() {
                    self.cursor.line();
                    return Err(Failed);
                }
                // rsyslog: such characters are stepped over.
                self.explain_lookalike(c);
                self.cursor.take_while(|c| !c.is_ascii() || c == ' ' || c == '\t');
                if matches!(self.cursor.peek(), None | Some('\n')) {
                    return Ok(None);
                }
                return self.target();
            }
            None => return Err(self.expected("a filter must be followed by an action")),
        };
        Ok(Some(target))
    }

    /// Text up to a blank, a semicolon or the line's end.
    fn file_name(&mut self) -> Word {
        let at = self.cursor.at();
        let text = self.cursor.take_while(|c| !matches!(c, ' ' | '\t' | '\n' | '\r' | ';')).to_string();
        Word { text, span: self.cursor.span(at, self.cursor.at()) }
    }

    fn users(&mut self) -> Target {
        let at = self.cursor.at();
        let line = self.cursor.rest().split('\n').next().unwrap_or("");
        let text = line.split([';', '#']).next().unwrap_or("").trim_end().to_string();
        self.cursor.go(at + text.len());
        Target::Users(Word { span: self.cursor.span(at, at + text.len()), text })
    }

    /// `:word:text`; the text goes to the semicolon, or to a comment that stands behind a blank.
    fn module_action(&mut self) -> Parsed<Target> {
        let start = self.cursor.at();
        self.cursor.next();
        let at = self.cursor.at();
        let text = self.cursor.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-').to_string();
        let word = Word { text, span: self.cursor.span(at, self.cursor.at()) };
        if word.text.is_empty() || !self.cursor.eat(b':') {
            self.cursor.go(start);
            return Err(self.expected("an action of a module is written `:module:text`"));
        }
        let at = self.cursor.at();
        let line = self.cursor.rest().split('\n').next().unwrap_or("");
        let mut text = line.split(';').next().unwrap_or("");
        if let Some(comment) = text.find(" #").or_else(|| text.find("\t#")) {
            text = text.get(..comment).unwrap_or("");
        }
        let text = text.trim_end().to_string();
        self.cursor.go(at + text.len());
        Ok(Target::Module { word, args: Word { span: self.cursor.span(at, at + text.len()), text } })
    }

    /// `@[@][(options)]host[:port]`
    fn forward(&mut self) -> Parsed<Option<Target>> {
        let start = self.cursor.at();
        self.cursor.next();
        let tcp = self.cursor.eat(b'@');
        let mut options = Vec::new();
        if self.cursor.eat(b'(') {
            loop {
                let at = self.cursor.at();
                let text = self.cursor.take_while(|c| !matches!(c, ',' | ')' | '\n')).to_string();
                if !text.is_empty() {
                    options.push(Word { text, span: self.cursor.span(at, self.cursor.at()) });
                }
                if self.cursor.eat(b')') {
                    break;
                }
                if !self.cursor.eat(b',') {
                    return Err(self.expected("the options of a forwarding action end with `)`"));
                }
            }
        }
        self.cursor.skip_blanks();
        let at = self.cursor.at();
        let host = if self.cursor.eat(b'[') {
            let text = self.cursor.take_while(|c| !matches!(c, ']' | '\n')).to_string();
            let span = self.cursor.span(at + 1, at + 1 + text.len());
            if !self.cursor.eat(b']') {
                return Err(self.expected("an IPv6 address in brackets ends with `]`"));
            }
            Word { text, span }
        } else {
            let text = self
                .cursor
                .take_while(|c| !matches!(c, ' ' | '\t' | '\n' | '\r' | ';' | ':' | '#'))
                .to_string();
            Word { span: self.cursor.span(at, at + text.len()), text }
        };
        if host.text.is_empty() {
            let message = "invalid character '@' - is there an invalid escape sequence somewhere?";
            self.report("syntax", message, start, self.cursor.at());
            if let Some(last) = self.diagnostics.last_mut() {
                last.help.push("a host name or address follows the `@`".into());
            }
            self.cursor.line();
            return Ok(None);
        }
        let mut port = None;
        if self.cursor.eat(b':') {
            let at = self.cursor.at();
            let text = self.cursor.take_while(|c| c.is_ascii_alphanumeric() || c == '-').to_string();
            port = Some(Word { span: self.cursor.span(at, at + text.len()), text });
        }
        Ok(Some(Target::Forward { tcp, host, port, options }))
    }

    /// `;template` and a comment, or nothing, up to the line's end.
    fn template_suffix(&mut self) -> Parsed<Option<Word>> {
        let end = self.cursor.at();
        self.cursor.skip_blanks();
        let mut template = None;
        if self.cursor.eat(b';') {
            self.cursor.skip_blanks();
            let at = self.cursor.at();
            // rsyslog: names of built-in templates begin with a blank, so quotes are not needed but harmless.
            let text = self.cursor.take_while(|c| !matches!(c, ' ' | '\t' | '\n' | '\r' | '#')).to_string();
            template = Some(Word { span: self.cursor.span(at, at + text.len()), text })
                .filter(|w| !w.text.is_empty());
        }
        let done = self.cursor.at();
        self.cursor.skip_blanks();
        match self.cursor.peek() {
            None | Some('\n' | '\r' | '#') => {
                self.cursor.go(if template.is_some() { done } else { end });
                Ok(template)
            }
            Some(c) => {
                let at = self.cursor.at();
                let span = self.cursor.span(at, at + c.len_utf8());
                let text = "invalid character in selector line - ';template' expected";
                let mut d = Diagnostic::error(0, "action-text", text, span);
                if c == '}' {
                    d.help.push(
                        "an action's text goes to the end of the line: put `}` on a line of its own".into(),
                    );
                }
                self.diagnostics.push(d);
                // A closing brace was meant as one; anything else goes with the line.
                if c != '}' {
                    self.cursor.line();
                }
                Err(Failed)
            }
        }
    }
}

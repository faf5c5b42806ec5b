//! Statements and their order: blocks, filters, chains of `&`, and where to go on after an error.

use super::{Failed, Parsed, Parser};
use crate::ast::{Condition, Node, NodeKind, Word};

impl Parser<'_> {
    /// Reads statements to the end of the text, or to the `}` of a block that was opened at `opened`.
    pub(super) fn script(&mut self, opened: Option<usize>) -> Vec<Node> {
        let mut nodes = Vec::new();
        loop {
            self.cursor.skip_layout();
            match self.cursor.peek() {
                None => {
                    if let Some(opened) = opened {
                        let at = self.cursor.at();
                        self.report("unclosed-block", "syntax error on token ''", at, at);
                        let span = self.cursor.span(opened, opened + 1);
                        if let Some(last) = self.diagnostics.pop() {
                            self.diagnostics.push(last.label(span, "this block is not closed by `}`"));
                        }
                    }
                    return nodes;
                }
                Some('}') => {
                    if opened.is_some() {
                        self.cursor.next();
                        return nodes;
                    }
                    self.unexpected();
                    self.cursor.next();
                }
                Some(_) => {
                    let start = self.cursor.at();
                    if self.statement(&mut nodes).is_err() {
                        self.recover(start);
                    }
                }
            }
        }
    }

    /// Reads `{ ... }`; the cursor is at the opening brace.
    pub(super) fn braces(&mut self) -> Parsed<Vec<Node>> {
        let at = self.cursor.at();
        self.cursor.eat(b'{');
        self.nested(|p| Ok(p.script(Some(at))))
    }

    /// Reads a block, or one statement with its chain of `&`.
    fn body(&mut self) -> Parsed<Vec<Node>> {
        self.cursor.skip_layout();
        if self.cursor.byte() == b'{' {
            return self.braces();
        }
        if matches!(self.cursor.peek(), None | Some('}' | '&')) {
            return Err(self.expected("an action or statement must follow here"));
        }
        let mut nodes = Vec::new();
        self.nested(|p| p.statement(&mut nodes))?;
        Ok(nodes)
    }

    /// Reads one statement and the `&` statements that follow it.
    fn statement(&mut self, nodes: &mut Vec<Node>) -> Parsed<()> {
        let first = self.single()?;
        // An action that had to be left out still has its chain.
        let chains = matches!(
            first.as_ref().map(|n| &n.kind),
            None | Some(
                NodeKind::Action(_)
                    | NodeKind::LegacyAction(_)
                    | NodeKind::Stop
                    | NodeKind::Call(_)
                    | NodeKind::Set { .. }
            )
        );
        nodes.extend(first);
        if !chains {
            return Ok(());
        }
        while self.link(nodes, |p| p.cursor.eat(b'&')) {
            self.cursor.skip_layout();
            // A broken link does not take those before it along.
            let start = self.cursor.at();
            match self.single() {
                Ok(next) => nodes.extend(next),
                Err(Failed) => self.recover(start),
            }
        }
        Ok(())
    }

    /// Whether a statement goes on with what `goes_on` looks for. Directives may stand in between: they neither end a
    /// chain nor come between `then` and `else`.
    fn link(&mut self, nodes: &mut Vec<Node>, goes_on: impl Fn(&mut Self) -> bool) -> bool {
        let before = self.cursor.at();
        let mut directives = Vec::new();
        loop {
            self.cursor.skip_layout();
            if goes_on(self) {
                nodes.append(&mut directives);
                return true;
            }
            let directive = self.cursor.byte() == b'$'
                && self.cursor.at_line_start()
                && self.cursor.byte_at(1).is_ascii_alphabetic()
                && directives.len() < MAX_DIRECTIVES;
            if !directive {
                self.cursor.go(before);
                return false;
            }
            directives.push(self.directive());
        }
    }

    /// Reads one statement; none when it was given up without a syntax error (and that is reported).
    fn single(&mut self) -> Parsed<Option<Node>> {
        let start = self.cursor.at();
        let line_start = self.cursor.at_line_start();
        match self.cursor.peek() {
            Some('$') if line_start => {
                if self.cursor.byte_at(1).is_ascii_alphabetic() {
                    return Ok(Some(self.directive()));
                }
                let message = "invalid character '$' - is there an invalid escape sequence somewhere?";
                self.report("syntax", message, start, start + 1);
                let line = self.cursor.line().trim_end().to_string();
                if let Some(last) = self.diagnostics.last_mut().filter(|_| line.contains('=')) {
                    last.help.push(format!("did you mean `set {};`?", line.trim_end_matches(';')));
                }
                return Err(Failed);
            }
            Some(':') if self.property_filter_ahead() => {
                let condition = self.property_filter()?;
                let then = self.body()?;
                let span = self.cursor.span(start, self.cursor.at());
                let node = |condition| Node {
                    kind: NodeKind::Condition { condition, then, otherwise: Vec::new() },
                    span,
                };
                return Ok(condition.map(node));
            }
            Some('!' | '+' | '-') if line_start => {
                if let Some(node) = self.bsd_block() {
                    return Ok(Some(node));
                }
            }
            Some('{' | '&') => return Err(self.unexpected()),
            _ => {}
        }
        if let Some(length) = self.object_ahead() {
            let word = self.cursor.slice(start, start + length);
            if !["if", "foreach", "call_indirect", "reload_lookup_table"]
                .iter()
                .any(|k| word.eq_ignore_ascii_case(k))
            {
                return self.object_statement(length).map(Some);
            }
        }
        if let Some(kind) = self.keyword_statement(start)? {
            return Ok(Some(Node { kind, span: self.cursor.span(start, self.cursor.at()) }));
        }
        // rsyslog: only at the start of a line; behind a filter such a word is a list of users.
        let selector = if line_start { self.selector() } else { None };
        if let Some(selector) = selector {
            let then = self.body()?;
            let span = self.cursor.span(start, self.cursor.at());
            let condition = Condition::Selector(selector);
            return Ok(Some(Node {
                kind: NodeKind::Condition { condition, then, otherwise: Vec::new() },
                span,
            }));
        }
        self.legacy_action()
    }

    fn keyword_statement(&mut self, start: usize) -> Parsed<Option<NodeKind>> {
        let keyword = |p: &mut Self, word: &str| {
            // `stop.example` and `set,joe` would be users or selectors.
            let ends = !matches!(p.cursor.byte_at(word.len()), b'.' | b',' | b'-');
            ends && p.cursor.eat_keyword(word)
        };
        if keyword(self, "if") {
            return self.if_statement(start).map(Some);
        }
        if keyword(self, "foreach") {
            return self.foreach().map(Some);
        }
        if keyword(self, "stop") {
            return Ok(Some(NodeKind::Stop));
        }
        if keyword(self, "continue") {
            return Ok(Some(NodeKind::Continue));
        }
        for (word, reset) in [("set", false), ("reset", true)] {
            if keyword(self, word) {
                let var = self.variable_word()?;
                self.cursor.skip_blank_lines();
                if !self.cursor.eat(b'=') {
                    return Err(self.expected("an assignment is written `set $.name = expression;`"));
                }
                let value = self.expr()?;
                self.semicolon()?;
                return Ok(Some(NodeKind::Set { var, value, reset }));
            }
        }
        if keyword(self, "unset") {
            let var = self.variable_word()?;
            self.semicolon()?;
            return Ok(Some(NodeKind::Unset(var)));
        }
        if keyword(self, "call_indirect") {
            let expr = self.expr()?;
            self.semicolon()?;
            return Ok(Some(NodeKind::CallIndirect(expr)));
        }
        if keyword(self, "call") {
            self.cursor.skip_blanks();
            let at = self.cursor.at();
            let text = self.cursor.take_while(|c| c.is_ascii_alphanumeric() || "._-".contains(c)).to_string();
            if text.is_empty() {
                return Err(self.expected("a ruleset's name follows `call`"));
            }
            let name = Word { span: self.cursor.span(at, at + text.len()), text };
            // rsyslog: the semicolon is not needed, but harmless.
            self.cursor.eat(b';');
            return Ok(Some(NodeKind::Call(name)));
        }
        if keyword(self, "reload_lookup_table") {
            let args = self.arguments()?;
            let before = self.cursor.at();
            self.cursor.skip_blanks();
            if !self.cursor.eat(b';') {
                self.cursor.go(before);
            }
            return Ok(Some(NodeKind::ReloadLookupTable(args)));
        }
        Ok(None)
    }

    /// Reads `if` and all its `else if`, as a chain: long ones are common and must not count as nesting.
    fn if_statement(&mut self, start: usize) -> Parsed<NodeKind> {
        let mut arms = Vec::new();
        let mut last = Vec::new();
        let mut arm_start = start;
        loop {
            let condition = self.expr()?;
            self.cursor.skip_blank_lines();
            if !self.cursor.eat_keyword("then") {
                return Err(match self.cursor.byte() {
                    b'=' if self.cursor.slice(self.cursor.at() - 1, self.cursor.at()) == "!" => {
                        self.expected("the `!` was read as part of the name: put a blank before `!=`")
                    }
                    b'=' => self.expected("texts and numbers are compared with `==`"),
                    b'#' => self.expected("inside an expression, comments are written `/* ... */`"),
                    _ => self.expected("`then` must follow the condition"),
                });
            }
            let then_at = self.cursor.at();
            let known = self.diagnostics.len();
            let then = self.body()?;
            if then.is_empty() && self.diagnostics.len() == known {
                // rsyslog: an empty block is a syntax error there.
                let span = self.cursor.span(arm_start, then_at);
                self.diagnostics.push(crate::Diagnostic::warning(
                    2357,
                    "empty-block",
                    "this block is empty",
                    span,
                ));
            }
            let mut then = then;
            let goes_on = self.link(&mut then, |p| p.cursor.eat_keyword("else"));
            arms.push((arm_start, condition, then));
            if !goes_on {
                break;
            }
            self.cursor.skip_layout();
            arm_start = self.cursor.at();
            if !self.cursor.eat_keyword("if") {
                last = self.body()?;
                break;
            }
            if arms.len() > MAX_ARMS {
                let at = self.cursor.at();
                self.report("too-deep", format!("more than {MAX_ARMS} `else if` in a row"), at, at);
                return Err(Failed);
            }
        }
        let end = self.cursor.at();
        while let Some((at, condition, then)) = arms.pop() {
            let kind = NodeKind::Condition { condition: Condition::Expr(condition), then, otherwise: last };
            if at == start && arms.is_empty() {
                return Ok(kind);
            }
            last = vec![Node { kind, span: self.cursor.span(at, end) }];
        }
        Err(Failed)
    }

    fn foreach(&mut self) -> Parsed<NodeKind> {
        const FORM: &str = "a loop is written `foreach ($.item in $!list) do { ... }`";
        self.cursor.skip_blank_lines();
        if !self.cursor.eat(b'(') {
            return Err(self.expected(FORM));
        }
        let var = self.variable_word()?;
        self.cursor.skip_blank_lines();
        if !self.cursor.eat_keyword("in") {
            return Err(self.expected(FORM));
        }
        let list = self.expr()?;
        self.cursor.skip_blank_lines();
        if !self.cursor.eat(b')') {
            return Err(self.expected(FORM));
        }
        self.cursor.skip_blank_lines();
        if !self.cursor.eat_keyword("do") {
            return Err(self.expected(FORM));
        }
        let body = self.body()?;
        Ok(NodeKind::Foreach { var, list, body })
    }

    fn variable_word(&mut self) -> Parsed<Word> {
        self.cursor.skip_blank_lines();
        let at = self.cursor.at();
        if self.cursor.byte() != b'$' {
            return Err(self.expected("a variable's name begins with `$!`, `$.` or `$/`"));
        }
        let text = self.variable().to_string();
        Ok(Word { span: self.cursor.span(at, at + text.len()), text })
    }

    fn semicolon(&mut self) -> Parsed<()> {
        self.cursor.skip_blank_lines();
        if self.cursor.eat(b';') {
            return Ok(());
        }
        Err(self.expected("the statement ends with `;`"))
    }

    /// Goes to the next line at which a statement can begin; a `}` is left to the block that it closes.
    fn recover(&mut self, start: usize) {
        // What failed on its first character must not be tried again.
        if self.cursor.at() <= start && self.cursor.peek() != Some('}') {
            self.cursor.go(start);
            self.cursor.next();
        }
        loop {
            if self.cursor.at_line_start() {
                self.cursor.skip_layout();
                if self.cursor.peek().is_none() || self.statement_ahead() {
                    break;
                }
            } else if self.cursor.peek() == Some('}') {
                break;
            }
            match self.cursor.byte() {
                b'{' if !self.cursor.at_line_start() => {
                    // The block of a broken head is read past, so that its end is not taken for another's.
                    self.cursor.next();
                    let quiet = self.diagnostics.len();
                    if self.depth < super::MAX_DEPTH {
                        self.depth += 1;
                        let at = self.cursor.at();
                        self.script(Some(at - 1));
                        self.depth -= 1;
                    }
                    // Its own errors are real, but an end that is missing follows from the first one.
                    if self.cursor.peek().is_none() && self.diagnostics.len() > quiet {
                        self.diagnostics.pop();
                    }
                }
                b'\n' => {
                    self.cursor.next();
                }
                _ => {
                    if self.cursor.next().is_none() {
                        break;
                    }
                    self.cursor.take_while(|c| !matches!(c, '\n' | '{' | '}'));
                }
            }
        }
        // The chain of what is given up goes with it.
        while self.cursor.eat(b'&') {
            self.cursor.skip_layout();
            let start = self.cursor.at();
            if self.single().is_err() {
                self.cursor.go(start.max(self.cursor.at()));
                self.cursor.line();
            }
            self.cursor.skip_layout();
        }
        if self.cursor.peek().is_some()
            && let Some(last) = self.diagnostics.last_mut()
        {
            let here = "rsyslog would not read what follows; it is checked and used here";
            if last.slug == "syntax" && !self.said_going_on {
                self.said_going_on = true;
                last.help.push(here.to_string());
            }
        }
    }

    /// Whether a line that begins here looks like a new statement, rather than the rest of a broken one.
    fn statement_ahead(&mut self) -> bool {
        const KEYWORDS: &[&str] = &[
            "if",
            "foreach",
            "set",
            "reset",
            "unset",
            "call",
            "call_indirect",
            "stop",
            "continue",
            "reload_lookup_table",
        ];
        let at = self.cursor.at();
        if matches!(self.cursor.peek(), Some('}' | '&' | '$' | ':' | '@' | '/' | '~')) {
            return true;
        }
        if let Some(length) = self.object_ahead() {
            let word = self.cursor.slice(at, at + length).to_ascii_lowercase();
            let first_column = at == 0 || self.cursor.slice(at - 1, at) == "\n";
            if super::object::OBJECTS.contains(&word.as_str()) || first_column {
                return true;
            }
        }
        let selector = self.selector().is_some();
        self.cursor.go(at);
        selector || KEYWORDS.iter().any(|k| self.cursor.looking_at(k))
    }
}

/// Directives between two links of a chain; more are no part of one (and would be read again and again).
const MAX_DIRECTIVES: usize = 20;

/// A longer ladder of `else if` is refused: running it would exhaust the stack.
const MAX_ARMS: usize = 1000;

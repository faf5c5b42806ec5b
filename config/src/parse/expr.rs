//! RainerScript's expressions. Each level below binds tighter than the one before, all operators of a level associate
//! to the left; `and` and `or` share one level, unlike in most languages.

use super::strings::{Place, invalid_character};
use super::{Failed, Parsed, Parser};
use crate::ast::{Expr, ExprKind, Word};
use crate::plan::{BinaryOp, UnaryOp};

/// Operators by level, weakest first; longer spellings stand before their beginnings.
const LEVELS: &[&[(&str, BinaryOp)]] = &[
    &[("and", BinaryOp::And), ("or", BinaryOp::Or)],
    &[
        ("==", BinaryOp::Equal),
        ("!=", BinaryOp::NotEqual),
        ("<>", BinaryOp::NotEqual),
        ("<=", BinaryOp::LessEqual),
        ("<", BinaryOp::Less),
        (">=", BinaryOp::GreaterEqual),
        (">", BinaryOp::Greater),
        ("contains_i", BinaryOp::ContainsI),
        ("contains", BinaryOp::Contains),
        ("startswith_i", BinaryOp::StartsWithI),
        ("startswith", BinaryOp::StartsWith),
        ("endswith", BinaryOp::EndsWith),
    ],
    &[("+", BinaryOp::Add), ("-", BinaryOp::Subtract), ("&", BinaryOp::Concat)],
    &[("*", BinaryOp::Multiply), ("/", BinaryOp::Divide), ("%", BinaryOp::Modulo)],
];

impl Parser<'_> {
    /// Reads an expression.
    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.level(0)
    }

    fn level(&mut self, level: usize) -> Parsed<Expr> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        // A chain of operators makes a tree as deep as it is long.
        let mut links = 0;
        while let Some(op) = self.operator(operators) {
            links += 1;
            if links > MAX_CHAIN {
                let at = self.cursor.at();
                self.report("too-deep", format!("more than {MAX_CHAIN} operators in a row"), at, at + 1);
                return Err(Failed);
            }
            let right = self.level(level + 1)?;
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), span };
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&str, BinaryOp)]) -> Option<BinaryOp> {
        let before = self.cursor.at();
        self.cursor.skip_blank_lines();
        for (spelling, op) in operators {
            let found = if spelling.starts_with(|c: char| c.is_ascii_alphabetic()) {
                self.cursor.eat_keyword(spelling)
            } else if self.cursor.rest().starts_with(spelling) {
                self.cursor.go(self.cursor.at() + spelling.len());
                true
            } else {
                false
            };
            if found {
                return Some(*op);
            }
        }
        self.cursor.go(before);
        None
    }

    fn unary(&mut self) -> Parsed<Expr> {
        self.cursor.skip_blank_lines();
        let at = self.cursor.at();
        let op = if self.cursor.eat_keyword("not") {
            UnaryOp::Not
        } else if self.cursor.eat(b'-') {
            UnaryOp::Negate
        } else {
            return self.primary();
        };
        let inner = self.nested(Self::unary)?;
        let span = self.cursor.span(at, self.cursor.at());
        Ok(match (op, inner.kind) {
            (UnaryOp::Negate, ExprKind::Number(n)) => Expr { kind: ExprKind::Number(n.wrapping_neg()), span },
            (op, kind) => Expr { kind: ExprKind::Unary(op, Box::new(Expr { kind, span: inner.span })), span },
        })
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let at = self.cursor.at();
        let kind = match self.cursor.peek() {
            Some('"' | '\'') => ExprKind::Text(self.string(Place::Expression)?),
            Some('`') => ExprKind::Backtick(self.backtick()?),
            Some('[') => self.texts()?,
            Some('$') => ExprKind::Variable(self.variable().to_string()),
            Some('(') => {
                self.cursor.next();
                let inner = self.nested(Self::expr)?;
                self.cursor.skip_blank_lines();
                if !self.cursor.eat(b')') {
                    return Err(self.expected("a `)` is missing here"));
                }
                let span = self.cursor.span(at, self.cursor.at());
                return Ok(Expr { kind: inner.kind, span });
            }
            Some(c) if c.is_ascii_digit() => ExprKind::Number(self.number()?),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.call()?,
            Some('=' | ')' | '&' | ';' | '}' | '{' | ',') | None => return Err(self.unexpected()),
            Some(c) => {
                self.report("syntax", invalid_character(c, "expression"), at, at + c.len_utf8());
                self.explain_lookalike(c);
                if c == '#'
                    && let Some(last) = self.diagnostics.last_mut()
                {
                    last.help.push("inside an expression, comments are written `/* ... */`".into());
                }
                return Err(Failed);
            }
        };
        Ok(Expr { kind, span: self.cursor.span(at, self.cursor.at()) })
    }

    /// Steps over a variable's or property's name; the cursor is at its `$`.
    pub(super) fn variable(&mut self) -> &str {
        let at = self.cursor.at();
        self.cursor.next();
        if matches!(self.cursor.byte(), b'$' | b'!' | b'.' | b'/') {
            self.cursor.next();
        }
        self.cursor.take_while(|c| c.is_ascii_alphanumeric() || "@_-.![]".contains(c));
        self.cursor.slice(at, self.cursor.at())
    }

    fn number(&mut self) -> Parsed<i64> {
        let at = self.cursor.at();
        let text = self.cursor.take_while(|c| c.is_ascii_alphanumeric());
        let parsed = if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            i64::from_str_radix(hex, 16)
        } else if text.len() > 1 && text.starts_with('0') {
            i64::from_str_radix(text, 8)
        } else {
            text.parse()
        };
        match parsed {
            Ok(number) => Ok(number),
            Err(_) => {
                self.report("number", format!("syntax error on token '{text}'"), at, at + text.len());
                if let Some(last) = self.diagnostics.last_mut() {
                    last.help.push(
                        "numbers are decimal, `0x` hexadecimal or `0` octal; texts stand in quotes".into(),
                    );
                }
                Err(Failed)
            }
        }
    }

    /// Reads an array of texts.
    fn texts(&mut self) -> Parsed<ExprKind> {
        self.cursor.next();
        let mut items = Vec::new();
        loop {
            self.cursor.skip_blank_lines();
            match self.cursor.byte() {
                b']' => break,
                b'"' | b'\'' => items.push(self.string(Place::Expression)?),
                _ => return Err(self.expected("an array is written `[\"a\", \"b\"]`")),
            }
            self.cursor.skip_blank_lines();
            if !self.cursor.eat(b',') && self.cursor.byte() != b']' {
                return Err(self.expected("an array is written `[\"a\", \"b\"]`"));
            }
        }
        self.cursor.next();
        Ok(ExprKind::Array(items))
    }

    fn call(&mut self) -> Parsed<ExprKind> {
        let at = self.cursor.at();
        let text = self.cursor.take_while(|c| c.is_ascii_alphanumeric() || c == '_').to_string();
        let name = Word { span: self.cursor.span(at, at + text.len()), text };
        let end = self.cursor.at();
        self.cursor.skip_blank_lines();
        if self.cursor.byte() != b'(' {
            self.cursor.go(end);
            self.report("syntax", format!("syntax error on token '{}'", name.text), at, end);
            if let Some(last) = self.diagnostics.last_mut() {
                last.help.push("texts stand in quotes, properties and variables begin with `$`".into());
            }
            return Err(Failed);
        }
        Ok(ExprKind::Call(name, self.arguments()?))
    }

    /// Reads `(a, b, ...)`.
    pub(super) fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        self.cursor.skip_blank_lines();
        if !self.cursor.eat(b'(') {
            return Err(self.expected("arguments follow in `( )`"));
        }
        let mut args = Vec::new();
        self.cursor.skip_blank_lines();
        if self.cursor.eat(b')') {
            return Ok(args);
        }
        loop {
            args.push(self.nested(Self::expr)?);
            self.cursor.skip_blank_lines();
            if self.cursor.eat(b')') {
                return Ok(args);
            }
            if !self.cursor.eat(b',') {
                return Err(self.expected("arguments are separated by `,` and end with `)`"));
            }
        }
    }
}

/// More operators than this on one level are refused: walking the tree would exhaust the stack.
const MAX_CHAIN: u32 = 2000;

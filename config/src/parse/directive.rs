//! Lines that are neither objects nor filters: `$Directive value` and BSD's `!prog` and `+host`.

use super::Parser;
use crate::ast::{Node, NodeKind, Word};

impl Parser<'_> {
    /// Reads a directive; the cursor is at its `$`.
    pub(super) fn directive(&mut self) -> Node {
        let start = self.cursor.at();
        self.cursor.eat(b'$');
        let name_at = self.cursor.at();
        let text = self.cursor.take_while(|c| !matches!(c, ' ' | '\t' | '\n' | '\r')).to_string();
        let name = Word { text, span: self.cursor.span(name_at, self.cursor.at()) };
        self.cursor.skip_blanks();
        let value_at = self.cursor.at();
        let text = self.cursor.line().trim_end().to_string();
        let end = value_at + text.len();
        let value = Word { text, span: self.cursor.span(value_at, end) };
        Node {
            kind: NodeKind::Directive { name, value },
            span: self.cursor.span(start, end.max(name_at + 1)),
        }
    }

    /// Reads a BSD block line if one stands here: `!prog`, `!-prog`, `+host`, `-host`, `!*`, `+*`, `-*`.
    pub(super) fn bsd_block(&mut self) -> Option<Node> {
        let line = self.cursor.rest().split('\n').next().unwrap_or("");
        let text = line.split('#').next().unwrap_or("").trim_end();
        let fits = match text.chars().next()? {
            '!' => text.len() > 1,
            '+' | '-' => {
                let name = text.get(1..)?;
                let host = |c: char| c.is_ascii_alphanumeric() || ".:-_,@".contains(c);
                name == "*" || (!name.is_empty() && name.chars().all(host))
            }
            _ => false,
        };
        if !fits || text.contains([' ', '\t']) {
            return None;
        }
        let start = self.cursor.at();
        let span = self.cursor.span(start, start + text.len());
        self.cursor.line();
        Some(Node { kind: NodeKind::Block(Word { text: text.to_string(), span }), span })
    }
}

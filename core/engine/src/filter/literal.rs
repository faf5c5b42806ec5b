//! What must be in a text for a regular expression to match: the longest run of literal bytes on its top level.

use sysloom_config::plan::RegexKind;

/// A literal without which the expression cannot match; none if there is no telling.
pub fn required(expression: &[u8], kind: RegexKind) -> Option<Vec<u8>> {
    let mut scan =
        Scan { rest: expression, extended: kind == RegexKind::Extended, run: Vec::new(), best: Vec::new() };
    scan.all()?;
    scan.end();
    (!scan.best.is_empty()).then_some(scan.best)
}

struct Scan<'a> {
    rest: &'a [u8],
    extended: bool,
    run: Vec<u8>,
    best: Vec<u8>,
}

impl Scan<'_> {
    /// None where branches make every literal optional, or where the expression is not understood.
    fn all(&mut self) -> Option<()> {
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b'\\' => {
                    let (&next, rest) = self.rest.split_first()?;
                    self.rest = rest;
                    match next {
                        b'(' if !self.extended => self.group()?,
                        b'|' if !self.extended => return None,
                        b'{' if !self.extended => self.repeated(true)?,
                        b'?' if !self.extended => self.optional(),
                        // `\+`: once or more.
                        b'+' if !self.extended => self.end(),
                        b')' | b'}' if !self.extended => return None,
                        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'<' | b'>' | b'`' | b'\'' => self.end(),
                        other => self.run.push(other),
                    }
                }
                b'[' => {
                    self.end();
                    self.bracket()?;
                }
                b'.' | b'^' | b'$' => self.end(),
                b'*' => self.optional(),
                b'(' if self.extended => self.group()?,
                b'|' if self.extended => return None,
                b'?' if self.extended => self.optional(),
                b'+' if self.extended => self.end(),
                b'{' if self.extended => self.repeated(false)?,
                b')' | b'}' if self.extended => return None,
                other => self.run.push(other),
            }
        }
        Some(())
    }

    /// The run is over.
    fn end(&mut self) {
        if self.run.len() > self.best.len() {
            self.best = std::mem::take(&mut self.run);
        }
        self.run.clear();
    }

    /// What stands before may be missing: the last byte of the run is no part of it.
    fn optional(&mut self) {
        self.run.pop();
        self.end();
    }

    /// `{n,m}`: how often does not matter, it may be never.
    fn repeated(&mut self, escaped: bool) -> Option<()> {
        self.optional();
        let close: &[u8] = if escaped { b"\\}" } else { b"}" };
        let at = memchr::memmem::find(self.rest, close)?;
        self.rest = self.rest.get(at + close.len()..)?;
        Some(())
    }

    /// Skips a group: it may have branches, or be repeated.
    fn group(&mut self) -> Option<()> {
        self.end();
        let mut depth = 1;
        while depth > 0 {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b'\\' => {
                    let (&next, rest) = self.rest.split_first()?;
                    self.rest = rest;
                    match next {
                        b'(' if !self.extended => depth += 1,
                        b')' if !self.extended => depth -= 1,
                        _ => {}
                    }
                }
                b'[' => self.bracket()?,
                b'(' if self.extended => depth += 1,
                b')' if self.extended => depth -= 1,
                _ => {}
            }
        }
        Some(())
    }

    /// Skips the rest of `[...]`.
    fn bracket(&mut self) -> Option<()> {
        let mut at = usize::from(self.rest.first() == Some(&b'^'));
        at += usize::from(self.rest.get(at) == Some(&b']'));
        loop {
            match (self.rest.get(at)?, self.rest.get(at + 1)) {
                (b'[', Some(kind @ (b':' | b'.' | b'='))) => {
                    let close = [*kind, b']'];
                    let inside = self.rest.get(at + 2..)?;
                    at += 2 + memchr::memmem::find(inside, &close)? + 2;
                }
                (b']', _) => {
                    self.rest = self.rest.get(at + 1..)?;
                    return Some(());
                }
                _ => at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_those_that_cannot_be_missing() {
        for (expression, want) in [
            ("session closed by user[0-9]+ id=1$", Some("session closed by user")),
            ("^abc", Some("abc")),
            ("ab*cd", Some("cd")),
            ("abc+d", Some("abc")),
            ("abc?d", Some("ab")),
            ("ab{0,3}c", Some("a")),
            ("a|b", None),
            ("(a|b)long", Some("long")),
            ("(longer)?x", Some("x")),
            ("a\\.b\\+c", Some("a.b+c")),
            ("a\\wbc", Some("bc")),
            ("[]x]y", Some("y")),
            ("[^]x[:alpha:]]yz", Some("yz")),
            ("(a[)]b)cd", Some("cd")),
            (".*", None),
            ("", None),
            ("[a", None),
            ("(a", None),
            ("a\\", None),
        ] {
            let got = required(expression.as_bytes(), RegexKind::Extended);
            assert_eq!(got.as_deref(), want.map(str::as_bytes), "{expression}");
        }
        for (expression, want) in [
            ("a|b", Some("a|b")),
            ("a\\|b", None),
            ("\\(a\\|b\\)xy", Some("xy")),
            ("ab\\{0\\}c", Some("a")),
            ("a+b(c)", Some("a+b(c)")),
            ("ab\\?c", Some("a")),
            ("\\(x\\)yz\\1", Some("yz")),
        ] {
            let got = required(expression.as_bytes(), RegexKind::Basic);
            assert_eq!(got.as_deref(), want.map(str::as_bytes), "{expression}");
        }
    }
}

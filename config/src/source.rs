//! Where text came from: the table of files read so far, and spans into them. Every other room points at text
//! with a [`Span`]; only diagnostics and the printer turn it back into file, line and column.

/// A stretch of bytes in one file of [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    pub file: u32,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// The span of things that nobody wrote: defaults and built-in templates.
    pub const NONE: Span = Span { file: u32::MAX, start: 0, end: 0 };

    /// Whether nobody wrote this.
    pub fn is_none(self) -> bool {
        self.file == u32::MAX
    }

    /// From the start of this span to the end of `other`; this span when they lie in different files.
    pub fn to(self, other: Span) -> Span {
        if self.file != other.file || other.end < self.start {
            return self;
        }
        Span { file: self.file, start: self.start, end: other.end.max(self.start) }
    }

    /// The empty span at the start of this one.
    pub fn head(self) -> Span {
        Span { end: self.start, ..self }
    }
}

/// One text that was read: a file, or the value of `include(text=...)`.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as it was written or found.
    pub name: String,
    /// The text; bytes that are no UTF-8 are replaced for display only, so lengths may differ from the file's.
    pub text: String,
    /// Byte offsets at which lines start.
    lines: Vec<u32>,
}

impl Source {
    /// The byte offset at which the line of a place starts.
    pub fn line_start(&self, at: u32) -> usize {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        self.lines.get(line - 1).map_or(0, |start| *start as usize)
    }

    /// The byte offset at which the line of a place ends, its line feed excluded.
    pub fn line_end(&self, at: u32) -> usize {
        let line = self.lines.partition_point(|start| *start <= at);
        self.lines.get(line).map_or(self.text.len(), |next| (*next as usize).saturating_sub(1))
    }
}

/// All texts of one load, by the number that spans carry.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
    /// (the place of an include, the number of the text that it brought), in order of reading.
    includes: Vec<(Span, u32)>,
}

/// A place for humans: 1-based line, 1-based column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    pub file: &'a str,
    pub line: u32,
    pub column: u32,
}

impl Sources {
    /// Adds a text and returns its number.
    pub fn add(&mut self, name: impl Into<String>, text: String) -> u32 {
        let mut lines = vec![0];
        lines.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1));
        self.list.push(Source { name: name.into(), text, lines });
        (self.list.len() - 1) as u32
    }

    /// Notes that the statement at `at` brought the text with this number.
    pub fn included(&mut self, at: Span, file: u32) {
        self.includes.push((at, file));
    }

    /// All texts as one, each include followed by what it brought, in the marks that rsyslog's `-o` sets.
    pub fn expanded(&self) -> String {
        let mut out = String::new();
        if !self.list.is_empty() {
            self.expand(0, &mut out);
        }
        out
    }

    fn expand(&self, file: u32, out: &mut String) {
        let Some(source) = self.source(file) else { return };
        out.push_str(&format!("\n##### BEGIN CONFIG: {} (put on stack)\n", source.name));
        let mut done = 0;
        for (at, child) in self.includes.iter().filter(|(at, child)| at.file == file && *child > file) {
            let end = (at.end as usize).max(done);
            out.push_str(source.text.get(done..end).unwrap_or(""));
            done = end;
            self.expand(*child, out);
        }
        out.push_str(source.text.get(done..).unwrap_or(""));
        out.push_str(&format!("\n##### END   CONFIG: {}\n", source.name));
    }

    /// The text with this number.
    pub fn source(&self, file: u32) -> Option<&Source> {
        self.list.get(file as usize)
    }

    /// All texts, in order of reading.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.list.iter()
    }

    /// File, line and column at which a span starts.
    pub fn place(&self, span: Span) -> Option<Place<'_>> {
        let source = self.source(span.file)?;
        let line = source.lines.partition_point(|start| *start <= span.start).max(1);
        let start = source.line_start(span.start);
        let before = source.text.get(start..(span.start as usize).min(source.text.len())).unwrap_or("");
        Some(Place { file: &source.name, line: line as u32, column: before.chars().count() as u32 + 1 })
    }

    /// The text that a span covers.
    pub fn text(&self, span: Span) -> &str {
        self.source(span.file).and_then(|s| s.text.get(span.start as usize..span.end as usize)).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        let mut sources = Sources::default();
        let file = sources.add("a.conf", "one\nzwö x\n".into());
        let place = sources.place(Span { file, start: 9, end: 10 }).unwrap();
        assert_eq!((place.file, place.line, place.column), ("a.conf", 2, 5));
        assert_eq!(sources.text(Span { file, start: 9, end: 10 }), "x");
        assert_eq!(sources.place(Span::NONE), None);
    }
}

//! Files: the main one, include() and `$IncludeConfig`, patterns and directories.

use super::{Loader, plain};
use crate::ast::Object;
use crate::catalogue;
use crate::plan::{Block, Values};
use crate::source::Span;
use crate::text::Text;
use std::path::{Path, PathBuf};

/// Includes nested deeper than this are refused.
const MAX_INCLUDES: usize = 32;

impl Loader<'_> {
    /// Reads the file that everything starts from.
    pub(super) fn main_file(&mut self, main: &Path) {
        match self.env.read(main) {
            Ok(bytes) => {
                let statements = self.file(main, &bytes, Span::NONE);
                self.append(statements);
            }
            Err(error) => {
                let message = format!("could not open config file '{}': {}", main.display(), plain(&error));
                self.error(2104, "main-file", message, Span::NONE);
            }
        }
    }

    fn append(&mut self, statements: Block) {
        if let Some(ruleset) = self.plan.rulesets.get_mut(self.current.0) {
            ruleset.body.extend(statements);
        }
    }

    /// Parses and resolves one file.
    fn file(&mut self, path: &Path, bytes: &[u8], at: Span) -> Block {
        self.reading.push(path.to_path_buf());
        let yaml = matches!(path.extension().and_then(|e| e.to_str()), Some("yaml" | "yml"));
        let text = String::from_utf8_lossy(bytes).into_owned();
        let source = self.sources.add(path.display().to_string(), text.clone());
        self.sources.included(at, source);
        let block = match yaml {
            true => {
                let nodes = crate::yaml::nodes(source, &text, &mut self.diagnostics);
                self.nodes(&nodes)
            }
            false => self.text(source, &text),
        };
        self.reading.pop();
        block
    }

    /// Parses and resolves a text. At the top level its statements go to the ruleset that is current when each is met.
    fn text(&mut self, source: u32, raw: &str) -> Block {
        let text = Text::new(source, raw);
        let nodes = crate::parse::script(&text, &mut self.diagnostics);
        self.nodes(&nodes)
    }

    pub(super) fn nodes(&mut self, nodes: &[crate::ast::Node]) -> Block {
        let outer = std::mem::take(&mut self.bsd);
        let mut block = Block::new();
        for node in nodes {
            let before = self.current;
            let mut statements = Block::new();
            self.node(node, &mut statements);
            // `$RuleSet` in the node's file moved on: what came before stays where it was.
            if self.depth == 0 {
                let target = if self.current == before { self.current } else { before };
                if let Some(ruleset) = self.plan.rulesets.get_mut(target.0) {
                    ruleset.body.extend(statements);
                }
            } else {
                block.extend(statements);
            }
        }
        self.bsd = outer;
        block
    }

    /// include()
    pub(super) fn include_object(&mut self, object: &Object, block: &mut Block) {
        let mut values = Values::unset(catalogue::include());
        if !self.fill(object, &mut [&mut values]) {
            return;
        }
        let mode = values.str("mode").unwrap_or("required").to_ascii_lowercase();
        match (values.str("file"), values.str("text")) {
            (Some(file), None) => {
                let file = file.to_string();
                let at = values.span("file").unwrap_or(object.span);
                self.include(&file, &mode, at, object.span, block);
            }
            (None, Some(text)) => {
                let text = text.to_string();
                let place = self
                    .sources
                    .place(object.span)
                    .map_or(String::new(), |p| format!("{}:{}", p.file, p.line));
                if self.reading.len() >= MAX_INCLUDES {
                    self.error(2207, "include", "includes are nested too deeply", object.span);
                    return;
                }
                self.reading.push(PathBuf::new());
                let source = self.sources.add(format!("text included at {place}"), text.clone());
                self.sources.included(object.span, source);
                block.extend(self.text(source, &text));
                self.reading.pop();
            }
            _ => {
                let message = "include must have either 'file' or 'text' parameter";
                self.error(2207, "include", message, object.span);
            }
        }
    }

    /// `$IncludeConfig`
    pub(super) fn include_directive(&mut self, file: &str, at: Span, block: &mut Block) {
        self.include(file, "required", at, at, block);
    }

    fn include(&mut self, pattern: &str, mode: &str, at: Span, statement: Span, block: &mut Block) {
        // rsyslog: nothing is included in silence (a variable may be unset).
        if pattern.is_empty() {
            return;
        }
        let is_pattern = pattern.contains(['*', '?', '[']);
        let mut files = Vec::new();
        if is_pattern {
            for path in self.expand(pattern) {
                self.collect(path, &mut files, 0);
            }
        } else {
            self.collect(PathBuf::from(pattern), &mut files, 0);
        }
        for file in files {
            if self.reading.contains(&file) || self.reading.len() >= MAX_INCLUDES {
                let message = format!("file '{}' is being read already - include ignored", file.display());
                self.error(2207, "include", message, at);
                continue;
            }
            match self.env.read(&file) {
                Ok(bytes) => block.extend(self.file(&file, &bytes, statement)),
                Err(error) if !is_pattern => self.missing(pattern, mode, &error, at),
                Err(error) => {
                    let message =
                        format!("error accessing config file '{}': {}", file.display(), plain(&error));
                    self.error(2207, "include", message, at);
                }
            }
        }
    }

    fn missing(&mut self, file: &str, mode: &str, error: &std::io::Error, at: Span) {
        if mode == "optional" {
            return;
        }
        let cwd = std::env::current_dir().map_or(String::new(), |cwd| cwd.display().to_string());
        let message =
            format!("error accessing config file or directory '{file}' [cwd: {cwd}]: {}", plain(error));
        self.error(2207, "include", message, at);
        self.abort |= mode == "abort-if-missing";
    }

    /// A file itself, or all files below a directory: files first, then directories, each by name.
    fn collect(&mut self, path: PathBuf, files: &mut Vec<PathBuf>, depth: u32) {
        if depth > 16 || !self.env.is_directory(&path) {
            files.push(path);
            return;
        }
        let entries = self.env.list(&path).unwrap_or_default();
        let visible = |path: &Path| !path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        let (directories, plain): (Vec<_>, Vec<_>) =
            entries.into_iter().filter(|(path, _)| visible(path)).partition(|(_, directory)| *directory);
        files.extend(plain.into_iter().map(|(path, _)| path));
        for (directory, _) in directories {
            self.collect(directory, files, depth + 1);
        }
    }

    /// The paths that a pattern matches, sorted.
    fn expand(&mut self, pattern: &str) -> Vec<PathBuf> {
        let root = if pattern.starts_with('/') { "/" } else { "" };
        let mut paths = vec![PathBuf::from(root)];
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            let mut next = Vec::new();
            for path in paths {
                if !part.contains(['*', '?', '[']) {
                    next.push(path.join(part));
                    continue;
                }
                let directory = if path.as_os_str().is_empty() { Path::new(".") } else { path.as_path() };
                for (entry, _) in self.env.list(directory).unwrap_or_default() {
                    let Some(name) = entry.file_name().map(|n| n.to_string_lossy().into_owned()) else {
                        continue;
                    };
                    // As in a shell, a hidden file is matched only by a pattern that begins with a dot.
                    if (!name.starts_with('.') || part.starts_with('.'))
                        && matches(part.as_bytes(), name.as_bytes())
                    {
                        next.push(path.join(name));
                    }
                }
            }
            paths = next;
        }
        let last_is_plain =
            pattern.rsplit('/').find(|p| !p.is_empty()).is_some_and(|p| !p.contains(['*', '?', '[']));
        if last_is_plain {
            paths.retain(|path| self.env.accessible(path));
        }
        paths.sort();
        paths
    }
}

/// Whether a shell pattern of `*`, `?` and `[a-z]` matches a whole name.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return name.is_empty() };
    match first {
        b'*' => (0..=name.len()).any(|skip| name.get(skip..).is_some_and(|tail| matches(rest, tail))),
        b'?' => name.split_first().is_some_and(|(_, tail)| matches(rest, tail)),
        b'[' => {
            let Some(end) = rest.iter().skip(1).position(|b| *b == b']').map(|n| n + 1) else {
                return name.split_first().is_some_and(|(c, tail)| *c == b'[' && matches(rest, tail));
            };
            let Some((c, tail)) = name.split_first() else { return false };
            let (set, after) = (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default());
            in_set(set, *c) && matches(after, tail)
        }
        b'\\' => match rest.split_first() {
            Some((literal, rest)) => {
                name.split_first().is_some_and(|(c, tail)| c == literal && matches(rest, tail))
            }
            None => false,
        },
        literal => name.split_first().is_some_and(|(c, tail)| c == literal && matches(rest, tail)),
    }
}

fn in_set(set: &[u8], c: u8) -> bool {
    let (negate, set) = match set.split_first() {
        Some((b'!' | b'^', rest)) => (true, rest),
        _ => (false, set),
    };
    let mut found = false;
    let mut i = 0;
    while let Some(&low) = set.get(i) {
        match (set.get(i + 1), set.get(i + 2)) {
            (Some(b'-'), Some(&high)) => {
                found |= (low..=high).contains(&c);
                i += 3;
            }
            _ => {
                found |= low == c;
                i += 1;
            }
        }
    }
    found != negate
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn shell_patterns() {
        for (pattern, name, want) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("[0-9]?-*", "10-x", true),
            ("[!0-9]*", "1", false),
            ("[]a]", "]", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), want, "{pattern} {name}");
        }
    }
}

//! The YAML front end: the same tree as every other dialect, from mappings. Names of keys are case-sensitive, each
//! may stand once; scripts and filters inside are read by the ordinary parser, with their places kept.

mod ruleset;
mod tree;

use crate::ast::{Node, NodeKind, Object, Param, Value, Word};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::text::Text;
use tree::{Kind, Tree};

/// Reads a YAML text as nodes.
pub(crate) fn nodes(source: u32, raw: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Node> {
    let mut reader = Reader { source, raw, diagnostics };
    let Some(tree) = tree::read(source, raw, reader.diagnostics) else { return Vec::new() };
    reader.document(tree)
}

/// A text that is one mapping of texts, as pairs; keys of nested mappings have a dot between them, entries of lists a
/// number for a key.
pub(crate) fn flat(raw: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    if let Some(tree) = tree::read(0, raw, diagnostics) {
        flatten(tree, "", &mut pairs, diagnostics);
    }
    pairs
}

fn flatten(tree: Tree, key: &str, pairs: &mut Vec<(String, String)>, diagnostics: &mut Vec<Diagnostic>) {
    match tree.kind {
        Kind::Map(entries) => entries.into_iter().for_each(|(name, value)| {
            let key = if key.is_empty() { name.text } else { format!("{key}.{}", name.text) };
            flatten(value, &key, pairs, diagnostics);
        }),
        Kind::List(entries) if !key.is_empty() => entries.into_iter().enumerate().for_each(|(at, value)| {
            flatten(value, &format!("{key}.{at}"), pairs, diagnostics);
        }),
        Kind::Text(text, _) if !key.is_empty() => pairs.push((key.to_owned(), text)),
        _ => diagnostics.push(Diagnostic::error(
            2207,
            "yaml",
            "only a mapping of texts is understood",
            tree.span,
        )),
    }
}

struct Reader<'a> {
    source: u32,
    raw: &'a str,
    diagnostics: &'a mut Vec<Diagnostic>,
}

/// Top-level keys whose value is a list of objects of one kind.
const LISTS: &[(&str, &str)] = &[
    ("modules", "module"),
    ("testbench_modules", "module"),
    ("inputs", "input"),
    ("parsers", "parser"),
    ("lookup_tables", "lookup_table"),
    ("dyn_stats", "dyn_stats"),
    ("perctile_stats", "percentile_stats"),
    ("percentile_stats", "percentile_stats"),
    ("ratelimits", "ratelimit"),
    ("timezones", "timezone"),
];

const OTHERS: &[&str] = &["version", "global", "mainqueue", "main_queue", "templates", "rulesets", "include"];

impl Reader<'_> {
    fn error(&mut self, message: impl Into<String>, at: Span) -> &mut Diagnostic {
        self.diagnostics.push(Diagnostic::error(2207, "yaml", message, at));
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    fn document(&mut self, tree: Tree) -> Vec<Node> {
        let mut nodes = Vec::new();
        let span = tree.span;
        let Kind::Map(entries) = tree.kind else {
            self.error(
                "the top level of a YAML configuration is a mapping (modules:, inputs:, rulesets: ...)",
                span,
            );
            return nodes;
        };
        for (key, value) in self.unique(entries) {
            let list = LISTS.iter().find(|(name, _)| *name == key.text);
            match (key.text.as_str(), list) {
                ("version", _) => {}
                ("global", _) => nodes.extend(self.object("global", value).map(node)),
                ("mainqueue" | "main_queue", _) => nodes.extend(self.object("main_queue", value).map(node)),
                ("templates", _) => {
                    for item in self.items(value) {
                        nodes.extend(self.template(item).map(node));
                    }
                }
                ("rulesets", _) => {
                    for item in self.items(value) {
                        nodes.extend(self.ruleset(item));
                    }
                }
                ("include", _) => nodes.extend(self.includes(value)),
                (_, Some((_, word))) => {
                    for item in self.items(value) {
                        nodes.extend(self.object(word, item).map(node));
                    }
                }
                _ => {
                    let names = LISTS.iter().map(|(name, _)| *name).chain(OTHERS.iter().copied());
                    let near = crate::suggest::nearest(&key.text, names);
                    let d = self.error(format!("unknown top-level key '{}'", key.text), key.span);
                    d.help.extend(near.map(|near| format!("did you mean `{near}`?")));
                }
            }
        }
        nodes
    }

    /// Entries of a mapping, each key once.
    fn unique(&mut self, entries: Vec<(Word, Tree)>) -> Vec<(Word, Tree)> {
        let mut kept: Vec<(Word, Tree)> = Vec::new();
        for (key, value) in entries {
            match kept.iter().find(|(before, _)| before.text == key.text).map(|(before, _)| before.span) {
                Some(first) => {
                    let d = self.error(format!("duplicate key '{}' is ignored", key.text), key.span);
                    d.labels.push((first, "the first one".into()));
                }
                None => kept.push((key, value)),
            }
        }
        kept
    }

    /// The items of a list; anything else is reported.
    fn items(&mut self, value: Tree) -> Vec<Tree> {
        match value.kind {
            Kind::List(items) => items,
            Kind::Text(text, _) if text.is_empty() || text == "~" || text == "null" => Vec::new(),
            _ => {
                self.error("a list is expected here (items that begin with `- `)", value.span);
                Vec::new()
            }
        }
    }

    fn entries(&mut self, value: Tree) -> Option<Vec<(Word, Tree)>> {
        match value.kind {
            Kind::Map(entries) => Some(self.unique(entries)),
            _ => {
                self.error("a mapping is expected here (lines of `name: value`)", value.span);
                None
            }
        }
    }

    /// An object whose parameters are the entries of a mapping.
    fn object(&mut self, word: &str, value: Tree) -> Option<Object> {
        let span = value.span;
        let entries = self.entries(value)?;
        let params = self.params(entries);
        Some(Object { word: word.to_string(), span, params, children: Vec::new() })
    }

    fn params(&mut self, entries: Vec<(Word, Tree)>) -> Vec<Param> {
        entries.into_iter().filter_map(|(name, value)| self.param(name, value)).collect()
    }

    fn param(&mut self, name: Word, value: Tree) -> Option<Param> {
        let span = value.span;
        let value = match value.kind {
            Kind::Text(text, _) => Value::Text(text.into_bytes()),
            Kind::List(items) => {
                let mut texts = Vec::new();
                for item in items {
                    match item.kind {
                        Kind::Text(text, _) => texts.push((text.into_bytes(), item.span)),
                        _ => {
                            self.error(format!("the list '{}' may hold texts only", name.text), item.span);
                            return None;
                        }
                    }
                }
                Value::Array(texts)
            }
            Kind::Map(_) => {
                self.error(format!("the value of '{}' must not be a mapping", name.text), span);
                return None;
            }
        };
        Some(Param { name, value, span })
    }

    fn template(&mut self, item: Tree) -> Option<Object> {
        let span = item.span;
        let entries = self.entries(item)?;
        let mut children = Vec::new();
        let mut rest = Vec::new();
        let mut listed = None;
        for (key, value) in entries {
            if key.text == "elements" {
                listed = Some(key.span);
                for element in self.items(value) {
                    children.extend(self.template_element(element));
                }
            } else {
                rest.push((key, value));
            }
        }
        let mut params = self.params(rest);
        if let Some(at) = listed.filter(|_| !params.iter().any(|p| p.name.text == "type")) {
            let name = Word { text: "type".into(), span: at };
            params.push(Param { name, value: Value::Text(b"list".to_vec()), span: at });
        }
        Some(Object { word: "template".into(), span, params, children })
    }

    fn template_element(&mut self, element: Tree) -> Option<Object> {
        let span = element.span;
        let mut entries = self.entries(element)?;
        let (key, value) = if entries.len() == 1 { entries.pop()? } else { return self.bad_element(span) };
        match key.text.as_str() {
            "property" | "constant" => {
                let word = key.text.clone();
                self.object(&word, value)
            }
            _ => self.bad_element(key.span),
        }
    }

    fn bad_element(&mut self, at: Span) -> Option<Object> {
        self.error("an element of a template is `property: {...}` or `constant: {...}`", at);
        None
    }

    /// `include:`; files in YAML are read before others.
    fn includes(&mut self, value: Tree) -> Vec<Node> {
        let mut first = Vec::new();
        let mut second = Vec::new();
        for item in self.items(value) {
            let Some(mut object) = self.object("include", item) else { continue };
            for param in &mut object.params {
                match param.name.text.as_str() {
                    "path" => param.name.text = "file".into(),
                    "optional" => {
                        let on = matches!(&param.value, Value::Text(t) if matches!(t.as_slice(), b"on" | b"true" | b"yes"));
                        param.name.text = "mode".into();
                        param.value =
                            Value::Text(if on { b"optional".to_vec() } else { b"required".to_vec() });
                    }
                    _ => {}
                }
            }
            let yaml = object.params.iter().any(|p| {
                let ends = |t: &[u8]| t.ends_with(b".yaml") || t.ends_with(b".yml");
                p.name.text == "file" && matches!(&p.value, Value::Text(t) if ends(t))
            });
            if yaml { first.push(node(object)) } else { second.push(node(object)) }
        }
        first.append(&mut second);
        first
    }

    /// The text of a scalar for the ordinary parsers, with its places in the file.
    fn text(&self, text: &str, block: bool, span: Span) -> Text {
        Text::within(self.source, self.raw, span, text, block)
    }
}

fn node(object: Object) -> Node {
    let span = object.span;
    Node { kind: NodeKind::Object(object), span }
}

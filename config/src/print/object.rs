//! Objects as lists of names and texts, ready for either syntax.

use super::Printer;
use crate::catalogue::{Param, Type};
use crate::plan::{Origin, Setting, Value, Values};

/// A value as text.
#[derive(Clone, Debug)]
pub(super) enum Text {
    One(Vec<u8>),
    Many(Vec<String>),
}

/// An object on its way to a text.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub word: &'static str,
    pub params: Vec<(String, Text)>,
    pub children: Vec<Item>,
}

impl Item {
    pub(super) fn new(word: &'static str) -> Item {
        Item { word, params: Vec::new(), children: Vec::new() }
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.bytes(name, text.as_bytes());
    }

    pub(super) fn bytes(&mut self, name: &str, text: &[u8]) {
        self.params.push((name.to_string(), Text::One(text.to_vec())));
    }

    pub(super) fn list(&mut self, name: &str, list: Vec<String>) {
        self.params.push((name.to_string(), Text::Many(list)));
    }

    /// `word(name="value" ...)`
    pub(super) fn head(&self) -> String {
        let mut out = format!("{}(", self.word);
        for (at, (name, text)) in self.params.iter().enumerate() {
            if at > 0 {
                out.push(' ');
            }
            out.push_str(name);
            out.push('=');
            match text {
                Text::One(bytes) => out.push_str(&quoted(bytes)),
                // A single text is a list of one everywhere, and older versions know no other form of some.
                Text::Many(list) if list.len() == 1 => {
                    list.iter().for_each(|item| out.push_str(&quoted(item.as_bytes())));
                }
                Text::Many(list) => {
                    let items: Vec<String> = list.iter().map(|item| quoted(item.as_bytes())).collect();
                    out.push_str(&format!("[{}]", items.join(", ")));
                }
            }
        }
        out.push(')');
        out
    }

    pub(super) fn rainerscript(&self, out: &mut String) {
        out.push_str(&self.head());
        if !self.children.is_empty() {
            out.push_str(" {\n");
            for child in &self.children {
                out.push_str(&format!("  {}\n", child.head()));
            }
            out.push('}');
        }
        out.push('\n');
    }
}

impl Printer<'_> {
    /// Adds all values that somebody wrote.
    pub(super) fn add_values(&self, item: &mut Item, values: &Values, keep: impl Fn(&str) -> bool) {
        for (param, setting) in values.iter() {
            if let Some(setting) = setting.filter(|s| s.origin != Origin::Default && keep(&param.name)) {
                item.params.push((param.name.clone(), self.value(param, setting)));
            }
        }
    }

    pub(super) fn value(&self, param: &Param, setting: &Setting) -> Text {
        match &setting.value {
            Value::List(list) => Text::Many(list.clone()),
            _ => Text::One(self.plain(param, setting).into_bytes()),
        }
    }

    /// A value as it is written in a configuration.
    pub(super) fn plain(&self, param: &Param, setting: &Setting) -> String {
        match (&setting.value, param.ty) {
            (Value::Bool(on), _) => if *on { "on" } else { "off" }.to_string(),
            (Value::Int(mode), Type::FileMode) => format!("{mode:04o}"),
            // The name was given up for the number, but still stands in the file.
            (Value::Int(id), Type::Uid | Type::Gid) => {
                let written = self.loaded.sources.text(setting.span).trim().trim_matches(['"', '\'']);
                if written.is_empty() { id.to_string() } else { written.to_string() }
            }
            (Value::Int(n), _) => n.to_string(),
            (Value::Str(text), _) => text.clone(),
            (Value::List(list), _) => list.join(","),
        }
    }
}

/// A string for an object's parameter.
pub(super) fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for part in bytes.utf8_chunks() {
        for c in part.valid().chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if (c as u32) < 32 => out.push_str(&format!("\\x{:02x}", c as u32)),
                c => out.push(c),
            }
        }
        for byte in part.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    out
}

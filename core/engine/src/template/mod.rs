//! Templates: compiled once from the Plan into parts, rendered into an action's records for each message.

mod date;
mod generated;
mod replace;
mod tree;

pub use generated::{Generated, Generators};
pub use replace::{Scratch, Steps, json_escape};

use crate::message::Message;
use crate::script::Path;
use std::sync::Arc;
use sysloom_config::Diagnostic;
use sysloom_config::plan::{
    self, DateFormat, JsonPath, JsonRoot, Piece, Plan, Property, PropertyRef, Step, TemplateKind,
    TemplateOption,
};
use tree::Tree;

/// A template ready to render.
pub struct Template {
    pub name: String,
    parts: Vec<Part>,
    option: TemplateOption,
    /// How parts nest in each other (option.jsonftree).
    tree: Option<Tree>,
}

/// One part; the plainest kinds come first and cost the least.
enum Part {
    Text(Box<[u8]>),
    /// The property as it is.
    Plain(Property),
    /// One blank unless the property is empty or begins with one.
    LeadingSpace(Property),
    /// As LeadingSpace, but one for the empty value too.
    LeadingSpaceOfAny(Property),
    Date {
        property: Property,
        format: DateFormat,
        utc: bool,
    },
    /// A date that is also cut, padded or quoted.
    DateSteps {
        property: Property,
        format: DateFormat,
        utc: bool,
        steps: Box<Steps>,
    },
    Steps(Property, Box<Steps>),
    Variable(Path),
    VariableSteps(Path, Box<Steps>),
    /// A whole tree as JSON.
    Subtree(Path),
    /// A plugin writes it.
    Generated(Arc<Generated>),
}

/// Buffers for rendering, one set a worker.
#[derive(Default)]
pub struct Buffers {
    value: Vec<u8>,
    replaced: Vec<u8>,
    quoted: Vec<u8>,
    scratch: Scratch,
    generated: crate::parsers::Scratch,
}

impl Template {
    /// Compiles all templates of a Plan, by their numbers. A generator that no module brings is reported.
    pub fn compile_all(
        plan: &Plan,
        generators: &Generators,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Arc<Self>> {
        let exact = plan.globals.bool("variables.caseSensitive").unwrap_or(false);
        let one =
            |template| Arc::new(Self::compile(template, &plan.templates, generators, exact, diagnostics));
        plan.templates.iter().map(one).collect()
    }

    /// Compiles a template; `all` are those that it may name, `exact` says whether the case of variables matters.
    pub fn compile(
        template: &plan::Template,
        all: &[plan::Template],
        generators: &Generators,
        exact: bool,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let pieces =
            |pieces: &[Piece]| -> Vec<Part> { pieces.iter().map(|piece| part(piece, exact)).collect() };
        let parts: Vec<Part> = match &template.kind {
            TemplateKind::Pieces(list) if is_generated(template) => {
                pieces(list).into_iter().map(Part::of_generator).collect()
            }
            TemplateKind::Pieces(list) => pieces(list),
            TemplateKind::Subtree(PropertyRef::Json(path)) => vec![Part::Subtree(Path::new(path, exact))],
            TemplateKind::Subtree(PropertyRef::Named(property)) => vec![Part::Plain(*property)],
            // rsyslog: its string generators make the built-in formats of the same names.
            TemplateKind::Plugin(name) => match all.iter().find(|t| t.span.is_none() && t.name == *name) {
                Some(plan::Template { kind: TemplateKind::Pieces(list), .. }) => {
                    pieces(list).into_iter().map(Part::of_generator).collect()
                }
                _ if generators.contains_key(&name.to_ascii_lowercase()) => generators
                    .get(&name.to_ascii_lowercase())
                    .cloned()
                    .map(Part::Generated)
                    .into_iter()
                    .collect(),
                _ => {
                    let text = format!("template '{}': there is no string generator '{name}'", template.name);
                    diagnostics.push(Diagnostic::error(2209, "unknown-generator", text, template.span));
                    Vec::new()
                }
            },
        };
        let tree = match (template.option, &template.kind) {
            (TemplateOption::JsonfTree, TemplateKind::Pieces(list)) => Tree::new(list, exact),
            _ => None,
        };
        Self { name: template.name.clone(), parts, option: template.option, tree }
    }

    /// Appends the text for a message to `out`.
    pub fn render(&self, message: &Message<'_>, buffers: &mut Buffers, out: &mut Vec<u8>) {
        match self.option {
            TemplateOption::None => self.parts.iter().for_each(|p| p.render(message, buffers, out)),
            TemplateOption::Jsonf | TemplateOption::JsonfTree => {
                match &self.tree {
                    Some(tree) => tree.render(message, buffers, out),
                    None => render_members(&self.parts, message, buffers, out),
                }
                out.push(b'\n');
            }
            TemplateOption::Sql | TemplateOption::StdSql | TemplateOption::Json => {
                self.render_quoted(message, buffers, out);
            }
        }
    }

    /// The text of properties (not of constants) is quoted for the language around it.
    fn render_quoted(&self, message: &Message<'_>, buffers: &mut Buffers, out: &mut Vec<u8>) {
        let mut quoted = std::mem::take(&mut buffers.quoted);
        for part in &self.parts {
            if let Part::Text(text) = part {
                out.extend_from_slice(text);
                continue;
            }
            quoted.clear();
            part.render(message, buffers, &mut quoted);
            for &b in &quoted {
                match (self.option, b) {
                    (TemplateOption::Sql, b'\'' | b'\\') | (TemplateOption::Json, b'"' | b'\\') => {
                        out.push(b'\\');
                    }
                    (TemplateOption::StdSql, b'\'') => out.push(b'\''),
                    _ => {}
                }
                out.push(b);
            }
        }
        buffers.quoted = quoted;
    }
}

impl Part {
    // rsyslog: the generators of its usual formats write a blank before an empty text, templates do not.
    fn of_generator(self) -> Self {
        match self {
            Self::LeadingSpace(property) => Self::LeadingSpaceOfAny(property),
            other => other,
        }
    }

    fn render(&self, message: &Message<'_>, buffers: &mut Buffers, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text),
            Self::Plain(property) => {
                let value = message.named(*property, &mut buffers.value);
                out.extend_from_slice(value);
            }
            Self::LeadingSpace(property) => {
                let value = message.named(*property, &mut buffers.value);
                if value.first().is_some_and(|b| *b != b' ') {
                    out.push(b' ');
                }
            }
            Self::LeadingSpaceOfAny(property) => {
                if message.named(*property, &mut buffers.value).first() != Some(&b' ') {
                    out.push(b' ');
                }
            }
            Self::Date { property, format, utc } => {
                date::write(&message.time(*property), *format, *utc, out);
            }
            Self::DateSteps { property, format, utc, steps } => {
                buffers.replaced.clear();
                date::write(&message.time(*property), *format, *utc, &mut buffers.replaced);
                steps.apply(&buffers.replaced, &mut buffers.scratch, out);
            }
            Self::Steps(property, steps) => {
                let value = message.named(*property, &mut buffers.value);
                steps.apply(value, &mut buffers.scratch, out);
            }
            Self::Variable(path) | Self::Subtree(path) => {
                message.variable(path, &mut buffers.value);
                out.extend_from_slice(&buffers.value);
            }
            Self::Generated(generated) => generated.render(message, &mut buffers.generated, out),
            Self::VariableSteps(path, steps) => {
                message.variable(path, &mut buffers.value);
                steps.apply(&buffers.value, &mut buffers.scratch, out);
            }
        }
    }
}

/// The non-empty parts as members of one JSON object.
fn render_members(parts: &[Part], message: &Message<'_>, buffers: &mut Buffers, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for part in parts {
        let before = out.len();
        if !first {
            out.extend_from_slice(b", ");
        }
        let start = out.len();
        part.render(message, buffers, out);
        if out.len() == start {
            out.truncate(before);
        } else {
            first = false;
        }
    }
    out.push(b'}');
}

fn part(piece: &Piece, exact: bool) -> Part {
    let (property, replacer) = match piece {
        Piece::Constant(constant) if constant.jsonf => {
            let mut text = Vec::new();
            text.push(b'"');
            text.extend_from_slice(constant.outname.as_deref().unwrap_or_default().as_bytes());
            // rsyslog: a blank here, but none in the members that properties make.
            text.extend_from_slice(b"\": \"");
            json_escape(&constant.text, false, &mut text);
            text.push(b'"');
            return Part::Text(text.into());
        }
        Piece::Constant(constant) => return Part::Text(constant.text.as_slice().into()),
        Piece::Property(PropertyRef::Named(property), replacer) => (*property, replacer),
        Piece::Property(PropertyRef::Json(path), replacer) => {
            let steps = Steps::new(replacer, &variable_name(path));
            let path = Path::new(path, exact);
            return match steps.is_identity() {
                true => Part::Variable(path),
                false => Part::VariableSteps(path, Box::new(steps)),
            };
        }
    };
    let steps = Steps::new(replacer, property.name());
    let dated = matches!(property, Property::Timereported | Property::Timegenerated);
    match dated {
        true if steps.is_identity() => Part::Date { property, format: replacer.date, utc: replacer.utc },
        true => {
            Part::DateSteps { property, format: replacer.date, utc: replacer.utc, steps: Box::new(steps) }
        }
        false if steps.is_identity() => Part::Plain(property),
        false if steps.is_leading_space_only() => Part::LeadingSpace(property),
        false => Part::Steps(property, Box::new(steps)),
    }
}

/// Whether rsyslog makes a built-in template by a generator of its own.
fn is_generated(template: &plan::Template) -> bool {
    let generated = [
        "RSYSLOG_FileFormat",
        "RSYSLOG_TraditionalFileFormat",
        "RSYSLOG_ForwardFormat",
        "RSYSLOG_TraditionalForwardFormat",
    ];
    template.span.is_none() && generated.contains(&template.name.as_str())
}

/// A variable's name in JSON output: its path without the `$!` before it.
fn variable_name(path: &JsonPath) -> String {
    // rsyslog: the global tree's mark stays.
    let mut name = String::from(if path.root == JsonRoot::Global { "$/" } else { "" });
    let mut first = true;
    for step in &path.steps {
        match step {
            Step::Key(key) if std::mem::take(&mut first) => name.push_str(key),
            Step::Key(key) => {
                name.push('!');
                name.push_str(key);
            }
            Step::Index(index) => name.push_str(&format!("[{index}]")),
        }
    }
    name
}

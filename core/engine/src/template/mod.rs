//! Templates: compiled once from the Plan into parts, rendered into an action's records for each message.

mod date;
mod replace;

pub use replace::{Scratch, Steps, json_escape};

use crate::message::Message;
use sysloom_config::plan::{
    self, DateFormat, Piece, Property, PropertyRef, Replacer, TemplateKind, TemplateOption,
};
use sysloom_config::{Diagnostic, Span};

/// A template ready to render.
pub struct Template {
    pub name: String,
    parts: Vec<Part>,
    option: TemplateOption,
}

/// One part; the plainest kinds come first and cost the least.
enum Part {
    Text(Box<[u8]>),
    /// The property as it is.
    Plain(Property),
    /// One blank unless the property is empty or begins with one.
    LeadingSpace(Property),
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
}

/// Buffers for rendering, one set a worker.
#[derive(Default)]
pub struct Buffers {
    value: Vec<u8>,
    replaced: Vec<u8>,
    scratch: Scratch,
}

impl Template {
    /// Compiles a template; what the engine cannot do yet is reported at its place.
    pub fn compile(template: &plan::Template, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut unsupported = |what: &str, span: Span| {
            let text = format!("template '{}': {what} is not supported yet", template.name);
            diagnostics.push(Diagnostic::error(2207, "unsupported", text, span));
        };
        let mut parts = Vec::new();
        match &template.kind {
            TemplateKind::Pieces(pieces) => {
                for piece in pieces {
                    match part(piece) {
                        Some(part) => parts.push(part),
                        None => unsupported("a variable or an option of this property", template.span),
                    }
                }
            }
            TemplateKind::Subtree(_) => unsupported("type \"subtree\"", template.span),
            TemplateKind::Plugin(_) => unsupported("type \"plugin\"", template.span),
        }
        Self { name: template.name.clone(), parts, option: template.option }
    }

    /// Appends the text for a message to `out`.
    pub fn render(&self, message: &Message<'_>, buffers: &mut Buffers, out: &mut Vec<u8>) {
        match self.option {
            TemplateOption::None => self.parts.iter().for_each(|p| p.render(message, buffers, out)),
            TemplateOption::Jsonf | TemplateOption::JsonfTree => self.render_object(message, buffers, out),
            TemplateOption::Sql | TemplateOption::StdSql | TemplateOption::Json => {
                self.render_quoted(message, buffers, out);
            }
        }
    }

    /// The non-empty parts as members of one JSON object.
    fn render_object(&self, message: &Message<'_>, buffers: &mut Buffers, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut first = true;
        for part in &self.parts {
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
        out.extend_from_slice(b"}\n");
    }

    /// The text of properties (not of constants) is quoted for the language around it.
    fn render_quoted(&self, message: &Message<'_>, buffers: &mut Buffers, out: &mut Vec<u8>) {
        let mut quoted = Vec::new();
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
    }
}

impl Part {
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
        }
    }
}

fn part(piece: &Piece) -> Option<Part> {
    let (property, replacer) = match piece {
        Piece::Constant(constant) if constant.jsonf => {
            let mut text = Vec::new();
            text.push(b'"');
            text.extend_from_slice(constant.outname.as_deref().unwrap_or_default().as_bytes());
            text.extend_from_slice(b"\":\"");
            json_escape(&constant.text, false, &mut text);
            text.push(b'"');
            return Some(Part::Text(text.into()));
        }
        Piece::Constant(constant) => return Some(Part::Text(constant.text.as_slice().into())),
        Piece::Property(PropertyRef::Named(property), replacer) => (*property, replacer),
        Piece::Property(PropertyRef::Json(_), _) => return None,
    };
    if !is_supported(property, replacer) {
        return None;
    }
    let steps = Steps::new(replacer, property.name().trim_start_matches('$'));
    let dated = matches!(property, Property::Timereported | Property::Timegenerated);
    Some(match dated {
        true if steps.is_identity() => Part::Date { property, format: replacer.date, utc: replacer.utc },
        true => {
            Part::DateSteps { property, format: replacer.date, utc: replacer.utc, steps: Box::new(steps) }
        }
        false if steps.is_identity() => Part::Plain(property),
        false if steps.is_leading_space_only() => Part::LeadingSpace(property),
        false => Part::Steps(property, Box::new(steps)),
    })
}

fn is_supported(property: Property, replacer: &Replacer) -> bool {
    let plain_type = replacer.data_type == plan::DataType::String
        && replacer.on_empty == plan::OnEmpty::Keep
        && !replacer.omit_if_zero;
    plain_type && Message::has(property)
}

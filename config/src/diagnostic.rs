//! Complaints as data. Rooms of this crate make a [`Diagnostic`]; the daemon prints [`first_line`], which is
//! rsyslog's own text (and goes to the log), and below it on stderr [`render`]: place, source line, caret, help.
//! A plugin's complaint about a parameter becomes one of these too, with the parameter's span.

use crate::source::{Sources, Span};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// How grave a complaint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Note,
}

/// One complaint about the configuration.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub severity: Severity,
    /// rsyslog's number, positive (2207); 0 where rsyslog prints none.
    pub code: i32,
    /// The stable name of this kind of complaint, e.g. `unknown-parameter`; `explain` describes it.
    pub slug: &'static str,
    /// rsyslog's wording, without file and line.
    pub message: String,
    pub span: Option<Span>,
    /// Further places with a remark each.
    pub labels: Vec<(Span, String)>,
    /// What to do about it, one sentence each.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error with rsyslog's code.
    pub fn error(code: i32, slug: &'static str, message: impl Into<String>, span: Span) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            slug,
            message: message.into(),
            span: (!span.is_none()).then_some(span),
            labels: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A warning with rsyslog's code.
    pub fn warning(code: i32, slug: &'static str, message: impl Into<String>, span: Span) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, slug, message, span) }
    }

    /// Adds a sentence of help.
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help.push(text.into());
        self
    }

    /// Adds a remark at another place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        if !span.is_none() {
            self.labels.push((span, text.into()));
        }
        self
    }
}

/// rsyslog's text for a complaint; the daemon appends `[vVERSION try https://www.rsyslog.com/e/CODE ]`.
pub fn first_line(d: &Diagnostic, sources: &Sources) -> String {
    let kind = match (d.code, d.severity) {
        (2207, _) | (1, Severity::Error) => "error",
        (2357, _) if d.slug != QUEUE_MARK => "warning",
        // rsyslog: only messages of its parser say where they come from.
        _ => return d.message.clone(),
    };
    match d.span.and_then(|span| sources.place(span)) {
        Some(at) => {
            format!("{kind} during parsing file {}, on or before line {}: {}", at.file, at.line, d.message)
        }
        None => d.message.clone(),
    }
}

/// rsyslog: what it remarks on a queue's marks says the queue, and not the place.
pub(crate) const QUEUE_MARK: &str = "queue-mark";

/// The indented block below the first line: place, source line with caret, remarks, help and the slug.
pub fn render(d: &Diagnostic, sources: &Sources, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    let placed = d.span.and_then(|span| sources.source(span.file).map(|source| (span, source)));
    if let Some((span, source)) = placed {
        // Only the lines that matter: rendering looks at all of a snippet's text.
        let here = d.labels.iter().map(|(at, _)| *at).filter(|at| at.file == span.file).chain([span]);
        let first = here.clone().map(|at| at.start).min().unwrap_or(0);
        let last = here.map(|at| at.end).max().unwrap_or(0);
        let start = source.line_start(first);
        let end = source.line_end(last);
        let line = sources.place(Span { start: first, ..span }).map_or(1, |place| place.line);
        let text = source.text.get(start..end).unwrap_or("");
        let within = |span: Span| {
            let end = floor(text, (span.end as usize).saturating_sub(start));
            floor(text, (span.start as usize).saturating_sub(start)).min(end)..end
        };
        let mut snippet = Snippet::source(text)
            .line_start(line as usize)
            .path(source.name.as_str())
            .annotation(AnnotationKind::Primary.span(within(span)));
        let mut elsewhere = Vec::new();
        for (at, text) in &d.labels {
            if at.file == span.file {
                snippet = snippet.annotation(AnnotationKind::Context.span(within(*at)).label(text.as_str()));
            } else if let Some(place) = sources.place(*at) {
                elsewhere.push(format!("{}:{}:{}: {text}", place.file, place.line, place.column));
            }
        }
        let level = match d.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let group = level.no_name().primary_title("").element(snippet);
        let text = renderer.render(&[group]);
        // The title is the first line, which the daemon has printed already; an empty one leaves a blank line.
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            push(&mut out, line);
        }
        for line in elsewhere {
            push(&mut out, &format!("  = note: {line}"));
        }
    } else {
        for (at, text) in &d.labels {
            if let Some(place) = sources.place(*at) {
                push(&mut out, &format!("  = note: {}:{}:{}: {text}", place.file, place.line, place.column));
            }
        }
    }
    for help in &d.help {
        push(&mut out, &format!("  = help: {help}"));
    }
    push(&mut out, &format!("  = {}", d.slug));
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str("  ");
    out.push_str(line.trim_end());
    out.push('\n');
}

/// The nearest character boundary at or below `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

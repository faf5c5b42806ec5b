//! What came out: as a table for people, and as JSON or JUnit's XML for programs.

use crate::line::Line;
use std::fmt::{self, Write};
use std::path::PathBuf;
use std::time::Duration;
use sysloom_engine::plugin::Facts;

/// How a driver did.
pub struct Report {
    pub file: PathBuf,
    /// What its manifest says.
    pub facts: Facts,
    pub outcomes: Vec<Outcome>,
}

/// How it did at one line.
pub struct Outcome {
    pub line: &'static Line,
    pub verdict: Verdict,
    pub took: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// What was seen instead.
    Failed(String),
    /// The capability that the manifest does not claim.
    Skipped(&'static str),
}

impl Report {
    /// Whether nothing failed.
    pub fn passes(&self) -> bool {
        self.count("failed") == 0
    }

    /// The names of the lines that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = self.outcomes.iter().filter(|o| o.verdict.word() == "failed");
        failed.map(|o| o.line.name).collect()
    }

    /// One line about all lines.
    pub fn summary(&self) -> String {
        format!(
            "{} {} ({}): {} passed, {} failed, {} skipped",
            self.facts.name,
            self.facts.version,
            self.file.display(),
            self.count("passed"),
            self.count("failed"),
            self.count("skipped")
        )
    }

    /// The report as one JSON object.
    pub fn json(&self) -> String {
        let mut out = format!(
            "{{\"driver\":{},\"version\":{},\"file\":{},\"abi\":\"{}.{}\",\"passed\":{},\"failed\":{},\"skipped\":{},\"lines\":[",
            quoted(&self.facts.name),
            quoted(&self.facts.version),
            quoted(&self.file.display().to_string()),
            self.facts.abi_major,
            self.facts.abi_minor,
            self.count("passed"),
            self.count("failed"),
            self.count("skipped")
        );
        for (i, outcome) in self.outcomes.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let _ = write!(
                out,
                "{comma}\n{{\"name\":{},\"rule\":{},\"text\":{},\"result\":\"{}\",\"seen\":{},\"milliseconds\":{}}}",
                quoted(outcome.line.name),
                quoted(outcome.line.rule),
                quoted(outcome.line.text),
                outcome.verdict.word(),
                quoted(&outcome.verdict.seen()),
                outcome.took.as_millis()
            );
        }
        out + "\n]}\n"
    }

    /// The report as JUnit has it.
    pub fn junit(&self) -> String {
        let total: Duration = self.outcomes.iter().map(|o| o.took).sum();
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" \
             skipped=\"{}\" time=\"{:.3}\">\n",
            escaped(&self.facts.name),
            self.outcomes.len(),
            self.count("failed"),
            self.count("skipped"),
            total.as_secs_f64()
        );
        for outcome in &self.outcomes {
            let inner = match &outcome.verdict {
                Verdict::Passed => String::new(),
                Verdict::Failed(why) => format!(
                    "<failure message=\"{}\">{}: {}</failure>",
                    escaped(why),
                    escaped(outcome.line.rule),
                    escaped(outcome.line.text)
                ),
                Verdict::Skipped(_) => format!("<skipped message=\"{}\"/>", escaped(&outcome.verdict.seen())),
            };
            let _ = writeln!(
                out,
                "<testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\">{inner}</testcase>",
                escaped(&self.facts.name),
                escaped(outcome.line.name),
                outcome.took.as_secs_f64()
            );
        }
        out + "</testsuite>\n"
    }

    fn count(&self, word: &str) -> usize {
        self.outcomes.iter().filter(|o| o.verdict.word() == word).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in &self.outcomes {
            writeln!(f, "{outcome}")?;
        }
        writeln!(f, "{}", self.summary())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { name, rule, text, .. } = self.line;
        write!(f, "{:7} {name} [{rule}] {text}", self.verdict.word())?;
        match self.verdict.seen() {
            seen if seen.is_empty() => Ok(()),
            seen => write!(f, ": {seen}"),
        }
    }
}

impl Verdict {
    /// `passed`, `failed` or `skipped`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }

    fn seen(&self) -> String {
        match self {
            Self::Passed => String::new(),
            Self::Failed(why) => why.clone(),
            Self::Skipped(word) => format!("the manifest does not say {word}"),
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What is no character of XML is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

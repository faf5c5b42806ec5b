//! From received bytes to a parsed message: reception rules, PRI, then the parsers in rsyslog's default order.

use crate::message::{Parsed, Span};
use crate::pri::{self, Head, Pri};
use crate::{Options, SanitizeRules, Sanitized, Timestamp, rfc3164, rfc5424, sanitize};

/// Whether a parser took a message for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    Decline,
}

/// Sanitises and parses one received message with the default chain; `None` if it is empty and to be dropped.
///
/// The spans of `parsed` lie in the text that the result names: the head of `raw`, or what was appended to `scratch`.
#[inline]
pub fn parse_chain(
    rules: &SanitizeRules,
    options: &Options,
    reception: &Timestamp,
    raw: &[u8],
    scratch: &mut Vec<u8>,
    parsed: &mut Parsed,
) -> Option<Sanitized> {
    if raw.is_empty() {
        return None;
    }
    let sanitized = sanitize(rules, raw, scratch);
    let text = match sanitized {
        Sanitized::Unchanged { len } => raw.get(..len),
        Sanitized::Escaped { len } => scratch.len().checked_sub(len).and_then(|start| scratch.get(start..)),
    };
    parse_text(text.unwrap_or_default(), options, reception, parsed);
    Some(sanitized)
}

/// Parses sanitised text: PRI, then RFC 5424, then RFC 3164, which takes everything.
#[inline]
pub fn parse_text(text: &[u8], options: &Options, reception: &Timestamp, parsed: &mut Parsed) {
    if parse_head(text, parsed) == Verdict::Accept {
        return;
    }
    if rfc5424::parse(text, options, parsed) == Verdict::Decline {
        rfc3164::parse(text, options, reception, parsed);
    }
}

/// Starts `parsed` anew with the PRI of sanitised text; `Accept` if no parser is to be asked any more.
///
/// A ruleset with a chain of its own calls this before its parsers.
#[inline]
pub fn parse_head(text: &[u8], parsed: &mut Parsed) -> Verdict {
    *parsed = Parsed::new();
    match pri::parse(text) {
        Head::Valid { pri, after } => {
            parsed.pri = pri;
            parsed.after_pri = after as u32;
        }
        Head::Missing => {}
        // RFC 3164 4.3.3: without a valid PRI all of the packet is CONTENT. rsyslog: and the facility is invalid.
        Head::Malformed => {
            parsed.pri = Pri::INVALID;
            parsed.after_pri = pri::skip(text) as u32;
            parsed.msg = Span::new(0, text.len());
            return Verdict::Accept;
        }
    }
    Verdict::Decline
}

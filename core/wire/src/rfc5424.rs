//! `rsyslog.rfc5424`: the parser of RFC 5424 messages.
//!
//! It decides by VERSION alone whether a message is its own; what follows is taken field by field, without the
//! limits of length and alphabet that the RFC sets for senders.

use crate::message::{Header, Parsed, Span};
use crate::{Options, Verdict, timestamp};
use memchr::memchr;

/// Parses `text`, the sanitised bytes of a message whose PRI ends at `parsed.after_pri`.
// RFC 5424 6: HEADER SP STRUCTURED-DATA [SP MSG], HEADER = PRI VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP
// PROCID SP MSGID.
pub fn parse(text: &[u8], options: &Options, parsed: &mut Parsed) -> Verdict {
    let version = parsed.after_pri as usize;
    // RFC 5424 6.2.2: the only VERSION is 1.
    if text.get(version..version + 2) != Some(b"1 ") {
        return Verdict::Decline;
    }
    parsed.protocol_version = 1;
    let mut at = version + 2;
    let rest = text.get(at..).unwrap_or_default();
    match rest {
        // RFC 5424 6.2.3: NILVALUE if the sender has no clock; then the time of reception counts.
        [b'-', b' ', ..] => at += 2,
        _ => match timestamp::parse_rfc3339(rest) {
            Some((time, len)) => {
                parsed.timestamp = (!options.ignore_timestamp).then_some(time);
                at += len;
            }
            None => {
                parsed.set_broken_header();
                parsed.msg = Span::new(at, text.len());
                return Verdict::Accept;
            }
        },
    }
    let hostname = field(text, &mut at);
    let app_name = field(text, &mut at);
    let procid = field(text, &mut at);
    let msgid = field(text, &mut at);
    let structured_data = match text.get(at) {
        Some(b'-' | b'[') => structured_data(text, &mut at),
        // rsyslog: where no structured data begins, the property shows the MSGID.
        _ => msgid,
    };
    let header = Header { hostname, app_name, procid, msgid, structured_data };
    parsed.set_header(text, &header, options.permit_slash_in_programname);
    // RFC 5424 6.4: MSG is taken as it is, with its BOM.
    parsed.msg = Span::new(at, text.len());
    Verdict::Accept
}

/// The text up to the next blank, which is skipped.
#[inline]
fn field(text: &[u8], at: &mut usize) -> Span {
    let start = *at;
    let rest = text.get(start..).unwrap_or_default();
    let len = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
    *at = (start + len + 1).min(text.len());
    Span::new(start, start + len)
}

/// NILVALUE, or everything up to the first `] ` that is not escaped, or a `]` at the end; skips the blank after it.
// RFC 5424 6.3: SD-ELEMENTs follow each other without a blank, so that `] ` ends the last of them.
// rsyslog: without such an end all but the last byte is structured data.
fn structured_data(text: &[u8], at: &mut usize) -> Span {
    let start = *at;
    let end = if text.get(start) == Some(&b'-') { start + 1 } else { elements_end(text, start) };
    *at = end + usize::from(text.get(end) == Some(&b' '));
    Span::new(start, end)
}

fn elements_end(text: &[u8], start: usize) -> usize {
    let mut from = start;
    while let Some(found) = text.get(from..).and_then(|rest| memchr(b']', rest)) {
        let bracket = from + found;
        // rsyslog: a backslash that is itself escaped still escapes the bracket.
        let escaped = bracket > from && text.get(bracket - 1) == Some(&b'\\');
        match text.get(bracket + 1) {
            None => return bracket + 1,
            Some(b' ') if !escaped => return bracket + 1,
            _ => from = bracket + 1,
        }
    }
    text.len().saturating_sub(1).max(start)
}

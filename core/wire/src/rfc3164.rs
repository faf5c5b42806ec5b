//! `rsyslog.rfc3164`: the parser of what RFC 3164 describes and of nearly anything else; it accepts every message.

use crate::message::{Parsed, Span};
use crate::timestamp::{Rfc3164Rules, Timestamp, parse_rfc3164, parse_rfc3339};
use crate::{Options, Verdict, class};

/// Parses `text`, the sanitised bytes of a message whose PRI ends at `parsed.after_pri`.
///
/// `reception` gives the missing year and zone; an input with `defaultTZ` passes it with that zone.
// RFC 3164 4.1: TIMESTAMP SP HOSTNAME SP TAG CONTENT.
pub fn parse(text: &[u8], options: &Options, reception: &Timestamp, parsed: &mut Parsed) -> Verdict {
    let start = parsed.after_pri as usize;
    let mut at = start;
    if is_bare(text.get(start..).unwrap_or_default()) {
        parsed.headerless = options.detect_headerless;
        parsed.msg = message(text, at, options);
        return Verdict::Accept;
    }
    match header_time(text, start, options, reception) {
        Some((time, end)) => {
            parsed.timestamp = (!options.ignore_timestamp).then_some(time);
            at = end;
        }
        // RFC 3164 4.3.2: the receiver puts its own time in. rsyslog: the header is parsed all the same.
        None => parsed.headerless = options.detect_headerless,
    }
    if options.parse_hostname_and_tag {
        if options.parse_hostname
            && let Some(end) = hostname_end(text, at, options)
        {
            parsed.set_hostname(Span::new(at, end));
            at = (end + 1).min(text.len());
        }
        at = tag(text, at, start, options, parsed);
    }
    parsed.msg = message(text, at, options);
    Verdict::Accept
}

// rsyslog: JSON and the like, after any number of blanks, has no header.
fn is_bare(rest: &[u8]) -> bool {
    let first = rest.iter().find(|byte| **byte != b' ');
    matches!(first, Some(b'{' | b'['))
}

/// The time stamp in either format and where it ends.
#[inline]
pub(crate) fn header_time(
    text: &[u8],
    start: usize,
    options: &Options,
    reception: &Timestamp,
) -> Option<(Timestamp, usize)> {
    let rest = text.get(start..).unwrap_or_default();
    let rules = Rfc3164Rules { reception, year_after: options.detect_year_after_timestamp };
    let found = match rest.first()? {
        b'0'..=b'9' => parse_rfc3339(rest).or_else(|| parse_rfc3164(rest, &rules)),
        // rsyslog: one blank before the time stamp is forgiven.
        b' ' => parse_rfc3164(rest.get(1..)?, &rules).map(|(time, len)| (time, len + 1)),
        _ => parse_rfc3164(rest, &rules),
    };
    found.map(|(time, len)| (time, start + len))
}

/// Where the host name that begins at `at` ends, if it is one.
// RFC 3164 4.1.2: a name without domain, an IPv4 or an IPv6 address. rsyslog: no colon, hence no IPv6 address.
#[inline]
fn hostname_end(text: &[u8], at: usize, options: &Options) -> Option<usize> {
    let rest = text.get(at..)?;
    let bracket = options.permit_square_brackets_in_hostname && rest.first() == Some(&b'[');
    let from = usize::from(bracket);
    let permitted = class::HOSTNAME
        | if options.permit_slashes_in_hostname { class::SLASH } else { 0 }
        | if options.permit_at_signs_in_hostname { class::AT_SIGN } else { 0 };
    let name = rest.get(from..)?;
    let len = name.iter().position(|byte| class::of(*byte) & permitted == 0).unwrap_or(name.len());
    let mut end = from + len;
    let last = len.checked_sub(1).and_then(|last| name.get(last));
    let ends = match rest.get(end) {
        // rsyslog: a message that ends here consists of a host name, whatever its last character.
        None => end > 0,
        Some(b' ') => !bracket && last.is_some_and(u8::is_ascii_alphanumeric),
        Some(b']') => bracket && last.is_some() && rest.get(end + 1) == Some(&b' '),
        _ => false,
    };
    if !ends {
        return None;
    }
    end += usize::from(rest.get(end) == Some(&b']'));
    (end <= MAX_HOSTNAME).then_some(at + end)
}

/// Sets the tag that begins at `at`; returns where the message begins.
// RFC 3164 4.1.3: the TAG ends at the first character that is not alphanumeric. rsyslog: at a colon, which belongs to
// it, or a blank, so that a PID in brackets is part of it; and it may be longer than 32.
#[inline]
fn tag(text: &[u8], at: usize, start: usize, options: &Options, parsed: &mut Parsed) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let window = rest.get(..MAX_TAG).unwrap_or(rest);
    let len = window.iter().position(|byte| matches!(byte, b':' | b' ')).unwrap_or(window.len());
    let colon = rest.get(len) == Some(&b':');
    if options.force_tag_ending_by_colon && !colon {
        parsed.set_tag(text, Span::NONE, options.permit_slash_in_programname);
        // The blank that ended time stamp or host name belongs to the message then.
        let blank = at > start && text.get(at - 1) == Some(&b' ');
        return at - usize::from(blank);
    }
    let end = at + len + usize::from(colon);
    parsed.set_tag(text, Span::new(at, end), options.permit_slash_in_programname);
    end
}

#[inline]
fn message(text: &[u8], at: usize, options: &Options) -> Span {
    let blank = options.remove_msg_first_space && text.get(at) == Some(&b' ');
    Span::new(at + usize::from(blank), text.len())
}

const MAX_HOSTNAME: usize = 511;

const MAX_TAG: usize = 510;

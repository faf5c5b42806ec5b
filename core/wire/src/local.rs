//! The parser of local sockets (imuxsock with `useSpecialParser`): what syslog(3) writes, which has no host name.

use crate::message::{Parsed, Span};
use crate::pri::{self, Head, Pri};
use crate::{Options, Timestamp, rfc3164};

/// Parses `text`, the sanitised bytes of a datagram from a local socket, PRI included.
pub fn parse(text: &[u8], options: &Options, reception: &Timestamp, parsed: &mut Parsed) {
    *parsed = Parsed::new();
    parsed.after_pri = pri::skip(text) as u32;
    match pri::parse(text) {
        Head::Valid { pri, .. } => parsed.pri = pri,
        Head::Missing => {}
        // rsyslog: tag and message are still looked for.
        Head::Malformed => parsed.pri = Pri::INVALID,
    }
    let start = parsed.after_pri as usize;
    let mut at = start;
    // rsyslog skips 16 bytes whatever the form of the stamp; here its real length counts.
    // rsyslog: no blank may stand before it here.
    let stamped = text.get(start) != Some(&b' ');
    if let Some((time, end)) =
        stamped.then(|| rfc3164::header_time(text, start, options, reception)).flatten()
    {
        parsed.timestamp = (!options.ignore_timestamp).then_some(time);
        at = end;
    }
    let rest = text.get(at..).unwrap_or_default();
    let window = rest.get(..MAX_TAG).unwrap_or(rest);
    // rsyslog: only a blank ends the tag here.
    let len = window.iter().position(|byte| *byte == b' ').unwrap_or(window.len());
    parsed.set_tag(text, Span::new(at, at + len), options.permit_slash_in_programname);
    parsed.msg = Span::new(at + len, text.len());
}

const MAX_TAG: usize = 511;

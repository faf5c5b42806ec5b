//! sysklogd's selectors: `facility[,facility...].[!][=]priority`, joined by `;`.

use super::Parser;
use crate::ast::Word;
use crate::plan::PriorityMask;

impl Parser<'_> {
    /// Reads a selector if one stands here: letters and `*`, at most a few octal digits, a dot or comma, and the
    /// rest up to a blank.
    pub(super) fn selector(&mut self) -> Option<Word> {
        let rest = self.cursor.rest().as_bytes();
        let letter = |b: &u8| b.is_ascii_alphabetic() || *b == b'*';
        let octal = |b: &u8| (b'0'..=b'7').contains(b);
        let mut n = rest.iter().take_while(|b| letter(b)).count();
        if n == 0 {
            return None;
        }
        n += rest.get(n..)?.iter().take_while(|b| octal(b)).count();
        if !matches!(rest.get(n), Some(b'.' | b',')) {
            return None;
        }
        let tail = rest
            .get(n + 1..)?
            .iter()
            .take_while(|b| letter(b) || octal(b) || matches!(b, b',' | b'!' | b'=' | b';' | b'.'))
            .count();
        n += 1 + tail;
        if tail == 0 || !matches!(rest.get(n), None | Some(b' ' | b'\t' | b'\n')) {
            return None;
        }
        let start = self.cursor.at();
        let text = self.cursor.slice(start, start + n).to_string();
        self.cursor.go(start + n);
        Some(Word { text, span: self.cursor.span(start, start + n) })
    }
}

/// What stopped the decoding of a selector, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// `facility` or `priority`.
    pub what: &'static str,
    pub name: String,
    pub start: usize,
}

/// Decodes a selector from left to right. At an unknown name decoding stops; the parts before keep their effect.
pub(crate) fn decode(selector: &str) -> (PriorityMask, Option<Unknown>) {
    let mut mask = PriorityMask([0; 25]);
    let mut start = 0;
    while let Some(rest) = selector.get(start..).filter(|rest| !rest.is_empty()) {
        // rsyslog: behind a priority, a comma ends the part as a semicolon does.
        let dot = rest.find('.').unwrap_or(rest.len());
        let tail = rest.get(dot..).unwrap_or("");
        let end = dot + tail.find([';', ',']).unwrap_or(tail.len());
        if let Err(mut unknown) = decode_part(rest.get(..end).unwrap_or(""), &mut mask) {
            unknown.start += start;
            return (mask, Some(unknown));
        }
        start += end + 1;
    }
    (mask, None)
}

fn decode_part(part: &str, mask: &mut PriorityMask) -> Result<(), Unknown> {
    if part.is_empty() {
        return Ok(());
    }
    let (facilities, priority) = part.split_once('.').unwrap_or((part, ""));
    let at = facilities.len() + 1;
    let (negate, rest) = priority.strip_prefix('!').map_or((false, priority), |rest| (true, rest));
    let (exact, name) = rest.strip_prefix('=').map_or((false, rest), |name| (true, name));
    let change = match name {
        "*" => Change::All,
        _ if name.eq_ignore_ascii_case("none") => Change::None,
        _ => {
            let unknown = || Unknown { what: "priority", name: name.to_string(), start: at };
            Change::Severity(severity(name).ok_or_else(unknown)?)
        }
    };
    let mut start = 0;
    for facility in facilities.split(',') {
        let unknown = || Unknown { what: "facility", name: facility.to_string(), start };
        match facility_numbers(facility) {
            Some(numbers) => {
                for bits in mask.0.get_mut(numbers).unwrap_or_default() {
                    *bits = change.apply(*bits, negate, exact);
                }
            }
            None if facility.is_empty() => {}
            None => return Err(unknown()),
        }
        start += facility.len() + 1;
    }
    Ok(())
}

enum Change {
    All,
    None,
    Severity(u8),
}

impl Change {
    fn apply(&self, bits: u8, negate: bool, exact: bool) -> u8 {
        match (self, negate) {
            // rsyslog: no single priority is called `*`, so `=*` changes nothing.
            (Change::All, _) if exact => bits,
            (Change::All, false) | (Change::None, true) => 0xff,
            (Change::All, true) | (Change::None, false) => 0,
            (Change::Severity(n), _) => {
                let touched = if exact { 1u8 << n } else { (0xffu16 >> (7 - n)) as u8 };
                match negate {
                    false => bits | touched,
                    // rsyslog: excluding from nothing means everything but.
                    true => (if bits == 0 { 0xff } else { bits }) & !touched,
                }
            }
        }
    }
}

/// The number of a severity's name, or the digit itself.
pub(crate) fn severity(name: &str) -> Option<u8> {
    if let Some(number) = name.parse::<u8>().ok().filter(|n| *n < 8 && name.len() == 1) {
        return Some(number);
    }
    SEVERITIES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, number)| *number)
}

/// The number of a facility's name.
pub(crate) fn facility(name: &str) -> Option<u8> {
    FACILITIES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, number)| *number)
}

fn facility_numbers(name: &str) -> Option<std::ops::Range<usize>> {
    if name == "*" {
        return Some(0..25);
    }
    // No message carries it: mark messages are syslog.info.
    if name.eq_ignore_ascii_case("mark") {
        return Some(0..0);
    }
    let number = usize::from(facility(name)?);
    Some(number..number + 1)
}

pub(crate) const SEVERITIES: &[(&str, u8)] = &[
    ("emerg", 0),
    ("panic", 0),
    ("alert", 1),
    ("crit", 2),
    ("err", 3),
    ("error", 3),
    ("warning", 4),
    ("warn", 4),
    ("notice", 5),
    ("info", 6),
    ("debug", 7),
];

pub(crate) const FACILITIES: &[(&str, u8)] = &[
    ("kern", 0),
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("security", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("ntp", 12),
    ("bsd_security", 13),
    ("console", 14),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
    ("invld", 24),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(selector: &str, facility: usize) -> u8 {
        let (mask, unknown) = decode(selector);
        assert_eq!(unknown, None, "{selector}");
        mask.0[facility]
    }

    #[test]
    fn every_form_of_a_priority() {
        for (selector, want) in [
            ("mail.err", 0b0000_1111),
            ("mail.3", 0b0000_1111),
            ("mail.=err", 0b0000_1000),
            ("mail.*", 0xff),
            ("mail.=*", 0),
            ("mail.err;mail.!=*", 15),
            ("mail.none", 0),
            ("*.*;mail.none", 0),
            ("mail.!err", 0b1111_0000),
            ("mail.!=err", 0b1111_0111),
            ("mail.info;mail.!err", 0b0111_0000),
            ("mail.info;mail.!=err", 0b0111_0111),
            ("mail.!none", 0xff),
            ("mail.*;mail.!*", 0),
            ("mail.=info;mail.=debug", 0b1100_0000),
            ("MAIL.Debug", 0xff),
            ("mail.emerg", 1),
            ("mail.panic", 1),
            ("mail.alert", 3),
            ("mail.crit", 7),
            ("mail.error", 15),
            ("mail.warning", 31),
            ("mail.warn", 31),
            ("mail.notice", 63),
        ] {
            assert_eq!(bits(selector, 2), want, "{selector}");
        }
    }

    #[test]
    fn facilities() {
        assert_eq!(decode("*.*").0, PriorityMask([0xff; 25]));
        assert_eq!(decode("mark.*").0, PriorityMask([0; 25]));
        let (mask, _) = decode("auth,authpriv.none;kern,cron,invld.=crit;*.=debug");
        assert_eq!(decode("mail.*,kern.=crit;user.none").0.0[..3], [4, 0, 0xff]);
        assert_eq!((mask.0[0], mask.0[9], mask.0[24], mask.0[4], mask.0[10]), (132, 132, 132, 128, 128));
        for (name, number) in FACILITIES {
            let (mask, _) = decode(&format!("{name}.*"));
            for (facility, bits) in mask.0.iter().enumerate() {
                assert_eq!(*bits == 0xff, facility == usize::from(*number), "{name} {facility}");
            }
        }
        assert_eq!(bits("security.*", 4), 0xff);
    }

    #[test]
    fn an_unknown_name_stops_but_keeps_what_came_before() {
        let (mask, unknown) = decode("mail.*;kern.foo;user.*");
        assert_eq!(unknown, Some(Unknown { what: "priority", name: "foo".into(), start: 12 }));
        assert_eq!((mask.0[2], mask.0[0], mask.0[1]), (0xff, 0, 0));
        let (mask, unknown) = decode("mail,bar,user.*");
        assert_eq!(unknown, Some(Unknown { what: "facility", name: "bar".into(), start: 5 }));
        assert_eq!((mask.0[2], mask.0[1]), (0xff, 0));
    }
}

//! PRI: `<facility * 8 + severity>` at the head of a message, and the names of both.

/// Facility and severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pri {
    /// 0-23, or [`INVALID_FACILITY`].
    pub facility: u8,
    /// 0 (emergency) to 7 (debug).
    pub severity: u8,
}

/// What stands before the header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// A valid PRI; the header begins at `after`.
    Valid { pri: Pri, after: usize },
    /// The text does not begin with `<`.
    Missing,
    /// The text begins with `<`, but not with a PRI.
    Malformed,
}

impl Pri {
    /// user.notice: what a message without PRI gets.
    // RFC 3164 4.3.3: a relay that finds no PRI assumes 13.
    pub const DEFAULT: Self = Self { facility: 1, severity: 5 };
    /// invld.debug: what a message with a malformed PRI gets.
    pub const INVALID: Self = Self { facility: INVALID_FACILITY, severity: 7 };

    /// The PRI of a value up to 191.
    pub fn of_value(value: u32) -> Option<Self> {
        let value = u8::try_from(value).ok().filter(|value| *value <= MAX_VALUE)?;
        Some(Self { facility: value >> 3, severity: value & 7 })
    }

    /// `facility * 8 + severity`; 199 for the invalid facility.
    pub fn value(self) -> u8 {
        self.facility.saturating_mul(8).saturating_add(self.severity & 7)
    }

    /// Whether the facility is a real one.
    pub fn is_valid(self) -> bool {
        self.facility < INVALID_FACILITY
    }

    /// Appends the decimal value, or `invld`: the property `pri`.
    pub fn write_value(self, out: &mut Vec<u8>) {
        if !self.is_valid() {
            // rsyslog: the property is not a number then.
            out.extend_from_slice(b"invld");
            return;
        }
        let value = self.value();
        if value >= 100 {
            out.push(b'0' + value / 100);
        }
        if value >= 10 {
            out.push(b'0' + value / 10 % 10);
        }
        out.push(b'0' + value % 10);
    }

    /// Appends `facility.severity` by name: the property `pri-text`.
    pub fn write_text(self, out: &mut Vec<u8>) {
        out.extend_from_slice(facility_name(self.facility).as_bytes());
        out.push(b'.');
        out.extend_from_slice(severity_name(self.severity).as_bytes());
    }
}

/// Reads the PRI at the head of `text`.
// RFC 5424 6.2.1, RFC 3164 4.1.1: three to five characters, a value of 0 to 191 between angle brackets.
#[inline]
pub fn parse(text: &[u8]) -> Head {
    if text.first() != Some(&b'<') {
        return Head::Missing;
    }
    let mut value = 0u32;
    for (at, &byte) in text.iter().enumerate().skip(1).take(4) {
        match byte {
            // rsyslog: leading zeros are tolerated.
            b'0'..=b'9' if at < 4 => value = value * 10 + u32::from(byte - b'0'),
            b'>' if at > 1 => {
                return match Pri::of_value(value) {
                    Some(pri) => Head::Valid { pri, after: at + 1 },
                    None => Head::Malformed,
                };
            }
            _ => break,
        }
    }
    Head::Malformed
}

/// Where the text after a PRI begins, valid or not: what the property `rawmsg-after-pri` starts with.
// rsyslog: any `<...>` of three to five characters is skipped.
pub fn skip(text: &[u8]) -> usize {
    match text {
        [b'<', _, b'>', ..] => 3,
        [b'<', _, _, b'>', ..] => 4,
        [b'<', _, _, _, b'>', ..] => 5,
        _ => 0,
    }
}

/// rsyslog's name of a facility number; `invld` above 23.
pub fn facility_name(facility: u8) -> &'static str {
    FACILITIES.get(usize::from(facility)).copied().unwrap_or("invld")
}

/// rsyslog's name of a severity number; `debug` above 7.
pub fn severity_name(severity: u8) -> &'static str {
    SEVERITIES.get(usize::from(severity)).copied().unwrap_or("debug")
}

/// The number of a facility name as selectors spell it, in any case.
pub fn facility_of(name: &str) -> Option<u8> {
    let alias = FACILITY_NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    alias.map(|(_, number)| *number)
}

/// The number of a severity name as selectors spell it, in any case.
pub fn severity_of(name: &str) -> Option<u8> {
    let alias = SEVERITY_NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    alias.map(|(_, number)| *number)
}

/// The facility of messages whose PRI is malformed, `invld`.
pub const INVALID_FACILITY: u8 = 24;

/// What `mark` means in a selector: no message carries it.
pub const MARK_FACILITY: u8 = 25;

const MAX_VALUE: u8 = 191;

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];

const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

// rsyslog: 13 to 15 have other names in selectors than in properties; the latter are accepted as well.
const FACILITY_NAMES: [(&str, u8); 31] = [
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
    ("audit", 13),
    ("console", 14),
    ("alert", 14),
    ("clock", 15),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
    ("invld", INVALID_FACILITY),
    ("mark", MARK_FACILITY),
    ("bsd-security", 13),
    ("solaris-cron", 15),
];

const SEVERITY_NAMES: [(&str, u8); 11] = [
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

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(value: u32, after: usize) -> Head {
        Head::Valid { pri: Pri::of_value(value).unwrap(), after }
    }

    // RFC 5424-2, RFC 3164-2: 0 to 191.
    #[test]
    fn heads() {
        for (text, head) in [
            ("<0>x", valid(0, 3)),
            ("<13>", valid(13, 4)),
            ("<191>x", valid(191, 5)),
            ("<013>x", valid(13, 5)),
            ("<192>x", Head::Malformed),
            ("<999>x", Head::Malformed),
            ("<1000>x", Head::Malformed),
            ("<0013>x", Head::Malformed),
            ("<>x", Head::Malformed),
            ("<-1>x", Head::Malformed),
            ("<1a>x", Head::Malformed),
            ("<13", Head::Malformed),
            ("<", Head::Malformed),
            ("", Head::Missing),
            (" <13>x", Head::Missing),
            ("13>x", Head::Missing),
        ] {
            assert_eq!(parse(text.as_bytes()), head, "{text}");
        }
    }

    #[test]
    fn every_valid_pri_comes_back() {
        for value in 0..=191u32 {
            let pri = Pri::of_value(value).unwrap();
            assert_eq!(u32::from(pri.value()), value);
            let mut text = b"<".to_vec();
            pri.write_value(&mut text);
            text.push(b'>');
            assert_eq!(parse(&text), valid(value, text.len()));
            assert_eq!(severity_of(severity_name(pri.severity)), Some(pri.severity));
            assert_eq!(facility_of(facility_name(pri.facility)), Some(pri.facility));
        }
    }

    #[test]
    fn texts() {
        let text = |pri: Pri| {
            let mut out = Vec::new();
            pri.write_value(&mut out);
            out.push(b' ');
            pri.write_text(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(Pri::DEFAULT), "13 user.notice");
        assert_eq!(text(Pri::INVALID), "invld invld.debug");
        assert_eq!(text(Pri { facility: 13, severity: 4 }), "108 audit.warning");
        assert_eq!(facility_of("SECURITY"), Some(4));
        assert_eq!(facility_of("local8"), None);
        assert_eq!(severity_of("Panic"), Some(0));
        assert_eq!(severity_of("none"), None);
    }

    #[test]
    fn text_after_any_pri() {
        for (text, at) in
            [("<13>x", 4), ("<200>x", 5), ("<x>", 3), ("<>x", 0), ("<0013>", 0), ("<13", 0), ("x", 0)]
        {
            assert_eq!(skip(text.as_bytes()), at, "{text}");
        }
    }
}

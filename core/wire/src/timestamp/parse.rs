//! Time stamps as they are found at the head of messages, with every tolerance that rsyslog has.

use super::{Timestamp, Zone};

/// What an RFC 3164 time stamp leaves open, and which of its relatives are accepted.
#[derive(Clone, Copy, Debug)]
pub struct Rfc3164Rules<'a> {
    /// Gives the missing year and zone: the time of reception.
    pub reception: &'a Timestamp,
    /// `Oct 11 22:14:15 2020 ` is understood (`detect.yearAfterTimestamp`).
    pub year_after: bool,
}

/// Reads an RFC 3339 time stamp at the head of `text`; also tells how many bytes it takes, a blank after it included.
// RFC 5424 6.2.3: upper case T and Z, a zone, fractions of up to six digits.
#[inline]
pub fn parse_rfc3339(text: &[u8]) -> Option<(Timestamp, usize)> {
    let mut cursor = Cursor { text, at: 0 };
    let [year, month, day, hour, minute, second] = match fixed_fields(text) {
        Some(fields) if !text.get(19).is_some_and(u8::is_ascii_digit) => {
            cursor.at = 19;
            fields
        }
        _ => tolerant_fields(&mut cursor)?,
    };
    // RFC 5424 6.2.3 forbids second 60; rsyslog: it is accepted.
    let valid = year < 2100
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 60;
    if !valid {
        return None;
    }
    let (micros, fraction_digits) = fraction(&mut cursor);
    let (zone, offset_minutes) = zone(&mut cursor)?;
    cursor.end_of_field()?;
    let time = Timestamp {
        micros,
        year: year as u16,
        offset_minutes,
        month: month as u8,
        day: day as u8,
        hour: hour as u8,
        minute: minute as u8,
        second: second as u8,
        fraction_digits,
        zone,
    };
    Some((time, cursor.at))
}

/// Reads an RFC 3164 time stamp at the head of `text`; also tells how many bytes it takes, a blank after it included.
// RFC 3164 4.1.2: `Mmm dd hh:mm:ss`, a day below 10 padded with a blank.
#[inline]
pub fn parse_rfc3164(text: &[u8], rules: &Rfc3164Rules<'_>) -> Option<(Timestamp, usize)> {
    let mut cursor = Cursor { text, at: 0 };
    let mut year = None;
    // rsyslog: other devices write the year first.
    if cursor.peek()?.is_ascii_digit() {
        year = Some(Some(cursor.number()).filter(|year| YEARS.contains(year))?);
        cursor.expect(b' ')?;
    }
    let month = month(&mut cursor)?;
    let [day, hour, minute, second] = match fixed_day_and_clock(text) {
        Some(fields) if year.is_none() && !text.get(15).is_some_and(u8::is_ascii_digit) => {
            cursor.at = 15;
            fields
        }
        _ => tolerant_day_and_clock(&mut cursor, &mut year)?,
    };
    if !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (micros, fraction_digits) = fraction(&mut cursor);
    if rules.year_after && year.is_none() {
        year = year_after(&mut cursor);
    }
    cursor.skip(b':');
    cursor.end_of_field()?;
    let time = Timestamp {
        micros,
        year: year.map_or(rules.reception.year, |year| year as u16),
        offset_minutes: rules.reception.offset_minutes,
        month,
        day: day as u8,
        hour: hour as u8,
        minute: minute as u8,
        second: second as u8,
        fraction_digits,
        zone: rules.reception.zone,
    };
    Some((time, cursor.at))
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip(byte).then_some(())
    }

    /// A decimal number of any length.
    // rsyslog: no digits at all are a 0.
    #[inline]
    fn number(&mut self) -> u32 {
        let mut value = 0u32;
        while let Some(byte) = self.peek().filter(u8::is_ascii_digit) {
            value = value.saturating_mul(10).saturating_add(u32::from(byte - b'0'));
            self.at += 1;
        }
        value
    }

    /// A time stamp ends with a blank, which belongs to it, or with the text.
    #[inline]
    fn end_of_field(&mut self) -> Option<()> {
        (self.skip(b' ') || self.at >= self.text.len()).then_some(())
    }
}

/// The usual form `yyyy-mm-ddThh:mm:ss`, read at fixed places.
#[inline]
fn fixed_fields(text: &[u8]) -> Option<[u32; 6]> {
    let text: &[u8; 19] = text.first_chunk()?;
    let punctuation = [text[4], text[7], text[10], text[13], text[16]];
    if punctuation != *b"--T::" {
        return None;
    }
    let mut wrong = 0u8;
    let mut pair = |at: usize| {
        let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
        wrong |= u8::from(tens > 9) | u8::from(ones > 9);
        u32::from(tens) * 10 + u32::from(ones)
    };
    let fields = [pair(0) * 100 + pair(2), pair(5), pair(8), pair(11), pair(14), pair(17)];
    (wrong == 0).then_some(fields)
}

/// The usual form `Mmm dd hh:mm:ss` after its month, read at fixed places.
#[inline]
fn fixed_day_and_clock(text: &[u8]) -> Option<[u32; 4]> {
    let text: &[u8; 15] = text.first_chunk()?;
    let punctuation = [text[3], text[6], text[9], text[12]];
    if punctuation != *b"  ::" {
        return None;
    }
    let mut wrong = 0u8;
    let mut pair = |tens: u8, ones: u8| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        wrong |= u8::from(tens > 9) | u8::from(ones > 9);
        u32::from(tens) * 10 + u32::from(ones)
    };
    // RFC 3164 4.1.2: a day below 10 is padded with a blank.
    let tens = if text[4] == b' ' { b'0' } else { text[4] };
    let fields =
        [pair(tens, text[5]), pair(text[7], text[8]), pair(text[10], text[11]), pair(text[13], text[14])];
    (wrong == 0).then_some(fields)
}

fn tolerant_day_and_clock(cursor: &mut Cursor<'_>, year: &mut Option<u32>) -> Option<[u32; 4]> {
    cursor.expect(b' ')?;
    cursor.skip(b' ');
    let day = cursor.number();
    cursor.expect(b' ')?;
    let mut hour = cursor.number();
    // rsyslog: some devices write the year between day and time.
    if YEARS.contains(&hour) {
        *year = Some(hour);
        cursor.expect(b' ')?;
        hour = cursor.number();
    }
    cursor.expect(b':')?;
    let minute = cursor.number();
    cursor.expect(b':')?;
    Some([day, hour, minute, cursor.number()])
}

// rsyslog: fields may have any number of digits.
#[cold]
fn tolerant_fields(cursor: &mut Cursor<'_>) -> Option<[u32; 6]> {
    let mut fields = [0; 6];
    for (field, before) in fields.iter_mut().zip(*b"\0--T::") {
        if before != 0 {
            cursor.expect(before)?;
        }
        *field = cursor.number();
    }
    Some(fields)
}

/// The optional fraction: its microseconds and digits.
// RFC 5424 6.2.3.1: no more than six digits; further ones are dropped.
#[inline]
fn fraction(cursor: &mut Cursor<'_>) -> (u32, u8) {
    if !cursor.skip(b'.') {
        return (0, 0);
    }
    let (mut micros, mut digits) = (0u32, 0u8);
    while let Some(byte) = cursor.peek().filter(u8::is_ascii_digit) {
        if digits < 6 {
            micros = micros * 10 + u32::from(byte - b'0');
            digits += 1;
        }
        cursor.at += 1;
    }
    (micros * POWERS[usize::from(6 - digits)], digits)
}

#[inline]
fn zone(cursor: &mut Cursor<'_>) -> Option<(Zone, i16)> {
    let (zone, sign) = match cursor.peek()? {
        b'Z' => {
            cursor.at += 1;
            return Some((Zone::Z, 0));
        }
        b'+' => (Zone::East, 1),
        b'-' => (Zone::West, -1),
        _ => return None,
    };
    cursor.at += 1;
    let hours = Some(cursor.number()).filter(|hours| *hours <= 23)?;
    cursor.expect(b':')?;
    let minutes = Some(cursor.number()).filter(|minutes| *minutes <= 59)?;
    Some((zone, sign * (hours * 60 + minutes) as i16))
}

// rsyslog: the three letters count in any case.
#[inline]
fn month(cursor: &mut Cursor<'_>) -> Option<u8> {
    let letters: &[u8; 3] = cursor.text.get(cursor.at..)?.first_chunk()?;
    let number = match letters.map(|letter| letter | 0x20) {
        [b'j', b'a', b'n'] => 1,
        [b'f', b'e', b'b'] => 2,
        [b'm', b'a', b'r'] => 3,
        [b'a', b'p', b'r'] => 4,
        [b'm', b'a', b'y'] => 5,
        [b'j', b'u', b'n'] => 6,
        [b'j', b'u', b'l'] => 7,
        [b'a', b'u', b'g'] => 8,
        [b's', b'e', b'p'] => 9,
        [b'o', b'c', b't'] => 10,
        [b'n', b'o', b'v'] => 11,
        [b'd', b'e', b'c'] => 12,
        _ => return None,
    };
    cursor.at += 3;
    Some(number)
}

/// ` 20yy` with a blank after it.
fn year_after(cursor: &mut Cursor<'_>) -> Option<u32> {
    match cursor.text.get(cursor.at..)? {
        [b' ', b'2', b'0', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b' ', ..] => {
            cursor.at += 5;
            Some(2000 + u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
        }
        _ => None,
    }
}

const YEARS: std::ops::RangeInclusive<u32> = 1970..=2100;

const POWERS: [u32; 7] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];

#[cfg(test)]
mod tests {
    use super::*;

    const RECEPTION: Timestamp = Timestamp {
        micros: 5,
        year: 2026,
        offset_minutes: -300,
        month: 11,
        day: 23,
        hour: 1,
        minute: 2,
        second: 3,
        fraction_digits: 6,
        zone: Zone::West,
    };

    fn shown(time: Timestamp, rest: &str) -> String {
        let mut out = Vec::new();
        time.write_rfc3339(&mut out);
        format!("{}|{rest}", String::from_utf8(out).unwrap())
    }

    fn rfc3339(text: &str) -> Option<String> {
        parse_rfc3339(text.as_bytes()).map(|(time, len)| shown(time, &text[len..]))
    }

    fn rfc3164(text: &str, year_after: bool) -> Option<String> {
        let rules = Rfc3164Rules { reception: &RECEPTION, year_after };
        parse_rfc3164(text.as_bytes(), &rules).map(|(time, len)| shown(time, &text[len..]))
    }

    // RFC 5424-5, -6, -7, -8; every line seen with rsyslog 8.2302, except those with more than six digits.
    #[test]
    fn rfc3339_forms() {
        for (text, expected) in [
            ("2003-10-11T22:14:15.003Z host", Some("2003-10-11T22:14:15.003Z|host")),
            ("2003-10-11T22:14:15Z", Some("2003-10-11T22:14:15Z|")),
            ("2003-10-11T22:14:15Z ", Some("2003-10-11T22:14:15Z|")),
            ("2003-10-11T22:14:15Z  x", Some("2003-10-11T22:14:15Z| x")),
            ("2003-10-11T22:14:15.123456-07:30 h", Some("2003-10-11T22:14:15.123456-07:30|h")),
            ("2003-10-11T22:14:15.9-00:00 h", Some("2003-10-11T22:14:15.9-00:00|h")),
            ("2003-10-11T22:14:15+00:00 h", Some("2003-10-11T22:14:15+00:00|h")),
            ("2003-10-11T22:14:15.Z h", Some("2003-10-11T22:14:15Z|h")),
            ("2003-10-11T22:14:15.123456789Z h", Some("2003-10-11T22:14:15.123456Z|h")),
            ("2003-2-30T2:4:5Z h", Some("2003-02-30T02:04:05Z|h")),
            ("2003-10-11T22:14:60Z h", Some("2003-10-11T22:14:60Z|h")),
            ("2003-10-11T22:14:15+1:5 h", Some("2003-10-11T22:14:15+01:05|h")),
            ("2003-10-11T22:14:15+23:59 h", Some("2003-10-11T22:14:15+23:59|h")),
            ("2003-10-11T22:14:015Z h", Some("2003-10-11T22:14:15Z|h")),
            ("2003-10-11T22::15Z h", Some("2003-10-11T22:00:15Z|h")),
            ("2003-10-11T22:14:61Z h", None),
            ("2003-10-11T24:14:15Z h", None),
            ("2003-10-11T22:60:15Z h", None),
            ("2003-13-11T22:14:15Z h", None),
            ("2003-00-11T22:14:15Z h", None),
            ("2003-10-32T22:14:15Z h", None),
            ("2003-10-00T22:14:15Z h", None),
            ("2100-10-11T22:14:15Z h", None),
            ("2003-10-11t22:14:15Z h", None),
            ("2003-10-11T22:14:15z h", None),
            ("2003-10-11T22:14:15 h", None),
            ("2003-10-11T22:14:15Zh", None),
            ("2003-10-11T22:14:15Z: h", None),
            ("2003-10-11T22:14:15+24:00 h", None),
            ("2003-10-11T22:14:15+12:60 h", None),
            ("2003-10-11T22:14:15+0200 h", None),
            ("2003-10-11T22:14:15+02 h", None),
            ("2003-10-11 22:14:15Z h", None),
            ("2003-10-11T22:14:1/Z h", None),
            ("2003-10-11T22:14", None),
            ("", None),
            ("-", None),
            ("99999999999999999999-10-11T22:14:15Z", None),
        ] {
            assert_eq!(rfc3339(text).as_deref(), expected, "{text}");
        }
    }

    // RFC 3164-5; every line seen with rsyslog 8.2302.
    #[test]
    fn rfc3164_forms() {
        for (text, expected) in [
            ("Oct 11 22:14:15 h", Some("2026-10-11T22:14:15-05:00|h")),
            ("Oct 11 22:14:15", Some("2026-10-11T22:14:15-05:00|")),
            ("Oct 11 22:14:15  h", Some("2026-10-11T22:14:15-05:00| h")),
            ("Oct  1 22:14:15 h", Some("2026-10-01T22:14:15-05:00|h")),
            ("Oct 1 22:14:15 h", Some("2026-10-01T22:14:15-05:00|h")),
            ("oCT 01 2:4:5 h", Some("2026-10-01T02:04:05-05:00|h")),
            ("Oct 11 22:14:15.123456 h", Some("2026-10-11T22:14:15.123456-05:00|h")),
            ("Oct 11 22:14:15.1 h", Some("2026-10-11T22:14:15.1-05:00|h")),
            ("Oct 11 22:14:15. h", Some("2026-10-11T22:14:15-05:00|h")),
            ("2010 Oct 11 22:14:15 h", Some("2010-10-11T22:14:15-05:00|h")),
            ("Oct 11 2010 22:14:15 h", Some("2010-10-11T22:14:15-05:00|h")),
            ("Oct 11 22:14:15: h", Some("2026-10-11T22:14:15-05:00|h")),
            ("Oct 11 22:14:60 h", Some("2026-10-11T22:14:60-05:00|h")),
            ("Feb 30 22:14:15 h", Some("2026-02-30T22:14:15-05:00|h")),
            ("Oct 11 22:14:15 2010 h", Some("2026-10-11T22:14:15-05:00|2010 h")),
            ("Oct 11 :14:15 h", Some("2026-10-11T00:14:15-05:00|h")),
            ("Oct 11 22:14:15:h", None),
            ("Oct 11 22:14:15.x h", None),
            ("Oct 11 22:14:15\th", None),
            ("Oct 11 22:14:61 h", None),
            ("Oct 11 24:14:15 h", None),
            ("Oct 11 22:14 h", None),
            ("Oct 32 22:14:15 h", None),
            ("Oct 0 22:14:15 h", None),
            ("Oct   1 22:14:15 h", None),
            ("Octo 11 22:14:15 h", None),
            ("Oct-11 22:14:15 h", None),
            ("1969 Oct 11 22:14:15 h", None),
            ("Oct 11 1969 22:14:15 h", None),
            ("Oct 11 2101 22:14:15 h", None),
            ("xct 11 22:14:15 h", None),
            (" Oct 11 22:14:15 h", None),
            ("Oct", None),
            ("", None),
        ] {
            assert_eq!(rfc3164(text, false).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_year_after_the_time() {
        for (text, expected) in [
            ("Oct 11 22:14:15 2020 h", "2020-10-11T22:14:15-05:00|h"),
            ("Oct 11 22:14:15.123 2020 h", "2020-10-11T22:14:15.123-05:00|h"),
            ("Oct 11 22:14:15 2020: h", "2026-10-11T22:14:15-05:00|2020: h"),
            ("Oct 11 22:14:15 2020", "2026-10-11T22:14:15-05:00|2020"),
            ("Oct 11 22:14:15 2020x", "2026-10-11T22:14:15-05:00|2020x"),
            ("Oct 11 22:14:15 1999 h", "2026-10-11T22:14:15-05:00|1999 h"),
            ("Oct 11 22:14:15 2100 h", "2026-10-11T22:14:15-05:00|2100 h"),
            ("Oct 11 2010 22:14:15 2020 h", "2010-10-11T22:14:15-05:00|2020 h"),
            ("Oct 11 22:14:15: 2020 h", "2026-10-11T22:14:15-05:00|2020 h"),
            ("Oct 11 22:14:15 h", "2026-10-11T22:14:15-05:00|h"),
        ] {
            assert_eq!(rfc3164(text, true).as_deref(), Some(expected), "{text}");
        }
    }
}

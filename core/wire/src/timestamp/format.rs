//! The date formats of templates; each appends to a buffer.

use super::{Timestamp, Zone, calendar};

impl Timestamp {
    /// `Oct  1 22:14:15` (`date-rfc3164`).
    pub fn write_rfc3164(&self, out: &mut Vec<u8>) {
        self.write_month_day(b' ', out);
    }

    /// `Oct 01 22:14:15` (`date-rfc3164-buggyday`).
    pub fn write_rfc3164_buggyday(&self, out: &mut Vec<u8>) {
        self.write_month_day(b'0', out);
    }

    /// `2003-10-11T22:14:15.003Z`, with the fraction digits and the zone as received (`date-rfc3339`).
    pub fn write_rfc3339(&self, out: &mut Vec<u8>) {
        let [[y1, y2], [y3, y4]] = self.year_pairs().map(|value| *pair(value));
        let [[mo1, mo2], [d1, d2], [h1, h2], [mi1, mi2], [s1, s2]] =
            [self.month, self.day, self.hour, self.minute, self.second].map(|value| *pair(value));
        out.extend_from_slice(&[
            y1, y2, y3, y4, b'-', mo1, mo2, b'-', d1, d2, b'T', h1, h2, b':', mi1, mi2, b':', s1, s2,
        ]);
        if self.fraction_digits > 0 {
            out.push(b'.');
            self.write_fraction(out);
        }
        if self.zone == Zone::Z {
            out.push(b'Z');
            return;
        }
        let (hours, minutes) = self.offset_pairs();
        let (hours, minutes) = (pair(hours), pair(minutes));
        let sign = if self.zone == Zone::East { b'+' } else { b'-' };
        out.extend_from_slice(&[sign, hours[0], hours[1], b':', minutes[0], minutes[1]]);
    }

    /// `20031011221415` (`date-mysql`).
    pub fn write_mysql(&self, out: &mut Vec<u8>) {
        let [hundreds, ones] = self.year_pairs();
        for value in [hundreds, ones, self.month, self.day, self.hour, self.minute, self.second] {
            out.extend_from_slice(pair(value));
        }
    }

    /// `2003-10-11 22:14:15` (`date-pgsql`).
    pub fn write_pgsql(&self, out: &mut Vec<u8>) {
        self.write_year(out);
        for (before, value) in [
            (b'-', self.month),
            (b'-', self.day),
            (b' ', self.hour),
            (b':', self.minute),
            (b':', self.second),
        ] {
            out.push(before);
            out.extend_from_slice(pair(value));
        }
    }

    /// Seconds since 1970 (`date-unixtimestamp`).
    pub fn write_unixtimestamp(&self, out: &mut Vec<u8>) {
        write_number(self.unix().unsigned_abs(), out);
    }

    /// The fraction digits as received, `0` if there were none (`date-subseconds`).
    pub fn write_subseconds(&self, out: &mut Vec<u8>) {
        if self.fraction_digits == 0 {
            out.push(b'0');
        } else {
            self.write_fraction(out);
        }
    }

    /// `0` for Sunday to `6` (`date-wday`).
    pub fn write_wday(&self, out: &mut Vec<u8>) {
        out.push(b'0' + calendar::weekday_of(self.days()));
    }

    /// `Sun` to `Sat` (`date-wdayname`).
    pub fn write_wdayname(&self, out: &mut Vec<u8>) {
        let day = usize::from(calendar::weekday_of(self.days()));
        out.extend_from_slice(WEEKDAYS.get(day).copied().unwrap_or(b"???"));
    }

    /// Four digits (`date-year`).
    pub fn write_year(&self, out: &mut Vec<u8>) {
        for value in self.year_pairs() {
            out.extend_from_slice(pair(value));
        }
    }

    /// Two digits (`date-month`).
    pub fn write_month(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(pair(self.month));
    }

    /// Two digits (`date-day`).
    pub fn write_day(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(pair(self.day));
    }

    /// Two digits (`date-hour`).
    pub fn write_hour(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(pair(self.hour));
    }

    /// Two digits (`date-minute`).
    pub fn write_minute(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(pair(self.minute));
    }

    /// Two digits (`date-second`).
    pub fn write_second(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(pair(self.second));
    }

    /// Two digits, without sign (`date-tzoffshour`).
    pub fn write_tzoffshour(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(pair(self.offset_pairs().0));
    }

    /// Two digits (`date-tzoffsmin`).
    pub fn write_tzoffsmin(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(pair(self.offset_pairs().1));
    }

    /// `+` or `-` (`date-tzoffsdirection`).
    pub fn write_tzoffsdirection(&self, out: &mut Vec<u8>) {
        // rsyslog: a zone written as Z counts as `-`.
        out.push(if self.zone == Zone::East { b'+' } else { b'-' });
    }

    /// Day of the year, `001` to `366` (`date-ordinal`).
    pub fn write_ordinal(&self, out: &mut Vec<u8>) {
        let ordinal = self.day_of_year() + 1;
        out.push(b'0' + (ordinal / 100 % 10) as u8);
        out.extend_from_slice(pair((ordinal % 100) as u8));
    }

    /// Week of the year, `00` to `53` (`date-week`).
    pub fn write_week(&self, out: &mut Vec<u8>) {
        let new_year = calendar::weekday_of(calendar::days_of(self.year, 1, 1));
        let later = u16::from(calendar::weekday_of(self.days()) < new_year);
        out.extend_from_slice(pair((self.day_of_year().div_ceil(7) + later) as u8));
    }

    /// Two digits (`date-iso-week`).
    pub fn write_iso_week(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(pair(calendar::iso_week_of(self.days()).1));
    }

    /// The year that the ISO week belongs to (`date-iso-week-year`).
    pub fn write_iso_week_year(&self, out: &mut Vec<u8>) {
        Self { year: calendar::iso_week_of(self.days()).0, ..*self }.write_year(out);
    }

    fn write_month_day(&self, padding: u8, out: &mut Vec<u8>) {
        let month = MONTHS.get(usize::from(self.month).wrapping_sub(1)).copied().unwrap_or(b"???");
        let [tens, ones] = *pair(self.day);
        let tens = if tens == b'0' { padding } else { tens };
        let (hour, minute, second) = (pair(self.hour), pair(self.minute), pair(self.second));
        out.extend_from_slice(&[
            month[0], month[1], month[2], b' ', tens, ones, b' ', hour[0], hour[1], b':', minute[0],
            minute[1], b':', second[0], second[1],
        ]);
    }

    fn write_fraction(&self, out: &mut Vec<u8>) {
        let micros = self.micros.min(999_999);
        let [a, b] = *pair((micros / 10_000) as u8);
        let [c, d] = *pair((micros / 100 % 100) as u8);
        let [e, f] = *pair((micros % 100) as u8);
        let digits = [a, b, c, d, e, f];
        out.extend_from_slice(&digits[..usize::from(self.fraction_digits).min(6)]);
    }

    fn year_pairs(&self) -> [u8; 2] {
        [(self.year / 100 % 100) as u8, (self.year % 100) as u8]
    }

    fn offset_pairs(&self) -> (u8, u8) {
        let minutes = self.offset_minutes.unsigned_abs();
        ((minutes / 60 % 100) as u8, (minutes % 60) as u8)
    }

    fn days(&self) -> i64 {
        calendar::days_of(self.year, self.month, self.day)
    }

    /// 0 for 1 January, by the stated date.
    // rsyslog 8.2302 counts from UTC with the zone's sign lost; that is not kept.
    fn day_of_year(&self) -> u16 {
        (self.days() - calendar::days_of(self.year, 1, 1)).clamp(0, 365) as u16
    }
}

fn write_number(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[inline]
fn pair(value: u8) -> &'static [u8; 2] {
    PAIRS.get(usize::from(value)).unwrap_or(b"**")
}

static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut value = 0;
    while value < 100 {
        pairs[value] = [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8];
        value += 1;
    }
    pairs
};

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

const WEEKDAYS: [&[u8; 3]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];

#[cfg(test)]
mod tests {
    use super::super::parse_rfc3339;
    use super::*;

    type Write = fn(&Timestamp, &mut Vec<u8>);

    fn shown(time: &Timestamp, formats: &[Write]) -> String {
        let texts = formats.iter().map(|write| {
            let mut out = Vec::new();
            write(time, &mut out);
            String::from_utf8(out).unwrap()
        });
        texts.collect::<Vec<_>>().join("|")
    }

    fn time(text: &str) -> Timestamp {
        parse_rfc3339(text.as_bytes()).unwrap().0
    }

    // Seen with rsyslog 8.2302, except the ordinals of zones east of UTC, of the last second of a day (which run ahead) and before 1970.
    #[test]
    fn formats() {
        let formats: &[Write] = &[
            Timestamp::write_rfc3164,
            Timestamp::write_rfc3164_buggyday,
            Timestamp::write_rfc3339,
            Timestamp::write_mysql,
            Timestamp::write_pgsql,
            Timestamp::write_unixtimestamp,
            Timestamp::write_subseconds,
            Timestamp::write_wday,
            Timestamp::write_tzoffshour,
            Timestamp::write_tzoffsmin,
            Timestamp::write_tzoffsdirection,
            Timestamp::write_ordinal,
            Timestamp::write_week,
        ];
        for line in [
            "Oct  1 02:04:05|Oct 01 02:04:05|2003-10-01T02:04:05.003Z|20031001020405|2003-10-01 02:04:05|1064973845|003|3|00|00|-|274|39",
            "Oct 11 22:14:15|Oct 11 22:14:15|2003-10-11T22:14:15+02:00|20031011221415|2003-10-11 22:14:15|1065903255|0|6|02|00|+|284|41",
            "Oct 11 22:14:15|Oct 11 22:14:15|2003-10-11T22:14:15.123456-07:30|20031011221415|2003-10-11 22:14:15|1065937455|123456|6|07|30|-|284|41",
            "Feb 29 23:59:59|Feb 29 23:59:59|2004-02-29T23:59:59.9-00:00|20040229235959|2004-02-29 23:59:59|1078099199|9|0|00|00|-|060|10",
            "Feb 30 00:00:00|Feb 30 00:00:00|2003-02-30T00:00:00Z|20030230000000|2003-02-30 00:00:00|1046563200|0|0|00|00|-|061|10",
            "Dec 31 23:59:60|Dec 31 23:59:60|2003-12-31T23:59:60Z|20031231235960|2003-12-31 23:59:60|1072915200|0|3|00|00|-|365|52",
            "Jan  1 00:00:00|Jan 01 00:00:00|2000-01-01T00:00:00Z|20000101000000|2000-01-01 00:00:00|946684800|0|6|00|00|-|001|00",
            "Dec 29 00:00:00|Dec 29 00:00:00|2008-12-29T00:00:00Z|20081229000000|2008-12-29 00:00:00|1230508800|0|1|00|00|-|364|53",
            "Jan  3 00:00:00|Jan 03 00:00:00|2021-01-03T00:00:00Z|20210103000000|2021-01-03 00:00:00|1609632000|0|0|00|00|-|003|02",
            "Dec 31 23:00:00|Dec 31 23:00:00|1969-12-31T23:00:00Z|19691231230000|1969-12-31 23:00:00|0|0|3|00|00|-|365|52",
            "Dec 31 12:00:00|Dec 31 12:00:00|2024-12-31T12:00:00+14:00|20241231120000|2024-12-31 12:00:00|1735596000|0|2|14|00|+|366|53",
        ] {
            let stated = line.split('|').nth(2).unwrap();
            assert_eq!(shown(&time(stated), formats), line);
        }
    }

    // Seen with rsyslog 8.2302, except `date-week` of the zone `+14:00`.
    #[test]
    fn weeks() {
        let formats: &[Write] = &[
            Timestamp::write_wdayname,
            Timestamp::write_iso_week,
            Timestamp::write_iso_week_year,
            Timestamp::write_week,
            Timestamp::write_year,
            Timestamp::write_month,
            Timestamp::write_day,
            Timestamp::write_hour,
            Timestamp::write_minute,
            Timestamp::write_second,
        ];
        for (stated, expected) in [
            ("2003-10-01T02:04:05.003Z", "Wed|40|2003|39|2003|10|01|02|04|05"),
            ("2008-12-29T00:00:00Z", "Mon|01|2009|53|2008|12|29|00|00|00"),
            ("2021-01-03T00:00:00Z", "Sun|53|2020|02|2021|01|03|00|00|00"),
            ("2005-01-01T00:00:00Z", "Sat|53|2004|00|2005|01|01|00|00|00"),
            ("2024-12-31T12:00:00+14:00", "Tue|01|2025|53|2024|12|31|12|00|00"),
            ("2020-12-31T00:00:00Z", "Thu|53|2020|53|2020|12|31|00|00|00"),
            ("2016-01-01T00:00:00Z", "Fri|53|2015|00|2016|01|01|00|00|00"),
            ("2003-02-30T00:00:00Z", "Sun|09|2003|10|2003|02|30|00|00|00"),
            ("2010-01-03T23:00:00-05:00", "Sun|53|2009|02|2010|01|03|23|00|00"),
            ("2026-12-31T00:00:00Z", "Thu|53|2026|52|2026|12|31|00|00|00"),
        ] {
            assert_eq!(shown(&time(stated), formats), expected, "{stated}");
        }
    }

    #[test]
    fn in_utc() {
        for (stated, utc) in [
            ("2003-10-11T22:14:15.123456-07:30", "2003-10-12T05:44:15.123456+00:00"),
            ("2003-10-11T22:14:15.9Z", "2003-10-11T22:14:15.900000+00:00"),
            ("2003-02-30T00:00:00Z", "2003-03-02T00:00:00.000000+00:00"),
            ("2003-12-31T23:59:60Z", "2004-01-01T00:00:00.000000+00:00"),
            ("2024-12-31T22:00:00-14:00", "2025-01-01T12:00:00.000000+00:00"),
        ] {
            assert_eq!(shown(&time(stated).to_utc(), &[Timestamp::write_rfc3339]), utc);
        }
    }
}

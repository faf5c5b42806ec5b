//! A point in time as a message states it: local fields, a fraction with the digits that were received, a zone.
//!
//! Nothing here asks a clock: reception times are made by the caller from [`Timestamp::from_unix`].

mod calendar;
mod format;
mod parse;

pub use parse::{Rfc3164Rules, parse_rfc3164, parse_rfc3339};

/// 16 bytes; the fields are as received, so 30 February and second 60 can occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timestamp {
    /// Microseconds, 0 to 999999.
    pub micros: u32,
    pub year: u16,
    /// Minutes east of UTC.
    pub offset_minutes: i16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    /// 0 to 60.
    pub second: u8,
    /// How many digits of the fraction are printed, 0 to 6.
    pub fraction_digits: u8,
    /// How the zone was written.
    pub zone: Zone,
}

/// The first character of a zone; `-` with an offset of 0 is `-00:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Zone {
    Z,
    East,
    West,
}

impl Timestamp {
    /// The fields of `seconds` after 1970-01-01T00:00:00Z at `offset_minutes` east of UTC, with six digits.
    pub fn from_unix(seconds: i64, micros: u32, offset_minutes: i16) -> Self {
        let local = seconds.saturating_add(i64::from(offset_minutes) * 60);
        let (days, rest) = (local.div_euclid(86_400), local.rem_euclid(86_400) as u32);
        let (year, month, day) = calendar::date_of(days);
        Self {
            micros: micros.min(999_999),
            year,
            offset_minutes,
            month,
            day,
            hour: (rest / 3600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
            fraction_digits: 6,
            zone: if offset_minutes < 0 { Zone::West } else { Zone::East },
        }
    }

    /// Seconds after 1970-01-01T00:00:00Z; what exceeds a month or minute runs over into the next.
    // rsyslog: times before 1970 count as 0.
    pub fn unix(&self) -> i64 {
        if self.year < 1970 {
            return 0;
        }
        let clock = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        calendar::days_of(self.year, self.month, self.day) * 86_400 + clock
            - i64::from(self.offset_minutes) * 60
    }

    /// The same time in UTC, with six fraction digits and zone `+00:00`.
    pub fn to_utc(&self) -> Self {
        Self::from_unix(self.unix(), self.micros, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size() {
        assert_eq!(std::mem::size_of::<Timestamp>(), 16);
        assert_eq!(std::mem::size_of::<Option<Timestamp>>(), 16);
    }

    #[test]
    fn unix_times_come_back() {
        let mut seconds = 0i64;
        while seconds < 4_000_000_000 {
            for offset in [0i16, 60, -300, 840, -720, 345] {
                let time = Timestamp::from_unix(seconds, 5, offset);
                assert_eq!(time.unix(), if time.year < 1970 { 0 } else { seconds });
                assert_eq!(time.to_utc(), Timestamp::from_unix(time.unix(), 5, 0));
            }
            seconds += 86_399 * 3 + 7;
        }
    }

    #[test]
    fn known_times() {
        let fields = |seconds, offset| {
            let t = Timestamp::from_unix(seconds, 0, offset);
            (t.year, t.month, t.day, t.hour, t.minute, t.second)
        };
        assert_eq!(fields(0, 0), (1970, 1, 1, 0, 0, 0));
        assert_eq!(fields(0, -60), (1969, 12, 31, 23, 0, 0));
        assert_eq!(fields(951_782_399, 0), (2000, 2, 28, 23, 59, 59));
        assert_eq!(fields(951_782_400, 0), (2000, 2, 29, 0, 0, 0));
        assert_eq!(fields(1_065_910_455, 120), (2003, 10, 12, 0, 14, 15));
        assert_eq!(fields(4_102_444_800, 0), (2100, 1, 1, 0, 0, 0));
        // No time that a caller can give panics.
        for seconds in [i64::MIN, i64::MAX, -1, 1 << 40] {
            let time = Timestamp::from_unix(seconds, u32::MAX, i16::MIN);
            let _ = time.unix();
        }
    }
}

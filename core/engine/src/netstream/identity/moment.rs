//! Moments in certificates: read from DER, and written for people. Seconds since 1970, UTC.

use super::der::{self, NotDer, Value};

/// Reads a UTCTime or GeneralizedTime in the form that RFC 5280 4.1.2.5 demands: seconds, and `Z`.
pub fn read(value: Value<'_>) -> Result<i64, NotDer> {
    let (digits, last) = value.contents.split_last_chunk::<1>().ok_or(NotDer)?;
    if last != b"Z" || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NotDer);
    }
    let pair = |i: usize| -> Result<i64, NotDer> {
        let two = digits.get(2 * i..2 * i + 2).ok_or(NotDer)?;
        Ok(two.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    };
    let (year, rest) = match (value.tag, digits.len()) {
        // RFC 5280 4.1.2.5.1: 50 and above is the last century.
        (der::UTC_TIME, 12) => (pair(0)? + if pair(0)? >= 50 { 1900 } else { 2000 }, 1),
        (der::GENERALIZED_TIME, 14) => (pair(0)? * 100 + pair(1)?, 2),
        _ => return Err(NotDer),
    };
    let (month, day) = (pair(rest)?, pair(rest + 1)?);
    let (hour, minute, second) = (pair(rest + 2)?, pair(rest + 3)?, pair(rest + 4)?);
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return Err(NotDer);
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err(NotDer);
    }
    Ok(days_since_1970(year, month, day) * DAY + hour * 3600 + minute * 60 + second)
}

/// `2026-03-31 12:00:00 UTC`
pub fn words(at: i64) -> String {
    let (days, second) = (at.div_euclid(DAY), at.rem_euclid(DAY));
    let (year, month, day) = date(days);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Counted from the first of March of the year 0, so that the leap day is a year's last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day
        - 1
        - MARCH_OF_YEAR_0_TO_1970
}

fn date(days: i64) -> (i64, i64, i64) {
    let mut year = 1970 + days.div_euclid(if days < 0 { 365 } else { 366 });
    while days_since_1970(year + 1, 1, 1) <= days {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && days_since_1970(year, month + 1, 1) <= days {
        month += 1;
    }
    (year, month, days - days_since_1970(year, month, 1) + 1)
}

const DAY: i64 = 86_400;
const MARCH_OF_YEAR_0_TO_1970: i64 = 719_468;

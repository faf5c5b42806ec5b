//! Functions on points in time.

use crate::clock;
use crate::intake::now_ns;
use crate::script::value::Value;
use sysloom_wire::Timestamp;
use sysloom_wire::timestamp::{Rfc3164Rules, Zone, parse_rfc3164, parse_rfc3339};

/// `format_time(unix, format)`, in UTC. What is no number comes back as it is.
pub fn format_time<'a>(value: &Value<'_>, format: &[u8]) -> Value<'a> {
    let kept = || Value::text(value.shown().into_owned());
    let (seconds, true) = value.number() else { return kept() };
    let (year, month, day) = date_of(seconds.div_euclid(86_400));
    let rest = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    match format {
        b"date-rfc3164" => {
            let name = usize::try_from(month - 1).ok().and_then(|m| MONTHS.get(m)).unwrap_or(&"???");
            Value::text(format!("{name} {day:2} {hour:02}:{minute:02}:{second:02}").into_bytes())
        }
        b"date-rfc3339" => Value::text(
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z").into_bytes(),
        ),
        _ => kept(),
    }
}

/// `parse_time(text)`: seconds since 1970. A stamp without zone is in UTC, or local with `local`.
pub fn parse_time(text: &[u8], local: bool) -> Option<i64> {
    if let Some((time, _)) = parse_rfc3339(text) {
        return Some(time.unix());
    }
    let mut time = rfc3164(text)?;
    if local {
        // The offset at that time of day in UTC is the one that is meant but for the hours around a change.
        time.offset_minutes = clock::offset_minutes(time.unix());
    }
    Some(time.unix())
}

/// `is_time(value[, format])`
pub fn is_time(value: &Value<'_>, format: Option<&[u8]>) -> bool {
    let text = value.shown();
    let unix = || value.number().1;
    match format {
        None => parse_rfc3339(&text).is_some() || rfc3164(&text).is_some() || unix(),
        Some(b"date-rfc3339") => parse_rfc3339(&text).is_some(),
        Some(b"date-rfc3164") => rfc3164(&text).is_some(),
        Some(b"date-unix") => unix(),
        Some(_) => false,
    }
}

/// An RFC 3164 stamp; the year that it lacks is guessed from today.
fn rfc3164(text: &[u8]) -> Option<Timestamp> {
    let now = Timestamp::from_unix(now_ns().div_euclid(1_000_000_000), 0, 0);
    let reception = Timestamp { year: NO_YEAR, zone: Zone::Z, ..now };
    let (mut time, _) = parse_rfc3164(text, &Rfc3164Rules { reception: &reception, year_after: true })?;
    if time.year == NO_YEAR {
        time.year = now.year;
        // rsyslog: in December January is the next one; more than a month ahead means last year's.
        match i32::from(time.month) + 12 - i32::from(now.month) {
            1 => time.year += 1,
            14.. => time.year -= 1,
            _ => {}
        }
    }
    Some(time)
}

/// Year, month and day of a day counted from 1970, for any year.
fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

/// No stamp can have this year.
const NO_YEAR: u16 = 1;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

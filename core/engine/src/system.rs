//! Properties of the system and of the moment: `$now` and its like, `$myhostname`, `$uptime`.

use crate::clock;
use crate::intake::now_ns;
use sysloom_config::plan::Property;
use sysloom_wire::timestamp::Timestamp;

/// Appends a system property's value to `out`; nothing for one that is none.
pub fn write(property: Property, hostname: &str, out: &mut Vec<u8>) {
    match property {
        Property::Myhostname => return out.extend_from_slice(hostname.as_bytes()),
        Property::Bom => return out.extend_from_slice("\u{feff}".as_bytes()),
        Property::Uptime => return number(uptime(), 1, out),
        _ => {}
    }
    let seconds = now_ns().div_euclid(1_000_000_000);
    let local = || Timestamp::from_unix(seconds, 0, clock::offset_minutes(seconds));
    let utc = || Timestamp::from_unix(seconds, 0, 0);
    match property {
        Property::NowUnixtimestamp => number(seconds.unsigned_abs(), 1, out),
        Property::Now => date(&local(), out),
        Property::NowUtc => date(&utc(), out),
        Property::Year => local().write_year(out),
        Property::YearUtc => utc().write_year(out),
        Property::Month => local().write_month(out),
        Property::MonthUtc => utc().write_month(out),
        Property::Day => local().write_day(out),
        Property::DayUtc => utc().write_day(out),
        Property::Hour => local().write_hour(out),
        Property::HourUtc => utc().write_hour(out),
        Property::Minute => local().write_minute(out),
        Property::MinuteUtc => utc().write_minute(out),
        Property::Wday => local().write_wday(out),
        Property::WdayUtc => utc().write_wday(out),
        Property::Hhour => number(u64::from(local().minute / 30), 2, out),
        Property::HhourUtc => number(u64::from(utc().minute / 30), 2, out),
        Property::Qhour => number(u64::from(local().minute / 15), 2, out),
        Property::QhourUtc => number(u64::from(utc().minute / 15), 2, out),
        _ => {}
    }
}

fn date(time: &Timestamp, out: &mut Vec<u8>) {
    time.write_year(out);
    out.push(b'-');
    time.write_month(out);
    out.push(b'-');
    time.write_day(out);
}

/// Appends a number with at least `width` digits.
pub fn number(n: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    let mut rest = n;
    while rest > 0 || digits.len() - at < width.min(digits.len()) {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a number with its sign.
pub fn signed(n: i64, out: &mut Vec<u8>) {
    if n < 0 {
        out.push(b'-');
    }
    number(n.unsigned_abs(), 1, out);
}

/// Seconds since the machine started.
fn uptime() -> u64 {
    let text = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    text.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0)
}

//! The local zone's offset at an instant, remembered per thread so that the zone's rules are looked at rarely.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::cell::Cell;
use std::sync::OnceLock;

/// The local time as `2026-11-23 07:30:00`.
pub fn now_words() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The local time that will be after `wait`, as ctime(3) writes it.
pub fn ctime_after(wait: std::time::Duration) -> String {
    let now = jiff::Zoned::now();
    now.checked_add(wait).unwrap_or(now).strftime("%a %b %e %H:%M:%S %Y").to_string()
}

/// The hour of the local day.
pub fn hour() -> i64 {
    jiff::Zoned::now().hour().into()
}

/// Minutes east of UTC that the local zone has at `unix` seconds.
pub fn offset_minutes(unix: i64) -> i16 {
    thread_local! {
        static LAST: Cell<(i64, i16)> = const { Cell::new((i64::MIN, 0)) };
    }
    // Zones change their offset only at whole quarters of an hour.
    let quarter = unix.div_euclid(900);
    let (known, minutes) = LAST.get();
    if known == quarter {
        return minutes;
    }
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    let zone = ZONE.get_or_init(TimeZone::system);
    let seconds = Timestamp::from_second(unix).map_or(0, |at| zone.to_offset(at).seconds());
    let minutes = (seconds / 60) as i16;
    LAST.set((quarter, minutes));
    minutes
}

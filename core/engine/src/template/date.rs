//! A time in the form that a template's date option names.

use sysloom_config::plan::DateFormat;
use sysloom_wire::timestamp::Timestamp;

/// Appends `time` in `format`; with `utc` it is converted first.
pub fn write(time: &Timestamp, format: DateFormat, utc: bool, out: &mut Vec<u8>) {
    let converted;
    let time = if utc {
        converted = time.to_utc();
        &converted
    } else {
        time
    };
    match format {
        DateFormat::Default | DateFormat::Rfc3164 => time.write_rfc3164(out),
        DateFormat::Rfc3164BuggyDay => time.write_rfc3164_buggyday(out),
        DateFormat::Rfc3339 => time.write_rfc3339(out),
        DateFormat::Mysql => time.write_mysql(out),
        DateFormat::Pgsql => time.write_pgsql(out),
        DateFormat::UnixTimestamp => time.write_unixtimestamp(out),
        DateFormat::Subseconds => time.write_subseconds(out),
        DateFormat::Wday => time.write_wday(out),
        DateFormat::WdayName => time.write_wdayname(out),
        DateFormat::Year => time.write_year(out),
        DateFormat::Month => time.write_month(out),
        DateFormat::Day => time.write_day(out),
        DateFormat::Hour => time.write_hour(out),
        DateFormat::Minute => time.write_minute(out),
        DateFormat::Second => time.write_second(out),
        DateFormat::TzOffsHour => time.write_tzoffshour(out),
        DateFormat::TzOffsMin => time.write_tzoffsmin(out),
        DateFormat::TzOffsDirection => time.write_tzoffsdirection(out),
        DateFormat::Ordinal => time.write_ordinal(out),
        DateFormat::Week => time.write_week(out),
        DateFormat::IsoWeek => time.write_iso_week(out),
        DateFormat::IsoWeekYear => time.write_iso_week_year(out),
    }
}

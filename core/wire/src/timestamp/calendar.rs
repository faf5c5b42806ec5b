//! The Gregorian calendar in days after 1970-01-01, without tables of years.

/// Days from 1970-01-01 to the given date; a day past the end of its month runs over into the next.
pub fn days_of(year: u16, month: u8, day: u8) -> i64 {
    // Years begin in March here, so that a leap day is the last day of its year.
    let month = i64::from(month.clamp(1, 12));
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of the date that many days after 1970-01-01; the year is held within 0 to 9999.
pub fn date_of(days: i64) -> (u16, u8, u8) {
    let days = days.clamp(-719_468, 2_932_896) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year as u16, month as u8, day as u8)
}

/// 0 for Sunday to 6 for Saturday.
pub fn weekday_of(days: i64) -> u8 {
    (days + 4).rem_euclid(7) as u8
}

/// ISO 8601: the year and the number of the week that a day belongs to.
pub fn iso_week_of(days: i64) -> (u16, u8) {
    // A week belongs to the year of its Thursday.
    let monday_first = (days + 3).rem_euclid(7);
    let thursday = days - monday_first + 3;
    let (year, _, _) = date_of(thursday);
    let week = (thursday - days_of(year, 1, 1)) / 7 + 1;
    (year, week as u8)
}

//! The proleptic Gregorian calendar: days since 1970-01-01 to year, month, day and back.
//!
//! Counting is done in years that begin on 1 March, so that the leap day is a year's last day and
//! month lengths follow one linear formula:
//!
//! ```text
//!   month      Mar Apr May Jun Jul Aug Sep Oct Nov Dec Jan Feb
//!   m           0   1   2   3   4   5   6   7   8   9  10  11
//!   days before (153·m + 2) / 5 = 0 31 61 92 122 153 184 214 245 275 306 337
//!
//!   era = 400 years = 146 097 days, always
//! ```
//!
//! Years are astronomical: year 0 is 1 BC, -1 is 2 BC. Every `i32` day has a date and every date of
//! PostgreSQL's range (4714-11-24 BC to 5874897-12-31) has an `i32` day.
//!
//! A table of month lengths and a loop over years was rejected: it is slower for far dates and no
//! shorter. Zones are not here: they are data that changes, and live with their user.

/// Microseconds in a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds in an hour.
pub const MICROS_PER_HOUR: i64 = 3600 * MICROS_PER_SECOND;
/// Microseconds in a day of 24 hours.
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Days from the calendar's 0000-03-01 to 1970-01-01.
const EPOCH_SHIFT: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;

/// A calendar date. The year is astronomical (0 is 1 BC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Civil {
    /// Astronomical year.
    pub year: i64,
    /// 1 ..= 12.
    pub month: u32,
    /// 1 ..= 31.
    pub day: u32,
}

/// The date of a day number.
pub fn civil(days: i64) -> Civil {
    let shifted = days + EPOCH_SHIFT;
    let era = shifted.div_euclid(DAYS_PER_ERA);
    let day_of_era = shifted.rem_euclid(DAYS_PER_ERA);
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    Civil { year, month: month as u32, day: day as u32 }
}

/// The day number of a date. A month outside 1 ..= 12 or a day outside the month counts on into the
/// neighbouring ones; use [`is_date`] to refuse such.
pub fn days(year: i64, month: u32, day: u32) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let march_year = if month <= 2 { year - 1 } else { year };
    let m = (month + 9) % 12;
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let day_of_year = (153 * m + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - EPOCH_SHIFT
}

/// Whether the year has a 29 February.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The length of a month; 0 for a month that does not exist.
pub fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// Whether the three numbers name a day that exists.
pub fn is_date(year: i64, month: u32, day: u32) -> bool {
    day >= 1 && day <= days_in_month(year, month)
}

/// The weekday of a day number: 0 is Sunday.
pub fn weekday(days: i64) -> u32 {
    (days + 4).rem_euclid(7) as u32
}

/// The day number `months` later, on the same day of the month or, where the month is too short, on
/// its last: 31 January and a month is 28 or 29 February.
pub fn add_months(days_from: i64, months: i64) -> i64 {
    let from = civil(days_from);
    let count = from.year * 12 + i64::from(from.month) - 1 + months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) as u32 + 1);
    days(year, month, from.day.min(days_in_month(year, month)))
}

/// ISO 8601's week-numbering year and week (1 ..= 53) of a day number.
pub fn iso_week(day: i64) -> (i64, u32) {
    // The week belongs to the year that holds its Thursday.
    let thursday = day - (day + 3).rem_euclid(7) + 3;
    let year = civil(thursday).year;
    (year, ((thursday - days(year, 1, 1)) / 7 + 1) as u32)
}

/// The day's number within its year, 1 ..= 366.
pub fn day_of_year(day: i64) -> u32 {
    (day - days(civil(day).year, 1, 1) + 1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_a_thousand_years_follows_the_one_before() {
        let mut day = days(1600, 1, 1);
        for year in 1600..2600 {
            for month in 1..=12 {
                for d in 1..=days_in_month(year, month) {
                    assert_eq!(civil(day), Civil { year, month, day: d });
                    assert_eq!(days(year, month, d), day);
                    day += 1;
                }
            }
        }
    }

    #[test]
    fn known_days() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 1, 1), 10_957);
        assert_eq!(days(-4713, 11, 24), -2_440_588); // Julian day 0
        assert_eq!(weekday(0), 4);
        assert_eq!(weekday(-5), 6);
        assert_eq!(civil(add_months(days(2024, 1, 31), 1)), civil(days(2024, 2, 29)));
        assert_eq!(civil(add_months(days(2024, 3, 31), -13)), civil(days(2023, 2, 28)));
        assert_eq!(iso_week(days(2021, 1, 3)), (2020, 53));
        assert_eq!(iso_week(days(2018, 12, 31)), (2019, 1));
        assert_eq!(day_of_year(days(2024, 12, 31)), 366);
        for day in [i32::MIN, i32::MAX] {
            let date = civil(day.into());
            assert_eq!(days(date.year, date.month, date.day), i64::from(day));
        }
    }
}

//! The time form of `X-Sdk-Date`: UTC, `YYYYMMDDTHHMMSSZ`, whole seconds.

use crate::SignError;

const SECONDS_PER_DAY: i64 = 86_400;
/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what four digits of a year can say.
const FIRST: i64 = -62_167_219_200;
const LAST: i64 = 253_402_300_799;

/// Unix seconds of an `X-Sdk-Date` value.
///
/// # Errors
///
/// [`SignError::BadDate`] for every other form, for days that are not in the (proleptic Gregorian)
/// calendar, for hour 24 and for second 60.
pub fn parse_sdk_date(text: &str) -> Result<i64, SignError> {
    read(text.as_bytes()).ok_or(SignError::BadDate)
}

/// The `X-Sdk-Date` value of a time in unix seconds.
///
/// Times outside the years 0000 to 9999 are written as the nearest one inside.
#[must_use]
pub fn format_sdk_date(unix_seconds: i64) -> String {
    let unix_seconds = unix_seconds.clamp(FIRST, LAST);
    let (year, month, day) = civil_of_days(unix_seconds.div_euclid(SECONDS_PER_DAY));
    let second = unix_seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

fn read(text: &[u8]) -> Option<i64> {
    let (date, time) = match text {
        [date @ .., b'Z'] if date.len() == 15 => date.split_at_checked(8)?,
        _ => return None,
    };
    let time = time.strip_prefix(b"T")?;
    let (year, month_day) = date.split_at_checked(4)?;
    let (month, day) = month_day.split_at_checked(2)?;
    let (hour, minute_second) = time.split_at_checked(2)?;
    let (minute, second) = minute_second.split_at_checked(2)?;

    let (year, month, day) = (digits(year)?, digits(month)?, digits(day)?);
    let (hour, minute, second) = (digits(hour)?, digits(minute)?, digits(second)?);
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_of_civil(year, month, day);
    Some(days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second)
}

/// At most four digits, and nothing but digits: `str::parse` would take a sign.
fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
    })
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

// Both directions count in years that begin on 1 March, so the leap day is the last day of a year,
// and in eras of 400 years, which all have 146 097 days.

fn days_of_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_of_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

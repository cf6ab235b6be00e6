//! Moments, in milliseconds since the epoch, and the rounding to the hour the protocol asks for.

use std::fmt;

/// An hour, in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;
/// A day, in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// No end lies beyond 9999-12-31T23:00:00Z: later is a mistake, and four-digit years stay sortable.
pub const HORIZON_MS: i64 = 253_402_297_200_000;

/// A moment: milliseconds since 1970-01-01T00:00:00Z. Arithmetic saturates, so that no overflow can
/// ever turn a far end into a past one or the reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The last moment there is; no grant can reach it.
    pub const MAX: Self = Self(i64::MAX);

    /// The moment `ms` milliseconds after the epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// This moment, `ms` milliseconds later (earlier when negative).
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The last whole hour at or before this moment: how an end of validity is kept.
    #[must_use]
    pub const fn floor_hour(self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(HOUR_MS)))
    }

    /// The first whole hour at or after this moment: how a moment of cancellation is kept.
    #[must_use]
    pub const fn ceil_hour(self) -> Self {
        let past = self.0.rem_euclid(HOUR_MS);
        if past == 0 { self } else { Self(self.0.saturating_add(HOUR_MS - past)) }
    }

    /// Does this moment lie beyond any end a grant may have?
    pub const fn is_beyond_horizon(self) -> bool {
        self.0 > HORIZON_MS
    }
}

impl fmt::Display for Timestamp {
    /// `2026-11-22T10:00:00Z`, with milliseconds only where there are some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.div_euclid(DAY_MS);
        let in_day = self.0.rem_euclid(DAY_MS);
        let (year, month, day) = civil_from_days(days);
        let (hours, minutes) = (in_day / HOUR_MS, in_day / 60_000 % 60);
        let (seconds, millis) = (in_day / 1_000 % 60, in_day % 1_000);
        if !(0..=9_999).contains(&year) {
            // No date anybody means, so it may take longer.
            write!(f, "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}")?;
            return if millis == 0 { f.write_str("Z") } else { write!(f, ".{millis:03}Z") };
        }
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (end, value) in [
            (4, year),
            (7, month),
            (10, day),
            (13, hours),
            (16, minutes),
            (19, seconds),
            (23, millis),
        ] {
            put(&mut text, end, value);
        }
        let length = if millis == 0 {
            text[19] = b'Z';
            20
        } else {
            text.len()
        };
        f.write_str(str::from_utf8(text.get(..length).unwrap_or_default()).unwrap_or_default())
    }
}

/// Writes a number so that its last digit stands before `end`. Every call at the gate tells a date, so
/// it does without the general formatter.
fn put(text: &mut [u8], end: usize, mut value: i64) {
    for digit in text.get_mut(..end).unwrap_or_default().iter_mut().rev() {
        if value == 0 {
            return;
        }
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

/// The Gregorian date `days` after 1970-01-01. Counts in years that begin in March, so that the
/// leap day is the last one.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    const DAYS_PER_ERA: i64 = 146_097; // 400 years
    let from_march_0 = days.saturating_add(719_468);
    let era = from_march_0.div_euclid(DAYS_PER_ERA);
    let day_of_era = from_march_0.rem_euclid(DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments_read_as_dates() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_609_495_200_000, "2021-01-01T10:00:00Z"),
            (1_609_495_200_007, "2021-01-01T10:00:00.007Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (HORIZON_MS, "9999-12-31T23:00:00Z"),
        ] {
            assert_eq!(Timestamp::from_ms(ms).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn rounding_stays_within_the_hour_and_is_idempotent(ms in -HORIZON_MS..HORIZON_MS) {
            let t = Timestamp::from_ms(ms);
            let (floor, ceil) = (t.floor_hour(), t.ceil_hour());
            prop_assert!(floor <= t && t <= ceil);
            prop_assert!(ceil.as_ms() - floor.as_ms() <= HOUR_MS);
            prop_assert_eq!(floor.floor_hour(), floor);
            prop_assert_eq!(ceil.ceil_hour(), ceil);
            prop_assert_eq!(floor.as_ms() % HOUR_MS, 0);
        }

        #[test]
        fn no_moment_overflows(ms in any::<i64>(), by in any::<i64>()) {
            let t = Timestamp::from_ms(ms);
            let _ = (t.floor_hour(), t.ceil_hour(), t.plus_ms(by), t.to_string());
        }
    }
}

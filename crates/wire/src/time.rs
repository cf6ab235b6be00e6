//! Times as texts. Requests carry ISO 8601 texts; answers carry milliseconds, but for a few.

use jiff::SignedDuration;
use jiff::civil::{DateTime, datetime};
use tidegate_domain::{Refusal, Timestamp};

use crate::text::{echo, malformed};

const EPOCH: DateTime = datetime(1970, 1, 1, 0, 0, 0, 0);

/// Why a text is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTime {
    /// It does not look like a time.
    #[error("write a time like 2021-01-01T10:00:00.000Z")]
    Form,
    /// It could mean a different moment in every place.
    #[error("it has no zone: add Z for UTC, or an offset such as +08:00")]
    NoZone,
    /// It looks like a time, but the calendar or the clock has no such moment.
    #[error("the calendar has no such moment")]
    NoSuchMoment,
}

/// The moment `text` names: `2021-01-01T10:00:00.000Z`. The fraction is optional and cut to
/// milliseconds; the zone, `Z` or an offset such as `+08:00`, is not optional.
///
/// The form is checked here and the calendar by jiff, because its own reader is more generous than
/// a protocol should be: it takes a 61st second for the 60th, and a blank for the `T`.
pub fn parse_iso(text: &str) -> Result<Timestamp, BadTime> {
    let (head, tail) = text.as_bytes().split_at_checked(19).ok_or(BadTime::Form)?;
    let [year, month, day, hour, minute, second] = fields(head).ok_or(BadTime::Form)?;
    let (millis, zone) = fraction(tail)?;
    let offset_minutes = offset(zone)?;
    let small = |n: i16| i8::try_from(n).map_err(|_| BadTime::NoSuchMoment);
    let civil = DateTime::new(
        year,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    )
    .map_err(|_| BadTime::NoSuchMoment)?;
    let seconds = civil.duration_since(EPOCH).as_secs() - offset_minutes * 60;
    Ok(Timestamp::from_ms(seconds * 1_000 + millis))
}

/// The six numbers of `2021-01-01T10:00:00`.
fn fields(head: &[u8]) -> Option<[i16; 6]> {
    const FORM: &[u8; 19] = b"0000-00-00T00:00:00";
    let mut numbers = [0; 6];
    let mut at = 0;
    for (&c, &form) in head.iter().zip(FORM) {
        if form == b'0' {
            let digit = c.is_ascii_digit().then(|| i16::from(c - b'0'))?;
            let number = numbers.get_mut(at)?;
            *number = *number * 10 + digit;
        } else if c == form {
            at += 1;
        } else {
            return None;
        }
    }
    Some(numbers)
}

/// The milliseconds of `.007Z`, and the zone after them.
fn fraction(tail: &[u8]) -> Result<(i64, &[u8]), BadTime> {
    let Some(after_dot) = tail.strip_prefix(b".") else {
        return Ok((0, tail));
    };
    let count = after_dot.iter().take_while(|c| c.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return Err(BadTime::Form);
    }
    let (digits, zone) = after_dot.split_at(count);
    let millis = digits.iter().chain(b"00").take(3).fold(0, |ms, c| ms * 10 + i64::from(c - b'0'));
    Ok((millis, zone))
}

/// The minutes by which the zone is ahead of UTC.
fn offset(zone: &[u8]) -> Result<i64, BadTime> {
    let two = |tens: u8, ones: u8| {
        (tens.is_ascii_digit() && ones.is_ascii_digit())
            .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
            .ok_or(BadTime::Form)
    };
    match *zone {
        [] => Err(BadTime::NoZone),
        [b'Z'] => Ok(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            if hours > 23 || minutes > 59 {
                return Err(BadTime::NoSuchMoment);
            }
            let ahead = hours * 60 + minutes;
            Ok(if sign == b'+' { ahead } else { -ahead })
        }
        _ => Err(BadTime::Form),
    }
}

/// The time in `text`, the value of `field`.
pub fn parse_field(field: &str, text: &str) -> Result<Timestamp, Refusal> {
    parse_iso(text).map_err(|bad| malformed(format!("`{field}` is {}: {bad}", echo(text))))
}

/// `moment` as requests carry it: `2021-01-01T10:00:00.000Z`.
pub fn format_iso(moment: Timestamp) -> String {
    format(moment, "")
}

/// `moment` as IAM writes it, with microseconds: `2021-01-01T10:00:00.000000Z`.
pub fn format_iso_micros(moment: Timestamp) -> String {
    format(moment, "000")
}

fn format(moment: Timestamp, zeros: &str) -> String {
    let civil = EPOCH.checked_add(SignedDuration::from_millis(moment.as_ms()));
    match civil {
        Ok(c) if c.year() >= 0 => format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{zeros}Z",
            c.year(),
            c.month(),
            c.day(),
            c.hour(),
            c.minute(),
            c.second(),
            c.millisecond(),
        ),
        // Beyond four-digit years, which no grant can reach.
        Ok(_) | Err(_) => moment.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tidegate_domain::limits::HORIZON_MS;

    #[test]
    fn texts_that_are_times() {
        for (text, ms) in [
            ("2021-01-01T10:00:00.000Z", 1_609_495_200_000),
            ("2021-01-01T10:00:00Z", 1_609_495_200_000),
            ("2021-01-01T18:00:00.000+08:00", 1_609_495_200_000),
            ("2021-01-01T04:30:00-05:30", 1_609_495_200_000),
            ("2021-01-01T10:00:00-00:00", 1_609_495_200_000),
            ("2021-01-01T10:00:00.5Z", 1_609_495_200_500),
            ("2021-01-01T10:00:00.05Z", 1_609_495_200_050),
            ("2021-01-01T10:00:00.123456789Z", 1_609_495_200_123),
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("9999-12-31T23:00:00.000Z", HORIZON_MS),
            ("9999-12-31T23:59:59.999Z", HORIZON_MS + 3_599_999),
        ] {
            assert_eq!(parse_iso(text), Ok(Timestamp::from_ms(ms)), "{text}");
        }
    }

    #[test]
    fn texts_that_are_none() {
        use BadTime::{Form, NoSuchMoment, NoZone};
        for (text, why) in [
            ("", Form),
            ("noon", Form),
            ("1609495200000", Form),
            ("2021-01-01", Form),
            ("2021-01-01T10:00Z", Form),
            ("2021-01-01 10:00:00Z", Form),
            ("2021-01-01t10:00:00Z", Form),
            ("2021-01-01T10:00:00z", Form),
            ("20210101T100000Z", Form),
            ("+2021-01-01T10:00:00Z", Form),
            ("2021-1-01T10:00:00Z", Form),
            (" 2021-01-01T10:00:00Z", Form),
            ("2021-01-01T10:00:00Z ", Form),
            ("2021-01-01T10:00:00.Z", Form),
            ("2021-01-01T10:00:00,5Z", Form),
            ("2021-01-01T10:00:00.1234567890Z", Form),
            ("2021-01-01T10:00:00+0800", Form),
            ("2021-01-01T10:00:00+08", Form),
            ("2021-01-01T10:00:00Z[UTC]", Form),
            ("２021-01-01T10:00:00Z", Form),
            ("2021-01-01T10:00:00", NoZone),
            ("2021-01-01T10:00:00.000", NoZone),
            ("2021-02-29T10:00:00Z", NoSuchMoment),
            ("2021-13-01T10:00:00Z", NoSuchMoment),
            ("2021-00-01T10:00:00Z", NoSuchMoment),
            ("2021-01-01T24:00:00Z", NoSuchMoment),
            ("2021-01-01T10:60:00Z", NoSuchMoment),
            ("2016-12-31T23:59:60Z", NoSuchMoment),
            ("2021-01-01T10:00:00+24:00", NoSuchMoment),
            ("2021-01-01T10:00:00+08:60", NoSuchMoment),
        ] {
            assert_eq!(parse_iso(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn a_bad_time_names_its_field_and_the_remedy() {
        let Err(Refusal::Malformed { what }) = parse_field("time", "2021-01-01T10:00:00") else {
            panic!("taken for a time")
        };
        assert_eq!(
            what,
            "`time` is `2021-01-01T10:00:00`: it has no zone: add Z for UTC, or an offset such as +08:00"
        );
    }

    #[test]
    fn moments_are_written_with_their_fraction() {
        let noon = Timestamp::from_ms(1_609_495_200_007);
        assert_eq!(format_iso(noon), "2021-01-01T10:00:00.007Z");
        assert_eq!(format_iso_micros(noon), "2021-01-01T10:00:00.007000Z");
        let _ = format_iso(Timestamp::MAX);
        let _ = format_iso(Timestamp::from_ms(i64::MIN));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ms in -62_167_219_200_000..=HORIZON_MS) {
            let moment = Timestamp::from_ms(ms);
            prop_assert_eq!(parse_iso(&format_iso(moment)), Ok(moment));
            prop_assert_eq!(parse_iso(&format_iso_micros(moment)), Ok(moment));
            prop_assert_eq!(parse_iso(&moment.to_string()), Ok(moment));
        }

        #[test]
        fn an_offset_moves_the_clock_and_not_the_moment(
            ms in 0..HORIZON_MS - 86_400_000,
            minutes in -1_439_i64..1_440,
        ) {
            let local = Timestamp::from_ms(ms).plus_ms(minutes * 60_000);
            let text = format_iso(local);
            let sign = if minutes < 0 { '-' } else { '+' };
            let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
            let text = format!("{}{sign}{hours:02}:{rest:02}", text.trim_end_matches('Z'));
            prop_assert_eq!(parse_iso(&text), Ok(Timestamp::from_ms(ms)));
        }

        #[test]
        fn no_text_breaks_the_reader(text in ".{0,40}") {
            let _ = parse_iso(&text);
        }

        #[test]
        fn no_near_miss_breaks_the_reader(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.Z+-]{0,24}") {
            if let Ok(moment) = parse_iso(&text) {
                let _ = format_iso(moment);
            }
        }
    }
}

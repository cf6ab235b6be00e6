//! Times as texts: of requests, of signatures, and of what is shown.

use tidegate_domain::Timestamp;
use tidegate_domain::limits::HORIZON_MS;
use tidegate_sign::{format_sdk_date, parse_sdk_date};
use tidegate_wire::{format_iso, parse_iso};

use crate::Turn;

/// The first and the last millisecond that four digits of a year can say.
const WRITABLE_MS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=HORIZON_MS + 3_599_999;

/// What is read and written is read back, and written the same; no moment whatever breaks the writers.
pub fn run(data: &[u8], _: Turn) {
    if let Some(bytes) = data.first_chunk::<8>() {
        moment(i64::from_le_bytes(*bytes));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(moment) = parse_iso(text) {
        let shown = format_iso(moment);
        if WRITABLE_MS.contains(&moment.as_ms()) {
            assert_eq!(parse_iso(&shown), Ok(moment), "{text:?} {shown}");
            assert_eq!(format_iso(moment), shown);
            assert_eq!(parse_iso(&moment.to_string()), Ok(moment));
        }
        // Only an offset leads beyond the four digits, and by less than a day.
        let ms = moment.as_ms();
        assert!(
            WRITABLE_MS.contains(&ms.saturating_add(86_400_000))
                || WRITABLE_MS.contains(&ms.saturating_sub(86_400_000))
        );
    }
    if let Ok(seconds) = parse_sdk_date(text) {
        assert_eq!(format_sdk_date(seconds), text, "a time has one spelling");
        assert!(parse_iso(text).is_err(), "and its form is no other one's");
    }
}

fn moment(ms: i64) {
    let moment = Timestamp::from_ms(ms);
    let (floor, ceil) = (moment.floor_hour(), moment.ceil_hour());
    assert!(floor <= moment && moment <= ceil);
    assert!(ceil.as_ms().saturating_sub(floor.as_ms()) <= 3_600_000);
    let shown = format_iso(moment);
    if WRITABLE_MS.contains(&ms) {
        assert_eq!(parse_iso(&shown), Ok(moment));
        assert_eq!(parse_iso(&moment.to_string()), Ok(moment));
    }
    // Whole seconds, held within the four digits.
    let date = format_sdk_date(ms.div_euclid(1_000));
    let seconds = parse_sdk_date(&date).expect("what is written is read");
    if WRITABLE_MS.contains(&ms) {
        assert_eq!(seconds, ms.div_euclid(1_000));
    }
    assert_eq!(format_sdk_date(seconds), date);
    assert_eq!(parse_sdk_date(&format_sdk_date(ms)).map(format_sdk_date), Ok(format_sdk_date(ms)));
}

//! `X-Sdk-Date` both ways.

use proptest::prelude::*;
use tidegate_sign::{format_sdk_date, parse_sdk_date};

#[test]
fn known_times() {
    for (text, seconds) in [
        ("19700101T000000Z", 0),
        ("19691231T235959Z", -1),
        ("20000229T120000Z", 951_825_600),
        ("20000301T000000Z", 951_868_800),
        ("20201231T235959Z", 1_609_459_199),
        ("20210101T000000Z", 1_609_459_200),
        ("20240229T000000Z", 1_709_164_800),
        ("20260102T030405Z", 1_767_323_045),
        ("20380119T031408Z", 2_147_483_648),
        ("19000228T235959Z", -2_203_891_201),
        ("19000301T000000Z", -2_203_891_200),
        ("00000101T000000Z", -62_167_219_200),
        ("99991231T235959Z", 253_402_300_799),
    ] {
        assert_eq!(parse_sdk_date(text), Ok(seconds), "{text}");
        assert_eq!(format_sdk_date(seconds), text);
    }
}

#[test]
fn times_that_four_digits_cannot_say_are_written_as_the_nearest() {
    assert_eq!(format_sdk_date(i64::MIN), "00000101T000000Z");
    assert_eq!(format_sdk_date(-62_167_219_201), "00000101T000000Z");
    assert_eq!(format_sdk_date(253_402_300_800), "99991231T235959Z");
    assert_eq!(format_sdk_date(i64::MAX), "99991231T235959Z");
}

#[test]
fn every_day_of_800_years_follows_the_one_before() {
    let mut before = parse_sdk_date("15991231T000000Z").unwrap();
    let mut days = 0;
    for year in 1600..2400 {
        for month in 1..=12 {
            for day in 1..=31 {
                let Ok(now) = parse_sdk_date(&format!("{year}{month:02}{day:02}T000000Z")) else {
                    continue;
                };
                assert_eq!(now, before + 86_400, "{year}-{month}-{day}");
                before = now;
                days += 1;
            }
        }
    }
    assert_eq!(days, 2 * 146_097);
}

proptest! {
    #[test]
    fn written_and_read_back(seconds in -62_167_219_200_i64..=253_402_300_799) {
        prop_assert_eq!(parse_sdk_date(&format_sdk_date(seconds)), Ok(seconds));
    }

    #[test]
    fn what_is_read_is_written_the_same(text in "[0-2][0-9]{3}[01][0-9][0-3][0-9]T[0-2][0-9][0-6][0-9][0-6][0-9]Z") {
        if let Ok(seconds) = parse_sdk_date(&text) {
            prop_assert_eq!(format_sdk_date(seconds), text);
        }
    }

    #[test]
    fn any_text_is_answered(text in ".{0,20}") {
        let _ = parse_sdk_date(&text);
    }
}

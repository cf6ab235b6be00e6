//! Parameters of queries and headers that are neither ids nor parts of lists.

use tidegate_domain::{Refusal, Timestamp};

use crate::quirks::{FALSE_TEXTS, TRUE_TEXTS};
use crate::text::none_of;
use crate::time;

/// A switch; false when it is absent or blank.
pub fn switch(field: &str, text: Option<&str>) -> Result<bool, Refusal> {
    match text {
        None | Some("") => Ok(false),
        Some(text) if TRUE_TEXTS.contains(&text) => Ok(true),
        Some(text) if FALSE_TEXTS.contains(&text) => Ok(false),
        Some(text) => Err(none_of(field, &["true", "false"], text)),
    }
}

/// A time; none when it is absent or blank.
pub fn moment(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    given(text).map(|text| time::parse_field(field, text)).transpose()
}

/// A text; none when it is absent or blank, since SDKs send `name=` for an empty one.
pub fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches() {
        for (text, on) in [
            (None, Some(false)),
            (Some(""), Some(false)),
            (Some("true"), Some(true)),
            (Some("True"), Some(true)),
            (Some("false"), Some(false)),
            (Some("False"), Some(false)),
            (Some("yes"), None),
            (Some("1"), None),
        ] {
            assert_eq!(switch("show_all", text).ok(), on, "{text:?}");
        }
    }

    #[test]
    fn blanks_are_absent() {
        assert_eq!(given(Some(" ")), None);
        assert_eq!(given(Some("x")), Some("x"));
        assert_eq!(moment("start_time", Some("")), Ok(None));
        assert!(moment("start_time", Some("soon")).is_err());
        let at = moment("start_time", Some("1970-01-01T00:00:00Z"));
        assert_eq!(at, Ok(Some(Timestamp::from_ms(0))));
    }
}

//! Refusals of form, and the words they use.

use tidegate_domain::Refusal;
use tidegate_domain::name;
pub(crate) use tidegate_domain::name::visible;

use crate::limits::ECHO_CHARS;

/// A refusal of form.
pub(crate) fn malformed(what: impl Into<String>) -> Refusal {
    Refusal::Malformed { what: what.into() }
}

/// What the caller wrote, in backticks, shortened, with control characters made visible.
pub(crate) fn echo(given: &str) -> String {
    let mut shown: String = given.chars().take(ECHO_CHARS).collect();
    if shown.len() < given.len() {
        shown.push('…');
    }
    format!("`{}`", visible(&shown))
}

/// The value of `field` is none of those there are.
pub(crate) fn none_of(field: &str, allowed: &[&str], given: &str) -> Refusal {
    malformed(format!("`{field}` is {}; allowed: {}", echo(given), allowed.join(", ")))
}

/// A text that this call needs; a blank one counts as missing.
pub(crate) fn required<'a>(
    field: &'static str,
    value: Option<&'a String>,
) -> Result<&'a str, Refusal> {
    match value {
        Some(text) if !text.trim().is_empty() => Ok(text),
        Some(_) | None => Err(Refusal::FieldMissing { field }),
    }
}

/// A name whose length was looked at already.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    name::check(name).map_err(|bad| malformed(format!("`name` is {}; {bad}", echo(name))))
}

/// A free text of at most `max` characters, without control characters other than line ends and
/// tabs.
pub(crate) fn free_text(field: &str, text: &str, max: usize) -> Result<(), Refusal> {
    let count = text.chars().count();
    if count > max {
        return Err(malformed(format!(
            "`{field}` has {count} characters; at most {max} are allowed"
        )));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(malformed(format!("`{field}` contains a control character")));
    }
    Ok(())
}

/// The items without repetitions, in the order they came.
pub(crate) fn distinct<T: PartialEq + Ord + Clone>(items: Vec<T>) -> Vec<T> {
    let mut seen = std::collections::BTreeSet::new();
    items.into_iter().filter(|item| seen.insert(item.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_wrote_is_shortened_and_made_visible() {
        assert_eq!(echo("noon"), "`noon`");
        assert_eq!(echo("a\r\nb"), "`a\\r\\nb`");
        assert_eq!(echo("a\u{202e}b"), "`a\\u{202e}b`");
        let long = "ä".repeat(ECHO_CHARS + 1);
        assert_eq!(echo(&long), format!("`{}…`", "ä".repeat(ECHO_CHARS)));
        assert_eq!(echo(&long[..2 * ECHO_CHARS]), format!("`{}`", "ä".repeat(ECHO_CHARS)));
    }

    #[test]
    fn blank_is_missing() {
        for value in [None, Some(String::new()), Some("  ".into())] {
            assert_eq!(
                required("name", value.as_ref()),
                Err(Refusal::FieldMissing { field: "name" })
            );
        }
        assert_eq!(required("name", Some(&"x".into())), Ok("x"));
    }

    #[test]
    fn repetitions_go_and_order_stays() {
        assert_eq!(distinct(vec![3, 1, 3, 2, 1]), [3, 1, 2]);
    }

    #[test]
    fn free_text_has_a_length_and_no_control_characters() {
        assert_eq!(free_text("d", "两行\ntext\t", 9), Ok(()));
        assert!(free_text("d", "abcd", 3).is_err());
        assert!(free_text("d", "a\0", 3).is_err());
    }
}

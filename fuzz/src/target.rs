//! The one reading of path and query.

use tidegate_sign::{Target, TargetError};

use crate::Turn;

/// What was accepted is sent on as it came, has one signed form, and nothing in it can be read in two ways.
pub fn run(data: &[u8], turn: Turn) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(target) = Target::parse(text) else { return };

    let forwarded = target.path_and_query();
    assert_eq!(forwarded, text, "it goes on as it came");
    if turn.is(0, 4) {
        has_one_signed_form(&target);
    }
    if turn.is(1, 4) {
        has_nothing_in_it_to_read_twice(&target, forwarded);
    }
    // Another spelling of the same bytes is the same target.
    let (path, query) = text.split_once('?').map_or((text, None), |(p, q)| (p, Some(q)));
    for (nth, spell) in
        [(2, str::to_ascii_lowercase as fn(&str) -> String), (3, str::to_ascii_uppercase)]
    {
        if turn.is(nth, 4) {
            let spelling = spelled(path, query, spell);
            assert_eq!(Target::parse(&spelling).as_ref(), Ok(&target), "{spelling:?}");
        }
    }
}

fn has_one_signed_form(target: &Target) {
    let signed_form = format!("{}?{}", target.canonical_path(), target.canonical_query());
    match Target::parse(&signed_form) {
        Ok(signed) => {
            assert_eq!(signed.canonical_path(), target.canonical_path());
            assert_eq!(signed.canonical_query(), target.canonical_query());
            assert!(signed.segments().eq(target.segments()));
        }
        // It has a slash and a question mark more.
        Err(error) => assert_eq!(error, TargetError::TooLong),
    }
}

fn has_nothing_in_it_to_read_twice(target: &Target, forwarded: &str) {
    for segment in target.segments() {
        assert!(!matches!(segment, "" | "." | ".."), "{segment:?}");
        assert!(!segment.contains(['/', '\\', ';', '\0']), "{segment:?}");
        assert!(!segment.chars().any(char::is_control), "{segment:?}");
    }
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\');
    assert!(forwarded.bytes().all(plain), "{forwarded:?}");
    let path = forwarded.split('?').next().unwrap_or_default();
    assert!(path.starts_with('/') && !path.contains("//"), "{forwarded:?}");
}

/// The text with its escapes written anew.
fn spelled(path: &str, query: Option<&str>, case: impl Fn(&str) -> String) -> String {
    let mut text = path.to_owned();
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        out.push_str(&case(&rest[at..at + 3]));
        rest = &rest[at + 3..];
    }
    out + rest
}

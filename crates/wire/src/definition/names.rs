//! The names and paths of APIs and their parameters.

use tidegate_domain::Refusal;
use tidegate_domain::api::is_placeholder;

use crate::limits::{API_NAME_MIN, NAME_CHARS, PARA_NAME_CHARS, PATH_CHARS};
use crate::text::{check_name, echo, malformed};

/// 3 to 64 Chinese characters, letters, digits and `_`, the first a letter or Chinese.
pub(super) fn check_api_name(name: &str) -> Result<(), Refusal> {
    let count = name.chars().count();
    let first = |c: char| c.is_ascii_alphabetic() || is_chinese(c);
    let other = |c: char| first(c) || c.is_ascii_digit() || c == '_';
    if (API_NAME_MIN..=NAME_CHARS).contains(&count)
        && name.starts_with(first)
        && name.chars().all(other)
    {
        // Some Chinese characters are there twice.
        return check_name(name);
    }
    Err(malformed(format!(
        "`name` is {}; a name has {API_NAME_MIN} to {NAME_CHARS} letters, Chinese characters, \
         digits and `_`, and begins with a letter or a Chinese character",
        echo(name)
    )))
}

fn is_chinese(c: char) -> bool {
    matches!(
        c,
        '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}'
    )
}

/// The names of the placeholders of an API's path.
pub(super) fn check_api_path(path: &str) -> Result<Vec<&str>, Refusal> {
    if path.len() > 1 && path.ends_with('/') {
        return Err(malformed(format!("`path` is {}; leave out the slash at the end", echo(path))));
    }
    placeholders("path", path, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~'))
}

/// The names of the placeholders of a backend's path, which may contain a few more characters and
/// end with a slash.
pub(super) fn check_backend_path(path: &str) -> Result<Vec<&str>, Refusal> {
    placeholders("backend_config.path", path, |c| {
        c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:@".contains(c)
    })
}

/// The names of the placeholders of `path`, whose other segments consist of `plain` characters.
fn placeholders<'a>(
    field: &str,
    path: &'a str,
    plain: fn(char) -> bool,
) -> Result<Vec<&'a str>, Refusal> {
    let bad = |why: String| malformed(format!("`{field}` is {}; {why}", echo(path)));
    if path.chars().count() > PATH_CHARS {
        return Err(bad(format!("a path has at most {PATH_CHARS} characters")));
    }
    let Some(rest) = path.strip_prefix('/') else {
        return Err(bad("a path begins with a slash".into()));
    };
    let mut names = Vec::new();
    if rest.is_empty() {
        return Ok(names);
    }
    for segment in rest.strip_suffix('/').unwrap_or(rest).split('/') {
        if is_placeholder(segment) {
            let inner = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
            let name = inner.unwrap_or(segment);
            if !is_para_name(name) {
                return Err(bad(format!(
                    "the placeholder {} is no name; {PARA_NAME_RULE}",
                    echo(name)
                )));
            }
            if names.contains(&name) {
                return Err(bad(format!("it has the placeholder {} twice", echo(name))));
            }
            names.push(name);
        } else if segment.is_empty() {
            return Err(bad("it has an empty segment".into()));
        } else if matches!(segment, "." | "..") {
            return Err(bad("it has a segment of dots".into()));
        } else if !segment.chars().all(plain) {
            return Err(bad(format!(
                "the segment {} is neither plain (letters, digits, `-`, `_`, `.`, `~`) nor a \
                 placeholder such as `{{id}}`",
                echo(segment)
            )));
        }
    }
    Ok(names)
}

/// What a parameter may be called, in words.
pub(super) const PARA_NAME_RULE: &str =
    "a name has 1 to 32 letters, digits, `.`, `-` and `_`, and begins with a letter";

/// May a parameter be called so?
pub(super) fn is_para_name(name: &str) -> bool {
    (1..=PARA_NAME_CHARS).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_'))
}

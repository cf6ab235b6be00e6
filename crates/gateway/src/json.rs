//! A text as JSON has it.

use std::fmt;

use tidegate_domain::name::is_unseen;

/// A text in quotes, whatever it holds.
pub(crate) struct Text<'a>(pub(crate) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for run in self.0.split_inclusive(is_escaped) {
            let Some(last) = run.chars().next_back().filter(|c| is_escaped(*c)) else {
                f.write_str(run)?;
                continue;
            };
            f.write_str(run.strip_suffix(last).unwrap_or_default())?;
            match last {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                other => {
                    for unit in other.encode_utf16(&mut [0; 2]) {
                        write!(f, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        f.write_str("\"")
    }
}

fn is_escaped(c: char) -> bool {
    matches!(c, '"' | '\\') || is_unseen(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_json_whatever_they_hold() {
        assert_eq!(Text("a \"b\" \\ \n\u{1} é").to_string(), r#""a \"b\" \\ \u000a\u0001 é""#);
        assert_eq!(
            Text("\u{202e}\u{9b}\u{e0041}订").to_string(),
            r#""\u202e\u009b\udb40\udc41订""#
        );
    }
}

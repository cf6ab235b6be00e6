//! What may stand in a name: nothing that cannot be distinguished by eye. Names are checked where they come in; those
//! that are kept from before stay as they are.

use std::fmt::{self, Write};

use unicode_normalization::is_nfc;

/// Why a text is no name: the rule it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadName {
    /// A control character.
    Control(char),
    /// A character that turns the direction of writing.
    Direction(char),
    /// A variation selector: another look of the character before it.
    Variation(char),
    /// A character that nobody sees.
    Invisible(char),
    /// A code point that is no character, and never will be.
    Noncharacter(char),
    /// A character that means what two parties agree on.
    PrivateUse(char),
    /// A blank that is not the plain one.
    OtherBlank(char),
    /// A blank at its beginning or end.
    OuterBlank,
    /// Two blanks, one after the other.
    DoubleBlank,
    /// A character that can be written in two ways is not written in the composed one.
    NotComposed,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (c, rule) = match *self {
            Self::Control(c) => (c, "a control character"),
            Self::Direction(c) => (c, "a character that turns the direction of writing"),
            Self::Variation(c) => (c, "a variation selector"),
            Self::Invisible(c) => (c, "an invisible character"),
            Self::Noncharacter(c) => (c, "no character of Unicode"),
            Self::PrivateUse(c) => (c, "a character of private use"),
            Self::OtherBlank(c) => (c, "a blank that looks like the plain one, U+0020"),
            Self::OuterBlank => return f.write_str("a name neither begins nor ends with a blank"),
            Self::DoubleBlank => return f.write_str("a name has no two blanks in a row"),
            Self::NotComposed => {
                return f.write_str(
                    "a name is written in Unicode's composed form (NFC), for the other form looks the same",
                );
            }
        };
        write!(f, "U+{:04X} in it is {rule}", u32::from(c))
    }
}

impl std::error::Error for BadName {}

/// Whether a text may be a name, whatever its length. Nothing is mended: two texts are two names.
pub fn check(name: &str) -> Result<(), BadName> {
    if let Some(bad) = name.chars().find_map(bad_character) {
        return Err(bad);
    }
    if name.starts_with(' ') || name.ends_with(' ') {
        return Err(BadName::OuterBlank);
    }
    if name.contains("  ") {
        return Err(BadName::DoubleBlank);
    }
    if is_nfc(name) { Ok(()) } else { Err(BadName::NotComposed) }
}

fn bad_character(c: char) -> Option<BadName> {
    if c == ' ' {
        return None;
    }
    if c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}') {
        return Some(BadName::OtherBlank(c));
    }
    unseen(c)
}

/// Whether nobody sees a character, or it changes how those around it are seen. A text for people has it as an
/// escape: see [`visible`].
#[must_use]
pub fn is_unseen(c: char) -> bool {
    unseen(c).is_some()
}

fn unseen(c: char) -> Option<BadName> {
    if c.is_control() {
        return Some(BadName::Control(c));
    }
    if c.is_ascii() {
        return None;
    }
    // The last two of every plane, and a row of the Arabic forms.
    if u32::from(c) & 0xfffe == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}') {
        return Some(BadName::Noncharacter(c));
    }
    match c {
        '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(BadName::Direction(c))
        }
        '\u{180b}'..='\u{180d}'
        | '\u{180f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{e0100}'..='\u{e01ef}' => Some(BadName::Variation(c)),
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10fffd}' => Some(BadName::PrivateUse(c)),
        '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200d}'
        | '\u{2028}'..='\u{2029}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{13430}'..='\u{1343f}'
        | '\u{16fe4}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d159}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => Some(BadName::Invisible(c)),
        _ => None,
    }
}

/// `text` on one line, with an escape in place of what nobody sees.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => shown.extend(c.escape_default()),
            c if is_unseen(c) => {
                // A string takes all that is written to it.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_distinguished_by_eye() {
        for good in [
            "orders",
            "Orders 2.0 (test)",
            "订单服务_1",
            "〇二",
            "日報アプリ",
            "급여",
            "é",
            "Ünïcode",
            "приложение",
            "تطبيق",
            "แอป",
            "हिंदी",
            "🙂",
            "a’b",
            "",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("a\0b", "U+0000 in it is a control character"),
            ("a\tb", "U+0009 in it is a control character"),
            ("a\u{9b}b", "U+009B in it is a control character"),
            ("a\u{202e}b", "U+202E in it is a character that turns the direction of writing"),
            ("a\u{2066}b", "U+2066 in it is a character that turns the direction of writing"),
            ("a\u{61c}", "U+061C in it is a character that turns the direction of writing"),
            ("a\u{fe0f}", "U+FE0F in it is a variation selector"),
            ("葛\u{e0100}", "U+E0100 in it is a variation selector"),
            ("\u{180b}", "U+180B in it is a variation selector"),
            ("a\u{200b}b", "U+200B in it is an invisible character"),
            ("a\u{200d}b", "U+200D in it is an invisible character"),
            ("\u{2800}", "U+2800 in it is an invisible character"),
            ("\u{3164}", "U+3164 in it is an invisible character"),
            ("a\u{2028}b", "U+2028 in it is an invisible character"),
            ("a\u{ad}b", "U+00AD in it is an invisible character"),
            ("\u{e0041}", "U+E0041 in it is an invisible character"),
            ("a\u{ffff}", "U+FFFF in it is no character of Unicode"),
            ("a\u{fdd0}", "U+FDD0 in it is no character of Unicode"),
            ("a\u{1fffe}", "U+1FFFE in it is no character of Unicode"),
            ("a\u{10ffff}", "U+10FFFF in it is no character of Unicode"),
            ("a\u{e000}", "U+E000 in it is a character of private use"),
            ("a\u{10fffd}", "U+10FFFD in it is a character of private use"),
            ("a\u{a0}b", "U+00A0 in it is a blank that looks like the plain one, U+0020"),
            ("a\u{3000}b", "U+3000 in it is a blank that looks like the plain one, U+0020"),
            ("a\u{2009}b", "U+2009 in it is a blank that looks like the plain one, U+0020"),
            (" a", "a name neither begins nor ends with a blank"),
            ("a ", "a name neither begins nor ends with a blank"),
            ("a  b", "a name has no two blanks in a row"),
            (
                "e\u{301}",
                "a name is written in Unicode's composed form (NFC), for the other form looks the same",
            ),
            (
                "\u{212b}",
                "a name is written in Unicode's composed form (NFC), for the other form looks the same",
            ),
            (
                "\u{f900}",
                "a name is written in Unicode's composed form (NFC), for the other form looks the same",
            ),
            (
                "\u{1100}\u{1161}",
                "a name is written in Unicode's composed form (NFC), for the other form looks the same",
            ),
        ] {
            let found = check(bad).map_err(|bad| bad.to_string());
            assert_eq!(found, Err(why.to_owned()), "{}", bad.escape_unicode());
        }
    }

    #[test]
    fn what_nobody_sees_is_shown_as_an_escape() {
        for seen in "aZ9_- é订🙂ا\u{a0}".chars() {
            assert!(!is_unseen(seen), "{seen}");
        }
        assert_eq!(
            visible("a\u{1b}[2J\n\u{202e}b\u{2800}é\\"),
            "a\\u{1b}[2J\\n\\u{202e}b\\u{2800}é\\"
        );
    }
}

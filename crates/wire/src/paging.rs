//! Parts of lists.

use tidegate_domain::Refusal;

use crate::limits::{PAGE, PAGE_DEFAULT, PAGE_DEFAULT_APPLICATIONS};
use crate::text::{echo, malformed};

/// Which list is asked for: lists differ in how much they give when the caller names no limit, and
/// in what they answer past their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum List {
    /// APIs, apps, instances, grants.
    Plain,
    /// Applications.
    Applications,
    /// Notices.
    Notices,
    /// The instances on which something can be done: all of them, when the caller names no limit.
    Choices,
}

impl List {
    /// The limit when the caller names none.
    pub const fn default_limit(self) -> u64 {
        match self {
            Self::Plain | Self::Notices => PAGE_DEFAULT,
            Self::Applications => PAGE_DEFAULT_APPLICATIONS,
            Self::Choices => PAGE,
        }
    }

    /// Is the answer past the end the first page again? See the quirk `first-page-again`.
    pub const fn starts_again(self) -> bool {
        match self {
            Self::Plain | Self::Applications | Self::Choices => false,
            Self::Notices => true,
        }
    }
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many to skip.
    pub offset: u64,
    /// How many to give at most; from 1 to [`PAGE`].
    pub limit: u64,
}

impl Window {
    /// The window that `offset` and `limit` of a query ask for. The offset is taken as it is sent, see
    /// the quirk `offset-as-sent`.
    ///
    /// # Errors
    ///
    /// [`Refusal::Malformed`] for what is no number, and for a limit that is not from 1 to [`PAGE`].
    pub fn parse(list: List, offset: Option<&str>, limit: Option<&str>) -> Result<Self, Refusal> {
        let limit = number("limit", limit)?.unwrap_or(list.default_limit());
        let offset = number("offset", offset)?.unwrap_or(0);
        Self::new(offset, limit)
    }

    /// The window of a list that counts pages, from 1: `page` and `size`.
    pub fn parse_page(page: Option<&str>, size: Option<&str>) -> Result<Self, Refusal> {
        let limit = number("size", size)?.unwrap_or(PAGE_DEFAULT);
        let page = number("page", page)?.unwrap_or(1);
        let Some(skipped) = page.checked_sub(1) else {
            return Err(malformed("`page` is 0; pages are counted from 1"));
        };
        Self::new(skipped.saturating_mul(limit), limit)
    }

    fn new(offset: u64, limit: u64) -> Result<Self, Refusal> {
        if !(1..=PAGE).contains(&limit) {
            return Err(malformed(format!("the limit is {limit}; allowed: 1 to {PAGE}")));
        }
        // Stores count in i64.
        Ok(Self { offset: offset.min(i64::MAX as u64), limit })
    }

    /// The part of a list that is there whole.
    pub fn of<T>(self, all: &[T]) -> &[T] {
        let place = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(all.len());
        all.get(place(self.offset)..place(self.offset.saturating_add(self.limit)))
            .unwrap_or_default()
    }

    /// The first page, if this window lies past the end of a list of `total` items that starts
    /// again there. None when the page is right as it is.
    pub fn again(self, list: List, total: u64) -> Option<Self> {
        let is_past = total > 0 && self.offset >= total;
        (list.starts_again() && is_past).then_some(Self { offset: 0, limit: self.limit })
    }
}

/// The number in `text`; none when it is absent or blank.
fn number(field: &str, text: Option<&str>) -> Result<Option<u64>, Refusal> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let is_number = text.len() <= 19 && text.bytes().all(|c| c.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_number => Ok(Some(number)),
        Ok(_) | Err(_) => Err(malformed(format!(
            "`{field}` is {}; write a number that is not negative",
            echo(text)
        ))),
    }
}

/// The length of a list, as the protocol's int32.
pub fn total(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows() {
        for (list, offset, limit, want) in [
            (List::Plain, None, None, Some((0, 10))),
            (List::Notices, None, None, Some((0, 10))),
            (List::Applications, None, None, Some((0, 100))),
            (List::Plain, Some(""), Some(""), Some((0, 10))),
            (List::Plain, Some("20"), Some("10"), Some((20, 10))),
            (List::Plain, Some("25"), Some("10"), Some((25, 10))),
            (List::Plain, Some("2"), Some("100"), Some((2, 100))),
            (List::Plain, Some("2500"), Some("1000"), Some((2500, 1000))),
            (List::Plain, None, Some("1001"), None),
            (List::Plain, None, Some("2000"), None),
            (List::Choices, None, None, Some((0, 1000))),
            (List::Plain, Some("0"), Some("1"), Some((0, 1))),
            (List::Plain, Some("0"), Some("0"), None),
            (List::Plain, Some("-1"), None, None),
            (List::Plain, None, Some("-1"), None),
            (List::Plain, Some("+1"), None, None),
            (List::Plain, Some("ten"), None, None),
            (List::Plain, Some("1.0"), None, None),
            (List::Plain, Some("99999999999999999999"), None, None),
        ] {
            let window = Window::parse(list, offset, limit).ok();
            assert_eq!(window.map(|w| (w.offset, w.limit)), want, "{offset:?} {limit:?}");
        }
        let far = Window::parse(List::Plain, Some("9999999999999999999"), Some("1000")).unwrap();
        assert!(i64::try_from(far.offset).is_ok());
    }

    #[test]
    fn pages_are_counted_from_one() {
        for (page, size, want) in [
            (None, None, Some((0, 10))),
            (Some("1"), Some("20"), Some((0, 20))),
            (Some("3"), Some("20"), Some((40, 20))),
            (Some("2"), Some("1000"), Some((1000, 1000))),
            (Some("2"), Some("5000"), None),
            (Some("0"), Some("20"), None),
            (Some("1"), Some("0"), None),
        ] {
            let window = Window::parse_page(page, size).ok();
            assert_eq!(window.map(|w| (w.offset, w.limit)), want, "{page:?} {size:?}");
        }
    }

    #[test]
    fn notices_start_again_past_their_end() {
        let window = |offset| Window { offset, limit: 10 };
        assert_eq!(window(10).again(List::Notices, 10), Some(window(0)));
        assert_eq!(window(0).again(List::Notices, 10), None);
        assert_eq!(window(10).again(List::Notices, 11), None);
        assert_eq!(window(11).again(List::Notices, 11), Some(window(0)));
        assert_eq!(window(10).again(List::Notices, 0), None);
        assert_eq!(window(10).again(List::Plain, 10), None);
        assert_eq!(window(10).again(List::Applications, 10), None);
    }

    #[test]
    fn a_part_of_a_whole_list() {
        let part = |offset, limit| Window { offset, limit }.of(&[1, 2, 3]).to_vec();
        assert_eq!(part(0, 2), [1, 2]);
        assert_eq!(part(2, 2), [3]);
        assert!(part(3, 2).is_empty() && part(u64::MAX, 1000).is_empty());
    }

    #[test]
    fn totals_fit_into_int32() {
        assert_eq!(total(7), 7);
        assert_eq!(total(u64::MAX), i32::MAX);
    }
}

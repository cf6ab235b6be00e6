//! Which formats both ends understand, and which one they speak.

use std::fmt;

use crate::limits::{FORMAT, OLDEST_FORMAT};

/// The formats one end understands, from the lowest to the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    lowest: u32,
    highest: u32,
}

impl Formats {
    /// Those of this version.
    pub const HERE: Self = Self { lowest: OLDEST_FORMAT, highest: FORMAT };

    /// Those of a version whose questions name only one. It refuses a question that names more.
    pub const OF_ONE: Self = Self { lowest: 2, highest: 2 };

    /// The range from `lowest` to `highest`; none if that is no range.
    #[must_use]
    pub fn new(lowest: u32, highest: u32) -> Option<Self> {
        (0 < lowest && lowest <= highest).then_some(Self { lowest, highest })
    }

    /// The lowest of them.
    #[must_use]
    pub fn lowest(self) -> u32 {
        self.lowest
    }

    /// The highest of them.
    #[must_use]
    pub fn highest(self) -> u32 {
        self.highest
    }

    /// The highest format that both ranges have.
    #[must_use]
    pub fn common(self, other: Self) -> Option<u32> {
        let common = self.highest.min(other.highest);
        (common >= self.lowest.max(other.lowest)).then_some(common)
    }

    /// Whether a format is one of them.
    #[must_use]
    pub fn contains(self, format: u32) -> bool {
        (self.lowest..=self.highest).contains(&format)
    }
}

impl fmt::Display for Formats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lowest, highest } = self;
        if lowest == highest { write!(f, "{highest}") } else { write!(f, "{lowest} to {highest}") }
    }
}

/// The two ends understand no format in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoCommonFormat {
    /// What the gateway understands.
    pub gateway: Formats,
    /// The version of the gateway's program; empty if it is not known.
    pub version: String,
}

impl fmt::Display for NoCommonFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { gateway, version } = self;
        let (here, own) = (Formats::HERE, env!("CARGO_PKG_VERSION"));
        // Either way the end that is behind goes first, so that both have one version between them at most.
        let first = if gateway.lowest > here.highest { "control side" } else { "gateway" };
        write!(
            f,
            "no common format of the feed: the gateway (version {version}) reads {gateway}, the control side \
             (version {own}) writes {here}: upgrade the {first} first"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_format_that_both_know_is_spoken() {
        for (one, other, common) in [
            ((2, 3), (2, 3), Some(3)),
            ((2, 3), (2, 2), Some(2)),
            ((2, 3), (3, 4), Some(3)),
            ((3, 4), (2, 3), Some(3)),
            ((1, 9), (2, 3), Some(3)),
            ((2, 3), (1, 1), None),
            ((2, 3), (4, 5), None),
        ] {
            let range = |(lowest, highest)| Formats::new(lowest, highest).unwrap();
            assert_eq!(range(one).common(range(other)), common, "{one:?} and {other:?}");
        }
        assert!(Formats::new(3, 2).is_none() && Formats::new(0, 2).is_none());
    }

    #[test]
    fn who_is_behind_is_upgraded_first() {
        let no_common = |lowest, highest| NoCommonFormat {
            gateway: Formats::new(lowest, highest).unwrap(),
            version: "9.9.9".to_owned(),
        };
        let newer = no_common(FORMAT + 1, FORMAT + 2).to_string();
        assert!(newer.contains("(version 9.9.9) reads 4 to 5"), "{newer}");
        assert!(newer.contains("writes 2 to 3: upgrade the control side first"), "{newer}");
        let older = no_common(1, 1).to_string();
        assert!(
            older.contains("reads 1,") && older.contains("upgrade the gateway first"),
            "{older}"
        );
    }
}

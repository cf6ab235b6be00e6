//! A share of all calls.

/// From none to all, in steps of a millionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

const WHOLE: u32 = 1_000_000;

impl Share {
    /// All of them.
    pub const ALL: Self = Self(WHOLE);

    /// This fraction; none if it is not between 0 and 1.
    pub fn new(fraction: f64) -> Option<Self> {
        // Within bounds, so nothing is cut off.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (0.0..=1.0).contains(&fraction).then(|| Self((fraction * f64::from(WHOLE)).round() as u32))
    }

    /// Is the call with this random number one of them?
    pub fn takes(self, random: u64) -> bool {
        (u128::from(random) * u128::from(WHOLE)) >> 64 < u128::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_what_it_says() {
        let half = Share::new(0.5).unwrap();
        assert!(half.takes(0) && half.takes(u64::MAX / 2) && !half.takes(u64::MAX / 2 + 2));
        assert!(Share::ALL.takes(u64::MAX) && !Share::new(0.0).unwrap().takes(0));
        assert_eq!(Share::new(1.0), Some(Share::ALL));
        for bad in [-0.1, 1.1, f64::NAN] {
            assert_eq!(Share::new(bad), None);
        }
    }
}

//! The keyed order of grants: a permutation of (place, app) that spreads them evenly and that nobody
//! outside can foresee, so nobody can choose ids that pile up in one spot.
//!
//! It loses nothing: what it makes of a pair gives the pair back. So the table keeps only the
//! permuted value, and of that only the bits that the spot in the table does not tell already.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::code::{Broken, Code, code};

/// Bits of a place's number that fit: four million. The fuzzer makes do with fewer: the table's root is as
/// wide as they say, and it makes many.
const PLACE_BITS: u32 = if cfg!(fuzzing) { 16 } else { 22 };

/// Bits of an app's number that fit: 134 million.
const APP_BITS: u32 = 27;

/// Bits of a permuted pair.
pub(super) const BITS: u32 = PLACE_BITS + APP_BITS;

/// A grant's place and app, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The place.
    pub place: u64,
    /// The app.
    pub app: u64,
}

code!(Pair { place, app });

impl Pair {
    /// Can it be told from its permuted value?
    pub(super) const fn fits(self) -> bool {
        (self.place >> PLACE_BITS | self.app >> APP_BITS) == 0
    }
}

/// A secret permutation: four rounds of a Feistel network, each a multiplication by a secret number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mix([Round; 4]);

/// What a round makes of its key, once instead of for each pair.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Round {
    mask: u64,
    factor: u64,
}

impl Code for Mix {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.each_ref().map(Round::key).put(out);
    }

    fn get(from: &mut &[u8]) -> Result<Self, Broken> {
        <[u64; 4]>::get(from).map(|keys| Self(keys.map(Round::new)))
    }
}

impl Mix {
    /// A new one.
    pub(super) fn draw() -> Self {
        Self(std::array::from_fn(|_| Round::new(RandomState::new().hash_one(0))))
    }

    /// The permuted pair, below `1 << BITS`. Pairs that do not fit may meet.
    pub(super) const fn of(&self, pair: Pair) -> u64 {
        let Self([a, b, c, d]) = self;
        let (mut place, mut app) = (pair.place & low(PLACE_BITS), pair.app & low(APP_BITS));
        app ^= a.of(place, APP_BITS);
        place ^= b.of(app, PLACE_BITS);
        app ^= c.of(place, APP_BITS);
        place ^= d.of(app, PLACE_BITS);
        place << APP_BITS | app
    }

    /// The pair that fits and was permuted to this.
    pub(super) const fn undo(&self, mixed: u64) -> Pair {
        let Self([a, b, c, d]) = self;
        let (mut place, mut app) = (mixed >> APP_BITS & low(PLACE_BITS), mixed & low(APP_BITS));
        place ^= d.of(app, PLACE_BITS);
        app ^= c.of(place, APP_BITS);
        place ^= b.of(app, PLACE_BITS);
        app ^= a.of(place, APP_BITS);
        Pair { place, app }
    }
}

/// The lowest `bits` bits, all set.
pub(super) const fn low(bits: u32) -> u64 {
    (1 << bits) - 1
}

impl Round {
    const fn new(key: u64) -> Self {
        Self { mask: key.rotate_left(32), factor: key | 1 }
    }

    const fn key(&self) -> u64 {
        self.mask.rotate_right(32)
    }

    /// `bits` bits that depend on all of `half` and of the key.
    const fn of(&self, half: u64, bits: u32) -> u64 {
        (half ^ self.mask).wrapping_mul(self.factor) >> (64 - bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_is_lost(place in 0..1_u64 << PLACE_BITS, app in 0..1_u64 << APP_BITS) {
            let pair = Pair { place, app };
            let mix = Mix::draw();
            prop_assert!(pair.fits());
            prop_assert!(mix.of(pair) < 1 << BITS);
            prop_assert_eq!(mix.undo(mix.of(pair)), pair);
        }
    }

    #[test]
    fn neighbours_are_spread_evenly() {
        let mix = Mix::draw();
        let mut counts = [0_u32; 256];
        for (place, app) in (0..256).flat_map(|place| (0..256).map(move |app| (place, app))) {
            counts[(mix.of(Pair { place, app }) >> (BITS - 8)) as usize] += 1;
        }
        // Each is 256 on average, and 16 away from it by chance.
        assert!(counts.iter().all(|n| (128..=384).contains(n)), "{counts:?}");
    }

    #[test]
    fn what_does_not_fit_is_known() {
        assert!(!Pair { place: 1 << PLACE_BITS, app: 0 }.fits());
        assert!(!Pair { place: 0, app: 1 << APP_BITS }.fits());
    }
}

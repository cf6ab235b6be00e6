//! Where in a node a grant stands.

use tidegate_domain::admission::Held;

use super::super::code::code;
use super::super::mix::{Pair, low};

/// Bits of a permuted pair that its node does not tell.
pub(super) const KEY_BITS: u32 = 40;

/// The buckets of a page: with what an `Arc` adds, a page takes 4 KiB, the most
/// that an allocator puts at the beginning of a line without losing some of it.
pub(super) const BUCKETS: usize = 62;

/// What does not fit a slot.
#[derive(Clone)]
pub(super) struct Odd {
    pub(super) pair: Pair,
    pub(super) held: Held,
}

code!(Odd { pair, held });

/// Where a grant is within its node.
pub(super) struct Spot {
    pub(super) key: u64,
    pub(super) page: usize,
    /// The bucket it should be in.
    pub(super) home: usize,
}

impl Spot {
    /// In a node of so many pages.
    pub(super) fn of(mixed: u64, pages: usize) -> Self {
        let key = mixed & low(KEY_BITS);
        // There are never 2^24 pages in a node, so this is exact.
        let at = key.wrapping_mul(pages as u64);
        let home = ((at & low(KEY_BITS)) * BUCKETS as u64) >> KEY_BITS;
        Self { key, page: (at >> KEY_BITS) as usize, home: home as usize }
    }
}

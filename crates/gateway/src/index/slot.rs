//! A packed grant: a word of 64 bits that says since when and until when, exactly.
//!
//! ```text
//! bit 0        41          62    64
//!     | since  | until     | top |
//! ```
//!
//! `since` is in milliseconds from 2020 on, `until` in hours from 2020 on, plus one, so that no word
//! is 0: that is an empty slot. `top` belongs to the grant's key. Most grants are like that. What is
//! not (an end within an hour, a cut, an application that waits) is kept beside them as it is; a
//! mark stands in its slot.

use tidegate_domain::Timestamp;
use tidegate_domain::admission::Held;
use tidegate_domain::limits::HORIZON_MS;
use tidegate_domain::standing::Term;
use tidegate_domain::time::HOUR_MS;

use super::mix::low;

/// Bits of a word that are the key's.
pub(super) const TOP_BITS: u32 = 2;

/// Until 2089.
const SINCE_BITS: u32 = 41;

/// Until 2259.
const UNTIL_BITS: u32 = 21;

/// 2020-01-01T00:00:00Z.
const BASE_MS: i64 = 1_577_836_800_000;

/// The end that stands for "without one": the last there may be.
const HORIZON: u64 = low(UNTIL_BITS);

/// The word of an empty slot.
pub(super) const EMPTY: u64 = 0;

/// The word of what is kept beside the slots: it has no end.
pub(super) const MARK: u64 = 1;

const _: () = assert!(SINCE_BITS + UNTIL_BITS + TOP_BITS == u64::BITS);

/// Packs what is held, if that loses nothing.
pub(super) fn pack(held: &Held) -> Option<u64> {
    let Held {
        grant: Some(Term { since, until, cut: None }),
        paused_from: None,
        applied_until: None,
        shutdown_at: None,
    } = *held
    else {
        return None;
    };
    let since = u64::try_from(since.as_ms().checked_sub(BASE_MS)?).ok()?;
    let until = pack_end(until)?;
    (since >> SINCE_BITS == 0).then_some(until << SINCE_BITS | since)
}

/// The word with the top bits of its key.
pub(super) const fn with_top(word: u64, top: u64) -> u64 {
    word & low(u64::BITS - TOP_BITS) | top << (u64::BITS - TOP_BITS)
}

/// The top bits of its key.
pub(super) const fn top(word: u64) -> u64 {
    word >> (u64::BITS - TOP_BITS)
}

/// Is it a grant? An empty slot's word is none, nor is the mark.
#[inline]
pub(super) const fn is_packed(word: u64) -> bool {
    until(word) != 0
}

const fn until(word: u64) -> u64 {
    word >> SINCE_BITS & low(UNTIL_BITS)
}

/// What is held; none if that is kept beside the slots.
#[inline]
pub(super) fn held(word: u64) -> Option<Held> {
    if !is_packed(word) {
        return None;
    }
    let since = (word & low(SINCE_BITS)).cast_signed();
    let term = Term {
        since: Timestamp::from_ms(BASE_MS.saturating_add(since)),
        until: unpack_end(until(word)),
        cut: None,
    };
    Some(Held { grant: Some(term), paused_from: None, applied_until: None, shutdown_at: None })
}

fn pack_end(end: Timestamp) -> Option<u64> {
    if end.as_ms() == HORIZON_MS {
        return Some(HORIZON);
    }
    let ms = u64::try_from(end.as_ms().checked_sub(BASE_MS)?).ok()?;
    let hours = ms / HOUR_MS.cast_unsigned() + 1;
    (ms.is_multiple_of(HOUR_MS.cast_unsigned()) && hours < HORIZON).then_some(hours)
}

fn unpack_end(hours: u64) -> Timestamp {
    if hours == HORIZON {
        return Timestamp::from_ms(HORIZON_MS);
    }
    let hours = hours.cast_signed() - 1;
    Timestamp::from_ms(BASE_MS.saturating_add(hours.saturating_mul(HOUR_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tidegate_domain::standing::{Cut, CutCause};

    fn term(since: i64, until: i64) -> Held {
        let term =
            Term { since: Timestamp::from_ms(since), until: Timestamp::from_ms(until), cut: None };
        Held { grant: Some(term), paused_from: None, applied_until: None, shutdown_at: None }
    }

    proptest! {
        #[test]
        fn what_is_packed_is_told_back_exactly(
            key in any::<u64>(),
            since in any::<i64>(),
            until in any::<i64>(),
        ) {
            for since in [since, since % (2 * BASE_MS)] {
                for until in [until, until % (2 * BASE_MS), until % 8_000_000 * HOUR_MS] {
                    let all = term(since, until);
                    if let Some(word) = pack(&all) {
                        let word = with_top(word, key & low(TOP_BITS));
                        prop_assert_ne!(word, EMPTY);
                        prop_assert_eq!((top(word), held(word)), (key & low(TOP_BITS), Some(all)));
                    }
                }
            }
        }
    }

    #[test]
    fn the_common_grant_fits_and_no_other_does() {
        let begin = BASE_MS + 12_345;
        let end = BASE_MS + 24 * HOUR_MS;
        let common = term(begin, end);
        let last_since = BASE_MS + low(SINCE_BITS).cast_signed();
        let last_end = BASE_MS + (HORIZON.cast_signed() - 2) * HOUR_MS;
        for fits in
            [common, term(BASE_MS, BASE_MS), term(last_since, last_end), term(begin, HORIZON_MS)]
        {
            assert_eq!(held(with_top(pack(&fits).unwrap(), 3)), Some(fits));
        }
        let at = Some(Timestamp::from_ms(end));
        let cut = Some(Cut { at: Timestamp::from_ms(end), cause: CutCause::App });
        for odd in [
            term(BASE_MS - 1, end),
            term(last_since + 1, end),
            term(begin, BASE_MS - HOUR_MS),
            term(begin, end + 1),
            term(begin, last_end + HOUR_MS),
            term(begin, i64::MAX),
            term(i64::MIN, i64::MIN),
            Held { grant: None, ..common },
            Held { grant: common.grant.map(|term| Term { cut, ..term }), ..common },
            Held { paused_from: at, ..common },
            Held { applied_until: at, ..common },
            Held { shutdown_at: at, ..common },
        ] {
            assert_eq!(pack(&odd), None, "{odd:?}");
        }
        assert_eq!(held(with_top(MARK, 3)), None);
    }
}

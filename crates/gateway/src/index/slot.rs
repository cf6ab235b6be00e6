//! A packed grant: 13 bytes that say which grant, since when and until when, exactly.
//!
//! ```text
//! bit 0        41          63              104
//!     | since  | until     | key              |
//! ```
//!
//! `since` is in milliseconds from 2020 on, `until` in hours from 2020 on; the key is what the node
//! of the table does not tell of the permuted pair. Most grants are like that. What is not (an end
//! within an hour, a cut, an application that waits) is no slot and is kept beside them as it is.

use tidegate_domain::Timestamp;
use tidegate_domain::admission::Held;
use tidegate_domain::limits::HORIZON_MS;
use tidegate_domain::standing::Term;
use tidegate_domain::time::HOUR_MS;

use super::mix::low;

/// The bytes of a slot.
pub(super) const BYTES: usize = 13;

/// Bits of the key.
pub(super) const KEY_BITS: u32 = 41;

/// Until 2089.
const SINCE_BITS: u32 = 41;

/// Until 2498.
const UNTIL_BITS: u32 = 22;

/// 2020-01-01T00:00:00Z.
const BASE_MS: i64 = 1_577_836_800_000;

/// The end that stands for "without one": the last there may be.
const HORIZON: u64 = low(UNTIL_BITS);

const _: () = assert!(KEY_BITS + SINCE_BITS + UNTIL_BITS == 8 * BYTES as u32);

/// A packed grant. All bytes are one.
pub(super) type Slot = [u8; BYTES];

/// Packs what is held, if that loses nothing.
pub(super) fn pack(key: u64, held: &Held) -> Option<Slot> {
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
    if since >> SINCE_BITS != 0 || key >> KEY_BITS != 0 {
        return None;
    }
    let times = u128::from(until << SINCE_BITS | since);
    let word = u128::from(key) << (SINCE_BITS + UNTIL_BITS) | times;
    word.to_le_bytes().first_chunk().copied()
}

/// Which grant of its node.
pub(super) fn key(slot: &Slot) -> u64 {
    word(slot.last_chunk()) >> (64 - KEY_BITS)
}

fn word(bytes: Option<&[u8; 8]>) -> u64 {
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// What is held.
pub(super) fn held(slot: &Slot) -> Held {
    let times = word(slot.first_chunk());
    let since = (times & low(SINCE_BITS)).cast_signed();
    let term = Term {
        since: Timestamp::from_ms(BASE_MS.saturating_add(since)),
        until: unpack_end(times >> SINCE_BITS & low(UNTIL_BITS)),
        cut: None,
    };
    Held { grant: Some(term), paused_from: None, applied_until: None, shutdown_at: None }
}

fn pack_end(end: Timestamp) -> Option<u64> {
    if end.as_ms() == HORIZON_MS {
        return Some(HORIZON);
    }
    let ms = u64::try_from(end.as_ms().checked_sub(BASE_MS)?).ok()?;
    let hours = ms / HOUR_MS.cast_unsigned();
    (ms.is_multiple_of(HOUR_MS.cast_unsigned()) && hours < HORIZON).then_some(hours)
}

fn unpack_end(hours: u64) -> Timestamp {
    if hours == HORIZON {
        return Timestamp::from_ms(HORIZON_MS);
    }
    Timestamp::from_ms(BASE_MS.saturating_add(hours.cast_signed().saturating_mul(HOUR_MS)))
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
                    for key in [key, key & low(KEY_BITS)] {
                        let all = term(since, until);
                        if let Some(slot) = pack(key, &all) {
                            prop_assert_eq!((super::key(&slot), held(&slot)), (key, all));
                        }
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
        let last_end = BASE_MS + (HORIZON.cast_signed() - 1) * HOUR_MS;
        for fits in
            [common, term(BASE_MS, BASE_MS), term(last_since, last_end), term(begin, HORIZON_MS)]
        {
            let slot = pack(7, &fits).unwrap();
            assert_eq!((key(&slot), held(&slot)), (7, fits));
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
            assert_eq!(pack(7, &odd), None, "{odd:?}");
        }
        assert_eq!(pack(1 << KEY_BITS, &common), None);
    }
}

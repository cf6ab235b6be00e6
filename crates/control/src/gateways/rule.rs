//! The rule: what is known of a gateway, and what may be said of it.
//!
//! A gateway decides only while its lease holds, and the lease begins when it asked. It is heard of
//! after it asked, so counting from there errs on the safe side, whatever the network does. No time of
//! day is involved: silence is measured by the clock that cannot be set.

use std::time::Duration;

use tidegate_store::Revision;

use crate::limits::{CLOCK_RATE_ERROR, GATEWAY_WRITTEN};

/// What is known of a gateway.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The revision it has acknowledged, if the store's history has that, with the stamp it reported.
    pub revision: Option<Revision>,
    /// How long it decides on after it asked.
    pub lease: Duration,
    /// How long nothing has been heard of it, at least.
    pub silent: Duration,
}

/// What may be said of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has acknowledged what is needed, and never falls behind that again.
    Enforces,
    /// It may decide on less, for this much longer at most.
    Awaited(Duration),
    /// Its lease is over: it denies everything until it has asked again, and then knows.
    Lapsed,
}

/// How long a gateway that was heard of may decide on, at most.
pub fn longest(lease: Duration) -> Duration {
    lease.saturating_add(lease / 1_000 * CLOCK_RATE_ERROR).saturating_add(GATEWAY_WRITTEN)
}

/// Is the gateway's lease over?
pub fn is_lapsed(known: &Known) -> bool {
    known.silent >= longest(known.lease)
}

/// What may be said of a gateway, as to the revision that is needed.
pub fn judge(known: &Known, needed: Revision) -> Verdict {
    if known.revision.is_some_and(|revision| revision >= needed) {
        return Verdict::Enforces;
    }
    if is_lapsed(known) {
        return Verdict::Lapsed;
    }
    Verdict::Awaited(longest(known.lease).saturating_sub(known.silent))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lease of 10 s ends 11.01 s after the gateway was heard of, for those who read of it.
    #[test]
    fn who_enforces_who_is_awaited_and_until_when() {
        use Verdict::{Awaited, Enforces, Lapsed};
        let ms = Duration::from_millis;
        for (revision, silent, verdict) in [
            (Some(7), 0, Enforces),
            (Some(8), 0, Enforces),
            (Some(7), 99_999, Enforces),
            (Some(6), 0, Awaited(ms(11_010))),
            (Some(6), 10_000, Awaited(ms(1_010))),
            (Some(6), 11_009, Awaited(ms(1))),
            (Some(6), 11_010, Lapsed),
            (None, 0, Awaited(ms(11_010))),
            (None, 11_010, Lapsed),
        ] {
            let revision = revision.map(Revision);
            let known = Known { revision, lease: ms(10_000), silent: ms(silent) };
            assert_eq!(judge(&known, Revision(7)), verdict, "{known:?}");
        }
    }

    #[test]
    fn no_lease_is_so_long_that_it_comes_round() {
        assert_eq!(longest(Duration::MAX), Duration::MAX);
        assert_eq!(longest(Duration::ZERO), GATEWAY_WRITTEN);
    }
}

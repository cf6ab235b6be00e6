//! The lease: how long the gate may go on deciding since it last heard from the control side.
//!
//! It begins when the poll was *sent*, not when it was answered: whatever was committed after that
//! moment may be missing from the answer, so only from then on does the gate's knowledge age. An answer
//! that rests on an older proof begins it that much sooner. It is measured by clocks nobody sets, one of
//! which goes on while the machine is suspended.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::moment::Moment;

/// How long the gate may decide. Reading it takes no lock.
#[derive(Debug)]
pub(crate) struct Lease {
    base: Moment,
    length: Duration,
    /// By each of a moment's clocks: from when on knowledge ages, in nanoseconds since one length before
    /// `base`, plus one; 0 is never.
    from: [AtomicU64; 2],
}

impl Lease {
    /// A lease that has not begun.
    pub(crate) fn new(length: Duration) -> Self {
        Self { base: Moment::now(), length, from: Default::default() }
    }

    /// The poll that was sent at this moment was answered by what had been proven right this long ago.
    pub(crate) fn renew(&self, sent: Moment, age: Duration) {
        for (kept, sent) in self.from.iter().zip(sent.both_since(self.base)) {
            // Knowledge that was older than a lease when this one was made opens nothing.
            let Some(from) = (sent + self.length).checked_sub(age) else { continue };
            kept.fetch_max(nanos(from).saturating_add(1), Ordering::Release);
        }
    }

    /// How old the gate's knowledge is; none if no poll was ever answered.
    pub(crate) fn age(&self) -> Option<Duration> {
        let mut age = Duration::ZERO;
        for (kept, now) in self.from.iter().zip(Moment::now().both_since(self.base)) {
            let from = Duration::from_nanos(kept.load(Ordering::Acquire).checked_sub(1)?);
            age = age.max((now + self.length).saturating_sub(from));
        }
        Some(age)
    }

    /// May the gate decide?
    pub(crate) fn holds(&self) -> bool {
        self.age().is_some_and(|age| age < self.length)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// The boot-time clock goes on in a test, too; by less than this.
    const MOMENTS: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn a_lease_counts_from_the_sending_and_ends_on_the_dot() {
        let lease = Lease::new(MINUTE);
        assert!(!lease.holds(), "nothing was ever heard");
        let sent = Moment::now();
        tokio::time::advance(MINUTE / 2).await;
        lease.renew(sent, Duration::ZERO);
        assert!(lease.holds());
        tokio::time::advance(MINUTE / 2 - Duration::from_millis(1)).await;
        assert!(lease.holds());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!lease.holds());
        lease.renew(sent, Duration::ZERO);
        assert!(!lease.holds(), "an old answer renews nothing");
        lease.renew(Moment::now(), Duration::ZERO);
        assert!(lease.holds());
        lease.renew(sent, Duration::ZERO);
        assert!(lease.holds(), "nor does it take anything back");
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_proof_begins_it_sooner() {
        let lease = Lease::new(MINUTE);
        lease.renew(Moment::now(), MINUTE * 3);
        assert_eq!(lease.age(), None, "too old to open anything");
        lease.renew(Moment::now(), MINUTE);
        assert!(!lease.holds());
        lease.renew(Moment::now(), MINUTE - MOMENTS);
        assert!(lease.holds());
        tokio::time::advance(MOMENTS).await;
        assert!(!lease.holds());
    }
}

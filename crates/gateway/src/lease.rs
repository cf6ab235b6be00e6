//! The lease: how long the gate may go on deciding since it last heard from the control side.
//!
//! It begins when the poll was *sent*, not when it was answered: whatever was committed after that
//! moment may be missing from the answer, so only from then on does the gate's knowledge age.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How long the gate may decide. Reading it takes no lock.
#[derive(Debug)]
pub(crate) struct Lease {
    base: Instant,
    length: Duration,
    /// Nanoseconds from `base` to the sending of the last answered poll, plus one; 0 is never.
    sent: AtomicU64,
}

impl Lease {
    /// A lease that has not begun.
    pub(crate) fn new(length: Duration) -> Self {
        Self { base: Instant::now(), length, sent: AtomicU64::new(0) }
    }

    /// The poll that was sent at this moment was answered.
    pub(crate) fn renew(&self, sent: Instant) {
        let nanos = sent.saturating_duration_since(self.base).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX - 1);
        self.sent.fetch_max(nanos.saturating_add(1), Ordering::Release);
    }

    /// How long ago the last answered poll was sent; none if none was ever answered.
    pub(crate) fn age(&self) -> Option<Duration> {
        let sent = self.sent.load(Ordering::Acquire).checked_sub(1)?;
        let since_base = Instant::now().saturating_duration_since(self.base);
        Some(since_base.saturating_sub(Duration::from_nanos(sent)))
    }

    /// May the gate decide?
    pub(crate) fn holds(&self) -> bool {
        self.age().is_some_and(|age| age < self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_lease_counts_from_the_sending_and_ends_on_the_dot() {
        let lease = Lease::new(MINUTE);
        assert!(!lease.holds(), "nothing was ever heard");
        let sent = Instant::now();
        tokio::time::advance(MINUTE / 2).await;
        lease.renew(sent);
        assert!(lease.holds());
        tokio::time::advance(MINUTE / 2 - Duration::from_millis(1)).await;
        assert!(lease.holds());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!lease.holds());
        lease.renew(sent);
        assert!(!lease.holds(), "an old answer renews nothing");
        lease.renew(Instant::now());
        assert!(lease.holds());
        lease.renew(sent);
        assert!(lease.holds(), "nor does it take anything back");
    }
}

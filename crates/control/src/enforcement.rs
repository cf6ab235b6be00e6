//! Waiting until a revision is enforced.

use std::time::Duration;

use tidegate_domain::Timestamp;
use tidegate_store::Revision;
use tokio::time::{Instant, sleep, timeout};

use crate::control::Control;
use crate::error::Result;
use crate::gateways::{Enforcement, Waiter};
use crate::limits::GATEWAY_LOOK;

impl Control {
    /// A place to wait in until a change is enforced, to be had before the change is made; none while
    /// [`WAITERS`](crate::limits::WAITERS) wait.
    pub fn waiter(&self) -> Option<Waiter<'_>> {
        self.looks.waiter()
    }

    /// Waits until no gateway can let in what a committed revision has taken away, or `patience` is
    /// over; tells which of the two it is, and of whom. Without that bound it would end by itself
    /// when the last lease is over. Ends at once when the store has lost the revision.
    ///
    /// The gateways are looked at after the commit: one that registers later is answered later, and so
    /// is told of it.
    pub async fn enforced(
        &self,
        revision: Revision,
        patience: Duration,
        now: Timestamp,
    ) -> Result<Enforcement> {
        let (begun, mut ears) = (Instant::now(), self.gateways.ears());
        let generation = self.history.generation();
        let mut looked: Option<Instant> = None;
        loop {
            if looked.is_none_or(|at| at.elapsed() >= GATEWAY_LOOK) {
                // The first look begins after the commit; later ones are shared with all who wait.
                let now = Instant::now();
                let since = now.checked_sub(GATEWAY_LOOK).filter(|_| looked.is_some());
                let look = async || self.look_at_gateways().await;
                self.looks.later_than(since.unwrap_or(begun), look).await?;
                looked = Some(now);
            }
            let waited = begun.elapsed();
            let ms = i64::try_from(waited.as_millis()).unwrap_or(i64::MAX);
            let mut found = self.gateways.enforcement(Some(revision), now.plus_ms(ms));
            found.is_lost |= self.history.generation() != generation;
            let left = patience.saturating_sub(waited);
            if found.is_enforced() || found.is_lost || left.is_zero() {
                return Ok(found);
            }
            tokio::select! {
                // The sender lives as long as the registry.
                _ = ears.changed() => {}
                () = sleep(left.min(GATEWAY_LOOK)) => {}
            }
        }
    }

    /// Waits until one gateway that is heard of here has acknowledged a revision, or `patience` is
    /// over; tells which.
    pub async fn acknowledged(&self, id: &str, revision: Revision, patience: Duration) -> bool {
        let mut ears = self.gateways.ears();
        let told = ears.wait_for(|_| self.gateways.has_acknowledged(id, revision));
        timeout(patience, told).await.is_ok()
    }
}

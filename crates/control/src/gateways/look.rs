//! Looks at what the store knows of the gateways, shared by all who wait: one at a time, and one that began
//! late enough for several is made once.

use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::limits::WAITERS;

/// How the last look began and ended.
#[derive(Clone, Copy)]
struct Last {
    begun: Instant,
    failed: bool,
}

/// The looks, and those who wait for what they find.
pub(crate) struct Looks {
    last: Mutex<Option<Last>>,
    waiters: Semaphore,
}

/// A place among those who wait until a revision is enforced.
pub struct Waiter<'a> {
    _place: SemaphorePermit<'a>,
}

impl Looks {
    pub fn new() -> Self {
        Self { last: Mutex::default(), waiters: Semaphore::new(WAITERS) }
    }

    /// A place to wait; none while [`WAITERS`] wait.
    pub fn waiter(&self) -> Option<Waiter<'_>> {
        self.waiters.try_acquire().ok().map(|_place| Waiter { _place })
    }

    /// Returns after a look that began later than `after`: one that somebody else made, or a new one. Who finds
    /// that such a look has failed does not try again, so that a store which is away costs one wait, not one for
    /// each.
    pub async fn later_than(
        &self,
        after: Instant,
        look: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<()> {
        let mut last = self.last.lock().await;
        if let Some(last) = last.filter(|last| last.begun > after) {
            let away = || tidegate_store::StoreError::Away("the last look failed".to_owned());
            return if last.failed { Err(Error::Store(away())) } else { Ok(()) };
        }
        let begun = Instant::now();
        let looked = look().await;
        *last = Some(Last { begun, failed: looked.is_err() });
        looked
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that fails panics
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tidegate_store::StoreError;
    use tokio::time::{advance, sleep};

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_share_a_look_that_began_late_enough() {
        let (looks, count) = (Looks::new(), AtomicUsize::new(0));
        let look = async || {
            count.fetch_add(1, Ordering::SeqCst);
            sleep(MS * 5).await;
            Ok(())
        };
        let first = Instant::now();
        advance(MS).await;
        let begin = async {
            looks.later_than(first, look).await.unwrap();
        };
        // Those who come while it runs need one that begins after they came, and share it.
        let rest = async {
            sleep(MS).await;
            let came = Instant::now();
            let ask = || looks.later_than(came, look);
            let (one, two, three) = tokio::join!(ask(), ask(), ask());
            one.and(two).and(three).unwrap();
        };
        tokio::join!(begin, rest);
        assert_eq!(count.load(Ordering::SeqCst), 2);
        looks.later_than(first, look).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2, "an older question is answered already");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_failed_has_failed_for_all_who_wait_for_it() {
        let looks = Looks::new();
        let before = Instant::now();
        advance(MS).await;
        let away = async || Err(StoreError::ReadOnly.into());
        assert!(looks.later_than(before, away).await.is_err());
        assert!(looks.later_than(before, async || Ok(())).await.is_err());
        assert!(looks.later_than(Instant::now(), async || Ok(())).await.is_ok());
    }

    #[test]
    fn no_more_wait_than_there_are_places() {
        let looks = Looks::new();
        let mut waiting: Vec<_> = (0..WAITERS).map(|_| looks.waiter().unwrap()).collect();
        assert!(looks.waiter().is_none());
        waiting.pop();
        assert!(looks.waiter().is_some());
    }
}

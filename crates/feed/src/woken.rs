//! One reading of the store for all whom a change wakes: most gateways stand at the same revision, and a
//! change wakes every one of them at once.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tidegate_gateway::{Batch, Source, SourceError};
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// The reading that was begun last, while anybody waits for it.
#[derive(Default)]
pub(crate) struct Woken(Mutex<Weak<Reading>>);

struct Reading {
    since: u64,
    begun: Instant,
    batch: OnceCell<Batch>,
}

impl Woken {
    /// What changed after `since`. To be asked once the bell has rung for that, and only then: so whatever
    /// is read here knows of the change. Never older than `asked`, from when on a lease may be counted.
    pub async fn changes(
        &self,
        source: &(impl Source + ?Sized),
        since: u64,
        asked: Instant,
    ) -> Result<Batch, SourceError> {
        let reading = self.reading(since, asked);
        Ok(reading.batch.get_or_try_init(|| source.changes(since)).await?.clone())
    }

    fn reading(&self, since: u64, asked: Instant) -> Arc<Reading> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |reading: &Arc<Reading>| reading.since == since && reading.begun >= asked;
        last.upgrade().filter(fits).unwrap_or_else(|| {
            let reading = Reading { since, begun: Instant::now(), batch: OnceCell::new() };
            let reading = Arc::new(reading);
            *last = Arc::downgrade(&reading);
            reading
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that fails panics
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use async_trait::async_trait;
    use tokio::time::sleep;

    use super::*;

    /// A store that needs a second to answer, and counts how often it was asked.
    #[derive(Default)]
    struct Slow(AtomicU64);

    #[async_trait]
    impl Source for Slow {
        async fn changes(&self, since: u64) -> Result<Batch, SourceError> {
            let reading = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            sleep(Duration::from_secs(1)).await;
            match since {
                13 => Err(SourceError("it is away".to_owned())),
                _ => Ok(Batch { head: since + reading, ..Batch::default() }),
            }
        }

        async fn bell(&self, _: u64) {}
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_the_same_at_the_same_time_is_told_the_same() {
        let (woken, store, asked) = (Woken::default(), Slow::default(), Instant::now());
        let (one, two, other) = tokio::join!(
            woken.changes(&store, 7, asked),
            woken.changes(&store, 7, asked),
            woken.changes(&store, 8, asked),
        );
        assert_eq!((one.unwrap().head, two.unwrap().head, other.unwrap().head), (8, 8, 10));
        assert_eq!(
            woken.changes(&store, 7, asked).await.unwrap().head,
            10,
            "the next is read anew"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_told_what_was_read_before_he_asked() {
        let (woken, store, asked) = (Woken::default(), Slow::default(), Instant::now());
        let later = async {
            sleep(Duration::from_millis(500)).await;
            woken.changes(&store, 7, Instant::now()).await
        };
        let (one, two) = tokio::join!(woken.changes(&store, 7, asked), later);
        assert_eq!((one.unwrap().head, two.unwrap().head), (8, 9));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_or_fails_leaves_the_reading_to_the_next() {
        let (woken, store, asked) = (Woken::default(), Slow::default(), Instant::now());
        let gives_up =
            tokio::time::timeout(Duration::from_millis(10), woken.changes(&store, 7, asked));
        let (gone, told) = tokio::join!(gives_up, woken.changes(&store, 7, asked));
        assert!(gone.is_err());
        assert_eq!(told.unwrap().head, 9);
        let (one, two) =
            tokio::join!(woken.changes(&store, 13, asked), woken.changes(&store, 13, asked));
        assert!(one.is_err() && two.is_err());
        assert_eq!(store.0.load(Ordering::SeqCst), 4, "each that fails tries for itself");
    }
}

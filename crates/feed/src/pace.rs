//! How long a gateway may take over one answer: what an answer holds meanwhile (memory, one of few places for
//! answers that tell everything) is not at the mercy of the one that reads it.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::limits::{ANSWER_GRACE, ANSWER_TAKEN, PART_TAKEN, SLOWEST_RATE};

/// The time one answer has taken so far.
pub(crate) struct Pace {
    begun: Instant,
    /// How long parts have waited to be taken.
    waited: Duration,
    taken: u64,
}

/// A gateway has used up its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it was taken too slowly: {bytes} bytes in {} s", .after.as_secs())]
pub(crate) struct TooSlow {
    bytes: u64,
    after: Duration,
}

impl Pace {
    /// An answer that begins now.
    pub(crate) fn begin() -> Self {
        Self { begun: Instant::now(), waited: Duration::ZERO, taken: 0 }
    }

    /// Waits until a part of so many bytes is `taken`, as long as it may take.
    pub(crate) async fn take<T>(
        &mut self,
        bytes: usize,
        taken: impl Future<Output = T>,
    ) -> Result<T, TooSlow> {
        let too_slow = TooSlow { bytes: self.taken, after: self.begun.elapsed() };
        let patience = self.patience().ok_or(too_slow)?;
        let since = Instant::now();
        let Ok(taken) = timeout(patience, taken).await else {
            return Err(TooSlow { after: self.begun.elapsed(), ..too_slow });
        };
        self.waited = self.waited.saturating_add(since.elapsed());
        self.taken = self.taken.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        Ok(taken)
    }

    /// How long the next part may wait; none if the time of the whole answer is over.
    fn patience(&self) -> Option<Duration> {
        let earned = Duration::from_secs(self.taken / SLOWEST_RATE);
        let left = ANSWER_GRACE.saturating_add(earned).saturating_sub(self.waited);
        let of_answer = ANSWER_TAKEN.checked_sub(self.begun.elapsed())?;
        Some(left.min(PART_TAKEN).min(of_answer))
    }
}

//! What the control side counts of its feed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::limits::LINE_PAUSE;
use crate::pace::TooSlow;
use crate::refused::Refusals;

/// Answers that were not given, or not to their end, since the start.
#[derive(Debug, Default)]
pub struct FeedFigures {
    refusals: Refusals,
    too_slow: AtomicU64,
    no_common_format: AtomicU64,
    logged: Mutex<Option<Instant>>,
}

impl FeedFigures {
    /// The questions that got no answer.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// How many answers were ended because the gateway took them too slowly.
    pub fn too_slow(&self) -> u64 {
        self.too_slow.load(Ordering::Relaxed)
    }

    /// How many questions were refused because the gateway reads no format that is written here.
    pub fn no_common_format(&self) -> u64 {
        self.no_common_format.load(Ordering::Relaxed)
    }

    pub(crate) fn had_no_common_format(&self) {
        self.no_common_format.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an answer that was ended so, and says so in the log, now and then.
    pub(crate) fn was_too_slow(&self, gateway: &str, error: &TooSlow) {
        let ended = self.too_slow.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if logged.is_none_or(|logged| now.duration_since(logged) >= LINE_PAUSE) {
            *logged = Some(now);
            tracing::warn!(
                gateway,
                %error,
                ended,
                "ended an answer to a gateway: it has to ask again"
            );
        }
    }
}

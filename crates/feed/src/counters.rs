//! What a gateway counts of its feed.

use std::sync::atomic::{AtomicU64, Ordering};

/// What came of the questions to one node.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) answered: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Of those that failed, the ones with no format in common.
    pub(crate) no_common_format: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

/// One more.
pub(crate) fn count(counter: &AtomicU64, more: usize) {
    counter.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
}

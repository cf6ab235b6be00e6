//! How a standing is listed.

use super::evolve::evolve;
use super::settle::settle;
use super::state::Standing;
use crate::time::Timestamp;

/// The four states in which the two lists of grants show a standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relationship {
    /// Applied for, not decided.
    Applied,
    /// Granted.
    Linked,
    /// Granted, and about to end.
    Ending,
    /// Granted, and a later end is asked for.
    Renewing,
}

impl Standing {
    /// How it is listed at `now`; none when it is not listed at all.
    pub fn relationship(&self, now: Timestamp) -> Option<Relationship> {
        let current = self.as_of(now);
        let is_ending = current.cancellation.is_some()
            || current.shutdown.is_some()
            || current.paused_from.is_some();
        match (current.live_grant(now), &current.application) {
            (Some(_), _) if is_ending => Some(Relationship::Ending),
            (Some(_), Some(_)) => Some(Relationship::Renewing),
            (Some(_), None) => Some(Relationship::Linked),
            (None, Some(_)) => Some(Relationship::Applied),
            (None, None) => None,
        }
    }

    /// This standing as it is at `now`, with all that time alone has brought about.
    #[must_use]
    pub fn as_of(&self, now: Timestamp) -> Self {
        settle(self, now).into_iter().fold(self.clone(), |s, event| evolve(s, event, now))
    }
}

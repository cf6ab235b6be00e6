//! What this node knows of the store's history: how far it has seen it go, and by which stamps.
//!
//! Every view of the store, and every transaction, is held against it. A store that does not have what this
//! node has seen went back to an earlier state, or another one took its place: that is logged, counted and
//! kept in the store, and whatever was remembered of the history that is gone is forgotten before anything
//! is answered. Gateways bring what they know, too ([`Control::recognise`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_store::{Head, Point, Revision, View};

use crate::error::Result;
use crate::limits::{CONTRADICTIONS, STAMPS};

/// What a node knows of the history.
#[derive(Default)]
pub(crate) struct History {
    state: Mutex<State>,
    /// Held while it is found out what became of the store.
    pub(crate) settling: tokio::sync::Mutex<()>,
    pub(crate) setbacks: AtomicU64,
}

#[derive(Default)]
struct State {
    /// Raised whenever the history is another one than before.
    generation: u64,
    /// The latest point that was seen.
    known: Option<Point>,
    /// Stamps of this history, as they were seen.
    stamps: BTreeMap<Revision, String>,
    /// What gateways knew that contradicts it, as far as it was reported.
    reported: BTreeSet<Point>,
}

impl State {
    fn keep(&mut self, revision: Revision, stamp: String) {
        self.stamps.insert(revision, stamp);
        if self.stamps.len() > STAMPS {
            self.stamps.pop_first();
        }
    }
}

/// What was known before the store was looked at.
#[derive(Debug, Clone)]
pub(crate) struct Before {
    pub(crate) generation: u64,
    known: Option<Point>,
}

/// How what was known before lies in what the store has now.
pub(crate) enum Found {
    /// It is part of it.
    Part,
    /// It is not, for an operator began a new epoch.
    NewEpoch(Point),
    /// It is not: the store went back, or is another one.
    Contradicted(Point),
}

/// How a point that somebody else knows lies in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is part of it.
    Part,
    /// Nobody can say: it is too long ago, of a former epoch, or has no stamp.
    Unproven,
    /// It is not.
    Contradicted,
}

impl History {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known now. To be asked before the store is looked at: what is seen later must have it.
    pub(crate) fn before(&self) -> Before {
        let state = self.state();
        Before { generation: state.generation, known: state.known.clone() }
    }

    /// How often the history has turned out to be another one.
    pub(crate) fn generation(&self) -> u64 {
        self.state().generation
    }

    /// How many setbacks were found.
    pub(crate) fn setbacks(&self) -> u64 {
        self.setbacks.load(Ordering::Relaxed)
    }

    /// A head of the history was seen, or committed.
    pub(crate) fn saw(&self, generation: u64, head: Point) {
        let mut state = self.state();
        if state.generation != generation {
            return;
        }
        state.keep(head.revision, head.stamp.clone());
        if state.known.as_ref().is_none_or(|known| known.revision < head.revision) {
            state.known = Some(head);
        }
    }

    /// A past revision of the history has this stamp.
    pub(crate) fn saw_stamp(&self, generation: u64, revision: Revision, stamp: String) {
        let mut state = self.state();
        if state.generation == generation {
            state.keep(revision, stamp);
        }
    }

    /// The history is another one. That `reported` is no part of it has been said.
    pub(crate) fn start_over(&self, reported: Point) {
        let mut state = self.state();
        let generation = state.generation.wrapping_add(1);
        *state = State { generation, reported: BTreeSet::from([reported]), ..State::default() };
    }

    /// Is this contradiction still to be reported? Asked once.
    pub(crate) fn is_unreported(&self, point: &Point) -> bool {
        let mut state = self.state();
        state.reported.len() < CONTRADICTIONS && state.reported.insert(point.clone())
    }

    /// It could not be reported.
    pub(crate) fn unreport(&self, point: &Point) {
        self.state().reported.remove(point);
    }

    /// Is this point known to be part of the history, without looking at the store?
    pub(crate) fn is_known(&self, point: &Point) -> bool {
        let state = self.state();
        let same_epoch = state.known.as_ref().is_some_and(|known| known.epoch == point.epoch);
        same_epoch && state.stamps.get(&point.revision) == Some(&point.stamp)
    }

    pub(crate) async fn found(&self, before: &Before, view: &mut dyn View) -> Result<Found> {
        let head = view.head().await?;
        let Some(known) = &before.known else {
            self.saw(before.generation, head.point());
            return Ok(Found::Part);
        };
        let found = match place(known, &head, view).await? {
            Place::Part | Place::Unproven if known.epoch == head.epoch => Found::Part,
            Place::Part | Place::Unproven => Found::NewEpoch(known.clone()),
            Place::Contradicted => Found::Contradicted(known.clone()),
        };
        if matches!(found, Found::Part) {
            self.saw(before.generation, head.point());
        }
        Ok(found)
    }
}

/// How a point lies in the history, as a view has it.
pub(crate) async fn place(point: &Point, head: &Head, view: &mut dyn View) -> Result<Place> {
    if point.epoch != head.epoch {
        let is_former = view.is_former_epoch(&point.epoch).await?;
        return Ok(if is_former { Place::Unproven } else { Place::Contradicted });
    }
    if point.revision > head.revision {
        return Ok(Place::Contradicted);
    }
    Ok(match view.stamp_of(point.revision).await? {
        _ if point.stamp.is_empty() => Place::Unproven,
        Some(stamp) if stamp == point.stamp => Place::Part,
        Some(_) => Place::Contradicted,
        None => Place::Unproven,
    })
}

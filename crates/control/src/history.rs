//! What this node knows of the store's history: how far it has seen it go, and by which stamps.
//!
//! Every view of the store, and every transaction, is held against it. A store that does not have what this
//! node has seen went back to an earlier state, or another one took its place: that is logged, counted and
//! kept in the store, and whatever was remembered of the history that is gone is forgotten before anything
//! is answered. Gateways bring what they know, too ([`Control::recognise`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_domain::Timestamp;
use tidegate_store::{Head, Point, Revision, Setback, StoreError, Transaction, View};

use crate::Control;
use crate::error::Result;
use crate::limits::{CONTRADICTIONS, STAMPS};

/// How often a view is taken anew after the store turned out to have another history.
const VIEWS: usize = 3;

/// What is said then.
const CHANGING: &str = "its history goes on changing";

/// What is said of a view that shows less than the connection that writes.
const BEHIND: &str = "a state was read that is earlier than what is known";

/// What a node knows of the history.
#[derive(Default)]
pub(crate) struct History {
    state: Mutex<State>,
    /// Held while it is found out what became of the store.
    settling: tokio::sync::Mutex<()>,
    setbacks: AtomicU64,
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
    generation: u64,
    known: Option<Point>,
}

/// How what was known before lies in what the store has now.
enum Found {
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
    fn saw_stamp(&self, generation: u64, revision: Revision, stamp: String) {
        let mut state = self.state();
        if state.generation == generation {
            state.keep(revision, stamp);
        }
    }

    /// The history is another one. That `reported` is no part of it has been said.
    fn start_over(&self, reported: Point) {
        let mut state = self.state();
        let generation = state.generation.wrapping_add(1);
        *state = State { generation, reported: BTreeSet::from([reported]), ..State::default() };
    }

    /// Is this contradiction still to be reported? Asked once.
    fn is_unreported(&self, point: &Point) -> bool {
        let mut state = self.state();
        state.reported.len() < CONTRADICTIONS && state.reported.insert(point.clone())
    }

    /// It could not be reported.
    fn unreport(&self, point: &Point) {
        self.state().reported.remove(point);
    }

    /// Is this point known to be part of the history, without looking at the store?
    fn is_known(&self, point: &Point) -> bool {
        let state = self.state();
        let same_epoch = state.known.as_ref().is_some_and(|known| known.epoch == point.epoch);
        same_epoch && state.stamps.get(&point.revision) == Some(&point.stamp)
    }

    async fn found(&self, before: &Before, view: &mut dyn View) -> Result<Found> {
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
async fn place(point: &Point, head: &Head, view: &mut dyn View) -> Result<Place> {
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

impl Control {
    /// A view of the store, whose history is the one this node knows.
    pub(crate) async fn view(&self) -> Result<Box<dyn View>> {
        Ok(self.view_and_generation().await?.0)
    }

    /// The same, and which history that is, by this node's count.
    pub(crate) async fn view_and_generation(&self) -> Result<(Box<dyn View>, u64)> {
        for _ in 0..VIEWS {
            let before = self.history.before();
            let mut view = self.store.view().await?;
            let found = self.history.found(&before, &mut *view).await?;
            if matches!(found, Found::Part) {
                return Ok((view, before.generation));
            }
            drop(view);
            self.settle_history(before.generation, found).await?;
        }
        Err(StoreError::Away(CHANGING.to_owned()).into())
    }

    /// The turn to write, in the history this node knows, and the generation of that.
    pub(crate) async fn transaction(&self) -> Result<(Box<dyn Transaction>, u64)> {
        for _ in 0..VIEWS {
            let before = self.history.before();
            let mut transaction = self.store.begin().await?;
            let found = self.history.found(&before, &mut *transaction).await?;
            if matches!(found, Found::Part) {
                return Ok((transaction, before.generation));
            }
            // What is kept of it is written beside the turn, for which that must be free.
            drop(transaction);
            self.settle_history(before.generation, found).await?;
        }
        Err(StoreError::Away(CHANGING.to_owned()).into())
    }

    /// The history is not what it was: says so, and forgets what was remembered of it.
    async fn settle_history(&self, generation: u64, found: Found) -> Result<()> {
        let _settling = self.history.settling.lock().await;
        if self.history.generation() != generation {
            return Ok(());
        }
        let known = match found {
            Found::Part => return Ok(()),
            Found::NewEpoch(known) => {
                tracing::info!(%known, "a new epoch was begun: gateways learn everything anew");
                known
            }
            Found::Contradicted(known) => {
                let Some(setback) = self.keep_setback(&known, "this node").await? else {
                    return Err(StoreError::Away(BEHIND.to_owned()).into());
                };
                self.history.setbacks.fetch_add(1, Ordering::Relaxed);
                tracing::error!(
                    %known,
                    head = %setback.head,
                    decided_at = %setback.decided_at,
                    "the store went back to an earlier state, or its history is another one: later changes \
                     are lost; gateways learn everything anew"
                );
                known
            }
        };
        self.history.start_over(known);
        self.gateways.start_over();
        self.bell.start_over();
        Ok(())
    }

    async fn keep_setback(&self, known: &Point, known_by: &str) -> Result<Option<Setback>> {
        let setback = Setback {
            known: known.clone(),
            known_by: known_by.to_owned(),
            head: Revision(0),
            decided_at: Timestamp::from_ms(0),
        };
        Ok(self.store.keep_setback(&setback).await?)
    }

    /// How a point that a gateway knows lies in the history. A contradiction is reported, once.
    pub(crate) async fn recognise(&self, point: &Point, known_by: &str) -> Result<Place> {
        if self.history.is_known(point) {
            return Ok(Place::Part);
        }
        let (mut view, generation) = self.view_and_generation().await?;
        self.recognise_in(&mut *view, generation, point, known_by).await
    }

    /// The same, as of a view that was begun after the gateway was heard of.
    pub(crate) async fn recognise_in(
        &self,
        view: &mut dyn View,
        generation: u64,
        point: &Point,
        known_by: &str,
    ) -> Result<Place> {
        if self.history.is_known(point) {
            return Ok(Place::Part);
        }
        let head = view.head().await?;
        let found = place(point, &head, view).await?;
        match found {
            Place::Part => {
                self.history.saw_stamp(generation, point.revision, point.stamp.clone());
            }
            Place::Unproven => {}
            Place::Contradicted => self.report(point, known_by).await?,
        }
        Ok(found)
    }

    async fn report(&self, point: &Point, known_by: &str) -> Result<()> {
        if !self.history.is_unreported(point) {
            return Ok(());
        }
        let kept = self.keep_setback(point, known_by).await;
        let Some(setback) = kept.inspect_err(|_| self.history.unreport(point))? else {
            self.history.unreport(point);
            return Err(StoreError::Away(BEHIND.to_owned()).into());
        };
        self.history.setbacks.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            gateway = known_by,
            known = %point,
            head = %setback.head,
            decided_at = %setback.decided_at,
            "a gateway knows a revision that the store does not have: the store went back to an earlier \
             state, or its history is another one; the gateway learns everything anew"
        );
        Ok(())
    }

    /// How many times this node found that the store does not have what was known.
    pub fn setbacks(&self) -> u64 {
        self.history.setbacks()
    }
}

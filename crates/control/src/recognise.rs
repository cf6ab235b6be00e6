//! Views and transactions of the history that this node knows.

use std::sync::atomic::Ordering;

use tidegate_domain::Timestamp;
use tidegate_store::{Point, Revision, Setback, StoreError, Transaction, View};

use crate::control::Control;
use crate::error::Result;
use crate::history::{Found, Place, place};

/// How often a view is taken anew after the store turned out to have another history.
const VIEWS: usize = 3;

/// What is said then.
const CHANGING: &str = "its history goes on changing";

/// What is said of a view that shows less than the connection that writes.
const BEHIND: &str = "a state was read that is earlier than what is known";

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

    /// Whether others took the place of the store's files: then it is neither read nor changed.
    pub fn is_displaced(&self) -> bool {
        self.store.is_displaced()
    }

    /// How many times this node found that the store does not have what was known.
    pub fn setbacks(&self) -> u64 {
        self.history.setbacks()
    }
}

//! The store in memory: the readable specification of what every store does.
//!
//! The state is one plain struct. A transaction works on a copy and puts it in the place of the
//! original when it commits; a view holds on to the state it began with.

mod gateways;
mod lists;
mod reminders;
mod state;
mod transaction;
mod view;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use async_trait::async_trait;
use tokio::sync::{Mutex, watch};

use crate::limits::SETBACKS;
use crate::{Gateway, Result, Sealed, Setback, Store, Transaction, View};
use state::State;
#[cfg(feature = "battery")]
use state::draw;
use transaction::Writing;
use view::Session;

/// A store that forgets everything when it is dropped.
#[derive(Clone)]
pub struct MemStore {
    turn: Arc<Mutex<()>>,
    committed: watch::Sender<Arc<State>>,
    /// Beside the state, for they are no part of its history.
    gateways: Arc<Lock<BTreeMap<String, Gateway>>>,
    setbacks: Arc<Lock<Vec<Setback>>>,
}

/// All that a store held at a moment, to which it can be put back: as a database is, from a copy of it.
#[cfg(feature = "battery")]
#[derive(Clone)]
pub struct Copy {
    state: Arc<State>,
    gateways: BTreeMap<String, Gateway>,
}

impl MemStore {
    /// An empty store.
    pub fn new() -> Self {
        let committed = watch::Sender::new(Arc::new(State::new()));
        Self { turn: Arc::default(), committed, gateways: Arc::default(), setbacks: Arc::default() }
    }

    /// All it holds now.
    #[cfg(feature = "battery")]
    pub fn copied(&self) -> Copy {
        let gateways = self.all_gateways().into_iter().map(|it| (it.id.clone(), it)).collect();
        Copy { state: self.committed(), gateways }
    }

    /// Holds what it held when it was copied.
    #[cfg(feature = "battery")]
    pub fn put_back(&self, copy: Copy) {
        self.committed.send_replace(copy.state);
        *self.gateways.lock().unwrap_or_else(PoisonError::into_inner) = copy.gateways;
    }

    /// Begins a new history where the old one stands.
    #[cfg(feature = "battery")]
    pub fn begin_epoch(&self) {
        let mut state = State::clone(&self.committed());
        let former = std::mem::replace(&mut state.head.epoch, draw());
        state.former.insert(former);
        self.committed.send_replace(Arc::new(state));
    }

    fn committed(&self) -> Arc<State> {
        self.committed.borrow().clone()
    }
}

impl Default for MemStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Store for MemStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        let turn = self.turn.clone().lock_owned().await;
        let state = State::clone(&self.committed());
        Ok(Box::new(Session(Writing::new(state, self.committed.clone(), turn))))
    }

    async fn view(&self) -> Result<Box<dyn View>> {
        Ok(Box::new(Session(self.committed())))
    }

    async fn keep_gateways(&self, gateways: &[Gateway]) -> Result<()> {
        self.put_gateways(gateways);
        Ok(())
    }

    async fn gateways(&self) -> Result<Vec<Gateway>> {
        Ok(self.all_gateways())
    }

    async fn forget_gateway(&self, id: &str, beat: u64) -> Result<bool> {
        Ok(self.drop_gateway(id, beat))
    }

    async fn keep_setback(&self, setback: &Setback) -> Result<Option<Setback>> {
        let (state, known) = (self.committed(), &setback.known);
        let is_here = if known.epoch == state.head.epoch {
            match state.stamps.get(&known.revision) {
                Some(stamp) => *stamp == known.stamp,
                None => known.revision <= state.head.revision,
            }
        } else {
            state.former.contains(&known.epoch)
        };
        if is_here {
            return Ok(None);
        }
        let (head, decided_at) = (state.head.revision, state.head.decided_at);
        let kept = Setback { head, decided_at, ..setback.clone() };
        let mut setbacks = self.setbacks.lock().unwrap_or_else(PoisonError::into_inner);
        if setbacks.iter().all(|other| other.known != kept.known) {
            setbacks.insert(0, kept.clone());
            setbacks.truncate(SETBACKS as usize);
        }
        Ok(Some(kept))
    }

    async fn setbacks(&self) -> Result<Vec<Setback>> {
        Ok(self.setbacks.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn keep_vault_check(&self, check: &Sealed) -> Result<Sealed> {
        let _turn = self.turn.lock().await;
        let mut state = State::clone(&self.committed());
        let kept = state.vault_check.get_or_insert_with(|| check.clone()).clone();
        self.committed.send_replace(Arc::new(state));
        Ok(kept)
    }

    async fn keep_feed_check(&self, check: &[u8]) -> Result<Vec<u8>> {
        let _turn = self.turn.lock().await;
        let mut state = State::clone(&self.committed());
        let kept = state.feed_check.get_or_insert_with(|| check.to_vec()).clone();
        self.committed.send_replace(Arc::new(state));
        Ok(kept)
    }
}

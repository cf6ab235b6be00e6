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
use std::sync::{Arc, Mutex as Lock};

use async_trait::async_trait;
use tokio::sync::{Mutex, watch};

use crate::{Gateway, Result, Store, Transaction, View};
use state::State;
use transaction::Writing;
use view::Session;

/// A store that forgets everything when it is dropped.
#[derive(Clone)]
pub struct MemStore {
    turn: Arc<Mutex<()>>,
    committed: watch::Sender<Arc<State>>,
    /// Beside the state, for they are no part of its history.
    gateways: Arc<Lock<BTreeMap<String, Gateway>>>,
}

impl MemStore {
    /// An empty store.
    pub fn new() -> Self {
        let committed = watch::Sender::new(Arc::new(State::new()));
        Self { turn: Arc::default(), committed, gateways: Arc::default() }
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
}

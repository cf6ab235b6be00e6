//! The store in memory: the readable specification of what every store does.
//!
//! The state is one plain struct. A transaction works on a copy and puts it in the place of the
//! original when it commits; a view holds on to the state it began with.

mod lists;
mod reminders;
mod state;
mod transaction;
mod view;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Mutex, watch};

use crate::{Result, Store, Transaction, View};
use state::State;
use transaction::Writing;
use view::Session;

/// A store that forgets everything when it is dropped.
#[derive(Clone)]
pub struct MemStore {
    turn: Arc<Mutex<()>>,
    committed: watch::Sender<Arc<State>>,
}

impl MemStore {
    /// An empty store.
    pub fn new() -> Self {
        Self { turn: Arc::default(), committed: watch::Sender::new(Arc::new(State::new())) }
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
}

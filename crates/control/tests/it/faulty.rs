//! A store that fails on demand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_store::{
    Gateway, MemStore, Peers, Result, Sealed, Setback, Store, StoreError, Transaction, View,
};

/// Another store, and what goes wrong with it.
pub struct Faulty {
    store: Arc<dyn Store>,
    /// So many turns are undone in favour of another writer's.
    pub undone: AtomicU32,
    /// Nothing can be read beside a turn.
    pub is_blind: AtomicBool,
    /// No change can be proven to be kept.
    pub is_mute: AtomicBool,
}

impl Faulty {
    pub fn over(store: Arc<dyn Store>) -> Self {
        let no = || AtomicBool::new(false);
        Self { store, undone: AtomicU32::new(0), is_blind: no(), is_mute: no() }
    }
}

impl Default for Faulty {
    fn default() -> Self {
        Self::over(Arc::new(MemStore::default()))
    }
}

#[async_trait]
impl Store for Faulty {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        let one_less = |left: u32| left.checked_sub(1);
        match self.undone.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
            Ok(_) => Err(StoreError::Conflict),
            Err(_) => self.store.begin().await,
        }
    }

    async fn prove_writes(&self, since: Duration) -> Result<()> {
        if self.is_mute.load(Ordering::SeqCst) {
            return Err(StoreError::Away("no change is kept".to_owned()));
        }
        self.store.prove_writes(since).await
    }

    async fn view(&self) -> Result<Box<dyn View>> {
        if self.is_blind.load(Ordering::SeqCst) {
            return Err(StoreError::Away("blind".to_owned()));
        }
        self.store.view().await
    }

    async fn keep_gateways(&self, gateways: &[Gateway]) -> Result<()> {
        self.store.keep_gateways(gateways).await
    }

    async fn gateways(&self) -> Result<Vec<Gateway>> {
        self.store.gateways().await
    }

    async fn forget_gateway(&self, id: &str, beat: u64) -> Result<bool> {
        self.store.forget_gateway(id, beat).await
    }

    async fn keep_setback(&self, setback: &Setback) -> Result<Option<Setback>> {
        self.store.keep_setback(setback).await
    }

    async fn setbacks(&self) -> Result<Vec<Setback>> {
        self.store.setbacks().await
    }

    async fn keep_vault_check(&self, check: &Sealed) -> Result<Sealed> {
        self.store.keep_vault_check(check).await
    }

    async fn keep_feed_check(&self, check: &[u8]) -> Result<Vec<u8>> {
        self.store.keep_feed_check(check).await
    }

    fn peers(&self) -> Option<&dyn Peers> {
        self.store.peers()
    }
}

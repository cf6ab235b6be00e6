//! A store that undoes a turn in favour of another writer's: the turn is taken again, as a whole. A store
//! that goes away after a commit: the answer is known by then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use tidegate_control::{Command, Error, OnDuty, Outcome, Settings};
use tidegate_domain::AppKind;
use tidegate_store::{
    Gateway, MemStore, Result, Revision, Sealed, Setback, Store, StoreError, Transaction, View,
};
use tidegate_testkit::{World, spec};

/// Undoes as many turns as it is told to.
#[derive(Default)]
struct Undoing {
    store: MemStore,
    left: AtomicU32,
    /// Nothing can be read beside a turn.
    is_blind: AtomicBool,
}

#[async_trait]
impl Store for Undoing {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        let one_less = |left: u32| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
            Ok(_) => Err(StoreError::Conflict),
            Err(_) => self.store.begin().await,
        }
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

    async fn keep_setback(&self, setback: &Setback) -> Result<Option<Setback>> {
        self.store.keep_setback(setback).await
    }

    async fn setbacks(&self) -> Result<Vec<Setback>> {
        self.store.setbacks().await
    }

    async fn keep_vault_check(&self, check: &Sealed) -> Result<Sealed> {
        self.store.keep_vault_check(check).await
    }

    async fn forget_gateway(&self, id: &str, beat: u64) -> Result<bool> {
        self.store.forget_gateway(id, beat).await
    }
}

fn new_app() -> Command {
    Command::CreateApp { name: "late".to_owned(), description: String::new(), kind: AppKind::App }
}

#[tokio::test]
async fn an_undone_turn_is_taken_again_and_not_for_ever() {
    let store = Arc::new(Undoing::default());
    let world = World::over(store.clone(), Settings::default()).await;
    let owner = world.caller("owner").await;
    let Revision(before) = store.view().await.unwrap().head().await.unwrap().revision;

    store.left.store(7, Ordering::SeqCst);
    let receipt = world.control.execute(&owner, new_app(), world.now()).await.unwrap();
    assert_eq!(receipt.revision, Revision(before + 1), "it was carried out once");

    store.left.store(8, Ordering::SeqCst);
    let given_up = world.control.execute(&owner, new_app(), world.now()).await;
    assert!(matches!(given_up, Err(Error::Store(StoreError::Conflict))));

    store.left.store(3, Ordering::SeqCst);
    assert!(world.control.apply(&spec(), false, world.now()).await.unwrap().is_empty());
    store.left.store(3, Ordering::SeqCst);
    world.control.drop_ended_tokens(&OnDuty::ALONE, world.now()).await.unwrap();
}

/// Reset-secret above all: the old secret is worthless from the commit on, so the new one must be
/// answered whatever the store does after it.
#[tokio::test]
async fn what_a_command_has_brought_is_known_before_its_commit() {
    let store = Arc::new(Undoing::default());
    let world = World::over(store.clone(), Settings::default()).await;
    let (owner, admin) = (world.caller("owner").await, world.caller("admin").await);
    let app = world.app.id.clone();
    store.is_blind.store(true, Ordering::SeqCst);
    let renamed =
        Command::UpdateApp { app: app.clone(), name: Some("new".to_owned()), description: None };
    for (caller, by, command) in [
        (&owner, "owner", new_app()),
        (&owner, "owner", renamed),
        (&admin, "admin", Command::ResetSecret(app)),
    ] {
        let receipt = world.control.execute(caller, command.clone(), world.now()).await.unwrap();
        let Outcome::App(shown) = receipt.outcome else { panic!("{command:?} brings an app") };
        assert_eq!((&*shown.owner, &*shown.updated_by), ("owner", by), "{command:?}");
        assert!(shown.secret.is_some(), "{command:?}");
    }
}

//! A store that undoes a turn in favour of another writer's: the turn is taken again, as a whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use tidegate_control::{Command, Error, OnDuty, Settings};
use tidegate_domain::AppKind;
use tidegate_store::{Gateway, MemStore, Result, Revision, Store, StoreError, Transaction, View};
use tidegate_testkit::{World, spec};

/// Undoes as many turns as it is told to.
#[derive(Default)]
struct Undoing {
    store: MemStore,
    left: AtomicU32,
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

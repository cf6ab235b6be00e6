//! A store that undoes a turn in favour of another writer's: the turn is taken again, as a whole. A store
//! that goes away after a commit: the answer is known by then.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tidegate_control::{Command, Error, OnDuty, Outcome, Settings};
use tidegate_domain::AppKind;
use tidegate_store::{Revision, Store, StoreError};
use tidegate_testkit::{World, spec};

use crate::faulty::Faulty;

fn new_app() -> Command {
    Command::CreateApp { name: "late".to_owned(), description: String::new(), kind: AppKind::App }
}

#[tokio::test]
async fn an_undone_turn_is_taken_again_and_not_for_ever() {
    let store = Arc::new(Faulty::default());
    let world = World::over(store.clone(), Settings::default()).await;
    let owner = world.caller("owner").await;
    let Revision(before) = store.view().await.unwrap().head().await.unwrap().revision;

    store.undone.store(7, Ordering::SeqCst);
    let receipt = world.control.execute(&owner, new_app(), world.now()).await.unwrap();
    assert_eq!(receipt.revision, Revision(before + 1), "it was carried out once");

    store.undone.store(8, Ordering::SeqCst);
    let given_up = world.control.execute(&owner, new_app(), world.now()).await;
    assert!(matches!(given_up, Err(Error::Store(StoreError::Conflict))));

    store.undone.store(3, Ordering::SeqCst);
    assert!(world.control.apply(&spec(), false, world.now()).await.unwrap().is_empty());
    store.undone.store(3, Ordering::SeqCst);
    world.control.drop_ended_tokens(&OnDuty::ALONE, world.now()).await.unwrap();
}

/// Reset-secret above all: the old secret is worthless from the commit on, so the new one must be
/// answered whatever the store does after it.
#[tokio::test]
async fn what_a_command_has_brought_is_known_before_its_commit() {
    let store = Arc::new(Faulty::default());
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

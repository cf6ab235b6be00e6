//! All there is, in parts: no part keeps the store from moving on, and together with the changes after them
//! they are what the store holds.

use std::sync::Arc;

use tidegate_control::{Control, Everything, GateChanges, GrantAction, Settings};
use tidegate_domain::AppId;
use tidegate_store::sql::SqlStore;
use tidegate_store::{MemStore, Revision, Store};
use tidegate_testkit::{World, hour};

/// A world in which these apps have a grant.
async fn granted(store: Arc<dyn Store>, apps: usize) -> World {
    let mut world = World::over(store, Settings::default()).await;
    for n in 0..apps {
        grant(&mut world, &format!("app {n}")).await;
    }
    world
}

/// A new app with a grant.
async fn grant(world: &mut World, name: &str) -> AppId {
    world.app = world.new_app("owner", name).await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(1000))))).await;
    world.app.id.clone()
}

/// A grant a part.
fn everything(control: &Arc<Control>) -> Everything {
    control.everything().in_parts_of(1)
}

async fn next(everything: &mut Everything) -> Option<GateChanges> {
    everything.next().await.unwrap()
}

/// SQLite has eight connections to read with, and its log cannot be shortened past an open view.
#[tokio::test]
async fn readers_that_stop_in_the_middle_hold_no_view() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqlStore::open_sqlite(&folder.path().join("store.db")).await.unwrap();
    let world = granted(Arc::new(store), 3).await;
    let mut halfway = Vec::new();
    for _ in 0..20 {
        let mut everything = everything(&world.control);
        assert!(next(&mut everything).await.is_some());
        halfway.push(everything);
    }
    for mut everything in halfway {
        let mut parts = 1;
        while next(&mut everything).await.is_some() {
            parts += 1;
        }
        assert!(parts >= 3, "{parts} parts");
    }
}

#[tokio::test]
async fn what_changes_between_two_parts_is_in_the_changes_after_them() {
    let mut world = granted(Arc::new(MemStore::new()), 3).await;
    let mut everything = everything(&world.control);
    let first = next(&mut everything).await.unwrap();
    let (head, stamp) = (first.changes.head, first.changes.stamp.clone());

    let later = grant(&mut world, "later").await;
    let mut told = first.changes.standings;
    while let Some(part) = next(&mut everything).await {
        assert_eq!((part.changes.head, &part.changes.stamp), (head, &stamp), "all at one revision");
        told.extend(part.changes.standings);
    }
    assert!(told.is_sorted_by(|one, other| one.key < other.key), "no grant comes twice");

    let after = world.control.changes(head).await.unwrap().changes;
    assert_eq!(after.since_stamp, stamp);
    assert!(after.apps.iter().any(|record| record.app.id == later));
    told.retain(|standing| after.standings.iter().all(|changed| changed.key != standing.key));
    told.extend(after.standings);
    told.sort_by(|one, other| one.key.cmp(&other.key));
    let mut all = world.control.changes(Revision(0)).await.unwrap().changes.standings;
    all.sort_by(|one, other| one.key.cmp(&other.key));
    assert_eq!(told, all);
}

#[tokio::test]
async fn parts_of_two_histories_are_never_put_together() {
    let store = Arc::new(MemStore::new());
    let mut world = granted(store.clone(), 3).await;
    let copy = store.copied();
    grant(&mut world, "lost").await;
    let mut everything = everything(&world.control);
    assert!(next(&mut everything).await.is_some());
    store.put_back(copy);
    let error = everything.next().await.err().expect("refused");
    assert!(error.to_string().contains("its history has changed"), "{error}");
}

//! A whole world moves from one engine to the other and back.

use tempfile::TempDir;
use tidegate_domain::publication::Status;
use tidegate_domain::{ApplicationKind, Key};
use tidegate_store::battery::samples::{
    api, app, app_id, application, at, bound_api, gateway, granted, line, project, publication,
    throttle, token, user,
};
use tidegate_store::sql::{CopyError, PostgresUrl, SqlStore, copy};
use tidegate_store::{AppFilter, Head, JournalEntry, Paging, Revision, Store};
use tidegate_testkit::postgres::database;

async fn sqlite(folder: &TempDir, name: &str) -> SqlStore {
    SqlStore::open_sqlite(&folder.path().join(name)).await.unwrap()
}

async fn postgres() -> SqlStore {
    SqlStore::open_postgres(&PostgresUrl::parse(&database()).unwrap()).await.unwrap()
}

/// More apps than are copied at a time, in names of all alphabets, and one of everything else.
async fn fill(store: &SqlStore) {
    let mut tx = store.begin().await.unwrap();
    tx.set_decided_at(at(77), &tidegate_store::ClockMark::Trusted).await.unwrap();
    tx.put_project(&project("p1", "acme")).await.unwrap();
    tx.put_user(&user("u1", "p1", "Ünal")).await.unwrap();
    tx.put_token(&token(1, 9)).await.unwrap();
    tx.put_throttle(&throttle("slow", 9)).await.unwrap();
    tx.put_api(&bound_api("x1", "slow")).await.unwrap();
    tx.put_api(&api("X2", "zwei", 1)).await.unwrap();
    tx.put_publication(&publication("x1", "i1", Status::Published)).await.unwrap();
    tx.put_application(&application("q1", ApplicationKind::Apply, "x1", 2)).await.unwrap();
    for n in 0..251 {
        let id = format!("{}{n}", if n % 2 == 0 { "a" } else { "B" });
        tx.put_app(&app(&id, &format!("näme '\\\" {n} 水"), n)).await.unwrap();
        tx.put_standing(&granted("x1", "i1", &id, 9_000)).await.unwrap();
    }
    tx.journal_write(&line("filled")).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.delete_app(&app_id("a0")).await.unwrap();
    tx.commit().await.unwrap();
    store.keep_gateways(&[gateway("g1", Some(1), 5)]).await.unwrap();
}

type Known = (Head, String, Vec<JournalEntry>, Vec<String>);

async fn known(store: &SqlStore) -> Known {
    let mut view = store.view().await.unwrap();
    let apps = view.apps(&AppFilter::default(), Paging::ALL).await.unwrap();
    (
        view.head().await.unwrap(),
        format!("{:?}", view.changes(Revision(0)).await.unwrap()),
        view.journal(Revision(0), 99).await.unwrap(),
        apps.items.into_iter().map(|record| record.app.name).collect(),
    )
}

#[tokio::test]
async fn a_world_moves_to_postgresql_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let (first, middle) = (sqlite(&folder, "first.db").await, postgres().await);
    fill(&first).await;
    let there = copy(&first, &middle).await.unwrap();
    let rows = |table: &str| there.tables.iter().find(|(name, _)| *name == table).unwrap().1;
    let counted = ["head", "apps", "standings", "journal", "outbox"].map(rows);
    assert_eq!(counted, [1, 251, 251, 1, 0], "a deleted app goes too, or its id would be free");
    assert_eq!(there.digest.len(), 64);
    assert_eq!(known(&middle).await, known(&first).await);

    let last = sqlite(&folder, "last.db").await;
    assert_eq!(copy(&middle, &last).await.unwrap(), there, "the same rows and digest");
    assert_eq!(known(&last).await, known(&first).await);
    let mut tx = last.begin().await.unwrap();
    assert_eq!(tx.revision(), Revision(3), "the history goes on");
    let of_b1 = Key { app: app_id("B1"), ..granted("x1", "i1", "B1", 1).key };
    assert!(tx.standing(&of_b1).await.unwrap().is_some());
    tx.commit().await.unwrap();
    let other = postgres().await;
    assert_ne!(copy(&last, &other).await.unwrap().digest, there.digest, "one row differs");
}

#[tokio::test]
async fn a_target_that_holds_something_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (sqlite(&folder, "a.db").await, postgres().await);
    fill(&source).await;
    target.begin().await.unwrap().commit().await.unwrap();
    let before = known(&target).await;
    for (from, to) in [(&source, &target), (&target, &source)] {
        let refused = copy(from, to).await.err().unwrap();
        assert!(matches!(refused, CopyError::NotEmpty(_)), "{refused}");
    }
    assert_eq!(known(&target).await, before);
    assert_eq!(known(&source).await.0.revision, Revision(2));
}

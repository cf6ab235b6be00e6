//! What the nodes on one PostgreSQL database need of each other.

use std::time::Duration;

use tidegate_store::battery::samples::{app, app_id};
use tidegate_store::sql::{PostgresUrl, SqlStore};
use tidegate_store::{Duty, DutyTask, MemStore, Revision, Store, StoreError};
use tidegate_testkit::postgres::{Server, database};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

async fn open(url: &str) -> SqlStore {
    SqlStore::open_postgres(&PostgresUrl::parse(url).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_node_hears_the_others_of_its_history_only() {
    let (url, other) = (database(), database());
    let (one, two, stranger) = (open(&url).await, open(&url).await, open(&other).await);
    let mut ears = two.peers().unwrap().listen().await.unwrap();
    stranger.peers().unwrap().ring(Revision(9)).await.unwrap();
    one.peers().unwrap().ring(Revision(3)).await.unwrap();
    let heard = timeout(PATIENCE, ears.hear()).await.unwrap().unwrap();
    assert_eq!(heard, Some(Revision(3)));
    assert!(MemStore::new().peers().is_none(), "a store in memory has one process");
}

#[tokio::test]
async fn one_node_has_the_duty_and_who_has_lost_it_writes_nothing() {
    let url = database();
    let (one, two) = (open(&url).await, open(&url).await);
    let take = async |store: &SqlStore, node: &str, ms| {
        store.peers().unwrap().take_duty(DutyTask::Schedule, node, ms).await.unwrap()
    };
    let first = take(&one, "one", 60_000).await.unwrap();
    assert_eq!(take(&one, "one", 60_000).await, Some(first.clone()), "kept");
    assert_eq!(take(&two, "two", 60_000).await, None);
    // It runs out at once, as if its holder had died long ago.
    assert_eq!(take(&one, "one", -1).await, Some(first.clone()));
    let second = take(&two, "two", 60_000).await.unwrap();
    assert_eq!(
        second,
        Duty { task: DutyTask::Schedule, node: "two".to_owned(), number: first.number + 1 }
    );

    let mut late = one.begin().await.unwrap();
    late.put_app(&app("a1", "late", 1)).await.unwrap();
    let refused = late.under_duty(&first).await;
    assert!(matches!(refused, Err(StoreError::DutyLost)), "{refused:?}");
    drop(late);
    one.peers().unwrap().leave_duty(&first).await.unwrap();
    assert_eq!(take(&one, "one", 60_000).await, None, "what was lost cannot be given back");
    two.peers().unwrap().leave_duty(&second).await.unwrap();
    assert!(take(&one, "one", 60_000).await.is_some(), "what was given back is free at once");
}

/// A node that cannot deliver takes no part in that, and keeps nobody from it.
#[tokio::test]
async fn each_task_has_a_duty_of_its_own() {
    let url = database();
    let (one, two) = (open(&url).await, open(&url).await);
    let take = async |store: &SqlStore, task, node: &str| {
        store.peers().unwrap().take_duty(task, node, 60_000).await.unwrap()
    };
    let schedule = take(&one, DutyTask::Schedule, "one").await.unwrap();
    let deliver = take(&two, DutyTask::Deliver, "two").await.unwrap();
    for (store, duty) in [(&one, &schedule), (&two, &deliver)] {
        let mut tx = store.begin().await.unwrap();
        tx.under_duty(duty).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mixed = Duty { task: DutyTask::Deliver, ..schedule };
    let refused = one.begin().await.unwrap().under_duty(&mixed).await;
    assert!(matches!(refused, Err(StoreError::DutyLost)), "{refused:?}");
}

/// Who is about to commit under the duty keeps it until then, however late he is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_duty_is_not_taken_over_in_the_middle_of_a_commit() {
    let url = database();
    let (one, two) = (open(&url).await, open(&url).await);
    let duty =
        one.peers().unwrap().take_duty(DutyTask::Schedule, "one", -1).await.unwrap().unwrap();
    let mut tx = one.begin().await.unwrap();
    tx.under_duty(&duty).await.unwrap();
    let taking = tokio::spawn(async move {
        let taken =
            two.peers().unwrap().take_duty(DutyTask::Schedule, "two", 60_000).await.unwrap();
        (taken, two)
    });
    tx.put_app(&app("a1", "in time", 1)).await.unwrap();
    tx.commit().await.unwrap();
    let (taken, two) = timeout(PATIENCE, taking).await.unwrap().unwrap();
    assert_eq!(taken.unwrap().number, duty.number + 1);
    assert!(two.view().await.unwrap().app(&app_id("a1")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_named_and_left_when_it_does() {
    let server = Server::start();
    let store = open(&server.url()).await;
    store.peers().unwrap().beat("one").await.unwrap();
    server.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    server.sql("SELECT pg_reload_conf()");
    let fenced = loop {
        // The server takes up its settings in its own time.
        match store.begin().await.map(drop) {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(fenced, StoreError::ReadOnly), "{fenced:?}");
    let beat = store.peers().unwrap().beat("one").await.err().unwrap();
    assert!(matches!(beat, StoreError::ReadOnly), "no proof: {beat:?}");
    assert!(store.view().await.is_ok(), "reading goes on");
}

/// The connection breaks while the commit waits for a standby that is not there: nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_neither_made_nor_not() {
    let server = Server::start();
    let store = open(&server.url()).await;
    server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    // A reload would take effect in its own time, perhaps behind the commit.
    server.kill();
    server.resume();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let committing = tokio::spawn(async move {
        let mut tx = store.begin().await.unwrap();
        tx.put_app(&app("a1", "perhaps", 1)).await.unwrap();
        (tx.commit().await, store)
    });
    let server = tokio::task::spawn_blocking(move || {
        let deadline = std::time::Instant::now() + PATIENCE;
        while server.sql(waiting) == "0" {
            assert!(std::time::Instant::now() < deadline, "nobody waits for the standby");
        }
        server.kill();
        server
    });
    let (outcome, store) = timeout(PATIENCE, committing).await.unwrap().unwrap();
    let server = server.await.unwrap();
    assert!(matches!(outcome, Err(StoreError::Unknown(_))), "{outcome:?}");
    drop(store);
    drop(server);
}

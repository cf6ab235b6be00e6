//! What is special to PostgreSQL: many processes on one database, and a server that may be away.

use std::collections::BTreeSet;
use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, TransactionTrait};
use tidegate_store::battery::samples::{app, app_id, at, granted, project};
use tidegate_store::sql::{PostgresUrl, SqlStore};
use tidegate_store::{Revision, Store, StoreError};
use tidegate_testkit::postgres::{PASSWORD, database};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A store of its own on a database, as another process would have it.
async fn open(url: &str) -> SqlStore {
    SqlStore::open_postgres(&PostgresUrl::parse(url).unwrap()).await.unwrap()
}

async fn refusal(url: &str) -> String {
    let refused = SqlStore::open_postgres(&PostgresUrl::parse(url).unwrap()).await;
    refused.err().unwrap().to_string()
}

/// A hand at the command line.
async fn hand(url: &str) -> DatabaseConnection {
    Database::connect(url).await.unwrap()
}

async fn by_hand(url: &str, sql: &str) {
    let hand = hand(url).await;
    hand.execute_unprepared(sql).await.unwrap();
    hand.close().await.unwrap();
}

const WRITERS: u64 = 6;
const TURNS: u64 = 12;

/// Writers of six processes, each of which keeps its transaction open until readers have asked twice
/// more; every fourth gives up at the end. An app is named after its revision, so a reader who is at
/// revision R must have been told of exactly the apps 1 to R: one who commits late and is skipped
/// would be missing from then on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reader_skips_a_late_committer() {
    let url = database();
    let (asked, rounds) = watch::channel(0_u64);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (store, mut rounds) = (open(&url).await, rounds.clone());
        writers.spawn(async move {
            let mut committed = Vec::new();
            for turn in 0..TURNS {
                let mut tx = store.begin().await.unwrap();
                let Revision(revision) = tx.revision();
                let id = format!("a{revision}");
                tx.put_app(&app(&id, &id, 1)).await.unwrap();
                let until = *rounds.borrow() + 2;
                // A reader who has been told of everything asks no more; who is left then gives up.
                let _ = rounds.wait_for(|round| *round >= until).await;
                tx.put_standing(&granted("x1", "i1", &format!("a{revision}"), 9)).await.unwrap();
                if (writer + turn) % 4 == 3 {
                    drop(tx);
                } else {
                    committed.push(tx.commit().await.unwrap().0);
                }
            }
            committed
        });
    }
    let reader = open(&url).await;
    let reading = tokio::spawn(async move {
        let (mut head, mut told) = (Revision(0), BTreeSet::new());
        loop {
            let changes = reader.view().await.unwrap().changes(head).await.unwrap();
            assert!(changes.head >= head, "revisions never go back");
            assert_eq!(changes.apps.len(), changes.standings.len(), "a torn revision");
            head = changes.head;
            told.extend(changes.apps.iter().map(|record| record.app.id.clone()));
            let all: BTreeSet<_> = (1..=head.0).map(|n| app_id(&format!("a{n}"))).collect();
            assert_eq!(told, all, "at revision {head:?}");
            asked.send_modify(|round| *round += 1);
            if head.0 == WRITERS * TURNS * 3 / 4 {
                return;
            }
        }
    });
    let mut committed = Vec::new();
    while let Some(of_writer) = writers.join_next().await {
        committed.extend(of_writer.unwrap());
    }
    reading.await.unwrap();
    committed.sort_unstable();
    let gap_free: Vec<u64> = (1..=WRITERS * TURNS * 3 / 4).collect();
    assert_eq!(committed, gap_free);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_make_one_history() {
    let url = database();
    let mut starting = JoinSet::new();
    for _ in 0..4 {
        let url = url.clone();
        starting.spawn(async move { open(&url).await });
    }
    let mut epochs = BTreeSet::new();
    for store in starting.join_all().await {
        epochs.insert(store.view().await.unwrap().head().await.unwrap().epoch);
    }
    assert_eq!(epochs.len(), 1);
}

#[tokio::test]
async fn everything_is_there_after_reopening_and_after_a_lost_connection() {
    let url = database();
    let store = open(&url).await;
    let mut tx = store.begin().await.unwrap();
    tx.set_decided_at(at(77), &tidegate_store::ClockMark::Trusted).await.unwrap();
    tx.put_app(&app("a1", "one", 1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut lost = store.begin().await.unwrap();
    lost.put_app(&app("a2", "lost", 1)).await.unwrap();
    by_hand(
        &url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await;
    assert!(lost.commit().await.is_err(), "a commit that was not made is not reported as made");
    for store in [store, open(&url).await] {
        let mut view = store.view().await.unwrap();
        let head = view.head().await.unwrap();
        assert_eq!((head.revision, head.decided_at), (Revision(1), at(77)));
        assert_eq!(view.app(&app_id("a1")).await.unwrap(), Some(app("a1", "one", 1)));
        assert!(view.app(&app_id("a2")).await.unwrap().is_none());
    }
}

/// Somebody at the command line holds a table and wants the turn, the writer who has the turn wants
/// the table: one of the two is undone, and told that he may try again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_is_a_conflict() {
    let url = database();
    let store = open(&url).await;
    let hand = hand(&url).await;
    let held = hand.begin().await.unwrap();
    // The hand never notices, so it is the writer who does.
    let lock = "SET LOCAL deadlock_timeout = '1h'; LOCK TABLE projects IN SHARE MODE";
    held.execute_unprepared(lock).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let wanting = tokio::spawn(async move {
        held.execute_unprepared("UPDATE head SET decided_at = 5").await.unwrap();
        held.commit().await.unwrap();
    });
    let undone = tx.put_project(&project("p1", "acme")).await;
    assert!(matches!(undone, Err(StoreError::Conflict)), "{undone:?}");
    drop(tx);
    wanting.await.unwrap();
    let mut again = store.begin().await.unwrap();
    assert_eq!(again.head().await.unwrap().decided_at, at(5));
    again.put_project(&project("p1", "acme")).await.unwrap();
    assert_eq!(again.commit().await.unwrap(), Revision(1), "what was undone took no revision");
}

#[tokio::test]
async fn a_database_of_a_later_version_is_refused() {
    let url = database();
    drop(open(&url).await);
    by_hand(&url, "INSERT INTO migrations VALUES ('m9999_later', 99)").await;
    let refusal = refusal(&url).await;
    assert!(refusal.contains("a later one") && refusal.contains("m9999_later"), "{refusal}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_at_once_and_without_the_password() {
    let url = database();
    let (server, folder) = url.split_once("?host=").unwrap();
    let elsewhere = format!("postgres://tidegate:{PASSWORD}@localhost/world?host=/nowhere");
    let other = format!("{}/absent?host={folder}", server.rsplit_once('/').unwrap().0);
    let tls = format!("{url}&sslmode=require");
    for (url, part) in [
        (&elsewhere, "cannot be reached at /nowhere, database world"),
        (&other, "database \"absent\" does not exist"),
        (&tls, "TLS"),
    ] {
        let refused = tokio::time::timeout(Duration::from_secs(5), refusal(url)).await.unwrap();
        assert!(refused.contains(part) && !refused.contains(PASSWORD), "{refused}");
    }
}

//! Turns, revisions and moments.

use super::samples::{app, app_id, at, line, project};
use super::{Shared, begin, revision, view, write};
use crate::{AppFilter, BootTime, ClockMark, Paging};

/// Twenty writers at once: their revisions are 1 to 20, in the order in which they committed.
pub async fn revisions_have_no_gaps_and_follow_commits(store: Shared) {
    let writers: Vec<_> = (0..20)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut tx = begin(&store).await;
                let taken = tx.revision();
                assert_eq!(tx.head().await.unwrap().revision.0 + 1, taken.0);
                let id = format!("a{n}");
                tx.put_app(&app(&id, &id, 1)).await.unwrap();
                tx.journal_write(&line("x")).await.unwrap();
                let committed = tx.commit().await.unwrap();
                assert_eq!(committed, taken);
                assert!(view(&store).await.head().await.unwrap().revision >= committed);
                committed.0
            })
        })
        .collect();
    let mut revisions = Vec::new();
    for writer in writers {
        revisions.push(writer.await.unwrap());
    }
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=20).collect::<Vec<_>>());
    let mut view = view(&store).await;
    let journal = view.journal(revision(0), 100).await.unwrap();
    let told: Vec<_> = journal.iter().map(|entry| entry.revision.0).collect();
    assert_eq!(told, (1..=20).collect::<Vec<_>>());
    let apps = view.apps(&AppFilter::default(), Paging::ALL).await.unwrap();
    assert_eq!(apps.total, 20);
}

/// What a dropped transaction wrote is nowhere, and its revision goes to the next one.
pub async fn a_dropped_transaction_leaves_nothing(store: Shared) {
    write!(store, put_project(&project("p1", "acme")));
    let before = view(&store).await.head().await.unwrap();
    let mut tx = begin(&store).await;
    assert_eq!(tx.revision(), revision(2));
    tx.put_app(&app("a1", "gone", 1)).await.unwrap();
    tx.put_project(&project("p1", "other")).await.unwrap();
    tx.journal_write(&line("x")).await.unwrap();
    tx.set_decided_at(at(99), &ClockMark::Trusted).await.unwrap();
    drop(tx);

    let mut after = view(&store).await;
    assert_eq!(after.head().await.unwrap(), before);
    assert!(after.app(&app_id("a1")).await.unwrap().is_none());
    assert_eq!(after.projects().await.unwrap(), [project("p1", "acme")]);
    assert!(after.journal(revision(1), 9).await.unwrap().is_empty());
    assert_eq!(write!(store, put_app(&app("a1", "kept", 1))), revision(2));
}

/// A transaction reads its own writes, though its head is still the one before it.
pub async fn a_transaction_sees_what_it_wrote(store: Shared) {
    let mut tx = begin(&store).await;
    let record = app("a1", "mine", 1);
    tx.put_app(&record).await.unwrap();
    tx.set_decided_at(at(42), &ClockMark::Unknown).await.unwrap();
    assert_eq!(tx.app(&record.app.id).await.unwrap().as_ref(), Some(&record));
    let head = tx.head().await.unwrap();
    assert_eq!((head.revision, head.decided_at), (revision(0), at(42)));
    assert!(view(&store).await.app(&record.app.id).await.unwrap().is_none());
}

/// A transaction that wrote nothing still counts.
pub async fn an_empty_transaction_commits(store: Shared) {
    assert_eq!(write!(store), revision(1));
    assert_eq!(view(&store).await.head().await.unwrap().revision, revision(1));
    assert_eq!(write!(store), revision(2));
}

/// A view opened before a commit does not see it, however late it is asked.
pub async fn a_view_is_one_moment(store: Shared) {
    write!(store, put_app(&app("a1", "old", 1)));
    let mut before = view(&store).await;
    write!(store, put_app(&app("a1", "new", 1)), put_app(&app("a2", "newer", 2)));
    assert_eq!(before.head().await.unwrap().revision, revision(1));
    assert_eq!(before.app(&app_id("a1")).await.unwrap().unwrap().app.name, "old");
    assert!(before.app(&app_id("a2")).await.unwrap().is_none());
    let changes = before.changes(revision(0)).await.unwrap();
    assert_eq!((changes.head, changes.apps.len()), (revision(1), 1));
    let mut after = view(&store).await;
    assert_eq!(after.app(&app_id("a1")).await.unwrap().unwrap().app.name, "new");
}

/// While somebody writes, everybody reads.
pub async fn views_do_not_wait_for_a_writer(store: Shared) {
    let mut tx = begin(&store).await;
    tx.put_app(&app("a1", "half", 1)).await.unwrap();
    let mut views = Vec::new();
    for _ in 0..5 {
        let mut view = view(&store).await;
        assert!(view.app(&app_id("a1")).await.unwrap().is_none());
        views.push(view);
    }
    tx.commit().await.unwrap();
    for mut view in views {
        assert!(view.app(&app_id("a1")).await.unwrap().is_none());
    }
}

/// The decision time stays until another one is set.
pub async fn decision_time_is_kept(store: Shared) {
    assert_eq!(view(&store).await.head().await.unwrap().decided_at, at(0));
    let boot = BootTime { boot: "b3b0-1".to_owned(), ms: 77 };
    for clock in [ClockMark::At(boot), ClockMark::Trusted, ClockMark::Unknown] {
        write!(store, set_decided_at(at(123_456), &clock));
        write!(store);
        for head in [view(&store).await.head().await, begin(&store).await.head().await] {
            let head = head.unwrap();
            assert_eq!((head.decided_at, head.clock), (at(123_456), clock.clone()));
        }
    }
}

/// The history has one name: 32 hex digits.
pub async fn the_epoch_is_kept(store: Shared) {
    let epoch = view(&store).await.head().await.unwrap().epoch;
    assert_eq!(epoch.len(), 32);
    assert!(epoch.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    write!(store);
    assert_eq!(view(&store).await.head().await.unwrap().epoch, epoch);
    assert_eq!(view(&store).await.changes(revision(0)).await.unwrap().epoch, epoch);
}

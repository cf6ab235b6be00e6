//! A history is recognised by the stamps of its revisions.

use super::samples::{app, message};
use super::{Shared, begin, revision, view, write};
use crate::{Point, Sealed, Setback};

/// Each commit draws a stamp, which is found again as long as it is remembered; there is none of what has not
/// been committed.
pub async fn each_revision_has_a_stamp_of_its_own(store: Shared) {
    let mut drawn = vec![view(&store).await.head().await.unwrap().stamp];
    for n in 1..=5 {
        let mut tx = begin(&store).await;
        let (before, stamp) = (tx.head().await.unwrap(), tx.stamp().to_owned());
        assert_eq!(before.stamp, drawn[n - 1], "its head is the one before");
        assert_eq!(tx.stamp_of(before.revision).await.unwrap(), Some(before.stamp));
        let id = format!("a{n}");
        tx.put_app(&app(&id, &id, 1)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(view(&store).await.head().await.unwrap().stamp, stamp);
        drawn.push(stamp);
    }
    let mut dropped = begin(&store).await;
    assert!(!drawn.contains(&dropped.stamp().to_owned()));
    dropped.put_app(&app("a9", "app", 1)).await.unwrap();
    drop(dropped);

    let mut later = view(&store).await;
    for (n, stamp) in (0..).zip(&drawn) {
        assert_eq!(stamp.len(), 32);
        assert_eq!(later.stamp_of(revision(n)).await.unwrap().as_ref(), Some(stamp));
        let changes = later.changes(revision(n)).await.unwrap();
        assert_eq!((&changes.since_stamp, &changes.stamp), (stamp, &drawn[5]));
        assert_eq!(drawn.iter().filter(|other| *other == stamp).count(), 1);
    }
    assert_eq!(later.stamp_of(revision(6)).await.unwrap(), None);
    assert_eq!(later.changes(revision(6)).await.unwrap().since_stamp, "");
}

/// What contradicts the history is kept once; what agrees with it is not.
pub async fn setbacks_are_kept_once(store: Shared) {
    write!(store);
    write!(store);
    let head = view(&store).await.head().await.unwrap();
    let setback = |known: &Point| Setback {
        known: known.clone(),
        known_by: "a gateway".to_owned(),
        head: revision(0),
        decided_at: super::samples::at(0),
    };
    let here = head.point();
    assert_eq!(store.keep_setback(&setback(&here)).await.unwrap(), None);
    let other_stamp = Point { stamp: "0".repeat(32), ..here.clone() };
    let ahead = Point { revision: revision(3), ..here.clone() };
    let other_epoch = Point { epoch: "e".repeat(32), ..here };
    for known in [&other_stamp, &ahead, &other_epoch, &ahead] {
        let kept = store.keep_setback(&setback(known)).await.unwrap().unwrap();
        assert_eq!((kept.head, kept.decided_at), (head.revision, head.decided_at));
        assert_eq!(&kept.known, known);
    }
    let mut kept: Vec<Point> =
        store.setbacks().await.unwrap().into_iter().map(|setback| setback.known).collect();
    kept.sort();
    let mut expected = vec![other_stamp, ahead, other_epoch];
    expected.sort();
    assert_eq!(kept, expected);
    assert_eq!(view(&store).await.head().await.unwrap(), head, "it takes no revision");
}

/// A message has the same name whatever becomes of it, and no other has it.
pub async fn messages_keep_their_names(store: Shared) {
    write!(store, outbox_write(&message("a")), outbox_write(&message("b")));
    write!(store, outbox_write(&message("a")));
    let all = view(&store).await.outbox(10).await.unwrap();
    let names: Vec<&str> = all.iter().map(|message| message.name.as_str()).collect();
    let mut different = names.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 3, "{names:?}");
    write!(store, outbox_put_off(&all[1], super::samples::at(7)));
    let later = view(&store).await.outbox(10).await.unwrap();
    assert_eq!(later.iter().map(|message| message.name.as_str()).collect::<Vec<_>>(), names);
}

/// What the key of the secrets is recognised by is kept once, by whoever comes first.
pub async fn the_vault_check_is_kept(store: Shared) {
    assert_eq!(view(&store).await.vault_check().await.unwrap(), None);
    let first = Sealed(vec![1, 2, 3]);
    for check in [&first, &Sealed(vec![4])] {
        assert_eq!(store.keep_vault_check(check).await.unwrap(), first);
    }
    let mut view = view(&store).await;
    assert_eq!(view.vault_check().await.unwrap(), Some(first));
    assert_eq!(view.head().await.unwrap().revision, revision(0), "it takes no revision");
}

/// What the feed's token is recognised by is kept once, by whoever comes first.
pub async fn the_feed_check_is_kept(store: Shared) {
    assert_eq!(view(&store).await.feed_check().await.unwrap(), None);
    for check in [&[1_u8, 2][..], &[3]] {
        assert_eq!(store.keep_feed_check(check).await.unwrap(), [1, 2]);
    }
    let mut view = view(&store).await;
    assert_eq!(view.feed_check().await.unwrap(), Some(vec![1, 2]));
    assert_eq!(view.head().await.unwrap().revision, revision(0), "it takes no revision");
}

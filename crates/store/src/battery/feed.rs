//! What changed, for those who follow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tidegate_domain::publication::Status;
use tidegate_domain::{ApiId, AppId, InstanceId, Key, Publication, Standing};

use super::samples::{
    api, api_id, app, app_id, application, bound_api, granted, instance, project, publication,
    throttle, token, workspace_id,
};
use super::{Shared, begin, revision, view, write};
use crate::{AppRecord, Changes, Revision};

/// From 0: all that is there, and nothing of what is gone.
pub async fn changes_since_zero_are_everything(store: Shared) {
    let mut asked = granted("x1", "i1", "a1", 9_000);
    asked.application = Some(application("q1", tidegate_domain::ApplicationKind::Renew, "x1", 2));
    write!(
        store,
        put_project(&project("p1", "acme")),
        put_instance(&instance("p1", "i1")),
        put_app(&app("a1", "one", 1)),
        put_app(&app("a2", "two", 1)),
        put_api(&api("x1", "one", 1)),
        put_api(&api("x2", "two", 1)),
        put_publication(&publication("x1", "i1", Status::Published)),
        put_publication(&publication("x2", "i1", Status::Offline)),
        put_application(asked.application.as_ref().unwrap()),
        put_standing(&asked),
        put_standing(&granted("x1", "i1", "a2", 9_000)),
        put_standing(&granted("x2", "i1", "a1", 9_000)),
        put_token(&token(1, 9)),
    );
    write!(store, delete_app(&app_id("a2")), delete_api(&api_id("x2")));
    let all = view(&store).await.changes(revision(0)).await.unwrap();
    assert_eq!(all.head, revision(2));
    assert_eq!(all.projects, [project("p1", "acme")]);
    assert_eq!(all.instances, [instance("p1", "i1")]);
    assert_eq!(all.apps, [app("a1", "one", 1)]);
    assert_eq!(all.apis, [api("x1", "one", 1)]);
    assert_eq!(all.publications, [publication("x1", "i1", Status::Published)]);
    assert_eq!(all.standings, [asked]);
    assert_eq!(all.tokens, [token(1, 9)]);
    assert!(all.apps_deleted.is_empty() && all.apis_deleted.is_empty());
}

/// Everything comes in parts as it comes in one.
pub async fn everything_comes_in_parts_too(store: Shared) {
    write!(
        store,
        put_project(&project("p1", "acme")),
        put_app(&app("a1", "one", 1)),
        put_app(&app("a2", "two", 1)),
        put_app(&app("a3", "three", 1)),
        put_api(&api("x1", "one", 1)),
        put_api(&api("x2", "two", 1)),
        put_api(&api("x3", "three", 1)),
        put_publication(&publication("x1", "i1", Status::Published)),
        put_token(&token(1, 9)),
    );
    // Neither in the order of keys, nor all in one revision; and some go again.
    for (api, instance, app) in [
        ("x2", "i1", "a1"),
        ("x1", "i2", "a1"),
        ("x1", "i1", "a3"),
        ("x2", "i2", "a2"),
        ("x3", "i1", "a1"),
        ("x1", "i1", "a1"),
        ("x2", "i1", "a2"),
    ] {
        write!(store, put_standing(&granted(api, instance, app, 9_000)));
    }
    write!(store, delete_app(&app_id("a2")), delete_api(&api_id("x3")));
    let mut view = view(&store).await;
    let whole = view.changes(revision(0)).await.unwrap();
    for limit in 1..=5 {
        let first = view.everything(None, limit).await.unwrap();
        assert_eq!((&first.epoch, first.head), (&whole.epoch, whole.head));
        assert_eq!(
            (&first.projects, &first.apps, &first.apis),
            (&whole.projects, &whole.apps, &whole.apis)
        );
        assert_eq!((&first.publications, &first.tokens), (&whole.publications, &whole.tokens));
        let mut standings = first.standings;
        while (standings.len() as u64).is_multiple_of(limit) {
            let last = standings.last().map(|standing| standing.key.clone());
            let part = view.everything(last.as_ref(), limit).await.unwrap();
            assert!(part.apps.is_empty() && part.apis.is_empty() && part.tokens.is_empty());
            assert_eq!((&part.epoch, part.head), (&whole.epoch, whole.head));
            if part.standings.is_empty() {
                break;
            }
            standings.extend(part.standings);
        }
        let mut expected = whole.standings.clone();
        expected.sort_by(|one, other| one.key.cmp(&other.key));
        assert_eq!(standings, expected, "{limit} at a time");
        assert_eq!(standings.len(), 4);
    }
}

/// A deletion is told to those who ask from before it, and to nobody else.
pub async fn changes_tell_deletions_once(store: Shared) {
    write!(store, put_app(&app("a1", "one", 1)), put_api(&api("x1", "one", 1)));
    write!(store, delete_app(&app_id("a1")));
    write!(store, delete_api(&api_id("x1")), put_standing(&granted("x1", "i1", "a1", 9)));
    // Again, which is nothing.
    write!(store, delete_app(&app_id("a1")), delete_api(&api_id("x1")));
    let mut view = view(&store).await;
    let one = view.changes(revision(1)).await.unwrap();
    assert_eq!(one.apps_deleted, [app_id("a1")]);
    assert_eq!(one.apis_deleted, [api_id("x1")]);
    assert!(one.apps.is_empty() && one.apis.is_empty() && one.standings.is_empty());
    let two = view.changes(revision(2)).await.unwrap();
    assert!(two.apps_deleted.is_empty());
    assert_eq!(two.apis_deleted, [api_id("x1")]);
    let three = view.changes(revision(3)).await.unwrap();
    assert!(three.apps_deleted.is_empty() && three.apis_deleted.is_empty());
}

/// From one revision to the next: exactly what the one in between put.
pub async fn changes_tell_each_revision_whole(store: Shared) {
    write!(store, put_app(&app("a1", "one", 1)), put_app(&app("a2", "two", 1)));
    write!(
        store,
        put_app(&app("a2", "changed", 1)),
        put_standing(&granted("x1", "i1", "a1", 9)),
        put_token(&token(1, 9)),
    );
    write!(store, put_project(&project("p1", "acme")));
    let mut view = view(&store).await;
    let after_one = view.changes(revision(1)).await.unwrap();
    assert_eq!(after_one.head, revision(3));
    assert_eq!(after_one.apps, [app("a2", "changed", 1)]);
    assert_eq!(after_one.standings, [granted("x1", "i1", "a1", 9)]);
    assert_eq!((after_one.tokens.len(), after_one.projects.len()), (1, 1));
    let after_two = view.changes(revision(2)).await.unwrap();
    assert!(after_two.apps.is_empty() && after_two.standings.is_empty());
    assert!(after_two.tokens.is_empty());
    assert_eq!(after_two.projects.len(), 1);
    let none = view.changes(revision(3)).await.unwrap();
    assert_eq!((none.head, none.projects.len()), (revision(3), 0));
}

/// A throttling policy is told with the APIs that are bound to it, and when it changes they are told
/// again, whoever asks from whenever before.
pub async fn changes_tell_bound_apis_when_their_throttle_changes(store: Shared) {
    let (bound, free) = (bound_api("x1", "slow"), api("x2", "two", 1));
    write!(
        store,
        put_throttle(&throttle("slow", 9)),
        put_throttle(&throttle("idle", 9)),
        put_api(&bound),
        put_api(&free),
        put_api(&bound_api("x3", "slow")),
    );
    write!(store, delete_api(&api_id("x3")));
    write!(store, put_throttle(&throttle("slow", 5)), put_throttle(&throttle("idle", 5)));
    let mut other_workspace = throttle("slow", 1);
    other_workspace.workspace = workspace_id("w2");
    write!(store, put_throttle(&other_workspace));
    let mut view = view(&store).await;
    let all = view.changes(revision(0)).await.unwrap();
    assert_eq!((all.apis.len(), &all.throttles), (2, &vec![throttle("slow", 5)]));
    let changed = view.changes(revision(2)).await.unwrap();
    assert_eq!((changed.apis, changed.throttles), (vec![bound], vec![throttle("slow", 5)]));
    assert!(changed.apis_deleted.is_empty(), "a deletion is told once");
    let none = view.changes(revision(3)).await.unwrap();
    assert!(none.apis.is_empty() && none.throttles.is_empty());
}

/// What a follower knows.
#[derive(Default, Debug, PartialEq)]
struct Index {
    head: Revision,
    apps: BTreeMap<AppId, AppRecord>,
    apis: BTreeMap<ApiId, tidegate_domain::Api>,
    publications: BTreeMap<(ApiId, InstanceId), Publication>,
    standings: BTreeMap<Key, Standing>,
}

impl Index {
    fn follow(&mut self, changes: Changes) {
        assert!(changes.head >= self.head);
        self.head = changes.head;
        let apps = changes.apps.into_iter();
        self.apps.extend(apps.map(|a| (a.app.id.clone(), a)));
        let apis = changes.apis.into_iter();
        self.apis.extend(apis.map(|a| (a.id.clone(), a)));
        let publications = changes.publications.into_iter();
        self.publications.extend(publications.map(|p| ((p.api.clone(), p.instance.clone()), p)));
        let standings = changes.standings.into_iter();
        self.standings.extend(standings.map(|s| (s.key.clone(), s)));
        for id in changes.apps_deleted {
            self.apps.remove(&id);
            self.standings.retain(|key, _| key.app != id);
        }
        for id in changes.apis_deleted {
            self.apis.remove(&id);
            self.publications.retain(|(api, _), _| *api != id);
            self.standings.retain(|key, _| key.api != id);
        }
    }
}

/// Somebody who keeps asking while others write misses nothing: in the end he knows the whole. Each
/// writer puts an app and a standing of it with the same number, so a torn revision would show.
pub async fn changes_followed_give_the_whole(store: Shared) {
    let done = Arc::new(AtomicBool::new(false));
    let follower = tokio::spawn(follow(store.clone(), done.clone()));
    let writers: Vec<_> = (0..4_i64).map(|n| tokio::spawn(write_much(store.clone(), n))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let followed = follower.await.unwrap();
    let mut whole = Index::default();
    whole.follow(view(&store).await.changes(revision(0)).await.unwrap());
    assert_eq!(whole.head, revision(60));
    assert!(!whole.apps.is_empty() && !whole.standings.is_empty());
    assert_eq!(followed, whole);
}

async fn follow(store: Shared, done: Arc<AtomicBool>) -> Index {
    let mut index = Index::default();
    loop {
        let is_last = done.load(Ordering::SeqCst);
        let changes = view(&store).await.changes(index.head).await.unwrap();
        index.follow(changes);
        for (key, standing) in &index.standings {
            let app = &index.apps[&key.app].app;
            let until = standing.grant.as_ref().map(|grant| grant.until);
            assert_eq!(until, Some(app.created_at), "a torn revision");
        }
        if is_last {
            return index;
        }
        tokio::task::yield_now().await;
    }
}

async fn write_much(store: Shared, writer: i64) {
    for n in 0..15 {
        let id = format!("a{writer}-{}", n / 4);
        let number = writer * 1_000 + n;
        let mut tx = begin(&store).await;
        if n % 4 == 3 && n > 10 {
            tx.delete_app(&app_id(&id)).await.unwrap();
        } else {
            tx.put_app(&app(&id, &id, number)).await.unwrap();
            tx.put_standing(&granted("x1", "i1", &id, number)).await.unwrap();
        }
        let api_of_writer = api(&format!("x{writer}"), &format!("api {writer}"), number);
        tx.put_api(&api_of_writer).await.unwrap();
        let here = publication(&format!("x{writer}"), "i1", Status::Published);
        tx.put_publication(&here).await.unwrap();
        tx.commit().await.unwrap();
    }
}

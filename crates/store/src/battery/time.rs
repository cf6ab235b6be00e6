//! Lists that depend on the time.

use tidegate_domain::notice::NoticeKind;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{CutCause, settle};
use tidegate_domain::{ApplicationKind, Standing, Timestamp};

use super::samples::{
    api_id, app_id, application, at, grant, granted, instance_id, key, notice, publication, token,
    user_id,
};
use super::{Shared, view, write};
use crate::{Due, ListedBy, Paging, Revision, Token, TokenHash, standing_due_at};

/// A standing that has all these parts.
fn standing(
    app: &str,
    granted: Option<(i64, Option<i64>)>,
    asked: Option<(ApplicationKind, Option<i64>)>,
) -> Standing {
    let mut standing = Standing::new(key("x1", "i1", app));
    standing.grant = granted.map(|(until, cut)| grant(until, cut.map(|at| (at, CutCause::App))));
    standing.application = asked.map(|(kind, until)| {
        let mut asked = application(&format!("q-{app}"), kind, "x1", 3);
        asked.until = until.map(at);
        asked
    });
    standing
}

/// Listed are live grants and applications whose end is ahead, to the millisecond.
pub async fn standings_are_listed_while_they_matter(store: Shared) {
    let apply = |until| Some((ApplicationKind::Apply, until));
    let all = [
        standing("a1", Some((3_000, None)), None),
        standing("a2", Some((3_000, Some(2_000))), None),
        standing("a3", Some((3_000, Some(4_000))), None),
        standing("a4", None, apply(Some(2_500))),
        standing("a5", None, apply(None)),
        standing("a6", Some((1_500, None)), apply(Some(5_000))),
        standing("a7", None, None),
        standing("a8", Some((1_500, None)), Some((ApplicationKind::Renew, Some(5_000)))),
    ];
    for standing in &all {
        if let Some(application) = &standing.application {
            write!(store, put_application(application));
        }
        write!(store, put_standing(standing));
    }
    write!(store, put_standing(&granted("x1", "i0", "a1", 9_000)));
    write!(store, put_standing(&granted("x0", "i1", "a1", 9_000)));

    let mut view = view(&store).await;
    let by_api = ListedBy::Api(api_id("x1"));
    let moments =
        [0, 999, 1_000, 1_499, 1_500, 1_999, 2_000, 2_499, 2_500, 2_999, 3_000, 4_999, 5_000];
    for now in moments.map(at) {
        let page = view.listed(&by_api, now, Paging::ALL).await.unwrap();
        let mut expected: Vec<_> = all
            .iter()
            .filter(|s| {
                let asked = s.application.as_ref();
                s.live_grant(now).is_some()
                    || asked.is_some_and(|asked| {
                        asked.kind == ApplicationKind::Apply
                            && asked.until.is_none_or(|until| now < until)
                    })
            })
            .cloned()
            .collect();
        if now >= at(1_000) {
            expected.insert(0, granted("x1", "i0", "a1", 9_000));
        }
        assert_eq!((page.total, page.items), (expected.len() as u64, expected), "at {now}");
    }
    drop(view);
    write!(
        store,
        put_publication(&publication("x1", "i1", Status::Unpublishing { at: at(1_200) })),
        put_publication(&publication("x1", "i0", Status::Stopping { at: at(1_200) })),
    );
    let mut view = self::view(&store).await;
    for (now, total) in [(1_199, 8), (1_200, 1)] {
        let page = view.listed(&by_api, at(now), Paging::ALL).await.unwrap();
        assert_eq!(page.total, total, "an unpublish takes them along at its moment: {now}");
    }
    let by_app = ListedBy::App(app_id("a1"));
    let page = view.listed(&by_app, at(1_000), Paging::ALL).await.unwrap();
    let keys: Vec<_> = page.items.into_iter().map(|s| s.key).collect();
    assert_eq!(keys, [key("x0", "i1", "a1"), key("x1", "i0", "a1"), key("x1", "i1", "a1")]);
    let part = Paging { offset: 1, limit: 1 };
    let page = view.listed(&by_app, at(1_000), part).await.unwrap();
    assert_eq!((page.total, page.items.len()), (3, 1));
    assert_eq!(page.items[0].key, keys[1]);
}

/// Publications first, then standings, each by its moment.
pub async fn what_is_due_is_found(store: Shared) {
    write!(
        store,
        put_publication(&publication("x2", "i1", Status::Stopping { at: at(50) })),
        put_publication(&publication("x1", "i1", Status::Unpublishing { at: at(60) })),
        put_publication(&publication("x3", "i1", Status::Published)),
    );
    let asked = standing("a1", None, Some((ApplicationKind::Apply, Some(40))));
    let mut warned = standing("a2", Some((9_000, None)), None);
    warned.shutdown = Some(notice("n1", NoticeKind::Stop, warned.key.clone(), 3));
    let quiet = standing("a3", Some((30, None)), None);
    write!(
        store,
        put_application(asked.application.as_ref().unwrap()),
        put_notice(warned.shutdown.as_ref().unwrap()),
        put_standing(&asked),
        put_standing(&warned),
        put_standing(&quiet),
    );
    let publication = |api| Due::Publication(api_id(api), instance_id("i1"));
    let all = [
        publication("x2"),
        publication("x1"),
        Due::Standing(asked.key.clone()),
        Due::Standing(warned.key.clone()),
    ];
    let mut now = view(&store).await;
    assert_eq!(now.due(at(8_000), 10).await.unwrap(), all);
    assert_eq!(now.due(at(8_000), 3).await.unwrap(), all[..3]);
    assert_eq!(now.due(at(8_000), 1).await.unwrap(), all[..1]);
    assert_eq!(now.due(at(7_999), 10).await.unwrap(), all[..3]);
    assert_eq!(now.due(at(49), 10).await.unwrap(), all[2..3]);
    assert!(now.due(at(39), 10).await.unwrap().is_empty());

    write!(store, put_standing(&Standing::new(asked.key.clone())));
    assert_eq!(view(&store).await.due(at(49), 10).await.unwrap(), []);
}

/// The moment kept with a standing is exactly the first at which settling finds something.
pub async fn due_moments_agree_with_settling(store: Shared) {
    let ends = [None, Some((3_000, None)), Some((3_000, Some(2_000))), Some((9_000, None))];
    let asks = [
        None,
        Some((ApplicationKind::Apply, Some(4_000))),
        Some((ApplicationKind::Apply, None)),
        Some((ApplicationKind::Renew, Some(4_000))),
    ];
    let schedules = [None, Some(1_200), Some(8_500)];
    let mut n = 0;
    for granted in ends {
        for asked in asks {
            for shutdown in [None, Some(NoticeKind::Stop), Some(NoticeKind::Unpublish)] {
                for (scheduled, cancelled) in schedules.into_iter().zip([false, true, true]) {
                    n += 1;
                    let mut standing = standing(&format!("a{n}"), granted, asked);
                    let key = standing.key.clone();
                    standing.shutdown = shutdown.map(|kind| {
                        let mut notice = notice(&format!("s{n}"), kind, key.clone(), 3);
                        notice.scheduled = scheduled.map(at);
                        notice
                    });
                    standing.cancellation =
                        cancelled.then(|| notice(&format!("c{n}"), NoticeKind::Cancel, key, 3));
                    check_due(&store, &standing).await;
                }
            }
        }
    }
}

async fn check_due(store: &Shared, standing: &Standing) {
    let Some(due_at) = standing_due_at(standing) else {
        assert!(settle(standing, Timestamp::MAX).is_empty(), "{standing:?}");
        return;
    };
    let before = due_at.plus_ms(-1);
    assert!(settle(standing, before).is_empty(), "{standing:?}");
    assert!(!settle(standing, due_at).is_empty(), "{standing:?}");
    let mut tx = super::begin(store).await;
    if let Some(application) = &standing.application {
        tx.put_application(application).await.unwrap();
    }
    for notice in [&standing.shutdown, &standing.cancellation].into_iter().flatten() {
        tx.put_notice(notice).await.unwrap();
    }
    tx.put_standing(standing).await.unwrap();
    let this = Due::Standing(standing.key.clone());
    assert!(!tx.due(before, 999).await.unwrap().contains(&this));
    assert!(tx.due(due_at, 999).await.unwrap().contains(&this));
    // Dropped: each is looked at alone.
}

/// A revoked token is no token. Changes report it once to those who ask from before it, and it is forgotten at
/// its end.
pub async fn revoked_tokens_are_told_until_they_are_forgotten(store: Shared) {
    write!(store, put_token(&token(1, 10)), put_token(&token(2, 10)));
    let hash = TokenHash([1; 32]);
    write!(store, revoke_token(&hash));
    // Again, and one that never was: nothing.
    write!(store, revoke_token(&hash), revoke_token(&TokenHash([9; 32])));
    let mut seen = view(&store).await;
    assert!(seen.token(&hash).await.unwrap().is_none());
    let zero = seen.changes(Revision(0)).await.unwrap();
    assert_eq!((zero.tokens, zero.tokens_revoked), (vec![token(2, 10)], vec![]));
    let one = seen.changes(Revision(1)).await.unwrap();
    assert_eq!((one.tokens, one.tokens_revoked), (vec![], vec![hash]));
    assert!(seen.changes(Revision(2)).await.unwrap().tokens_revoked.is_empty());
    let whole = seen.everything(None, 9).await.unwrap();
    assert_eq!((whole.tokens, whole.tokens_revoked), (vec![token(2, 10)], vec![]));
    drop(seen);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.drop_tokens(at(10)).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert!(view(&store).await.changes(Revision(1)).await.unwrap().tokens_revoked.is_empty());
}

/// A user's tokens are listed unless they were revoked, and counted until their end.
pub async fn tokens_are_found_by_their_user(store: Shared) {
    let child = Token { parent: Some(TokenHash([1; 32])), ..token(3, 12) };
    let other = Token { user: user_id("u2"), ..token(4, 12) };
    write!(
        store,
        put_token(&token(2, 10)),
        put_token(&token(1, 11)),
        put_token(&child),
        put_token(&other),
    );
    write!(store, revoke_token(&TokenHash([2; 32])));
    let mut seen = view(&store).await;
    assert_eq!(seen.tokens_of(&user_id("u1")).await.unwrap(), [token(1, 11), child.clone()]);
    assert_eq!(seen.token(&child.hash).await.unwrap(), Some(child));
    let mut count = async |now| seen.count_tokens(&user_id("u1"), at(now)).await.unwrap();
    assert_eq!([count(9).await, count(10).await, count(12).await], [3, 2, 0]);
}

/// A token goes at its end, not before.
pub async fn tokens_are_dropped_when_they_ended(store: Shared) {
    write!(store, put_token(&token(1, 10)), put_token(&token(2, 11)), put_token(&token(3, 9)));
    let mut tx = super::begin(&store).await;
    assert_eq!(tx.drop_tokens(at(10)).await.unwrap(), 2);
    assert_eq!(tx.drop_tokens(at(10)).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let mut view = view(&store).await;
    assert!(view.token(&TokenHash([1; 32])).await.unwrap().is_none());
    assert!(view.token(&TokenHash([2; 32])).await.unwrap().is_some());
}

//! What is put comes back as it was, in every field and every variant.

use tidegate_domain::api::Method;
use tidegate_domain::notice::NoticeKind;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::CutCause;
use tidegate_domain::{
    Api, AppKind, ApplicationKind, AuthType, NoticeOutcome, Outcome, Quota, Role, Rules, Standing,
    Visibility, VoidCause,
};

use super::samples::{
    api, api_id, app, app_id, application, at, bound_api, closed, grant, instance, instance_id,
    key, line, member, message, notice, project, publication, throttle, token, user, verdict,
    workspace, workspace_id,
};
use super::{Shared, begin, revision, view, write};
use crate::{MessageId, Sealed, StoreError, TokenHash};

/// Projects, users, workspaces, members and tokens.
pub async fn people_round_trip(store: Shared) {
    let acme = project("p1", "acme");
    let ann = user("u1", "p1", "Änn \"'; -- \u{1F30A}");
    let mut bare = user("u2", "p1", "");
    (bare.access_key, bare.password_hash) = (String::new(), String::new());
    bare.secret_key = Sealed(Vec::new());
    let floor = workspace("w1", "p1");
    write!(
        store,
        put_project(&acme),
        put_user(&ann),
        put_user(&bare),
        put_workspace(&floor),
        put_token(&token(7, 99)),
    );
    for (n, role) in (1..).zip(Role::ALL) {
        write!(store, put_member(&member("w1", &format!("u{n}"), role)));
    }
    let mut view = view(&store).await;
    assert_eq!(view.project(&acme.id).await.unwrap(), Some(acme.clone()));
    assert_eq!(view.projects().await.unwrap(), std::slice::from_ref(&acme));
    assert_eq!(view.user(&ann.id).await.unwrap(), Some(ann.clone()));
    assert_eq!(view.user(&bare.id).await.unwrap(), Some(bare));
    assert_eq!(view.workspace(&floor.id).await.unwrap(), Some(floor.clone()));
    assert_eq!(view.workspaces(&acme.id).await.unwrap(), [floor]);
    let members = view.members(&workspace_id("w1")).await.unwrap();
    let roles: Vec<_> = members.iter().map(|member| member.role).collect();
    assert_eq!(roles, Role::ALL);
    for member in members {
        let found = view.member(&member.workspace, &member.user).await.unwrap();
        assert_eq!(found, Some(member));
    }
    assert_eq!(view.token(&TokenHash([7; 32])).await.unwrap(), Some(token(7, 99)));
    assert_eq!(view.token(&TokenHash([8; 32])).await.unwrap(), None);
}

/// A project's users are listed, disabled ones too; a member goes and comes back.
pub async fn members_and_users_come_and_go(store: Shared) {
    let (ann, bob, far) =
        (user("u1", "p1", "ann"), user("u2", "p1", "bob"), user("u3", "p2", "far"));
    let gone = crate::User { disabled: true, ..bob.clone() };
    let one = member("w1", "u1", Role::Viewer);
    write!(store, put_user(&bob), put_user(&ann), put_user(&far), put_member(&one));
    write!(store, put_user(&gone), delete_member(&one.workspace, &one.user));
    // Again, which is nothing.
    write!(store, delete_member(&one.workspace, &one.user));
    let mut seen = view(&store).await;
    assert_eq!(seen.users(&ann.project).await.unwrap(), [ann, gone.clone()]);
    assert_eq!(seen.user(&gone.id).await.unwrap(), Some(gone));
    assert!(seen.member(&one.workspace, &one.user).await.unwrap().is_none());
    assert!(seen.members(&one.workspace).await.unwrap().is_empty());
    drop(seen);
    write!(store, put_member(&one));
    let found = view(&store).await.member(&one.workspace, &one.user).await.unwrap();
    assert_eq!(found, Some(one));
}

/// Many at once are the same as each by itself; whom nobody knows, and who is deleted, is left out.
pub async fn many_are_kept_and_found_at_once(store: Shared) {
    let names: Vec<String> = (0..1_200).map(|n| format!("a{n:04}")).collect();
    let mut tx = begin(&store).await;
    for name in &names {
        tx.put_app(&app(name, name, 1)).await.unwrap();
    }
    let granted = |app: &String, until| Standing {
        grant: Some(grant(until, None)),
        ..Standing::new(key("x1", "i1", app))
    };
    let mut all: Vec<Standing> = names.iter().map(|name| granted(name, 1_001)).collect();
    tx.put_standings(&all).await.unwrap();
    tx.put_standings(&[]).await.unwrap();
    tx.put_standing(&granted(&"b".to_owned(), 1_001)).await.unwrap();
    tx.commit().await.unwrap();
    all[7] = granted(&names[7], 9_000);
    let gone = app_id(&names[1_100]);
    write!(store, put_standings(&all[7..8]), delete_app(&gone));

    let mut ids: Vec<_> = names.iter().rev().map(|name| app_id(name)).collect();
    ids.push(app_id("nobody"));
    ids.push(ids[0].clone());
    let mut view = view(&store).await;
    let apps = view.apps_among(&ids).await.unwrap();
    let living: Vec<_> = names.iter().filter(|name| **name != names[1_100]).collect();
    assert!(apps.iter().map(|record| record.app.id.as_str()).eq(living));
    let (api, on) = (all[0].key.api.clone(), all[0].key.instance.clone());
    assert_eq!(view.standings_among(&api, &on, &ids).await.unwrap(), all);
    assert_eq!(view.apps_among(&[]).await.unwrap(), []);
    assert_eq!(view.standings_among(&api, &on, &[]).await.unwrap(), []);
}

/// An app counts on an API while its grant lives, up to a cut, and until it does without.
pub async fn who_is_counted_on_is_found(store: Shared) {
    let (x1, i1) = (api_id("x1"), instance_id("i1"));
    let is_counted_on =
        async |now: i64| view(&store).await.is_counted_on(&x1, &i1, at(now)).await.unwrap();
    assert!(!is_counted_on(1_500).await);
    let with = |grant| Standing { grant: Some(grant), ..Standing::new(key("x1", "i1", "a1")) };
    let elsewhere = [("x2", "i1"), ("x1", "i2")].map(|(api, on)| Standing {
        grant: Some(grant(3_000, None)),
        ..Standing::new(key(api, on, "a1"))
    });
    write!(store, put_standings(&elsewhere));
    assert!(!is_counted_on(1_500).await);
    for standing in [
        with(grant(2_000, None)),
        with(grant(3_000, Some((2_000, CutCause::Reviewer)))),
        Standing { paused_from: Some(at(2_000)), ..with(grant(3_000, None)) },
        Standing::new(key("x1", "i1", "a1")),
    ] {
        write!(store, put_standing(&standing));
        for now in [0, 999, 1_000, 1_001, 1_999, 2_000, 2_500, 3_000] {
            let expected = standing.counts_on_api(at(now));
            assert_eq!(is_counted_on(now).await, expected, "{standing:?} at {now}");
        }
    }
}

/// Many applications and notices at once are the same as each by itself, and replace what was there.
pub async fn applications_and_notices_are_kept_together(store: Shared) {
    let asked = |n: i64, at| application(&format!("q{n}"), ApplicationKind::Apply, "x1", at);
    let warned = |n: i64, at| notice(&format!("n{n}"), NoticeKind::Stop, key("x1", "i1", "a1"), at);
    write!(store, put_application(&asked(0, 1)), put_notice(&warned(0, 1)));
    let asked: Vec<_> = (0..1_200).map(|n| asked(n, n + 2)).collect();
    let warned: Vec<_> = (0..1_200).map(|n| warned(n, n + 2)).collect();
    write!(
        store,
        put_applications(&asked),
        put_notices(&warned),
        put_applications(&[]),
        put_notices(&[]),
    );
    let mut view = view(&store).await;
    for n in [0, 1, 600, 1_199] {
        let (asked, warned) = (&asked[n], &warned[n]);
        assert_eq!(view.application(&asked.id).await.unwrap().as_ref(), Some(asked));
        assert_eq!(view.notice(&warned.id).await.unwrap().as_ref(), Some(warned));
    }
}

/// Instances, apps and APIs.
pub async fn catalog_round_trips(store: Shared) {
    let mut shared = instance("p2", "APIG");
    shared.name = "another project's".to_owned();
    let mut iam = app("a2", "acme", 2);
    iam.app.kind = AppKind::Iam;
    (iam.app.app_key, iam.app.secret_reset_at) = (String::new(), None);
    iam.secret = Sealed(Vec::new());
    let mut apis = vec![api("x0", "plain", 1)];
    let auths = [AuthType::App, AuthType::Iam, AuthType::None];
    let seen = [Visibility::Workspace, Visibility::Project, Visibility::Domain];
    for (n, (auth, visibility)) in auths.into_iter().zip(seen).enumerate() {
        let mut api = api(&format!("x{}", n + 1), &format!("varied {n}"), 1);
        (api.auth, api.visibility, api.method) = (auth, visibility, Method::Post);
        api.tags = (0..n).map(|tag| format!("tag {tag}, 100%_\n|;")).rev().collect();
        api.retention_hours = u32::MAX;
        apis.push(api);
    }
    write!(
        store,
        put_instance(&instance("p1", "APIG")),
        put_instance(&shared),
        put_app(&app("a1", "first", 1)),
        put_app(&iam),
    );
    for api in &apis {
        write!(store, put_api(api));
    }
    let mut view = view(&store).await;
    let found = view.instance(&shared.project, &instance_id("APIG")).await.unwrap();
    assert_eq!(found, Some(shared.clone()));
    assert_eq!(view.instances(&shared.project).await.unwrap(), [shared]);
    assert_eq!(view.app(&iam.app.id).await.unwrap(), Some(iam));
    let first = app("a1", "first", 1);
    assert_eq!(view.app(&first.app.id).await.unwrap(), Some(first));
    for api in &apis {
        assert_eq!(view.api(&api.id).await.unwrap().as_ref(), Some(api));
    }
    let mut changed = apis[3].clone();
    changed.tags = vec!["one".to_owned()];
    write!(store, put_api(&changed));
    let mut view = super::view(&store).await;
    assert_eq!(view.api(&changed.id).await.unwrap(), Some(changed));
}

/// Throttling policies, and the rules of APIs.
pub async fn throttles_round_trip(store: Shared) {
    let mut elsewhere = throttle("slow", 7);
    elsewhere.workspace = workspace_id("w2");
    let mut narrow = throttle("narrow", 1);
    narrow.quota =
        Quota { window_seconds: 86_400, per_api: None, per_user: Some(u32::MAX), per_app: None };
    let plain = Api { rules: Rules::default(), ..api("x2", "plain", 1) };
    let bound = bound_api("x1", "slow");
    write!(
        store,
        put_throttle(&throttle("slow", 9)),
        put_throttle(&elsewhere),
        put_throttle(&narrow),
        put_api(&bound),
        put_api(&plain),
    );
    let mut view = view(&store).await;
    let here = workspace_id("w1");
    assert_eq!(view.throttles(&here).await.unwrap(), [narrow.clone(), throttle("slow", 9)]);
    assert_eq!(view.throttle(&here, &narrow.name).await.unwrap(), Some(narrow.clone()));
    assert_eq!(view.throttle(&workspace_id("w2"), &narrow.name).await.unwrap(), None);
    for api in [&bound, &plain] {
        assert_eq!(view.api(&api.id).await.unwrap().as_ref(), Some(api));
    }
    write!(store, delete_throttle(&here, &narrow.name), delete_throttle(&here, &narrow.name));
    let mut view = super::view(&store).await;
    assert_eq!(view.throttles(&here).await.unwrap(), [throttle("slow", 9)]);
    assert_eq!(view.throttles(&workspace_id("w2")).await.unwrap(), [elsewhere]);
}

/// Publications, in all their states.
pub async fn publications_round_trip(store: Shared) {
    let states = [
        Status::Created,
        Status::PublishPending,
        Status::PublishRejected,
        Status::Published,
        Status::Stopping { at: at(1) },
        Status::Stopped,
        Status::RecoverPending,
        Status::Unpublishing { at: at(2) },
        Status::Offline,
    ];
    let mut expected = Vec::new();
    for (n, status) in states.into_iter().enumerate() {
        let mut publication = publication("x1", &format!("i{n}"), status);
        if status == Status::PublishPending {
            let asked = application("q1", ApplicationKind::Publish, "x1", 3);
            write!(store, put_application(&asked));
            (publication.application, publication.published_at) = (Some(asked), None);
        }
        write!(store, put_publication(&publication));
        expected.push(publication);
    }
    let mut view = view(&store).await;
    assert_eq!(view.publications(&expected[0].api).await.unwrap(), expected);
    for publication in expected {
        let found = view.publication(&publication.api, &publication.instance).await.unwrap();
        assert_eq!(found, Some(publication));
    }
}

/// Standings: empty, full, and with each cause of a cut.
pub async fn standings_round_trip(store: Shared) {
    let causes = [CutCause::Reviewer, CutCause::App, CutCause::Unpublished];
    let mut expected = vec![Standing::new(key("x1", "i1", "a0"))];
    for (n, cause) in (1..).zip(causes) {
        expected.push(Standing {
            grant: Some(grant(5_000, Some((4_000, cause)))),
            ..Standing::new(key("x1", "i1", &format!("a{n}")))
        });
    }
    let full = key("x1", "i1", "a4");
    let full = Standing {
        grant: Some(grant(5_000, None)),
        application: Some(application("q1", ApplicationKind::Renew, "x1", 3)),
        cancellation: Some(notice("n1", NoticeKind::Cancel, full.clone(), 4)),
        shutdown: Some(notice("n2", NoticeKind::Unpublish, full.clone(), 4)),
        paused_from: Some(at(6_000)),
        key: full,
    };
    write!(
        store,
        put_application(full.application.as_ref().unwrap()),
        put_notice(full.cancellation.as_ref().unwrap()),
        put_notice(full.shutdown.as_ref().unwrap()),
    );
    expected.push(full);
    for standing in &expected {
        write!(store, put_standing(standing));
    }
    let mut after = view(&store).await;
    let key = &expected[0].key;
    assert_eq!(after.standings_on(&key.api, &key.instance).await.unwrap(), expected);
    for standing in &expected {
        assert_eq!(after.standing(&standing.key).await.unwrap().as_ref(), Some(standing));
        assert_eq!(
            after.standings_of_app(&standing.key.app).await.unwrap(),
            std::slice::from_ref(standing)
        );
    }
    let emptied = Standing::new(expected[4].key.clone());
    write!(store, put_standing(&emptied));
    let found = view(&store).await.standing(&emptied.key).await.unwrap();
    assert_eq!(found, Some(emptied));
}

/// Applications of every kind, with every outcome.
pub async fn applications_round_trip(store: Shared) {
    let kinds = [
        ApplicationKind::Apply,
        ApplicationKind::Renew,
        ApplicationKind::Publish,
        ApplicationKind::Recover,
    ];
    let outcomes = [
        Outcome::Passed,
        Outcome::Rejected,
        Outcome::Withdrawn,
        Outcome::Void(VoidCause::EndPassed),
        Outcome::Void(VoidCause::GrantEnded),
        Outcome::Void(VoidCause::Cancelled),
        Outcome::Void(VoidCause::GivenBack),
        Outcome::Void(VoidCause::Unpublished),
    ];
    let pending = kinds.into_iter().map(|kind| application("q", kind, "x1", 3));
    let decided = outcomes
        .into_iter()
        .map(|outcome| application("q", ApplicationKind::Apply, "x1", 3).closed(verdict(outcome)));
    for application in pending.chain(decided) {
        write!(store, put_application(&application));
        let found = view(&store).await.application(&application.id).await.unwrap();
        assert_eq!(found, Some(application));
    }
    let silent =
        application("q", ApplicationKind::Apply, "x1", 3).void(VoidCause::EndPassed, at(9));
    write!(store, put_application(&silent));
    assert_eq!(view(&store).await.application(&silent.id).await.unwrap(), Some(silent));
}

/// Notices of every kind, with every outcome.
pub async fn notices_round_trip(store: Shared) {
    let kinds = [NoticeKind::Cancel, NoticeKind::Stop, NoticeKind::Unpublish];
    let outcomes = [
        NoticeOutcome::Confirmed,
        NoticeOutcome::Executed,
        NoticeOutcome::Forced,
        NoticeOutcome::Released,
        NoticeOutcome::Withdrawn,
    ];
    let sample = |kind| notice("n", kind, key("x1", "i1", "a1"), 3);
    let running = kinds.into_iter().map(sample);
    let ended = outcomes.into_iter().map(|outcome| {
        let mut notice = sample(NoticeKind::Stop);
        notice.scheduled = Some(at(7_000));
        notice.closed = Some(closed(outcome));
        notice
    });
    let silent = sample(NoticeKind::Cancel).carried_out();
    for notice in running.chain(ended).chain([silent]) {
        write!(store, put_notice(&notice));
        let found = view(&store).await.notice(&notice.id).await.unwrap();
        assert_eq!(found, Some(notice));
    }
}

/// A standing refers to its application: it is read as that was last put, and is an error without.
pub async fn parts_are_read_as_last_put(store: Shared) {
    let asked = application("q1", ApplicationKind::Apply, "x1", 3);
    let mut standing = Standing::new(key("x1", "i1", "a1"));
    standing.application = Some(asked.clone());
    write!(store, put_standing(&standing));
    let missing = view(&store).await.standing(&standing.key).await;
    assert!(matches!(
        missing,
        Err(StoreError::BadRow { table: "standings", column: "application_id", id }) if id == "x1/i1/a1"
    ));
    let later = asked.closed(verdict(Outcome::Rejected));
    write!(store, put_application(&later));
    let found = view(&store).await.standing(&standing.key).await.unwrap().unwrap();
    assert_eq!(found.application, Some(later));
}

/// The journal: in the order of writing, at the store's revision, whole revisions only.
pub async fn the_journal_is_told_in_order(store: Shared) {
    let mut by_time = line("b");
    by_time.actor = None;
    write!(store, journal_write(&line("a")), journal_write(&by_time));
    let many: Vec<_> = (0..12).map(|n| line(&n.to_string())).collect();
    let mut tx = store.begin().await.unwrap();
    for line in &many {
        tx.journal_write(line).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut view = view(&store).await;
    let first = view.journal(revision(0), 2).await.unwrap();
    by_time.revision = revision(1);
    assert_eq!(first[1], by_time);
    assert_eq!((first.len(), first[0].subject.as_str()), (2, "a"));
    assert_eq!(view.journal(revision(0), 1).await.unwrap(), first);
    let second = view.journal(revision(1), 5).await.unwrap();
    let subjects: Vec<_> = second.iter().map(|entry| entry.subject.clone()).collect();
    assert_eq!(subjects, (0..12).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(second.iter().all(|entry| entry.revision == revision(2)));
    assert!(view.journal(revision(2), 5).await.unwrap().is_empty());
    assert!(view.journal(revision(0), 0).await.unwrap().is_empty());
}

/// The outbox: in the order of writing.
pub async fn the_outbox_is_told_in_order(store: Shared) {
    write!(store, outbox_write(&message("a")), outbox_write(&message("b")));
    write!(store, outbox_write(&message("c")));
    let mut view = view(&store).await;
    let all = view.outbox(10).await.unwrap();
    let told: Vec<_> = all.iter().map(|m| (m.id.revision.0, m.subject.as_str())).collect();
    assert_eq!(told, [(1, "a"), (1, "b"), (2, "c")]);
    let mut expected = message("c");
    expected.id = MessageId { revision: revision(2), ordinal: 0 };
    expected.tries = 0;
    expected.name.clone_from(&all[2].name);
    assert_eq!(all[2], expected);
    assert_eq!(view.outbox(1).await.unwrap(), all[..1]);
}

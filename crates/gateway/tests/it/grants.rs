//! Grants as callers meet them: given, extended, ended, taken, on the exact moment.

use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{Cut, CutCause};
use tidegate_domain::{AuthType, Timestamp};
use tidegate_gateway::feed::{Batch, FeedPublication, FeedStanding};

use crate::world::{HOUR, NOON, World, api_id, apig, app_id, at, grant, standing};

#[tokio::test]
async fn a_grant_changes_while_its_app_calls_and_every_answer_follows() {
    let world = World::start().await;
    let call = || world.call("GET", "/orders/7");
    let answer = call().send().await;
    answer.allowed();
    assert_eq!(answer.header("x-tidegate-grant-end"), Some("2026-01-02T04:00:00Z"));
    assert_eq!(answer.header("x-tidegate-cancelled-at"), None);

    // The app gives it back: at once.
    let cut = Cut { at: at(NOON), cause: CutCause::App };
    world.grant("get", "app", Some(grant(NOON - HOUR, NOON + HOUR, Some(cut)))).await;
    let answer = call().send().await;
    answer.denied("cancelled");
    assert!(answer.text().contains("It ended at 2026-01-02T03:00:00Z."));

    // It applies again, and the reviewer grants.
    world
        .standing(FeedStanding {
            applied_until: Some(Timestamp::MAX),
            ..standing("get", "app", None)
        })
        .await;
    call().send().await.denied("pending");
    world.grant("get", "app", Some(grant(NOON, NOON + 2 * HOUR, None))).await;
    let answer = call().send().await;
    answer.allowed();
    assert_eq!(answer.header("x-tidegate-grant-end"), Some("2026-01-02T05:00:00Z"));

    // It is removed altogether.
    world.grant("get", "app", None).await;
    call().send().await.denied("no-grant");
    let revision = world.gate.revision().unwrap().to_string();
    assert_eq!(call().send().await.header("x-tidegate-revision"), Some(revision.as_str()));
    assert_eq!(world.backend.calls(), 2, "denied calls never reach it");
}

#[tokio::test]
async fn a_grant_is_good_until_the_last_millisecond() {
    let world = World::start().await;
    let call = || world.call("GET", "/orders/7");
    world.set_now(NOON - 1);
    let early = call().send().await;
    early.denied("not-yet");
    assert!(early.text().contains("It begins at 2026-01-02T03:00:00Z."));
    world.set_now(NOON);
    call().send().await.allowed();
    world.set_now(NOON + HOUR - 1);
    call().send().await.allowed();
    world.set_now(NOON + HOUR);
    let late = call().send().await;
    late.denied("expired");
    assert!(late.text().contains("It ended at 2026-01-02T04:00:00Z."));
}

#[tokio::test]
async fn a_running_notice_is_told_on_every_answer_and_bites_on_time() {
    let world = World::start().await;
    let end = NOON + HOUR / 2;
    let cut = Cut { at: at(end), cause: CutCause::Reviewer };
    world.grant("get", "app", Some(grant(NOON, NOON + HOUR, Some(cut)))).await;
    let answer = world.call("GET", "/orders/7").send().await;
    answer.allowed();
    for name in ["x-tidegate-grant-end", "x-tidegate-cancelled-at"] {
        assert_eq!(answer.header(name), Some("2026-01-02T03:30:00Z"));
    }
    assert_eq!(world.backend.last().header("x-tidegate-grant-end"), Some("2026-01-02T03:30:00Z"));
    world.set_now(end);
    world.call("GET", "/orders/7").send().await.denied("cancelled");
}

#[tokio::test]
async fn the_publication_bounds_all() {
    let world = World::start().await;
    let call = || world.call("GET", "/orders/7");
    for (status, reason) in [
        (Status::Stopped, Some("stopped")),
        (Status::RecoverPending, Some("stopped")),
        (Status::Published, None),
        (Status::Stopping { at: at(NOON + 1) }, None),
        (Status::Stopping { at: at(NOON) }, Some("stopped")),
        (Status::Unpublishing { at: at(NOON + 1) }, None),
        (Status::Unpublishing { at: at(NOON) }, Some("not-published")),
        (Status::Offline, Some("not-published")),
        (Status::Created, Some("not-published")),
        (Status::Published, None),
    ] {
        world.publication("get", status).await;
        let answer = call().send().await;
        match reason {
            Some(reason) => answer.denied(reason),
            None => answer.allowed(),
        };
    }
    world.tell(Batch { apis_deleted: vec![api_id("get")], ..Batch::default() }).await;
    call().send().await.denied("no-route");
}

#[tokio::test]
async fn a_deleted_app_is_nobody() {
    let world = World::start().await;
    world.tell(Batch { apps_deleted: vec![app_id("app")], ..Batch::default() }).await;
    world.call("GET", "/orders/7").send().await.denied("unknown-key");
}

#[tokio::test]
async fn a_denied_call_is_not_tried_with_another_api_of_the_route() {
    let world = World::start().await;
    let other = |id: &str, auth| world.api(id, auth, Method::Get, "/orders/{number}", "/other");
    let (another, free) = (other("another", AuthType::App), other("a-free-one", AuthType::None));
    world.tell(Batch { apis: vec![another, free], ..Batch::default() }).await;
    world.publication_of("another", Status::Published, NOON + 1).await;
    world.publication_of("a-free-one", Status::Published, NOON + 2).await;
    world.grant("another", "app", Some(grant(NOON, NOON + 9 * HOUR, None))).await;
    let call = || world.call("GET", "/orders/7");
    call().send().await.allowed();
    assert_eq!(world.backend.last().header("x-tidegate-api"), Some("get"), "the first published");
    let before = world.backend.calls();
    call().send_plain().await.denied("missing-signature");
    world.set_now(NOON + HOUR);
    call().send().await.denied("expired");
    assert_eq!(world.backend.calls(), before);

    world.publication("get", Status::Stopped).await;
    call().send().await.denied("stopped");
    world.publication("get", Status::Offline).await;
    call().send().await.allowed();
    assert_eq!(world.backend.last().header("x-tidegate-api"), Some("another"));
}

#[tokio::test]
async fn a_grant_is_good_on_its_instance_only() {
    let world = World::start().await;
    let elsewhere = tidegate_domain::InstanceId::parse("elsewhere").unwrap();
    world
        .tell(Batch {
            publications: vec![
                FeedPublication {
                    api: api_id("get"),
                    instance: apig(),
                    status: Status::Offline,
                    published_at: Some(at(NOON)),
                },
                FeedPublication {
                    api: api_id("get"),
                    instance: elsewhere.clone(),
                    status: Status::Published,
                    published_at: Some(at(NOON)),
                },
            ],
            ..Batch::default()
        })
        .await;
    world.call("GET", "/orders/7").send().await.denied("no-grant");
    let mut there = standing("get", "app", Some(grant(NOON, NOON + HOUR, None)));
    there.key.instance = elsewhere;
    world.standing(there).await;
    world.call("GET", "/orders/7").send().await.allowed();
}

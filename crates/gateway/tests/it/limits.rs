//! How many calls an API's policy lets through, and calls that are let through once.

use std::sync::atomic::Ordering;

use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_gateway::feed::{Batch, FeedApi, Rules, Throttle};

use crate::asking::{Raw, Services, Way, set};
use crate::world::{Call, HOUR, NOON, World, grant, iam_app, signing_app, token};

const NONCE: &str = "0123456789abcdef";

fn policy(per_api: Option<u64>, per_user: Option<u64>, per_app: Option<u64>) -> Throttle {
    Throttle { name: "slow".to_owned(), window_ms: 3_600_000, per_api, per_user, per_app }
}

fn get(world: &World, rules: Rules) -> FeedApi {
    FeedApi { rules, ..world.api("get", AuthType::App, Method::Get, "/orders/{id}", "/o/{id}") }
}

/// A world whose `GET /orders/{id}` has these rules, a little more than a minute after its gate began.
async fn with(rules: Rules) -> World {
    let world = World::start().await;
    world.wall.store(NOON + 100_000, Ordering::SeqCst);
    world.tell(Batch { apis: vec![get(&world, rules)], ..Batch::default() }).await;
    world
}

fn throttled(throttle: Throttle) -> Rules {
    Rules { throttle: Some(throttle), ..Rules::default() }
}

fn with_nonce() -> Rules {
    Rules { nonce: true, ..Rules::default() }
}

fn call(world: &World) -> Call {
    world.call("GET", "/orders/7")
}

fn once(world: &World, nonce: &str) -> Call {
    call(world).header("x-sdk-nonce", nonce)
}

async fn second_app(world: &World) {
    let second = signing_app("second", "ak-2", "sk-2");
    world.tell(Batch { apps: vec![second], ..Batch::default() }).await;
    world.grant("get", "second", Some(grant(NOON, NOON + HOUR, None))).await;
}

#[tokio::test]
async fn an_app_that_calls_too_often_is_told_when_it_may() {
    let world = with(throttled(policy(None, None, Some(2)))).await;
    second_app(&world).await;
    call(&world).send().await.allowed();
    call(&world).send().await.allowed();
    let answer = call(&world).send().await;
    answer.denied("throttled");
    assert_eq!(answer.status, 429);
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((3_600..=3_825).contains(&wait), "a window and a slot of it at most: {wait}");
    let text = answer.text();
    let part = "The policy slow allows 2 calls per app within 3600 s; try again in";
    assert!(text.contains(part), "{text}");
    assert!(!answer.closes);
    call(&world).by("ak-2", "sk-2").send().await.allowed();
    world.call("POST", "/orders/7").send().await.allowed();
    assert_eq!(world.backend.calls(), 4);
}

#[tokio::test]
async fn only_admitted_calls_count() {
    let world = with(throttled(policy(Some(1), None, None))).await;
    for _ in 0..3 {
        call(&world).by("ak-demo-0001", "wrong").send().await.denied("bad-signature");
        call(&world).send_plain().await.denied("missing-signature");
    }
    world.set_now(NOON + HOUR);
    call(&world).send().await.denied("expired");
    world.set_now(NOON);
    call(&world).send().await.allowed();
    call(&world).send().await.denied("throttled");
}

#[tokio::test]
async fn a_user_is_limited_over_all_his_apps_and_a_change_bites_at_once() {
    let world = with(throttled(policy(None, Some(2), None))).await;
    second_app(&world).await;
    call(&world).send().await.allowed();
    call(&world).by("ak-2", "sk-2").send().await.allowed();
    call(&world).send().await.denied("throttled");
    let text = call(&world).by("ak-2", "sk-2").send().await.denied("throttled").text();
    assert!(text.contains("2 calls per user"), "{text}");
    // More is allowed: what was counted still counts.
    let wider = get(&world, throttled(policy(None, Some(3), None)));
    world.tell(Batch { apis: vec![wider], ..Batch::default() }).await;
    call(&world).send().await.allowed();
    call(&world).send().await.denied("throttled");
    world.tell(Batch { apis: vec![get(&world, Rules::default())], ..Batch::default() }).await;
    call(&world).send().await.allowed();
}

#[tokio::test]
async fn a_token_counts_for_its_user() {
    let world = World::start().await;
    let rules = throttled(policy(None, Some(1), None));
    let iam = world.api("iam", AuthType::Iam, Method::Get, "/iam", "/iam");
    world.publish(FeedApi { rules, ..iam }).await;
    let mut other = token("other", "acme", NOON + HOUR);
    other.user = tidegate_domain::UserId::parse("v").unwrap();
    let tokens = vec![token("one", "acme", NOON + HOUR), token("two", "acme", NOON + HOUR), other];
    let apps = vec![iam_app("iam-app", "acme")];
    world.tell(Batch { apps, tokens, ..Batch::default() }).await;
    world.grant("iam", "iam-app", Some(grant(NOON, NOON + HOUR, None))).await;
    let call = |token: &str| world.call("GET", "/iam").header("x-auth-token", token).send_plain();
    call("one").await.allowed();
    call("two").await.denied("throttled");
    call("other").await.allowed();
}

#[tokio::test]
async fn an_open_api_is_limited_as_a_whole() {
    let world = World::start().await;
    let rules = throttled(policy(Some(2), Some(1), Some(1)));
    let open = world.api("open", AuthType::None, Method::Get, "/open", "/open");
    world.publish(FeedApi { rules, ..open }).await;
    let call = || world.call("GET", "/open").send_plain();
    call().await.allowed();
    call().await.allowed();
    call().await.denied("throttled");
}

/// A proxy that asks is told what the gate itself would say, and both count together. A proxy's
/// answers are 200, 401 or 403, so it is the reason that tells.
#[tokio::test]
async fn beside_a_proxy_the_same_calls_count() {
    let world = with(throttled(policy(None, None, Some(3)))).await;
    let services = Services::of(&world.gate).await;
    let raw = Raw::of(&call(&world).bytes());
    assert_eq!(services.ask(&raw, Way::Check, false).await.status, 200);
    assert_eq!(services.check(&raw, false).await.unwrap().reason(), None);
    call(&world).send().await.allowed();
    call(&world).send().await.denied("throttled");
    let asked = services.ask(&raw, Way::AuthRequest, false).await;
    let checked = services.check(&raw, false).await.unwrap();
    assert_eq!(asked.status, 403);
    assert_eq!(checked.reason(), Some("throttled".to_owned()));
    for headers in [asked.headers, set(&checked.denied.unwrap().headers)] {
        assert_eq!(headers["x-tidegate-reason"], "throttled");
        let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!(wait >= 3_600, "{wait}");
    }
    assert_eq!(world.backend.calls(), 1);
}

#[tokio::test]
async fn a_call_with_a_nonce_is_let_through_once() {
    let world = with(with_nonce()).await;
    second_app(&world).await;
    let bytes = once(&world, NONCE).bytes();
    world.raw(&bytes).await.allowed();
    assert_eq!(world.backend.last().header("x-sdk-nonce"), None, "it is for the gate");
    world.raw(&bytes).await.denied("replayed");
    once(&world, NONCE).dated(NOON / 1_000 + 105).send().await.denied("replayed");
    once(&world, "another-nonce-0123_-").send().await.allowed();
    once(&world, NONCE).by("ak-2", "sk-2").send().await.allowed();
    world.wall.store(NOON + 1_000_000, Ordering::SeqCst);
    world.raw(&bytes).await.denied("replayed");
    world.wall.store(NOON + 1_001_000, Ordering::SeqCst);
    world.raw(&bytes).await.denied("clock-skew");
    world.call("POST", "/orders/7").send().await.allowed();
}

#[tokio::test]
async fn a_nonce_must_be_there_well_formed_signed_and_single() {
    let world = with(with_nonce()).await;
    call(&world).send().await.denied("nonce-required");
    let longest = "n".repeat(64);
    for bad in
        ["", "0123456789abcde", "0123456789 abcdef", "0123456789abcdef=", &format!("{longest}n")]
    {
        let answer = once(&world, bad).send().await;
        assert!(answer.denied("nonce-required").text().contains("another form"), "{bad}");
    }
    let answer = call(&world).unsigned("x-sdk-nonce", NONCE).send().await;
    assert!(answer.denied("nonce-required").text().contains("not signed"));
    let twice = call(&world).unsigned("x-sdk-nonce", NONCE).unsigned("x-sdk-nonce", NONCE);
    twice.send().await.denied("bad-request");
    let folded = call(&world).header("x_sdk_nonce", NONCE).send().await;
    folded.denied("nonce-required");
    once(&world, &longest).send().await.allowed();
    once(&world, NONCE).send().await.allowed();
}

#[tokio::test]
async fn only_a_call_that_is_let_through_spends_its_nonce() {
    let rules = Rules { nonce: true, ..throttled(policy(None, None, Some(1))) };
    let world = with(rules.clone()).await;
    once(&world, NONCE).by("ak-demo-0001", "wrong").send().await.denied("bad-signature");
    world.set_now(NOON + HOUR);
    once(&world, NONCE).send().await.denied("expired");
    world.set_now(NOON);
    let first = once(&world, NONCE).bytes();
    world.raw(&first).await.allowed();
    let second = once(&world, "another-nonce-0123").bytes();
    world.raw(&second).await.denied("throttled");
    world.raw(&second).await.denied("throttled");
    // A repeat is a repeat, and uses up nothing.
    world.raw(&first).await.denied("replayed");
    let wider = throttled(policy(None, None, Some(2)));
    let wider = get(&world, Rules { nonce: true, ..wider });
    world.tell(Batch { apis: vec![wider], ..Batch::default() }).await;
    world.raw(&first).await.denied("replayed");
    world.raw(&second).await.allowed();
    world.raw(&second).await.denied("replayed");
}

/// After a start the gate cannot know what was let through before: calls that may have been are
/// denied until they cannot be repeats.
#[tokio::test]
async fn after_a_start_calls_from_before_are_fenced_off() {
    let world = with(with_nonce()).await;
    let start = NOON / 1_000;
    let at = |wall: i64| world.wall.store(NOON + wall * 1_000, Ordering::SeqCst);
    for (wall, date, reason) in [
        (0, 0, "replay-fence"),
        (0, -900, "replay-fence"),
        (0, 60, "replay-fence"),
        (0, 61, "clock-skew"),
        (60, 60, "replay-fence"),
        (900, 60, "replay-fence"),
    ] {
        at(wall);
        let answer = once(&world, NONCE).dated(start + date).send().await;
        answer.denied(reason);
        if reason == "replay-fence" {
            let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert_eq!(wait, (61 - wall).max(1));
        }
    }
    at(1);
    once(&world, NONCE).dated(start + 61).send().await.allowed();
    at(61);
    once(&world, "another-nonce-0123").dated(start + 61).send().await.allowed();
}

/// A nonce that no signature covers would protect nothing.
#[tokio::test]
async fn an_api_without_signatures_cannot_ask_for_a_nonce() {
    let world = World::start().await;
    let open = world.api("open", AuthType::None, Method::Get, "/open", "/open");
    world.publish(FeedApi { rules: with_nonce(), ..open }).await;
    let call = world.call("GET", "/open").header("x-sdk-nonce", NONCE);
    call.send_plain().await.denied("nonce-required");
}

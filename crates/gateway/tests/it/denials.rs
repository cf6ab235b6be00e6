//! Every denial, and what leads to it.

use std::time::Duration;

use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_gateway::feed::{Batch, FeedApi, FeedApp};
use tidegate_gateway::{Limits, Reason};
use tokio::net::TcpListener;

use crate::world::{
    HOUR, KEY, NOON, SECRET, World, grant, iam_app, limits, signing_app, token, until,
};

#[tokio::test]
async fn what_is_not_there_has_no_route() {
    let world = World::start().await;
    world.call("GET", "/nowhere").send().await.denied("no-route");
    for method in ["PUT", "DELETE", "PATCH", "BREW"] {
        world.call(method, "/orders/7").send().await.denied("no-route");
    }
    let unpublished = world.api("new", AuthType::App, Method::Get, "/new", "/");
    world.tell(Batch { apis: vec![unpublished], ..Batch::default() }).await;
    world.call("GET", "/new").send().await.denied("not-published");
}

/// An app of which the control side cannot read the secret is denied by a name of its own, and nobody else is.
#[tokio::test]
async fn an_app_whose_secret_cannot_be_read_is_denied_by_name() {
    let world = World::start().await;
    let unreadable = || FeedApp { secret: None, ..signing_app("app", KEY, SECRET) };
    let other = signing_app("other", "ak-other", "sk-other");
    world.tell(Batch { apps: vec![unreadable(), other], ..Batch::default() }).await;
    world.grant("get", "other", Some(grant(NOON, NOON + HOUR, None))).await;
    world.call("GET", "/orders/7").send().await.denied("app-unreadable");
    world.call("GET", "/orders/7").by(KEY, "other").send().await.denied("app-unreadable");
    world.call("POST", "/orders/7").body("held").send().await.denied("app-unreadable");
    world.call("GET", "/orders/7").dated(NOON / 1000 - 901).send().await.denied("clock-skew");
    world.call("GET", "/orders/7").by("ak-other", "sk-other").send().await.allowed();
    // Its secret was reset.
    let readable = signing_app("app", KEY, SECRET);
    world.tell(Batch { apps: vec![readable], ..Batch::default() }).await;
    world.call("GET", "/orders/7").send().await.allowed();
}

/// The same of an API, whatever its callers prove, and however it is asked; nobody else is.
#[tokio::test]
async fn an_api_whose_record_cannot_be_read_is_denied_by_name() {
    let world = World::start().await;
    let readable = world.api("get", AuthType::App, Method::Get, "/orders/{id}", "/o/{id}");
    for auth in [AuthType::App, AuthType::Iam, AuthType::None] {
        let FeedApi { id, project, domain, method, path, .. } = readable.clone();
        let unreadable = FeedApi::unreadable((id, project, domain), (auth, method, path));
        world.tell(Batch { apis: vec![unreadable], ..Batch::default() }).await;
        world.call("GET", "/orders/7").send().await.denied("api-unreadable");
        world.call("GET", "/orders/7").by(KEY, "other").send().await.denied("api-unreadable");
        world.call("GET", "/orders/7").send_plain().await.denied("api-unreadable");
        assert_eq!(world.backend.calls(), 0);
    }
    world.call("POST", "/orders/7").body("held").send().await.allowed();
    // Its record was mended: the grants are still there.
    world.tell(Batch { apis: vec![readable], ..Batch::default() }).await;
    world.call("GET", "/orders/7").send().await.allowed();
}

/// `OPTIONS` is answered by the gateway, to anybody.
#[tokio::test]
async fn the_methods_of_an_address_are_told() {
    let world = World::start().await;
    world.publish(world.api("only", AuthType::None, Method::Post, "/only", "/echo")).await;
    for (target, allow) in [
        ("/orders/7", Some("GET, HEAD, OPTIONS, POST")),
        ("/only?a=1", Some("OPTIONS, POST")),
        ("/nowhere", None),
    ] {
        let answer = world.call("OPTIONS", target).send_plain().await;
        assert_eq!(answer.header("allow"), allow, "{target}");
        if allow.is_some() {
            assert_eq!((answer.status, answer.body.len()), (204, 0));
            assert!(answer.header("x-request-id").is_some());
        } else {
            answer.denied("no-route");
        }
    }
    assert_eq!(world.backend.calls(), 0);
}

/// Who signed another request than the one that came sees which one came, without what could be a secret.
#[tokio::test]
async fn a_wrong_signature_is_answered_with_the_request_that_was_expected() {
    let world = World::start().await;
    let call = || {
        world
            .call("POST", "/orders/7?b=2&a=1+1")
            .at("h.example")
            .header("x-tenant", "one")
            .header("x-security-token", "hidden-1")
            .header("x-api-key", "hidden-2")
            .body("{}")
    };
    let answer = call().by(KEY, "wrong").send().await;
    answer.denied("bad-signature");
    let text = answer.text();
    let hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let wanted = format!(
        "POST|/orders/7/|a=1%2B1&b=2|host:h.example|x-api-key:***|x-sdk-date:20260102T030000Z|\
         x-security-token:***|x-tenant:one||host;x-api-key;x-sdk-date;x-security-token;x-tenant|{hash}"
    );
    assert!(text.contains(&wanted), "{text}");
    assert!(!text.contains("hidden") && !text.contains("wrong"), "{text}");
    // An unknown key is told no more than before.
    let unknown = call().by("nobody", "wrong").send().await;
    assert!(!unknown.denied("unknown-key").text().contains('|'));
}

#[tokio::test]
async fn a_signature_is_asked_for_and_read_strictly() {
    let world = World::start().await;
    let call = || world.call("GET", "/orders/7");
    let missing = call().send_plain().await;
    missing.denied("missing-signature");
    assert!(missing.text().contains("Authorization not found."));

    for value in [
        "",
        "Bearer x",
        "SDK-HMAC-SHA256",
        "SDK-HMAC-SHA256 Access=a",
        "sdk-hmac-sha256 Access=a, SignedHeaders=host, Signature=00",
    ] {
        call().unsigned("authorization", value).send_plain().await.denied("malformed-signature");
    }
    let signature = call().signature();
    let value = signature["authorization"].as_bytes();
    let date = signature["x-sdk-date"].as_bytes();
    // Either header will do, or both if they agree.
    for names in
        [&["authorization"][..], &["x-authorization"], &["authorization", "x-authorization"]]
    {
        let call = call().unsigned("x-sdk-date", date);
        let call = names.iter().fold(call, |call, name| call.unsigned(name, value));
        call.send_plain().await.allowed();
    }
    call().unsigned("x-authorization", "other").send().await.denied("malformed-signature");
    call().unsigned("authorization", value).send().await.denied("bad-request");

    call().by("nobody", "s").send().await.denied("unknown-key");
    call().by(KEY, "wrong").send().await.denied("bad-signature");
}

#[tokio::test]
async fn any_signed_part_that_changes_is_noticed() {
    let world = World::start().await;
    let signed = world.call("GET", "/orders/7?a=1").header("x-tenant", "one").bytes();
    let signed = String::from_utf8(signed).unwrap();
    world.raw(signed.as_bytes()).await.allowed();
    for (from, to) in [
        ("/orders/7", "/orders/8"),
        ("a=1", "a=2"),
        ("a=1", "a=1&b=2"),
        ("x-tenant: one", "x-tenant: two"),
        ("host: 127", "host: 128"),
        ("GET ", "POST "),
    ] {
        let changed = signed.replacen(from, to, 1);
        assert_ne!(changed, signed);
        world.raw(changed.as_bytes()).await.denied("bad-signature");
    }
    // What no signature tells apart is the same call; the backend gets it as it came.
    for (same, sent_on) in [
        ("/orders/7/?a=1", "/o/7?a=1"),
        ("/orders/%37?a=1", "/o/%37?a=1"),
        ("/%6Frders/7?&a=1&", "/o/7?&a=1&"),
    ] {
        world.raw(signed.replacen("/orders/7?a=1", same, 1).as_bytes()).await.allowed();
        assert_eq!(world.backend.last().address, sent_on);
    }
}

#[tokio::test]
async fn a_signature_is_fresh_by_the_wall_clock_whatever_the_decision_time_is() {
    let world = World::start().await;
    let now = NOON / 1000;
    world.set_now(NOON + HOUR / 2);
    for (date, is_fresh) in [(-901, false), (-900, true), (900, true), (901, false)] {
        let answer = world.call("GET", "/orders/7").dated(now + date).send().await;
        if is_fresh {
            answer.allowed();
        } else {
            answer.denied("clock-skew");
            assert!(answer.text().contains(&format!("Your clock is {date} s off")));
        }
    }
}

#[tokio::test]
async fn a_token_stands_for_its_accounts_app() {
    let world = World::start().await;
    world.publish(world.api("iam", AuthType::Iam, Method::Get, "/iam", "/o")).await;
    let call = |token: &str| world.call("GET", "/iam").header("x-auth-token", token).send_plain();
    world
        .tell(Batch {
            tokens: vec![token("good", "acme", NOON + HOUR), token("other", "other", NOON + HOUR)],
            ..Batch::default()
        })
        .await;
    world.call("GET", "/iam").send_plain().await.denied("missing-token");
    world.call("GET", "/iam").send().await.denied("missing-token");
    call("bad").await.denied("invalid-token");
    call("good").await.denied("no-grant");
    world.tell(Batch { apps: vec![iam_app("acme-users", "acme")], ..Batch::default() }).await;
    call("good").await.denied("no-grant");
    world.grant("iam", "acme-users", Some(grant(NOON, NOON + 9 * HOUR, None))).await;
    call("good").await.allowed();
    let seen = world.backend.last();
    assert_eq!(seen.header("x-tidegate-app"), Some("acme-users"));
    assert_eq!(seen.header("x-auth-token"), None);
    call("other").await.denied("invalid-token");
    world.set_now(NOON + HOUR - 1);
    call("good").await.allowed();
    world.set_now(NOON + HOUR);
    call("good").await.denied("invalid-token");
}

#[tokio::test]
async fn a_grant_is_for_the_app_that_signed() {
    let world = World::start().await;
    let other = signing_app("other", "ak-other", "sk-other");
    world.tell(Batch { apps: vec![other], ..Batch::default() }).await;
    world.call("GET", "/orders/7").by("ak-other", "sk-other").send().await.denied("no-grant");
    // A secret proves its own key only.
    world.call("GET", "/orders/7").by(KEY, "sk-other").send().await.denied("bad-signature");
}

#[tokio::test]
async fn a_backend_that_is_away_or_late_is_told_from_a_denial() {
    let world = World::start().await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut api = world.api("gone", AuthType::None, Method::Get, "/gone", "/");
    api.backend.authority = gone.local_addr().unwrap().to_string();
    drop(gone);
    world.publish(api).await;
    world.call("GET", "/gone").send_plain().await.denied("backend-unreachable");

    let mut api = world.api("late", AuthType::None, Method::Get, "/late", "/wait");
    api.backend.timeout_ms = Some(50);
    world.publish(api).await;
    world.call("GET", "/late").send_plain().await.denied("backend-timeout");

    let mut api = world.api("broken", AuthType::None, Method::Get, "/broken", "/{nobody}");
    api.backend.authority = "user@nowhere".to_owned();
    world.publish(api).await;
    world.call("GET", "/broken").send_plain().await.denied("internal");
}

#[tokio::test]
async fn a_busy_backend_gets_no_more_than_it_has_room_for() {
    let world = World::with(Limits { calls_per_api: 1, ..limits() }).await;
    world.publish(world.api("wait", AuthType::None, Method::Get, "/wait", "/wait")).await;
    let first = tokio::spawn(world.call("GET", "/wait").send_plain());
    until(|| world.backend.waiting.load(std::sync::atomic::Ordering::SeqCst) == 1).await;
    let overloaded = world.call("GET", "/wait").send_plain().await;
    overloaded.denied("overloaded");
    assert_eq!(overloaded.header("retry-after"), Some("1"));
    world.backend.release.send(true).unwrap();
    first.await.unwrap().allowed();
    // Room is given back when the answer is over.
    let room = || async { world.call("GET", "/wait").send_plain().await.status == 200 };
    while !room().await {}
}

#[tokio::test]
async fn held_bodies_share_a_bounded_memory() {
    let world = World::with(Limits {
        buffered_body: 1024,
        buffered_total: 1024,
        buffered_read: Duration::from_secs(3600),
        ..limits()
    })
    .await;
    // The first call's body never ends arriving, so its memory stays taken.
    let bytes = world.call("POST", "/orders/7").body([b'x'; 900]).bytes();
    let mut slow = tokio::net::TcpStream::connect(world.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut slow, &bytes[..bytes.len() - 1]).await.unwrap();
    let overloaded = async {
        loop {
            let answer = world.call("POST", "/orders/7").body([b'x'; 900]).send().await;
            if answer.status != 200 {
                break answer;
            }
        }
    };
    overloaded.await.denied("overloaded");
    drop(slow);
}

#[tokio::test]
async fn every_denial_is_counted_by_its_reason() {
    let world = World::start().await;
    world.call("GET", "/orders/7").send().await.allowed();
    for _ in 0..3 {
        world.call("GET", "/nowhere").send().await.denied("no-route");
    }
    let counters = world.gate.counters();
    assert_eq!(counters.admitted, 1);
    for (reason, count) in counters.denied {
        assert_eq!(count, if reason == Reason::NoRoute { 3 } else { 0 }, "{reason}");
    }
}

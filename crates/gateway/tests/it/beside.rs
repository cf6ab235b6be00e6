//! The gate beside another proxy: however it is asked, it says what it says by itself.

use std::time::Duration;

use bytes::Bytes;
use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{Cut, CutCause};
use tidegate_gateway::feed::Batch;
use tidegate_gateway::{Clock, Gate, GateConfig, Limits, Reason};

use crate::asking::{Raw, Services, Way, grpc, set};
use crate::world::{
    Answer, HOUR, KEY, NOON, World, at, exchange, grant, iam_app, limits, signing_app, token, until,
};

const JSON: (&str, &str) = ("content-type", "application/json");
const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");

fn reason(answer: &Answer) -> Option<String> {
    answer.header("x-tidegate-reason").map(str::to_owned)
}

fn row(reason: &str) -> Reason {
    Reason::ALL.into_iter().find(|r| r.row().name == reason).unwrap()
}

/// Checks an answer's status and form by its reason.
#[track_caller]
fn has_form(answer: &Answer) {
    let text = answer.text();
    match reason(answer) {
        None => {
            assert_eq!((answer.status, text.as_str()), (200, ""));
            assert!(answer.header("x-tidegate-api").is_some());
        }
        Some(name) => {
            let reason = row(&name);
            assert_eq!(answer.status, reason.status_for_a_proxy().as_u16(), "{name}");
            assert!(matches!(answer.status, 401 | 403 | 503));
            assert_eq!(answer.header("www-authenticate").is_some(), answer.status == 401);
            let id = answer.header("x-request-id").unwrap();
            assert!(text.contains(reason.row().code) && text.contains(id), "{text}");
            assert!(answer.header("x-tidegate-api").is_none());
        }
    }
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// Calls of every kind, each with whether its body has to be seen.
fn calls(world: &World) -> Vec<(&'static str, Vec<u8>, bool)> {
    let get = || world.call("GET", "/orders/7");
    let post = || world.call("POST", "/orders/7");
    let iam = |token: &str| world.call("GET", "/iam").header("x-auth-token", token).plain_bytes();
    let signed = |from: &str, to: &str| {
        let bytes = String::from_utf8(get().header("x-tenant", "one").bytes()).unwrap();
        let changed = bytes.replacen(from, to, 1);
        assert_ne!(changed, bytes);
        changed.into_bytes()
    };
    let body = r#"{"a":1}"#;
    let late = NOON / 1000 - 901;
    vec![
        ("granted", get().bytes(), false),
        ("host not signed", get().only_date_signed().bytes(), false),
        (
            "host not signed, another",
            get().only_date_signed().at("elsewhere.example").bytes(),
            false,
        ),
        ("with a query", world.call("GET", "/orders/7?b=%20&a=1&a=0").bytes(), false),
        ("with a signed header", get().header("x-tenant", "one").bytes(), false),
        ("with bytes", get().header("x-tenant", [b'a', 0xE9]).bytes(), false),
        ("with a slash", signed("/orders/7", "/orders/7/"), false),
        ("spelled otherwise", signed("/orders/7", "/%6Frders/%37"), false),
        ("with a fragment", signed("/orders/7", "/orders/7#x"), false),
        ("no route", world.call("GET", "/nowhere").bytes(), false),
        ("no method", world.call("DELETE", "/orders/7").bytes(), false),
        ("health", world.call("GET", "/health").bytes(), false),
        ("unpublished", world.call("GET", "/new").bytes(), false),
        ("stopped", world.call("GET", "/stopped").bytes(), false),
        ("unsigned", get().plain_bytes(), false),
        ("not a signature", get().unsigned("authorization", "Bearer x").plain_bytes(), false),
        ("two signatures", get().unsigned("x-authorization", "other").bytes(), false),
        (
            "two tokens",
            get().unsigned("x-auth-token", "a").unsigned("x-auth-token", "b").bytes(),
            false,
        ),
        ("doubled", get().unsigned("authorization", "x").bytes(), false),
        ("unknown key", get().by("nobody", "s").bytes(), false),
        ("wrong secret", get().by(KEY, "s").bytes(), false),
        ("late", get().dated(late).bytes(), false),
        ("other path", signed("/orders/7", "/orders/8"), false),
        ("other method", signed("GET ", "POST "), false),
        ("other header", signed("x-tenant: one", "x-tenant: two"), false),
        ("other host", signed("host: 127", "host: 128"), false),
        ("missing header", signed("x-tenant: one\r\n", ""), false),
        ("two readings", signed("/orders/7", "/orders/%2e%2e/orders/7"), false),
        ("encoded slash", signed("/orders/7", "/orders/7%2F8"), false),
        ("semicolon", signed("/orders/7", "/orders/7;x"), false),
        ("empty segment", signed("/orders/7", "//orders/7"), false),
        ("upgrade", get().unsigned("upgrade", "websocket").bytes(), false),
        ("other app", get().by("ak-other", "sk-other").bytes(), false),
        ("expired", world.call("GET", "/expired").bytes(), false),
        ("cancelled", world.call("GET", "/cancelled").bytes(), false),
        ("with notice", world.call("GET", "/notice").bytes(), false),
        ("not yet", world.call("GET", "/soon").bytes(), false),
        ("open", world.call("GET", "/open").plain_bytes(), false),
        ("open, with a body", world.call("POST", "/open").body("x").plain_bytes(), false),
        ("token", iam("good"), false),
        ("no token", world.call("GET", "/iam").plain_bytes(), false),
        ("bad token", iam("bad"), false),
        ("token of another", iam("other"), false),
        ("empty body", post().header(JSON.0, JSON.1).bytes(), false),
        ("body", post().header(JSON.0, JSON.1).body(body).bytes(), true),
        ("other body", post().body(body).tampered(r#"{"a":2}"#).bytes(), true),
        ("body of nobody", post().by("nobody", "s").body(body).bytes(), false),
        ("declared", post().body(body).declared().bytes(), false),
        ("declared, other body", post().body(body).declared().tampered("x").bytes(), false),
        ("declared by nobody", post().by("nobody", "s").body(body).declared().bytes(), false),
        ("left out", post().header(OCTETS.0, OCTETS.1).body("x").payload_unsigned().bytes(), false),
        (
            "left out of JSON",
            post().header(JSON.0, JSON.1).body(body).payload_unsigned().bytes(),
            false,
        ),
    ]
}

async fn furnished() -> World {
    let world = World::start().await;
    world
        .tell(Batch {
            apps: vec![signing_app("other", "ak-other", "sk-other"), iam_app("users", "acme")],
            tokens: vec![token("good", "acme", NOON + HOUR), token("other", "other", NOON + HOUR)],
            apis: vec![world.api("new", AuthType::App, Method::Get, "/new", "/")],
            ..Batch::default()
        })
        .await;
    world.publish(world.api("iam", AuthType::Iam, Method::Get, "/iam", "/")).await;
    world.grant("iam", "users", Some(grant(NOON, NOON + HOUR, None))).await;
    for (id, method) in [("open", Method::Get), ("open-post", Method::Post)] {
        world.publish(world.api(id, AuthType::None, method, "/open", "/")).await;
    }
    let cut = |at_ms| Some(Cut { at: at(at_ms), cause: CutCause::Reviewer });
    for (id, grant) in [
        ("expired", grant(NOON - HOUR, NOON, None)),
        ("cancelled", grant(NOON - HOUR, NOON + HOUR, cut(NOON))),
        ("notice", grant(NOON - HOUR, NOON + HOUR, cut(NOON + HOUR / 2))),
        ("soon", grant(NOON + 1, NOON + HOUR, None)),
        ("stopped", grant(NOON, NOON + HOUR, None)),
    ] {
        let path = format!("/{id}");
        world.publish(world.api(id, AuthType::App, Method::Get, &path, "/")).await;
        world.grant(id, "app", Some(grant)).await;
    }
    world.publication("stopped", Status::Stopped).await;
    world
}

#[tokio::test]
async fn every_way_to_ask_gives_the_verdict_of_the_gate_itself() {
    let world = furnished().await;
    let services = Services::of(&world.gate).await;
    let mut reasons = std::collections::BTreeSet::new();
    for (name, bytes, needs_body) in calls(&world) {
        let proxy = reason(&exchange(world.address, &bytes).await);
        let call = Raw::of(&bytes);
        let blind = if needs_body { Some("body-not-covered".to_owned()) } else { proxy.clone() };
        for way in Way::ALL {
            if way == Way::Envoy && ["empty body", "other method"].contains(&name) {
                // Envoy does not tell it from one whose body it does not send.
                let answer = services.ask(&call, way, true).await;
                assert_eq!(reason(&answer).as_deref(), Some("body-not-covered"), "{name}");
                continue;
            }
            let answer = services.ask(&call, way, true).await;
            assert_eq!(reason(&answer), proxy, "{name} {way:?} {}", answer.text());
            has_form(&answer);
            // A hash is all there is to look at.
            let expected = if proxy.as_deref() == Some("body-mismatch") { &None } else { &blind };
            let answer = services.ask(&call, way, false).await;
            assert_eq!(&reason(&answer), expected, "{name} {way:?} {}", answer.text());
            has_form(&answer);
        }
        let verdict = services.check(&call, true).await.unwrap();
        assert_eq!(verdict.reason(), proxy, "{name} {verdict:?}");
        let is_text = !name.contains("bytes") && !["two tokens", "doubled"].contains(&name);
        if is_text {
            let verdict = services.check_map(&call, true).await.unwrap();
            assert_eq!(verdict.reason(), proxy, "{name} {verdict:?}");
        }
        reasons.extend(proxy);
    }
    assert!(reasons.len() >= 14, "{reasons:?}");
}

#[tokio::test]
async fn a_proxy_learns_who_calls_and_what_to_drop() {
    let world = furnished().await;
    let services = Services::of(&world.gate).await;
    let spoofed = || {
        let call = world.call("GET", "/notice").unsigned("x-tidegate-app", "root");
        call.unsigned("x-tidegate-reason", "none")
    };
    let plain = Raw::of(&spoofed().bytes());
    let gone_at_envoy = ["authorization", "x-sdk-date", "x-tidegate-reason", "x_tidegate_app"];
    let call = Raw::of(&spoofed().unsigned("x_tidegate_app", "root").bytes());
    for way in Way::ALL {
        // Only Envoy can be told what not to send on; the others know the usual names by heart.
        let told = if way == Way::Envoy { &call } else { &plain };
        let answer = services.ask(told, way, true).await;
        has_form(&answer);
        for (name, value) in [
            ("x-tidegate-app", "app"),
            ("x-tidegate-api", "notice"),
            ("x-tidegate-grant-end", "2026-01-02T03:30:00Z"),
            ("x-tidegate-cancelled-at", "2026-01-02T03:30:00Z"),
        ] {
            let values: Vec<_> = answer.headers.get_all(name).iter().collect();
            assert_eq!(values, [value], "{name} {way:?}");
        }
        assert_eq!(answer.header("x-request-id").map(str::len), Some(32));
        let gone = answer.header("x-envoy-auth-headers-to-remove");
        let mut gone: Vec<_> = gone.map_or_else(Vec::new, |names| names.split(',').collect());
        gone.sort_unstable();
        let expected: &[&str] = if way == Way::Envoy { &gone_at_envoy } else { &[] };
        assert_eq!(gone, expected);
    }
    for name in
        ["x_tidegate_app", "x-tidegate_app", "x.tidegate.app", "x!tidegate!app", "x-tidegate-foo"]
    {
        let odd = Raw::of(&spoofed().unsigned(name, "root").bytes());
        for way in [Way::Check, Way::AuthRequest] {
            let answer = services.ask(&odd, way, true).await;
            assert_eq!(reason(&answer).as_deref(), Some("bad-request"), "{name} {way:?}");
        }
    }
    let ok = services.check(&call, true).await.unwrap().ok.unwrap();
    let identity = set(&ok.headers);
    assert_eq!(identity["x-tidegate-app"], "app");
    assert_eq!(identity["x-tidegate-api"], "notice");
    assert_eq!(identity["x-tidegate-cancelled-at"], "2026-01-02T03:30:00Z");
    let mut gone = ok.headers_to_remove;
    gone.sort_unstable();
    assert_eq!(gone, gone_at_envoy);
    let back = set(&ok.response_headers_to_add);
    assert_eq!(back["x-request-id"], identity["x-request-id"]);
    assert!(!back.contains_key("x-tidegate-app") && back.contains_key("x-tidegate-revision"));
    let counters = world.gate.counters();
    assert_eq!(counters.admitted, 4);
}

#[tokio::test]
async fn a_call_is_told_in_one_way_and_once() {
    let world = World::start().await;
    let services = Services::of(&world.gate).await;
    let call = Raw::of(&world.call("GET", "/orders/7").bytes());
    for (way, name) in [
        (Way::Check, "x-forwarded-uri"),
        (Way::Check, "x-forwarded-method"),
        (Way::Check, "x-forwarded-host"),
        (Way::Check, "x-original-uri"),
        (Way::Check, "x-original-content-length"),
        (Way::AuthRequest, "x-original-uri"),
        (Way::AuthRequest, "x-original-method"),
        (Way::AuthRequest, "x-forwarded-uri"),
        (Way::AuthRequest, "x-forwarded-method"),
        (Way::AuthRequest, "host"),
        (Way::Envoy, "x-original-method"),
        (Way::Envoy, "x-forwarded-uri"),
    ] {
        let mut told = call.clone();
        told.headers.push((name.to_owned(), b"/orders/7".to_vec()));
        let answer = services.ask(&told, way, false).await;
        assert_eq!(reason(&answer).as_deref(), Some("bad-request"), "{way:?} {name}");
        assert_eq!(answer.status, 403);
    }
    for (bytes, status) in [
        ("GET /check HTTP/1.1\r\nhost: a\r\n\r\n", 403),
        ("GET /auth-request HTTP/1.1\r\nhost: a\r\nx-original-method: GET\r\n\r\n", 403),
        ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", 403),
        ("GET /envoy HTTP/1.1\r\nhost: a\r\n\r\n", 403),
        ("GET /check/ HTTP/1.1\r\nhost: a\r\n\r\n", 403),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n", 200),
        ("GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n", 200),
    ] {
        let answer = exchange(services.http, bytes.as_bytes()).await;
        assert_eq!(answer.status, status, "{bytes}");
    }
    // Over gRPC, what is told beside the headers is what they say.
    for name in [":path", ":authority", "host", "Bad Name"] {
        let mut told = call.clone();
        told.headers.push((name.to_owned(), b"/other".to_vec()));
        let verdict = services.check(&told, true).await.unwrap();
        assert_eq!(verdict.reason().as_deref(), Some("bad-request"), "{name}");
    }
    let (headers, _) =
        grpc(services.grpc, "/envoy.service.auth.v2.Other/Check", Bytes::new()).await;
    assert_eq!(headers["grpc-status"], "12");
    let junk = Bytes::from_static(b"\0\0\0\0\x03\xff\xff\xff");
    let (headers, _) =
        grpc(services.grpc, "/envoy.service.auth.v3.Authorization/Check", junk).await;
    assert_ne!(headers["grpc-status"], "0");
    let empty = Bytes::from_static(b"\0\0\0\0\0");
    let (headers, body) =
        grpc(services.grpc, "/envoy.service.auth.v3.Authorization/Check", empty).await;
    assert_eq!(headers["grpc-status"], "0");
    assert!(String::from_utf8_lossy(&body).contains("bad-request"), "nothing told is no OK");
}

#[tokio::test]
async fn a_body_in_part_is_not_covered() {
    let world = World::start().await;
    let services = Services::of(&world.gate).await;
    // The part that is sent is the part that is signed.
    let mut call = Raw::of(&world.call("POST", "/orders/7").body("x").bytes());
    call.headers.push(("x-envoy-auth-partial-body".to_owned(), b"true".to_vec()));
    let answer = services.ask(&call, Way::Envoy, true).await;
    assert_eq!(reason(&answer).as_deref(), Some("body-not-covered"));
    let verdict = services.check(&call, true).await.unwrap();
    assert_eq!(verdict.reason().as_deref(), Some("body-not-covered"));
    call.headers.pop();
    assert_eq!(reason(&services.ask(&call, Way::Envoy, true).await), None);
    assert_eq!(services.check(&call, true).await.unwrap().reason(), None);
    // A body whose length is not told may be there.
    let chunked =
        world.call("GET", "/orders/7").unsigned("x-original-transfer-encoding", "chunked");
    let mut call = Raw::of(&chunked.bytes());
    let told = async |call: &Raw| services.ask(call, Way::AuthRequest, false).await;
    assert_eq!(reason(&told(&call).await).as_deref(), Some("body-not-covered"));
    call.headers.retain(|(name, _)| !name.starts_with("x-original"));
    assert_eq!(reason(&told(&call).await), None);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_denied() {
    let world = World::with(Limits { buffered_body: 1024, ..limits() }).await;
    let services = Services::of(&world.gate).await;
    let call = Raw::of(&world.call("POST", "/orders/7").body([b'x'; 1025]).bytes());
    let answer = services.ask(&call, Way::Check, true).await;
    assert_eq!(reason(&answer).as_deref(), Some("body-too-large"));
    has_form(&answer);
}

#[tokio::test]
async fn a_fault_of_the_gate_is_never_an_ok_and_no_denial_either() {
    let noon = std::sync::Arc::new(|| at(NOON));
    let clock = Clock { now: noon.clone(), wall: noon };
    let gate = Gate::new(GateConfig::default(), clock).unwrap();
    let services = Services::of(&gate).await;
    let world = World::with(Limits {
        lease: Duration::from_millis(40),
        poll: Duration::from_millis(5),
        poll_timeout: Duration::from_millis(20),
        poll_backoff: Duration::from_millis(20),
        ..limits()
    })
    .await;
    let call = Raw::of(&world.call("GET", "/orders/7").bytes());
    world.log.is_down.store(true, std::sync::atomic::Ordering::SeqCst);
    until(|| world.gate.status().ready == Err(Reason::LeaseLapsed)).await;
    let lapsed = Services::of(&world.gate).await;
    for (services, name) in [(services, "not-ready"), (lapsed, "lease-lapsed")] {
        for way in Way::ALL {
            let answer = services.ask(&call, way, true).await;
            assert_eq!((answer.status, reason(&answer).as_deref()), (503, Some(name)));
            has_form(&answer);
        }
        assert_eq!(services.check(&call, true).await, Err(14));
        let ready = exchange(services.http, b"GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(ready.status, 503);
    }
}

/// The call as it goes over the wire.
fn wire(call: &Raw) -> Vec<u8> {
    let Raw { method, target, host, headers, body } = call;
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    if !body.is_empty() {
        bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    [&bytes, b"\r\n".as_slice(), body].concat()
}

/// Signed well and badly, each sent as it was signed and in many other ways.
fn odd_calls(world: &World) -> Vec<Raw> {
    let date = NOON / 1000;
    let get = || world.call("GET", "/orders/7").header("x-tenant", "one");
    let signed = [
        get().bytes(),
        get().by(KEY, "wrong").bytes(),
        get().by("nobody", "s").bytes(),
        get().by("ak-other", "sk-other").bytes(),
        get().dated(date - 901).bytes(),
        get().dated(date + 901).bytes(),
        get().dated(date - 900).bytes(),
        get().dated(date + 900).bytes(),
        get().plain_bytes(),
    ];
    let mut calls = Vec::new();
    for signed in signed.iter().map(|bytes| Raw::of(bytes)) {
        for target in [
            "/orders/7",
            "/orders/7/",
            "/orders/8",
            "/Orders/7",
            "/%6frders/%37",
            "/orders/7?",
            "/orders/7?a=1",
            "/orders/7#x",
            "/orders/%2e%2e/orders/7",
            "/./orders/7",
            "//orders/7",
            "/orders%2F7",
            "/orders/7;v=1",
            "/orders\\7",
            "/orders/7%5C",
            "/orders/7%00",
            "/orders/7%0a",
            "/orders/%zz",
            "/orders/%ff",
            "/orders/7%252F",
            "/",
            "/expired",
            "/stopped",
            "/new",
            "/open",
            "/iam",
        ] {
            calls.push(Raw { target: target.to_owned(), ..signed.clone() });
        }
        for (name, value) in [
            ("x-tenant", Some("two")),
            ("x-tenant", None),
            ("x-sdk-date", Some("20260102T030001Z")),
            ("x-sdk-date", Some("2026-01-02T03:00:00Z")),
            ("x-sdk-date", None),
            ("authorization", Some("SDK-HMAC-SHA256 Access=a")),
            ("authorization", Some("Bearer x")),
            ("authorization", Some("")),
            ("x-authorization", Some("SDK-HMAC-SHA256 Access=a")),
            ("x-auth-token", Some("good")),
            ("x-security-token", Some("x")),
            ("x-tidegate-app", Some("root")),
            ("x-tidegate-reason", Some("none")),
            ("accept", Some("*/*")),
        ] {
            let mut call = signed.clone();
            call.headers.retain(|(known, _)| known != name);
            call.headers.extend(value.map(|value| (name.to_owned(), value.as_bytes().to_vec())));
            calls.push(call);
        }
        calls.push(Raw { host: "other.example".to_owned(), ..signed.clone() });
        calls.push(Raw { method: "PUT".to_owned(), ..signed.clone() });
    }
    for (key, secret) in [(KEY, "sk-demo-0001"), (KEY, "wrong"), ("nobody", "s")] {
        let post = || world.call("POST", "/orders/7").by(key, secret);
        for call in [
            post().body("x"),
            post().body("x").declared(),
            post().header(JSON.0, JSON.1).body("{}"),
            post().header(OCTETS.0, OCTETS.1).body("x").payload_unsigned(),
            post().header(JSON.0, JSON.1).body("{}").payload_unsigned(),
        ] {
            let call = Raw::of(&call.bytes());
            for body in [call.body.clone(), b"tampered".to_vec(), vec![b'x'; 100_000]] {
                calls.push(Raw { body, ..call.clone() });
            }
        }
    }
    calls
}

#[tokio::test]
async fn odd_calls_get_one_verdict_from_all() {
    let world = furnished().await;
    let services = Services::of(&world.gate).await;
    let (calls, mut verdicts) = (odd_calls(&world), std::collections::BTreeMap::new());
    assert!(calls.len() >= 400, "{}", calls.len());
    for call in &calls {
        let proxy = reason(&exchange(world.address, &wire(call)).await);
        for way in Way::ALL {
            let answer = services.ask(call, way, true).await;
            assert_eq!(reason(&answer), proxy, "{way:?} {call:?}");
            has_form(&answer);
        }
        let verdict = services.check(call, true).await.unwrap();
        assert_eq!(verdict.reason(), proxy, "{call:?}");
        *verdicts.entry(proxy).or_insert(0) += 1;
    }
    assert!(verdicts.len() >= 10 && verdicts[&None] >= 30, "{verdicts:?}");
}

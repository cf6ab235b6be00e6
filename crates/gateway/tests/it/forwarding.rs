//! What the backend sees of a call, and the caller of its answer.

use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_gateway::feed::{Constant, Moved, Position};
use tidegate_gateway::{Share, Telling};

use crate::world::{World, exchange, limits};

#[tokio::test]
async fn identity_comes_from_the_gate_alone() {
    let world = World::start().await;
    let names = [
        "X-Tidegate-App",
        "x_tidegate_app",
        "X.Tidegate.App",
        "x-tidegate_grant.end",
        "X_Tidegate_Api",
        "x_request_id",
        "X-Request-Id",
        "x.forwarded.for",
        "X-Forwarded-For",
        "Forwarded",
    ];
    for (nominated, name) in names.iter().flat_map(|name| [(false, name), (true, name)]) {
        let call = world.call("GET", "/orders/7").header(name, "spoofed");
        // Whether it is a caller's header or the gate's, nobody nominates it away.
        let connection =
            format!("keep-alive, {name}, x-tidegate-app, X-TIDEGATE-API, x-request-id");
        let call = if nominated { call.unsigned("connection", connection) } else { call };
        let answer = call.send().await;
        answer.allowed();
        let seen = world.backend.last();
        assert_eq!(seen.header("x-tidegate-app"), Some("app"), "{name}");
        assert_eq!(seen.header("x-tidegate-api"), Some("get"));
        assert_eq!(seen.header("x-tidegate-grant-end"), Some("2026-01-02T04:00:00Z"));
        assert_eq!(seen.header("x-request-id"), answer.header("x-request-id"));
        assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
        assert_eq!(seen.header("x-forwarded-host"), Some(world.address.to_string().as_str()));
        let spoofed = seen.headers.iter().find(|(_, value)| *value == "spoofed");
        assert!(spoofed.is_none(), "{spoofed:?}");
    }
}

#[tokio::test]
async fn on_either_way_a_backend_is_told_each_thing_once_and_by_the_gate() {
    // With traces, so that the gate says all it ever says.
    let telling = Telling { traces: Some(Share::ALL), ..Telling::default() };
    let world = World::telling(limits(), telling).await;
    let moved = Moved {
        name: "q".to_owned(),
        position: Position::Query,
        backend_name: "X-Moved".to_owned(),
        backend_position: Position::Header,
        required: false,
        default: None,
    };
    let constant = |name: &str| Constant {
        name: name.to_owned(),
        position: Position::Header,
        value: "author".to_owned(),
    };
    for (id, path) in [("open", "/open"), ("authored", "/authored")] {
        let mut api = world.api(id, AuthType::None, Method::Get, path, "/echo");
        if id == "authored" {
            api.backend.moved = vec![moved.clone()];
            api.backend.constants = vec![constant("Traceparent"), constant("Tracestate")];
        }
        world.publish(api).await;
    }
    let gates = [
        "x-tidegate-app",
        "x-tidegate-api",
        "x-tidegate-grant-end",
        "x-tidegate-cancelled-at",
        "x-request-id",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "traceparent",
        "tracestate",
        "content-length",
        "transfer-encoding",
        "host",
    ];
    let by_hyper = world.by_hyper().await;
    let spellings = |name: &str| [name.to_owned(), name.to_uppercase(), name.replace('-', "_")];
    for name in gates.iter().flat_map(|name| spellings(name)) {
        for path in ["/orders/7", "/open", "/authored?q=1"] {
            for gate in [world.address, by_hyper] {
                let call = world.call("GET", path);
                let bytes = if path != "/orders/7" {
                    call.unsigned(&name, "spoofed").plain_bytes()
                } else if name.eq_ignore_ascii_case("host") {
                    call.unsigned(&name, "spoofed").bytes()
                } else {
                    call.header(&name, "spoofed").bytes()
                };
                let before = world.backend.calls();
                let answer = exchange(gate, &bytes).await;
                if answer.status == 400 {
                    assert_eq!(world.backend.calls(), before, "{name}");
                    continue;
                }
                answer.allowed();
                let seen = world.backend.last();
                for gates in gates {
                    let said = seen.header(gates);
                    assert!(said.is_none_or(|said| said != "author"), "{gates}");
                }
                let spoofed = seen.headers.iter().find(|(_, value)| *value == "spoofed");
                assert!(spoofed.is_none(), "{path} {spoofed:?}");
                assert!(seen.header("traceparent").unwrap().starts_with("00-"));
                let moved = path.starts_with("/authored").then_some("1");
                assert_eq!(seen.header("x-moved"), moved);
            }
        }
    }
}

#[tokio::test]
async fn proof_stays_at_the_gate_and_only_what_was_signed_goes_on() {
    let world = World::start().await;
    let answer = world
        .call("GET", "/orders/7")
        .header("x-tenant", "one")
        .header("content-type", "application/json")
        .unsigned("x-role", "admin")
        .unsigned("accept", "application/json")
        .unsigned("cookie", "a=b")
        .unsigned("te", "trailers")
        .send()
        .await;
    answer.allowed();
    let seen = world.backend.last();
    let mut names: Vec<&str> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "content-type",
            "host",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-request-id",
            "x-tenant",
            "x-tidegate-api",
            "x-tidegate-app",
            "x-tidegate-grant-end",
        ]
    );
    assert_eq!(seen.header("host"), Some(world.backend.address.to_string().as_str()));
}

#[tokio::test]
async fn an_open_api_passes_what_its_callers_send() {
    let world = World::start().await;
    world.publish(world.api("open", AuthType::None, Method::Get, "/open", "/o")).await;
    let call = world.call("GET", "/open").unsigned("authorization", "Basic x").header("x-a", "1");
    let answer = call.send_plain().await;
    answer.allowed();
    assert_eq!(answer.header("x-tidegate-grant-end"), None);
    let seen = world.backend.last();
    assert_eq!(seen.header("authorization"), Some("Basic x"));
    assert_eq!(seen.header("x-tidegate-app"), None);
}

#[tokio::test]
async fn path_query_and_headers_reach_the_backend_as_its_definition_says() {
    let world = World::start().await;
    let mut api = world.api("map", AuthType::App, Method::Get, "/m/{id}/{kind}", "/v2/{who}/{id}");
    api.backend.method = Method::Post;
    let moved = |name: &str, position, backend_name: &str, backend_position| Moved {
        name: name.to_owned(),
        position,
        backend_name: backend_name.to_owned(),
        backend_position,
        required: true,
        default: None,
    };
    api.backend.moved = vec![
        moved("customer", Position::Query, "who", Position::Path),
        moved("kind", Position::Path, "X-Kind", Position::Header),
        moved("x-region", Position::Header, "region", Position::Query),
    ];
    api.backend.constants = vec![Constant {
        name: "tier".to_owned(),
        position: Position::Query,
        value: "gold & more".to_owned(),
    }];
    world.publish(api).await;
    let grant = crate::world::grant(0, i64::MAX / 2, None);
    world.grant("map", "app", Some(grant)).await;
    let target = "/m/a%20b/big?customer=m%26o&z=2&z=1&tier=lead";
    world.call("GET", target).header("x-region", "nörd").send().await.allowed();
    let seen = world.backend.last();
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.address, "/v2/m%26o/a%20b?z=2&z=1&region=n%C3%B6rd&tier=gold%20%26%20more");
    assert_eq!(seen.header("x-kind"), Some("big"));
    let unsigned = world.call("GET", target).unsigned("x-region", "north").send().await;
    unsigned.denied("bad-request");
    assert!(unsigned.text().contains("x-region"));
}

#[tokio::test]
async fn answers_pass_but_nobody_speaks_for_the_gate() {
    let world = World::start().await;
    for (id, path) in [("spoof", "/spoof"), ("redirect", "/redirect")] {
        world.publish(world.api(id, AuthType::None, Method::Get, path, path)).await;
    }
    let answer = world.call("GET", "/spoof").send_plain().await;
    answer.allowed();
    assert_eq!(answer.header("x-result"), Some("1"));
    for gone in ["x-tidegate-grant-end", "x_tidegate_revision", "x-inner"] {
        assert_eq!(answer.header(gone), None);
    }
    assert_ne!(answer.header("x-request-id"), Some("mine"));
    let redirect = world.call("GET", "/redirect").send_plain().await;
    assert_eq!(redirect.status, 302, "the caller may follow it, the gate does not");
}

//! Requests that two readers could take in two ways.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_gateway::feed::{FeedApi, Number, Position, Rules};
use tidegate_gateway::serve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{HOUR, NOON, World, exchange, grant, limits, read_answer};

#[tokio::test]
async fn control_headers_come_once() {
    let world = World::start().await;
    let signed = String::from_utf8(world.call("GET", "/orders/7").bytes()).unwrap();
    for name in ["authorization", "x-sdk-date", "host"] {
        let line = signed.split("\r\n").find(|line| line.starts_with(name)).unwrap();
        let doubled = signed.replacen(line, &format!("{line}\r\n{line}"), 1);
        let answer = world.raw(doubled.as_bytes()).await;
        answer.denied("bad-request");
        assert!(answer.closes, "what follows cannot be trusted");
    }
    for name in ["x-authorization", "x-auth-token", "x-sdk-content-sha256", "content-type"] {
        let call = world.call("GET", "/orders/7").unsigned(name, "a").unsigned(name, "a");
        call.send().await.denied("bad-request");
    }
    assert_eq!(world.backend.calls(), 0);
}

#[tokio::test]
async fn targets_with_two_readings_are_refused() {
    let world = World::start().await;
    let host = world.address;
    for target in [
        "/orders/../orders/7",
        "/orders/%2e%2e/orders/7",
        "/orders/./7",
        "//orders/7",
        "/orders//7",
        "/orders/7%2F8",
        "/orders/7;x=y",
        "/orders/7%3Bx",
        "/orders\\7",
        "/orders/%5C7",
        "/orders/%00",
        "/orders/%zz",
        "/orders/%",
        "/orders/%ff",
        "/orders/7?a=%zz",
        "http://127.0.0.1/orders/7",
        "*",
        "orders/7",
    ] {
        let bytes = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        let answer = world.raw(bytes.as_bytes()).await;
        assert_eq!(answer.status, 400, "{target}");
        assert!(answer.closes, "{target}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: {host}\r\n\r\n", "a".repeat(9_000));
    world.raw(long.as_bytes()).await.denied("target-too-long");
}

/// An API may let odd characters into its values: nowhere else, and to no other API. They are signed,
/// routed and sent on as they came.
#[tokio::test]
async fn odd_values_are_let_in_where_an_api_says_so() {
    let world = World::start().await;
    let rules = Rules { odd_paths: true, ..Rules::default() };
    for (id, path, backend_path) in
        [("files", "/files/{name}", "/f/{name}"), ("fixed", "/a;b/{name}", "/f/{name}")]
    {
        let api = world.api(id, AuthType::App, Method::Get, path, backend_path);
        world.publish(FeedApi { rules: rules.clone(), ..api }).await;
        world.grant(id, "app", Some(grant(NOON, NOON + HOUR, None))).await;
    }
    for (target, sent_on) in [
        ("/files/a%2fb", "/f/a%2fb"),
        ("/files/a%5cb", "/f/a%5cb"),
        ("/files/a;v=1", "/f/a;v=1"),
        ("/files/a%3B", "/f/a%3B"),
        ("/files/a", "/f/a"),
    ] {
        world.call("GET", target).send().await.allowed();
        assert_eq!(world.backend.last().address, sent_on, "{target}");
    }
    let calls = world.backend.calls();
    for target in ["/orders/a%2Fb", "/orders/7;x", "/a;b/c", "/files;x/a", "/nowhere/a%2Fb"] {
        let answer = world.call("GET", target).send().await;
        answer.denied("bad-request");
        assert!(answer.text().contains("is not accepted") && answer.closes, "{target}");
    }
    let host = world.address;
    for target in ["/files/..%2Fa", "/files/a%2F..", "/files/..;a", "/files/%2F", "/files/a%00"] {
        let bytes = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        world.raw(bytes.as_bytes()).await.denied("bad-request");
    }
    // What was signed for one path is good for no other.
    let signed = String::from_utf8(world.call("GET", "/files/a%2Fb").bytes()).unwrap();
    let other = signed.replacen("/files/a%2Fb", "/files/a%5Cb", 1);
    world.raw(other.as_bytes()).await.denied("bad-signature");
    assert_eq!(world.backend.calls(), calls);
}

/// A whole address is a target, too (RFC 9112, 3.2.2), if it names the host that `Host` names.
#[tokio::test]
async fn a_whole_address_is_a_target() {
    let world = World::start().await;
    let signed = String::from_utf8(world.call("GET", "/orders/7?a=1").bytes()).unwrap();
    let to = |address: &str| signed.replacen("/orders/7?a=1", address, 1);
    let host = world.address;
    for gate in [world.address, world.by_hyper().await] {
        let whole = to(&format!("http://{host}/orders/7?a=1"));
        exchange(gate, whole.as_bytes()).await.allowed();
        assert_eq!(world.backend.last().address, "/o/7?a=1");
        for other in [
            "http://other/orders/7?a=1".to_owned(),
            format!("http://user@{host}/orders/7?a=1"),
            format!("ftp://{host}/orders/7?a=1"),
            format!("http://{host}/orders/7#?a=1"),
        ] {
            exchange(gate, to(&other).as_bytes()).await.denied("bad-request");
        }
    }
}

#[tokio::test]
async fn heads_with_two_readings_are_refused() {
    let world = World::start().await;
    let host = world.address;
    for (head, what) in [
        (format!("host: {host}\r\ncontent-length: 1\r\ncontent-length: 2"), "two lengths"),
        (format!("host: {host}\r\ncontent-length: +1"), "signed length"),
        (format!("host: {host}\r\ncontent-length:"), "empty length"),
        (format!("host: {host}\r\ntransfer-encoding: chunked, gzip"), "unknown coding"),
        (format!("host: {host}\r\nupgrade: websocket\r\nconnection: upgrade"), "upgrade"),
        (format!("host: {host}\r\nconnection: Upgrade, HTTP2-Settings"), "upgrade"),
        (format!("host: {host}\r\n: empty"), "empty name"),
        (format!("host: {host}\r\nx y: z"), "blank in a name"),
        (format!("host: {host}\r\nx: a\r\n b"), "folded line"),
        ("accept: */*".to_owned(), "no host"),
    ] {
        let bytes = format!("POST /orders/7 HTTP/1.1\r\n{head}\r\n\r\n0\r\n\r\n");
        let answer = world.raw(bytes.as_bytes()).await;
        assert_eq!(answer.status, 400, "{what}");
        assert!(answer.closes, "{what}");
        assert!(answer.headers.contains_key("x-tidegate-reason"), "{what}");
        assert_eq!(answer.headers["x-request-id"].len(), 32, "{what}");
        assert!(answer.body.starts_with(b"{"), "{what}");
    }
    assert_eq!(world.backend.calls(), 0);
}

/// What no service gets to see is refused by name on ports that are no gateway, too.
#[tokio::test]
async fn every_port_refuses_a_head_by_name() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service =
        |_| service_fn(async |_| Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())));
    tokio::spawn(async move { serve(listener, service, &limits(), std::future::pending()).await });
    for head in [
        "content-length: +5",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 18446744073709551616",
        "transfer-encoding: xchunked",
        "transfer-encoding: \"chunked\"",
        "x: a\r\n b",
    ] {
        let bytes = format!("POST / HTTP/1.1\r\nhost: h\r\n{head}\r\n\r\n");
        let answer = exchange(address, bytes.as_bytes()).await;
        answer.denied("bad-request");
        assert_eq!(answer.headers["x-request-id"].len(), 32, "{head}");
        assert!(answer.closes && answer.body.starts_with(b"{"), "{head}");
    }
}

#[tokio::test]
async fn a_whole_address_may_leave_its_usual_port_out_and_http2_names_http() {
    let world = World::start().await;
    for (target, host, is_same) in [
        ("http://h:80/orders/7", "h", true),
        ("http://h/orders/7", "H:80", true),
        ("https://h:443/orders/7", "h", true),
        ("http://h:443/orders/7", "h", false),
        ("http://h:8080/orders/7", "h", false),
    ] {
        let bytes = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        let answer = exchange(world.address, bytes.as_bytes()).await;
        answer.denied(if is_same { "missing-signature" } else { "bad-request" });
    }
    for port in ["65536", "99999", "+80"] {
        let bytes = format!("GET /orders/7 HTTP/1.1\r\nhost: h:{port}\r\n\r\n");
        exchange(world.address, bytes.as_bytes()).await.denied("bad-request");
    }
    let stream = TcpStream::connect(world.address).await.unwrap();
    let shake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = shake.await.unwrap();
    tokio::spawn(connection);
    for (scheme, reason) in
        [("http", "missing-signature"), ("https", "missing-signature"), ("ftp", "bad-request")]
    {
        let request = Request::get(format!("{scheme}://h/orders/7")).body(Empty::<Bytes>::new());
        let answer = sender.send_request(request.unwrap()).await.unwrap();
        assert_eq!(answer.headers()["x-tidegate-reason"], reason, "{scheme}");
    }
}

#[tokio::test]
async fn a_body_with_two_lengths_ends_the_connection() {
    let world = World::start().await;
    world.publish(world.api("open", AuthType::None, Method::Post, "/open", "/echo")).await;
    let host = world.address;
    let second = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n");
    for order in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
    ] {
        let first =
            format!("POST /open HTTP/1.1\r\nhost: {host}\r\n{order}\r\n\r\n1\r\nx\r\n0\r\n\r\n");
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(format!("{first}{second}").as_bytes()).await.unwrap();
        let mut answers = Vec::new();
        let ended = stream.read_to_end(&mut answers);
        drop(tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it is closed"));
        let answers = String::from_utf8(answers).unwrap();
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    }
    // What reaches the backend is written anew, and has one length.
    for seen in world.backend.seen.lock().unwrap().iter() {
        assert!(
            seen.headers.contains_key("content-length")
                != seen.headers.contains_key("transfer-encoding")
        );
        assert_eq!(seen.body.as_deref(), Some(&b"x"[..]));
    }
}

/// D12: what the author has declared a number reaches no backend as something else, on either path.
#[tokio::test]
async fn a_parameter_that_is_no_number_is_refused_by_its_name() {
    let world = World::start().await;
    let mut api = world.api("typed", AuthType::App, Method::Get, "/things/{id}", "/t/{id}");
    let number =
        |name: &str, position| Number { name: name.to_owned(), position, may_be_empty: false };
    api.backend.numbers = vec![number("id", Position::Path), number("n", Position::Query)];
    world.publish(api).await;
    world.grant("typed", "app", Some(grant(NOON, NOON + HOUR, None))).await;
    for gate in [world.address, world.by_hyper().await] {
        let ask = |target: &str| world.call("GET", target).bytes();
        exchange(gate, &ask("/things/7?n=1.5&n=%32&x=abc")).await.allowed();
        assert_eq!(world.backend.last().address, "/t/7?n=1.5&n=%32&x=abc");
        let calls = world.backend.calls();
        for (target, name) in
            [("/things/abc", "id"), ("/things/7?n=1&n=abc", "n"), ("/things/7?n=", "n")]
        {
            let answer = exchange(gate, &ask(target)).await;
            answer.denied("bad-request");
            assert!(answer.text().contains(&format!("The parameter `{name}` is not a number.")));
        }
        assert_eq!(world.backend.calls(), calls);
    }
}

/// On every way and in every position on a connection, with all that a refusal has.
#[tokio::test]
async fn a_head_that_cannot_be_answered_is_refused_in_form() {
    let world = World::start().await;
    let by_hyper = world.by_hyper().await;
    let host = world.address;
    let signed = String::from_utf8(world.call("GET", "/orders/7").bytes()).unwrap();
    let line = |line: &str| format!("{line}\r\nhost: {host}\r\n\r\n");
    let target = |target: &str| signed.replacen("/orders/7", target, 1);
    let large = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(70_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101));
    let before = [
        String::new(),
        String::from_utf8(world.call("GET", "/orders/7").bytes()).unwrap(),
        line("PUT /orders/7 HTTP/1.1"),
        format!(
            "POST /orders/7 HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n3\r\n#/#\r\n0\r\n\r\n"
        ),
        format!(
            "PUT /orders/7 HTTP/1.1\r\nhost: {host}\r\ncontent-length: 17\r\n\r\nGET /# HTTP/1.1\r\n"
        ),
    ];
    for (bad, reason) in [
        (target("/orders/7#"), "bad-request"),
        (target("/orders/7#x/../y"), "bad-request"),
        (target("/orders/7?a#b"), "bad-request"),
        (target("/orders/7\"<>"), "bad-request"),
        (target("/orders/7?a=<\""), "bad-request"),
        (target(&format!("/{}", "a".repeat(9_000))), "target-too-long"),
        (target(&format!("/{}", "a".repeat(70_000))), "target-too-long"),
        (large, "head-too-large"),
        (many, "head-too-large"),
        (line("GET / HTTP/1.7"), "bad-request"),
        (line("GET /"), "bad-request"),
        (format!("GET / HTTP/1.1\r\nhost: {host}\r\nx y: z\r\n\r\n"), "bad-request"),
    ] {
        for gate in [world.address, by_hyper] {
            for before in &before {
                let mut stream = TcpStream::connect(gate).await.unwrap();
                let (mut reader, mut writer) = stream.split();
                let bytes = format!("{before}{bad}");
                let written = async { drop(writer.write_all(bytes.as_bytes()).await) };
                let mut answers = Vec::new();
                let read = async { reader.read_to_end(&mut answers).await };
                drop(tokio::join!(read, written));
                let last = answers.windows(9).rposition(|nine| nine == b"HTTP/1.1 ");
                let mut last = &answers[last.expect("an answer")..];
                let answer = read_answer(&mut last).await;
                answer.denied(reason);
                assert!(answer.closes, "{bad}");
            }
        }
    }
    let seen = world.backend.seen.lock().unwrap();
    assert!(seen.iter().all(|seen| seen.address == "/o/7" && seen.method == "GET"), "{seen:?}");
    let told = world.gate.metrics().unwrap();
    assert!(told.contains("tidegate_gate_calls_in_flight 0\n"));
}

#[tokio::test]
async fn bytes_beyond_ascii_lead_to_the_right_verdict_everywhere() {
    let world = World::start().await;
    for byte in [0x80_u8, 0xA0, 0xC3, 0xE9, 0xFF] {
        let value = [b'a', byte, b'z'];
        let call = world.call("GET", "/orders/7").header("x-tenant", value);
        call.send().await.allowed();
        assert_eq!(world.backend.last().headers["x-tenant"].as_bytes(), value);
        for name in ["authorization", "x-authorization"] {
            let call = world.call("GET", "/orders/7").unsigned(name, value);
            call.send_plain().await.denied("malformed-signature");
        }
        for name in ["connection", "x-tidegate-app", "accept"] {
            let call = world.call("GET", "/orders/7").unsigned(name, value);
            call.send().await.allowed();
            assert_eq!(world.backend.last().header("x-tidegate-app"), Some("app"));
        }
        for name in ["x-sdk-date", "x-sdk-content-sha256", "x-auth-token", "content-length"] {
            let call = world.call("GET", "/orders/7").unsigned(name, value);
            let answer = call.send_plain().await;
            assert!((400..500).contains(&answer.status), "{name} {}", answer.status);
        }
    }
}

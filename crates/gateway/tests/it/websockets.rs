//! Calls that become WebSockets, and when they end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_gateway::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backends::{Raw, request};
use crate::world::{Answer, Call, HOUR, NOON, World, limits, read_answer, until};

const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n\
                        upgrade: websocket\r\nsec-websocket-accept: a\r\n\r\nfirst";

/// A backend that answers with `answer` and then echoes, and what it was asked.
async fn echo(answer: &'static str) -> (Raw, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&asked);
    let raw = Raw::start(move |_, mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            let Some(head) = request(&mut stream).await else { return };
            seen.lock().unwrap().push(head);
            stream.write_all(answer.as_bytes()).await.unwrap();
            let (mut reader, mut writer) = stream.split();
            drop(tokio::io::copy(&mut reader, &mut writer).await);
        }
    })
    .await;
    (raw, asked)
}

/// A gate in front of it, with an API the world's app may call.
async fn in_front_of(raw: &Raw, limits: Limits) -> World {
    let world = World::with(limits).await;
    let mut api = world.api("ws", AuthType::App, Method::Get, "/ws/{id}", "/live/{id}");
    api.backend.authority = raw.address.to_string();
    api.rules.upgrade = true;
    world.publish(api).await;
    world.grant("ws", "app", Some(crate::world::grant(NOON, NOON + HOUR, None))).await;
    world
}

fn ask(world: &World, target: &str) -> Call {
    world
        .call("GET", target)
        .unsigned("connection", "Upgrade")
        .unsigned("upgrade", "websocket")
        .unsigned("sec-websocket-key", "k")
        .unsigned("sec-websocket-version", "13")
        .unsigned("sec-websocket-protocol", "chat")
}

/// A caller's connection after his request, and the answer's head.
async fn asked(world: &World, call: &Call) -> (TcpStream, Answer) {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(&call.bytes()).await.unwrap();
    let answer = read_answer(&mut stream).await;
    (stream, answer)
}

async fn opened(world: &World) -> TcpStream {
    let (mut stream, answer) = asked(world, &ask(world, "/ws/7")).await;
    assert_eq!(answer.status, 101, "{}", answer.text());
    until(|| world.gate.status().websockets > 0).await;
    stream.write_all(b"ping").await.unwrap();
    let mut text = answer.body;
    while !text.ends_with(b"ping") {
        assert!(stream.read_buf(&mut text).await.unwrap() > 0);
    }
    stream
}

/// Is the connection closed before long?
async fn is_closed(world: &World, mut stream: TcpStream) {
    let ended = async { while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {} };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it is closed");
    until(|| world.gate.status().websockets == 0).await;
}

fn quick() -> Limits {
    Limits { recheck: Duration::from_millis(5), ..limits() }
}

#[tokio::test]
async fn an_admitted_call_goes_on_as_a_websocket() {
    let (raw, seen) = echo(SWITCHED).await;
    let world = in_front_of(&raw, limits()).await;
    let (mut stream, answer) = asked(&world, &ask(&world, "/ws/7")).await;
    assert_eq!(answer.status, 101);
    for (name, value) in
        [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-accept", "a")]
    {
        assert_eq!(answer.header(name), Some(value));
    }
    assert!(answer.header("x-tidegate-grant-end").is_some());
    let mut text = answer.body;
    let long = vec![b'x'; 1_000_000];
    let (mut reader, mut writer) = stream.split();
    let written = async {
        writer.write_all(&long).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let (read, ()) = tokio::join!(reader.read_to_end(&mut text), written);
    read.unwrap();
    assert!(text.starts_with(b"first"));
    assert_eq!(text.len(), "first".len() + long.len());

    let head = seen.lock().unwrap()[0].to_lowercase();
    assert!(head.starts_with("get /live/7 http/1.1\r\n"), "{head}");
    for line in [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-key: k",
        "sec-websocket-version: 13",
        "sec-websocket-protocol: chat",
        "x-tidegate-app: app",
    ] {
        assert_eq!(head.matches(&format!("\r\n{line}\r\n")).count(), 1, "{line} in {head}");
    }
    until(|| world.gate.status().websockets == 0).await;
    assert_eq!(world.gate.counters().admitted, 1);
}

#[tokio::test]
async fn nobody_switches_without_a_grant_and_an_api_that_allows_it() {
    let (raw, seen) = echo(SWITCHED).await;
    let world = in_front_of(&raw, limits()).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let second = format!("GET /healthz HTTP/1.1\r\nhost: {}\r\n\r\n", world.address);
    stream.write_all(&ask(&world, "/ws/7").plain_bytes()).await.unwrap();
    stream.write_all(second.as_bytes()).await.unwrap();
    let answer = read_answer(&mut stream).await;
    answer.denied("missing-signature");
    assert!(answer.closes, "what follows was meant for another protocol");
    is_closed(&world, stream).await;

    let (_, plain) = asked(&world, &ask(&world, "/orders/7")).await;
    plain.denied("bad-request");
    let other = ask(&world, "/ws/7").unsigned("upgrade", "h2c");
    asked(&world, &other).await.1.denied("bad-request");
    let with_body = ask(&world, "/ws/7").body("x");
    asked(&world, &with_body).await.1.denied("bad-request");
    world.grant("ws", "app", None).await;
    asked(&world, &ask(&world, "/ws/7")).await.1.denied("no-grant");
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_backend_that_declines_is_heard_and_one_that_does_something_else_is_not() {
    let declines = "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno";
    let (raw, _) = echo(declines).await;
    let world = in_front_of(&raw, limits()).await;
    let (stream, answer) = asked(&world, &ask(&world, "/ws/7")).await;
    assert_eq!((answer.status, answer.text().as_str(), answer.closes), (403, "no", true));
    is_closed(&world, stream).await;

    for other in [
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n",
    ] {
        let (raw, _) = echo(other).await;
        let world = in_front_of(&raw, limits()).await;
        asked(&world, &ask(&world, "/ws/7")).await.1.denied("backend-unreachable");
    }
}

#[tokio::test]
async fn a_websocket_ends_with_its_grant_its_api_and_its_app() {
    let (raw, _) = echo(SWITCHED).await;
    for what in ["expiry", "cancellation", "stop", "rule"] {
        let world = in_front_of(&raw, quick()).await;
        let stream = opened(&world).await;
        match what {
            "expiry" => world.set_now(NOON + HOUR),
            "cancellation" => world.grant("ws", "app", None).await,
            "stop" => world.publication("ws", Status::Stopped).await,
            _ => {
                let mut api = world.api("ws", AuthType::App, Method::Get, "/ws/{id}", "/live");
                api.backend.authority = raw.address.to_string();
                world.publish(api).await;
            }
        }
        is_closed(&world, stream).await;
    }
}

#[tokio::test]
async fn a_websocket_ends_with_silence_and_with_the_gate() {
    let (raw, _) = echo(SWITCHED).await;
    let silent = Limits { answer_idle: Duration::from_millis(20), ..quick() };
    let world = in_front_of(&raw, silent).await;
    let stream = opened(&world).await;
    is_closed(&world, stream).await;

    let world = in_front_of(&raw, limits()).await;
    let streams = [opened(&world).await, opened(&world).await];
    assert!(world.gate.metrics().unwrap().contains("tidegate_gate_websockets 2"));
    world.gate.end_websockets().await;
    for stream in streams {
        is_closed(&world, stream).await;
    }
}

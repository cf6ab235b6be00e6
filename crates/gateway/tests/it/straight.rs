//! The straight way and the way by hyper are one gate: the same bytes get the same answers, reach the
//! backend as the same calls, and leave the connection in the same state.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_gateway::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::backends::{Raw, in_front_of, request};
use crate::world::{World, exchange, limits, read_answer, until};

const HOST: &str = "gate.example";

/// What is behind a call: it tells whether the connection is still good.
const QUESTION: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: gate.example\r\nconnection: close\r\n\r\n";

/// A gate with its own backend, reached in one of the two ways.
struct Side {
    world: World,
    gate: SocketAddr,
}

/// What came of some bytes.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// Status, headers and body of each answer.
    answers: Vec<(u16, Vec<String>, String)>,
    /// The calls that reached the backend whole.
    seen: Vec<String>,
}

impl Side {
    async fn start(is_straight: bool) -> Self {
        // Bytes that wait for others which never come must not wait for long.
        let short = Duration::from_secs(2);
        let limits =
            Limits { header_read: short, buffered_read: short, body_idle: short, ..limits() };
        let world = World::with(limits).await;
        for (id, method) in [("open", Method::Get), ("open-post", Method::Post)] {
            world.publish(world.api(id, AuthType::None, method, "/open", "/echo")).await;
        }
        let gate = if is_straight { world.address } else { world.by_hyper().await };
        Self { world, gate }
    }

    async fn outcome(&self, sent: &[u8]) -> Outcome {
        let before = self.world.backend.calls();
        let mut stream = TcpStream::connect(self.gate).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let bytes = [sent, QUESTION].concat();
        let written = async { drop(writer.write_all(&bytes).await) };
        let mut answers = Vec::new();
        // A gate that closes on what it has not read may do so by a reset.
        let read = async { drop(reader.read_to_end(&mut answers).await) };
        let both = async { tokio::join!(read, written) };
        tokio::time::timeout(Duration::from_secs(30), both).await.expect("the gate closes");
        let backend = &self.world.backend.address.to_string();
        let seen = self.world.backend.seen.lock().unwrap();
        let whole = seen[before..].iter().filter_map(|seen| {
            let body = seen.body.as_ref()?;
            let mut headers: Vec<_> = seen
                .headers
                .iter()
                .filter(|(name, _)| *name != "x-request-id")
                .map(|(name, value)| format!("{name}: {value:?}").replace(backend, "backend"))
                .collect();
            headers.sort_unstable();
            Some(format!("{} {} {headers:?} {body:?}", seen.method, seen.address))
        });
        Outcome { answers: parse(&answers), seen: whole.collect() }
    }
}

/// The answers, without what differs from call to call.
fn parse(mut bytes: &[u8]) -> Vec<(u16, Vec<String>, String)> {
    let mut answers = Vec::new();
    while let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        bytes = &bytes[end + 4..];
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap()[9..12].parse().unwrap();
        let value = |name: &str| {
            let line = head.split("\r\n").find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim().to_owned())
        };
        let length = value("content-length:").map_or(0, |length| length.parse().unwrap());
        let mut body = String::from_utf8_lossy(&bytes[..length]).into_owned();
        bytes = &bytes[length..];
        if let Some(id) = value("x-request-id:") {
            body = body.replace(&id, "id");
        }
        let of_the_moment = ["date:", "x-request-id:", "connection:"];
        let mut headers: Vec<String> = lines
            .filter(|line| !of_the_moment.iter().any(|name| line.starts_with(name)))
            .map(str::to_owned)
            .collect();
        headers.sort_unstable();
        answers.push((status, headers, body));
    }
    assert!(bytes.is_empty(), "{:?}", String::from_utf8_lossy(bytes));
    answers
}

/// Calls of every kind that go straight, and a few that do not.
fn calls(world: &World) -> Vec<Vec<u8>> {
    let call = |method: &str, target: &str| world.call(method, target).at(HOST);
    let json = ("content-type", "application/json");
    vec![
        call("GET", "/orders/7?b=2&a=1").header("accept", "*/*").bytes(),
        call("POST", "/orders/7").header(json.0, json.1).body(r#"{"a":1}"#).bytes(),
        call("POST", "/orders/7").header(json.0, json.1).body(r#"{"a":1}"#).declared().bytes(),
        call("POST", "/orders/7").body("x").declared().tampered("y").bytes(),
        call("POST", "/orders/7")
            .header("content-type", "text/plain")
            .body("x")
            .payload_unsigned()
            .bytes(),
        call("POST", "/orders/7").bytes(),
        call("GET", "/open?x=%20y").unsigned("x-a", "1").plain_bytes(),
        call("GET", "/open").body("a body of a GET").plain_bytes(),
        call("POST", "/open").body("a body").plain_bytes(),
        call("POST", "/open").unsigned("connection", "keep-alive").body("a body").plain_bytes(),
        call("POST", "/open").unsigned("expect", "100-continue").body("a body").plain_bytes(),
        call("GET", "/orders/7").only_date_signed().bytes(),
        call("GET", "/orders/7").by("nobody", "x").bytes(),
        call("POST", "/orders/7").by(crate::world::KEY, "wrong").body("x").bytes(),
        call("GET", "/nowhere").bytes(),
        call("GET", "/readyz").plain_bytes(),
        call("DELETE", "/orders/7").bytes(),
        call("GET", "/orders/../7").plain_bytes(),
    ]
}

async fn sides() -> [Side; 2] {
    [Side::start(true).await, Side::start(false).await]
}

async fn both([straight, by_hyper]: &[Side; 2], sent: &[u8]) -> (Outcome, Outcome) {
    tokio::join!(straight.outcome(sent), by_hyper.outcome(sent))
}

#[tokio::test]
async fn plain_calls_come_to_the_same_on_either_way() {
    let sides = sides().await;
    let calls = calls(&sides[0].world);
    for sent in &calls {
        let (straight, by_hyper) = both(&sides, sent).await;
        assert_eq!(straight, by_hyper, "{:?}", String::from_utf8_lossy(sent));
        assert!(!straight.answers.is_empty());
    }
    // One behind the other, on one connection.
    let good = [&calls[0][..], &calls[2], &calls[6], &calls[8], &calls[11], &calls[1]].concat();
    let (straight, by_hyper) = both(&sides, &good).await;
    assert_eq!(straight, by_hyper);
    assert_eq!(straight.answers.len(), 7);
}

/// A change to the bytes of a call.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Cut(Index),
    Insert(Index, &'static str),
    /// A line before a line.
    Line(Index, &'static str),
    /// A line once more.
    Twice(Index),
}

const PIECES: [&str; 16] = [
    "\r\n", "\n", "\r", " ", "\t", "\0", ":", ",", "/", "//", "%2e%2e", "%", "#", "?", ";",
    "\u{e9}",
];

const LINES: [&str; 22] = [
    "content-length: 3\r\n",
    "Content-Length: 0\r\n",
    "content-length: +3\r\n",
    "content-length: 70000\r\n",
    "transfer-encoding: chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "connection: close\r\n",
    "Connection: x-a, x-tidegate-app\r\n",
    "connection: Keep-Alive\r\n",
    "connection: upgrade\r\nupgrade: websocket\r\n",
    "expect: 100-continue\r\n",
    "te: trailers\r\n",
    "keep-alive: timeout=5\r\n",
    "proxy-connection: close\r\n",
    "x-tidegate-app: root\r\n",
    "X_Tidegate.App: root\r\n",
    "x-forwarded-for: 1.2.3.4\r\n",
    "host: other\r\n",
    "x-sdk-date: 20260102T030000Z\r\n",
    "x-auth-token: a\r\n",
    " folded\r\n",
    "GET /open HTTP/1.1\r\nhost: a\r\n\r\n",
];

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Flip(at, byte)),
        1 => at().prop_map(Change::Cut),
        2 => (at(), proptest::sample::select(&PIECES[..])).prop_map(|(at, text)| Change::Insert(at, text)),
        4 => (at(), proptest::sample::select(&LINES[..])).prop_map(|(at, text)| Change::Line(at, text)),
        1 => at().prop_map(Change::Twice),
    ]
}

fn changed(mut bytes: Vec<u8>, change: &Change) -> Vec<u8> {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1))
        .collect();
    match change {
        Change::Flip(at, byte) if !bytes.is_empty() => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Change::Cut(at) if !bytes.is_empty() => {
            bytes.remove(at.index(bytes.len()));
        }
        Change::Flip(..) | Change::Cut(_) => {}
        Change::Insert(at, text) => {
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..at, text.bytes());
        }
        Change::Line(line, text) => {
            let at = starts[line.index(starts.len())];
            bytes.splice(at..at, text.bytes());
        }
        Change::Twice(line) => {
            let line = line.index(starts.len());
            let end = starts.get(line + 1).copied().unwrap_or(bytes.len());
            let again = bytes[starts[line]..end].to_vec();
            bytes.splice(starts[line]..starts[line], again);
        }
    }
    bytes
}

#[test]
fn changed_calls_come_to_the_same_on_either_way() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sides = runtime.block_on(sides());
    let calls = calls(&sides[0].world);
    let changes = (any::<Index>(), proptest::collection::vec(change(), 1..4));
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&changes, |(call, changes)| {
            let sent = changes.iter().fold(call.get(&calls).clone(), changed);
            let (straight, by_hyper) = runtime.block_on(both(&sides, &sent));
            prop_assert_eq!(straight, by_hyper, "{:?}", String::from_utf8_lossy(&sent));
            Ok(())
        })
        .unwrap();
}

/// A caller that sends plain calls, byte by byte and many at once, is answered in order.
#[tokio::test]
async fn calls_in_pieces_and_in_a_row_are_answered_in_order() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let bytes = world.call("POST", "/orders/7").body("a body").bytes();
    for byte in &bytes {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    read_answer(&mut stream).await.allowed();
    assert_eq!(world.backend.last().body.as_deref(), Some(&b"a body"[..]));
    let many: Vec<u8> = (0..20)
        .flat_map(|n| {
            world.call("GET", &format!("/orders/{n}")).unsigned("x", "y".repeat(500)).bytes()
        })
        .collect();
    stream.write_all(&many).await.unwrap();
    let mut answers = Vec::new();
    while answers.windows(5).filter(|five| five == b"hello").count() < 20 {
        assert!(stream.read_buf(&mut answers).await.unwrap() > 0);
    }
    let seen = world.backend.seen.lock().unwrap();
    let order: Vec<String> = seen.iter().skip(1).map(|seen| seen.address.clone()).collect();
    assert_eq!(order, (0..20).map(|n| format!("/o/{n}")).collect::<Vec<_>>());
}

/// An answer reaches the caller whole, however it is framed and cut into pieces.
#[tokio::test]
async fn an_answer_arrives_in_any_framing() {
    let long = "x".repeat(300_000);
    let chunked = |text: &str| {
        let parts = text
            .as_bytes()
            .chunks(70_000)
            .map(|part| format!("{:X};a=b\r\n{}\r\n", part.len(), String::from_utf8_lossy(part)));
        format!("{}0\r\nx-tidegate-app: a\r\n\r\n", parts.collect::<String>())
    };
    for (head, body, wanted, keeps) in [
        ("200 OK\r\ncontent-length: 2", "ok".to_owned(), "ok", true),
        ("200 OK\r\nContent-Length: 300000", long.clone(), &long, true),
        ("200 OK\r\nTransfer-Encoding: chunked", chunked("ok"), "ok", true),
        ("200 OK\r\ntransfer-encoding: chunked", chunked(&long), &long, true),
        ("200 OK", "ok".to_owned(), "ok", false),
        ("200 OK\r\nconnection: close", long.clone(), &long, false),
        ("200 OK\r\nconnection: close\r\ncontent-length: 2", "ok".to_owned(), "ok", false),
        ("204 No Content", String::new(), "", true),
        ("304 Not Modified\r\ncontent-length: 2", String::new(), "", true),
        (
            "100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nx: y\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2",
            "ok".to_owned(),
            "ok",
            true,
        ),
    ] {
        let answer = format!("HTTP/1.1 {head}\r\n\r\n{body}");
        let raw = Raw::start(move |_, mut stream| {
            let answer = answer.clone();
            async move {
                while request(&mut stream).await.is_some() {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    if !keeps {
                        return;
                    }
                }
            }
        })
        .await;
        let world = World::start().await;
        world.publish(in_front_of(&world, raw.address)).await;
        for gate in [world.address, world.by_hyper().await] {
            let before = raw.connections();
            for _ in 0..2 {
                let (status, text) = plain(&world, gate).await;
                assert_eq!(status, head.rsplit("HTTP/1.1 ").next().unwrap()[..3], "{head}");
                assert_eq!(text.len(), wanted.len(), "{head}");
                assert!(text == wanted, "{head}");
            }
            assert_eq!(raw.connections() - before, if keeps { 1 } else { 2 }, "{head}");
        }
    }
}

/// The status and the body of one answer, by a client of another making.
async fn plain(world: &World, gate: SocketAddr) -> (String, String) {
    use http_body_util::BodyExt;
    let stream = TcpStream::connect(gate).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    let driven = tokio::spawn(connection);
    let request = http::Request::get("/raw").header("host", world.address.to_string());
    let body = http_body_util::Empty::<bytes::Bytes>::new();
    let answer = sender.send_request(request.body(body).unwrap()).await.unwrap();
    let status = answer.status().as_str().to_owned();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    drop(sender);
    driven.await.unwrap().unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Whoever does not read his answer is not waited for without end, and neither is his call.
#[tokio::test]
async fn a_caller_who_takes_nothing_is_given_up() {
    let short = Duration::from_millis(200);
    let world = World::with(Limits { body_idle: short, ..limits() }).await;
    let raw = Raw::start(|_, mut stream| async move {
        request(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n";
        drop(stream.write_all(head).await);
        while stream.write_all(&[0; 65_536]).await.is_ok() {}
    })
    .await;
    world.publish(in_front_of(&world, raw.address)).await;
    let mut caller = TcpStream::connect(world.address).await.unwrap();
    caller.write_all(&world.call("GET", "/raw").plain_bytes()).await.unwrap();
    let told = || world.gate.metrics().unwrap();
    until(|| told().contains("tidegate_gate_calls_aborted_total{by=\"caller\"} 1\n")).await;
    assert!(told().contains("tidegate_gate_calls_in_flight 0\n"));
}

/// A connection that was kept and has gone stale meanwhile costs no call.
#[tokio::test]
async fn a_stale_connection_costs_no_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = World::start().await;
    let mut api = in_front_of(&world, listener.local_addr().unwrap());
    (api.method, api.backend.method) = (Method::Post, Method::Post);
    world.publish(api).await;
    for _ in 0..3 {
        let called = tokio::spawn(world.call("POST", "/raw").send_plain());
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        called.await.unwrap().allowed();
    }
    assert_eq!(world.gate.counters().backends.connections, 3);
    assert_eq!(world.backend.waiting.load(Ordering::SeqCst), 0);
}

/// Who has sent all, and closes the sending side, waits for the answer.
#[tokio::test]
async fn who_sends_no_more_is_answered() {
    let world = World::start().await;
    world.publish(world.api("wait", AuthType::None, Method::Get, "/wait", "/wait")).await;
    world.publish(world.api("echo", AuthType::None, Method::Post, "/echo", "/echo")).await;
    let by_hyper = world.by_hyper().await;
    for gate in [world.address, by_hyper] {
        for call in [
            world.call("GET", "/orders/7").bytes(),
            world.call("POST", "/orders/7").body("x").bytes(),
            world.call("POST", "/echo").body("x").plain_bytes(),
            world.call("GET", "/readyz").plain_bytes(),
            world.call("GET", "/nowhere").plain_bytes(),
        ] {
            let mut stream = TcpStream::connect(gate).await.unwrap();
            stream.write_all(&call).await.unwrap();
            stream.shutdown().await.unwrap();
            let answer = read_answer(&mut stream).await;
            assert!(matches!(answer.status, 200 | 404), "{}", answer.status);
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "nobody waits for another call");
        }
        // A slow one, too.
        world.backend.release.send_replace(false);
        let before = world.backend.waiting.load(Ordering::SeqCst);
        let mut stream = TcpStream::connect(gate).await.unwrap();
        stream.write_all(&world.call("GET", "/wait").plain_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        until(|| world.backend.waiting.load(Ordering::SeqCst) > before).await;
        world.backend.release.send_replace(true);
        read_answer(&mut stream).await.allowed();
    }
    let told = world.gate.metrics().unwrap();
    assert!(told.contains("tidegate_gate_calls_aborted_total{by=\"caller\"} 0\n"), "{told}");
}

/// A backend that gives up a connection just when it is used again costs no call that only reads.
#[tokio::test]
async fn a_connection_that_is_given_up_costs_no_call_that_reads() {
    let raw = Raw::start(|_, mut stream| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        // The next one is read, and nothing is said to it.
        request(&mut stream).await;
    })
    .await;
    let world = World::start().await;
    world.publish(in_front_of(&world, raw.address)).await;
    let mut api = in_front_of(&world, raw.address);
    api.id = crate::world::api_id("post");
    (api.method, api.backend.method) = (Method::Post, Method::Post);
    world.publish(api).await;
    for gate in [world.address, world.by_hyper().await] {
        let before = raw.connections();
        for _ in 0..5 {
            exchange(gate, &world.call("GET", "/raw").plain_bytes()).await.allowed();
        }
        assert_eq!(raw.connections() - before, 5);
        // What may have been done is not asked for again.
        let post = world.call("POST", "/raw").plain_bytes();
        exchange(gate, &post).await.denied("backend-unreachable");
        assert_eq!(raw.connections() - before, 5);
    }
}

/// A backend says how long it keeps a connection.
#[tokio::test]
async fn a_connection_is_kept_no_longer_than_the_backend_says() {
    for (keep_alive, connections) in [("timeout=1", 4), ("timeout=60, max=9", 1)] {
        let raw = Raw::start(move |_, mut stream| async move {
            while request(&mut stream).await.is_some() {
                let head = format!("HTTP/1.1 200 OK\r\nkeep-alive: {keep_alive}\r\n");
                let answer = format!("{head}content-length: 2\r\n\r\nok");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        })
        .await;
        let world = World::start().await;
        world.publish(in_front_of(&world, raw.address)).await;
        for gate in [world.address, world.by_hyper().await] {
            let before = raw.connections();
            for _ in 0..4 {
                exchange(gate, &world.call("GET", "/raw").plain_bytes()).await.allowed();
            }
            assert_eq!(raw.connections() - before, connections, "{keep_alive}");
        }
    }
}

/// A body that is held comes whole in time, or not at all, however steadily it drips.
#[tokio::test]
async fn a_body_that_drips_is_not_waited_for_without_end() {
    let world = World::with(Limits { buffered_read: Duration::from_millis(300), ..limits() }).await;
    world.publish(world.api("echo", AuthType::None, Method::Post, "/echo", "/echo")).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let head = "POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 60000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let drip = async {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        answer = read_answer(&mut reader) => {
            answer.denied("bad-request");
            assert!(answer.text().contains("in time"), "{}", answer.text());
        }
        () = drip => panic!("the gate hung up without an answer"),
    }
    assert_eq!(world.backend.calls(), 0);
}

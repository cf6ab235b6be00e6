//! More than anybody needs of something: each flood ends with its connection, costs the gate no memory
//! to speak of, and harms no other call.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_gateway::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{World, limits, until};

const MIB: usize = 1024 * 1024;

/// Sends pieces until the gate hangs up; tells how many bytes it took, and what it answered.
async fn flood(
    world: &World,
    start: &[u8],
    piece: impl Fn(u32) -> Vec<u8>,
    most: usize,
) -> (usize, Vec<u8>) {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut answers = Vec::new();
    let written = async {
        let mut sent = start.len();
        if writer.write_all(start).await.is_err() {
            return sent;
        }
        for n in 0.. {
            let piece = piece(n);
            if sent >= most || writer.write_all(&piece).await.is_err() {
                break;
            }
            sent += piece.len();
        }
        sent
    };
    // Who writes must read as well, and stops writing when there is nothing more to read.
    let read = async { drop(reader.read_to_end(&mut answers).await) };
    let both = async { tokio::join!(written, read) };
    let (sent, ()) = tokio::time::timeout(Duration::from_secs(60), both).await.expect("it ends");
    (sent, answers)
}

async fn world() -> World {
    let world = World::start().await;
    world.publish(world.api("open", AuthType::None, Method::Get, "/open", "/open")).await;
    world
}

#[tokio::test]
async fn a_head_has_an_end() {
    let world = world().await;
    let first = format!("GET /open HTTP/1.1\r\nhost: {}\r\n", world.address);
    let line = |n: u32| format!("x-{n}: {}\r\n", "v".repeat(1000)).into_bytes();
    let (sent, answer) = flood(&world, first.as_bytes(), line, 4 * MIB).await;
    assert!(sent < 4 * MIB, "{sent}");
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "), "{answer:?}");

    for (name, head) in [
        ("one long line", format!("x: {}\r\n", "v".repeat(70 * 1024))),
        ("one long name", format!("{}: v\r\n", "x".repeat(70 * 1024))),
        ("many lines", (0..101).map(|n| format!("x-{n}: v\r\n")).collect()),
    ] {
        let answer = world.raw(format!("{first}{head}\r\n").as_bytes()).await;
        assert_eq!((answer.status, answer.closes), (431, true), "{name}");
    }
    let target = format!("GET /{} HTTP/1.1\r\nhost: h\r\n\r\n", "a".repeat(70 * 1024));
    assert!(matches!(world.raw(target.as_bytes()).await.status, 414 | 431));
    world.call("GET", "/orders/7").send().await.allowed();
    assert_eq!(world.backend.calls(), 1);
}

#[tokio::test]
async fn chunks_say_little_beside_their_data() {
    let world = World::start().await;
    world.publish(world.api("post", AuthType::None, Method::Post, "/open", "/open")).await;
    let host = world.address;
    let head = format!("POST /open HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n");
    let extension = |n: u32| match n {
        0 => b"1;".to_vec(),
        _ => vec![b'x'; 1024],
    };
    let (sent, answer) = flood(&world, head.as_bytes(), extension, 8 * MIB).await;
    assert!(sent < 8 * MIB, "{sent}");
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&answer));
    let trailer = |n: u32| match n {
        0 => b"1\r\nx\r\n0\r\n".to_vec(),
        _ => format!("x-{n}: {}\r\n", "v".repeat(1000)).into_bytes(),
    };
    let (sent, answer) = flood(&world, head.as_bytes(), trailer, 8 * MIB).await;
    assert!(sent < 8 * MIB, "{sent}");
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&answer));
    let seen = world.backend.seen.lock().unwrap();
    assert!(seen.iter().all(|seen| seen.body.is_none()), "no whole body came");
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// What a client says first.
fn hello() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(SETTINGS, 0, 0, b"")].concat()
}

/// A head in the plainest form: `GET /open`, all of it literal.
fn get_open(host: &str) -> Vec<u8> {
    let length = u8::try_from(host.len()).unwrap();
    [b"\x82\x86\x04\x05/open\x01".as_slice(), &[length], host.as_bytes()].concat()
}

#[tokio::test]
async fn a_head_in_endless_pieces_ends_its_connection() {
    // RUSTSEC-2024-0332: CONTINUATION frames without an end.
    let world = world().await;
    let host = world.address.to_string();
    let start = [hello(), frame(HEADERS, END_STREAM, 1, &get_open(&host))].concat();
    // A literal of a long value, again and again.
    let literal = [b"\x00\x01x\x7f\x81\x06".as_slice(), &[b'v'; 896]].concat();
    let piece = frame(CONTINUATION, 0, 1, &literal.repeat(15));
    let (sent, _) = flood(&world, &start, |_| piece.clone(), 64 * MIB).await;
    assert!(sent < 64 * MIB, "{sent}");
    let empty = frame(CONTINUATION, 0, 1, b"");
    let (sent, _) = flood(&world, &start, |_| empty.repeat(1000), 64 * MIB).await;
    assert!(sent < 64 * MIB, "{sent}");
    assert_eq!(world.backend.calls(), 0);
    world.call("GET", "/orders/7").send().await.allowed();
}

#[tokio::test]
async fn calls_that_are_taken_back_at_once_end_their_connection() {
    // GHSA-8r5v-vm4m-4g25: streams opened and reset, faster than they can be served.
    let world = world().await;
    let head = get_open(&world.address.to_string());
    let pair = |n: u32| {
        let stream = 2 * n + 1;
        let open = frame(HEADERS, END_STREAM | END_HEADERS, stream, &head);
        [open, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    };
    let (sent, answers) = flood(&world, &hello(), pair, 64 * MIB).await;
    assert!(sent < 64 * MIB, "{sent}");
    // GOAWAY, for the reason of calm.
    assert!(answers.windows(4).any(|code| code == 11_u32.to_be_bytes()), "{answers:?}");
    let calls = world.backend.calls();
    assert!(calls < 2_000, "{calls} calls reached the backend");
    world.call("GET", "/orders/7").send().await.allowed();
}

#[tokio::test]
async fn who_asks_for_signs_of_life_and_reads_none_is_left_alone() {
    // RUSTSEC-2024-0332 has relatives: answers that nobody reads must not pile up.
    let world = world().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(&hello()).await.unwrap();
    let pings = frame(PING, 0, 0, b"12345678").repeat(10_000);
    let mut sent = 0;
    while sent < 64 * MIB {
        let write =
            tokio::time::timeout(Duration::from_millis(500), stream.write_all(&pings)).await;
        match write {
            Ok(Ok(())) => sent += pings.len(),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    assert!(sent < 64 * MIB, "the gate takes no more than it can answer: {sent}");
    world.call("GET", "/orders/7").send().await.allowed();
}

/// Answers pings until the gate hangs up, which it must; gives the kinds of all frames.
async fn lives_on(stream: &mut TcpStream) -> Vec<u8> {
    let mut kinds = Vec::new();
    let reading = async {
        let mut head = [0; 9];
        while stream.read_exact(&mut head).await.is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            if stream.read_exact(&mut payload).await.is_err() {
                break;
            }
            kinds.push(head[3]);
            if head[3] == PING && head[4] == 0 {
                let _ = stream.write_all(&frame(PING, ACK, 0, &payload)).await;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reading).await.expect("it is closed");
    kinds
}

const GOAWAY: u8 = 7;
const ACK: u8 = 1;

#[tokio::test]
async fn a_connection_that_only_answers_pings_has_an_end() {
    let short = Duration::from_millis(50);
    let world = World::with(Limits { idle: short, ..limits() }).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(&[hello(), frame(SETTINGS, ACK, 0, b"")].concat()).await.unwrap();
    let kinds = lives_on(&mut stream).await;
    assert!(kinds.contains(&GOAWAY), "it is asked to leave first: {kinds:?}");
}

#[tokio::test]
async fn an_answer_that_is_never_taken_has_an_end() {
    // A window of nothing: the answer is there, and there is nowhere to send it.
    let short = Duration::from_millis(50);
    let world = World::with(Limits { body_idle: short, ..limits() }).await;
    world.publish(world.api("open", AuthType::None, Method::Get, "/open", "/open")).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let no_window = [0, 4, 0, 0, 0, 0];
    let mut start = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    start.extend(frame(SETTINGS, 0, 0, &no_window));
    start.extend(frame(SETTINGS, ACK, 0, b""));
    let head = get_open(&world.address.to_string());
    start.extend(frame(HEADERS, END_STREAM | END_HEADERS, 1, &head));
    stream.write_all(&start).await.unwrap();
    let kinds = lives_on(&mut stream).await;
    assert!(kinds.contains(&HEADERS), "the head of the answer came: {kinds:?}");
    assert_eq!(world.backend.calls(), 1);
}

#[tokio::test]
async fn connections_of_no_use_make_room_and_calls_that_run_do_not() {
    let world = World::with(Limits { connections: 4, ..limits() }).await;
    world.publish(world.api("wait", AuthType::None, Method::Get, "/wait", "/wait")).await;
    let running = tokio::spawn(world.call("GET", "/wait").send_plain());
    until(|| world.backend.waiting.load(Ordering::SeqCst) == 1).await;
    let mut silent = Vec::new();
    for start in
        ["", "GET / HTTP/1.1\r\n", "POST /wait HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n"]
    {
        for _ in 0..4 {
            let mut stream = TcpStream::connect(world.address).await.unwrap();
            stream.write_all(start.as_bytes()).await.unwrap();
            silent.push(stream);
        }
    }
    world.call("GET", "/orders/7").send().await.allowed();
    world.backend.release.send(true).unwrap();
    running.await.unwrap().allowed();
}

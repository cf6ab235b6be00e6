//! Bodies: held, streamed, tampered with, too large.

use std::time::Duration;

use tidegate_gateway::Limits;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::world::{KEY, SECRET, World, limits, read_answer};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_body_reaches_the_backend_as_it_was_signed() {
    let world = World::start().await;
    let body = br#"{"a":1}"#;
    let call = || world.call("POST", "/orders/7").header(JSON.0, JSON.1).body(body);
    call().send().await.allowed();
    assert_eq!(world.backend.last().body.as_deref(), Some(&body[..]));
    call().declared().send().await.allowed();
    assert_eq!(world.backend.last().body.as_deref(), Some(&body[..]));
    let empty = world.call("POST", "/orders/7").header(JSON.0, JSON.1);
    empty.send().await.allowed();
    assert_eq!(world.backend.last().body.as_deref(), Some(&b""[..]));
}

#[tokio::test]
async fn a_tampered_body_never_reaches_the_backend_whole() {
    let world = World::start().await;
    let call = || world.call("POST", "/orders/7").body(r#"{"a":1}"#);
    call().tampered(r#"{"a":2}"#).send().await.denied("bad-signature");
    assert_eq!(world.backend.calls(), 0);

    call().declared().tampered(r#"{"a":2}"#).send().await.denied("body-mismatch");
    let long = vec![b'x'; 1_000_000];
    let call = world.call("POST", "/orders/7").body(&long).declared();
    let mut other = long;
    other[10] = b'y';
    let answer = call.tampered(other).send().await;
    answer.denied("body-mismatch");
    assert!(answer.closes);
    let seen = world.backend.seen.lock().unwrap();
    assert!(seen.iter().all(|seen| seen.body.is_none()), "only bodies that broke off");
}

#[tokio::test]
async fn chunked_bodies_are_checked_like_others() {
    let world = World::start().await;
    let signature = world.call("POST", "/orders/7").body("onetwo").signature();
    let head = format!(
        "POST /orders/7 HTTP/1.1\r\nhost: {}\r\nx-sdk-date: {}\r\nauthorization: {}\r\n\
         transfer-encoding: chunked\r\ntrailer: x-tidegate-app\r\n\r\n",
        world.address,
        signature["x-sdk-date"].to_str().unwrap(),
        signature["authorization"].to_str().unwrap()
    );
    let good = format!("{head}3\r\none\r\n3\r\ntwo\r\n0\r\nx-tidegate-app: spoofed\r\n\r\n");
    world.raw(good.as_bytes()).await.allowed();
    let seen = world.backend.last();
    assert_eq!(seen.body.as_deref(), Some(&b"onetwo"[..]));
    assert_eq!(seen.header("x-tidegate-app"), Some("app"));
    let bad = good.replace("two", "2wo");
    world.raw(bad.as_bytes()).await.denied("bad-signature");
    for broken in ["zz\r\n", "+3\r\none\r\n0\r\n\r\n", "ffffffffffffffff1\r\nx"] {
        world.raw(format!("{head}{broken}").as_bytes()).await.denied("bad-request");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_has_to_declare_its_hash() {
    let world = World::with(Limits { buffered_body: 1024, ..limits() }).await;
    let fits = vec![b'x'; 1024];
    world.call("POST", "/orders/7").body(&fits).send().await.allowed();
    let over = vec![b'x'; 1025];
    let answer = world.call("POST", "/orders/7").body(&over).send().await;
    answer.denied("body-too-large");
    assert!(answer.closes && answer.text().contains("X-Sdk-Content-Sha256"));
    world.call("POST", "/orders/7").body(&over).declared().send().await.allowed();
}

#[tokio::test]
async fn five_megabytes_stream_both_ways() {
    let world = World::with(Limits { buffered_body: 1024, ..limits() }).await;
    let mut api = world.api(
        "post",
        tidegate_domain::AuthType::App,
        tidegate_domain::api::Method::Post,
        "/orders/{id}",
        "/echo",
    );
    api.name = "echo".to_owned();
    world.publish(api).await;
    let body: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let answer = world.call("POST", "/orders/7").body(&body).declared().send().await;
    answer.allowed();
    assert!(answer.body == body);
    let file = world.call("POST", "/orders/7").header("content-type", "multipart/form-data");
    let answer = file.body(&body).payload_unsigned().send().await;
    answer.allowed();
    assert!(answer.body == body);
}

#[tokio::test]
async fn a_body_is_left_unsigned_only_where_clients_do_so() {
    let world = World::start().await;
    let call = |kind: &str| {
        world.call("POST", "/orders/7").header("content-type", kind).body("x").payload_unsigned()
    };
    call("multipart/form-data; boundary=abc").send().await.allowed();
    for kind in [
        "application/json",
        " Application/JSON;charset=utf8",
        "application/bson",
        "application/problem+json",
        "application/vnd.acme.order+JSON; v=1",
        "application/json5",
        "text/json",
    ] {
        call(kind).send().await.denied("malformed-signature");
    }
    // An empty body may be signed either way.
    let empty = world.call("POST", "/orders/7").header("x-sdk-content-sha256", "UNSIGNED-PAYLOAD");
    empty.header("content-type", "text/plain").send().await.allowed();
}

#[tokio::test]
async fn who_asks_before_sending_is_told_to_go_on_only_if_the_body_is_wanted() {
    let world = World::start().await;
    for (key, secret, wanted) in [(KEY, SECRET, true), (KEY, "wrong", false)] {
        let call = world.call("POST", "/orders/7").body("x").declared();
        let call = call.unsigned("expect", "100-continue").by(key, secret);
        let bytes = call.bytes();
        let head = &bytes[..bytes.len() - 1];
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(head).await.unwrap();
        let first = read_answer(&mut stream).await;
        if wanted {
            assert_eq!(first.status, 100);
            stream.write_all(b"x").await.unwrap();
            read_answer(&mut stream).await.allowed();
        } else {
            first.denied("bad-signature");
        }
    }
}

#[tokio::test]
async fn a_length_that_is_announced_takes_no_memory() {
    let hour = Duration::from_secs(3600);
    let held =
        Limits { buffered_body: 1024, buffered_total: 2048, buffered_read: hour, ..limits() };
    let world = World::with(held).await;
    let call = || world.call("POST", "/orders/7").body([b'x'; 1000]);
    let (bytes, mut waiting) = (call().bytes(), Vec::new());
    for _ in 0..8 {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(&bytes[..bytes.len() - 1000]).await.unwrap();
        waiting.push(stream);
    }
    for _ in 0..8 {
        call().send().await.allowed();
    }
}

#[tokio::test]
async fn with_a_key_that_nobody_has_no_body_is_waited_for() {
    let world = World::start().await;
    let call = world.call("POST", "/orders/7").body([b'x'; 1000]).by("nobody", "s");
    let bytes = call.bytes();
    for address in [world.address, world.by_hyper().await] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&bytes[..bytes.len() - 1000]).await.unwrap();
        read_answer(&mut stream).await.denied("unknown-key");
    }
}

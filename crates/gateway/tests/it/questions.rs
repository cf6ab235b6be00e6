//! Questions over gRPC that no Envoy asks: each gets an answer, and none an OK that it should not.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use prost::Message;
use tidegate_gateway::Limits;
use tidegate_sign::Target;
use tokio::net::TcpStream;

use crate::asking::{CHECK, CheckRequest, CheckResponse, Raw, Services, framed, grpc, send};
use crate::world::{World, limits};

fn status(headers: &HeaderMap) -> &str {
    headers["grpc-status"].to_str().unwrap()
}

fn good(world: &World) -> Bytes {
    let call = Raw::of(&world.call("GET", "/orders/7").bytes());
    framed(&call.message(true, true).encode_to_vec())
}

fn reason(body: &[u8]) -> Option<String> {
    CheckResponse::decode(&body[5..]).unwrap().reason()
}

#[tokio::test]
async fn what_is_no_question_is_refused_by_its_code() {
    let world = World::with(Limits { buffered_body: 1024, ..limits() }).await;
    let services = Services::of(&world.gate).await;
    let good = good(&world);
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = byte;
        Bytes::from(bytes)
    };
    let large = framed(&vec![b'x'; 1024 + 512 * 1024 + 1]);
    for (what, path, body, code) in [
        ("another service", "/envoy.service.auth.v2.Authorization/Check", good.clone(), "12"),
        ("another call", "/envoy.service.auth.v3.Authorization/Other", good.clone(), "12"),
        ("nothing", CHECK, Bytes::new(), "13"),
        ("half a prefix", CHECK, good.slice(..3), "13"),
        ("half a message", CHECK, good.slice(..good.len() - 1), "13"),
        ("two messages", CHECK, [&good[..], &good[..]].concat().into(), "12"),
        ("compressed", CHECK, changed(0, 1), "13"),
        ("not well formed", CHECK, framed(b"\xff\xff\xff"), "13"),
        ("too large", CHECK, large, "8"),
    ] {
        let (headers, answer) = grpc(services.grpc, path, body).await;
        assert_eq!((status(&headers), answer.len()), (code, 0), "{what}");
    }
    let ask = async |headers: &[(&str, &str)]| {
        let mut request = Request::post(format!("http://{}{CHECK}", services.grpc));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(services.grpc, request.body(Full::new(good.clone())).unwrap()).await
    };
    let grpc = ("content-type", "application/grpc");
    let (headers, _) = ask(&[grpc, ("grpc-encoding", "gzip")]).await;
    assert_eq!(
        (status(&headers), headers["grpc-accept-encoding"].as_bytes()),
        ("12", &b"identity"[..])
    );
    for content in ["application/json", "application/grpc-web", "application/grpcx"] {
        assert_eq!(status(&ask(&[("content-type", content)]).await.0), "13", "{content}");
    }
    assert_eq!(status(&ask(&[]).await.0), "13");
    // And what any client may say.
    for headers in [
        &[grpc][..],
        &[("content-type", "application/grpc+proto")],
        &[grpc, ("grpc-encoding", "identity"), ("grpc-timeout", "1n"), ("te", "trailers")],
    ] {
        let (said, answer) = ask(headers).await;
        assert_eq!((status(&said), reason(&answer)), ("0", None), "{headers:?}");
        assert_eq!(said["content-type"], "application/grpc");
    }
}

#[tokio::test]
async fn a_question_may_come_in_pieces() {
    let world = World::start().await;
    let services = Services::of(&world.gate).await;
    let body = vec![b'x'; 1_500_000];
    let call = Raw::of(&world.call("POST", "/orders/7").body(body).bytes());
    let large = framed(&call.message(true, true).encode_to_vec());
    for (question, size) in [(good(&world), 7), (large, 9_973)] {
        let pieces: Vec<Bytes> = question.chunks(size).map(Bytes::copy_from_slice).collect();
        let frames = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
        let request = Request::post(format!("http://{}{CHECK}", services.grpc))
            .header("content-type", "application/grpc")
            .body(StreamBody::new(stream::iter(frames)))
            .unwrap();
        let (headers, answer) = send(services.grpc, request).await;
        assert_eq!((status(&headers), reason(&answer)), ("0", None), "{size}");
    }
}

#[tokio::test]
async fn no_more_is_held_than_there_is_room_for() {
    let held = Limits { buffered_body: 64 * 1024, buffered_total: 64 * 1024, ..limits() };
    let world = World::with(held).await;
    let services = Services::of(&world.gate).await;
    let post = |size| Raw::of(&world.call("POST", "/orders/7").body(vec![b'x'; size]).bytes());
    assert_eq!(services.check(&post(60_000), true).await.unwrap().reason(), None);
    assert_eq!(services.check(&post(66_000), true).await, Err(14));
    assert_eq!(services.check(&post(60_000), true).await.unwrap().reason(), None);
}

#[tokio::test]
async fn many_questions_on_one_connection_get_their_own_answers() {
    let world = World::start().await;
    let services = Services::of(&world.gate).await;
    let stream = TcpStream::connect(services.grpc).await.unwrap();
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut asked = Vec::new();
    for number in 0..300 {
        let call = match number % 3 {
            0 => world.call("GET", "/orders/7"),
            1 => world.call("GET", "/orders/7").by("nobody", "s"),
            _ => world.call("GET", "/nowhere"),
        };
        let message = Raw::of(&call.bytes()).message(true, number % 2 == 0).encode_to_vec();
        let request = Request::post(format!("http://{}{CHECK}", services.grpc))
            .header("content-type", "application/grpc")
            .body(Full::new(framed(&message)))
            .unwrap();
        let mut sender = sender.clone();
        asked.push(tokio::spawn(async move {
            sender.ready().await.unwrap();
            let answer = sender.send_request(request).await.unwrap();
            (number, answer.into_body().collect().await.unwrap().to_bytes())
        }));
    }
    for asked in asked {
        let (number, answer) = asked.await.unwrap();
        let expected = [None, Some("unknown-key"), Some("no-route")][number % 3];
        assert_eq!(reason(&answer).as_deref(), expected, "{number}");
    }
    assert_eq!(world.gate.counters().admitted, 100);
}

/// Whatever is let in of what was tampered with is still the call that was signed.
#[tokio::test]
async fn no_tampered_question_is_let_in_but_as_it_was_signed() {
    let world = World::start().await;
    let services = Services::of(&world.gate).await;
    let call = Raw::of(&world.call("GET", "/orders/7?a=1").bytes());
    let signed = Target::parse(&call.target).unwrap();
    let (mut let_in, mut denied, mut refused) = (0, 0, 0);
    let mut runner = TestRunner::deterministic();
    let changes = proptest::collection::vec(proptest::num::usize::ANY, 2);
    for number in 0..400 {
        let original = call.message(true, number % 2 == 0).encode_to_vec();
        let mut bytes = original.clone();
        let drawn = changes.new_tree(&mut runner).unwrap().current();
        let place = drawn[0] % bytes.len();
        match number % 4 {
            0 => bytes[place] ^= 1 << (drawn[1] % 8),
            1 => drop(bytes.remove(place)),
            2 => bytes.insert(place, drawn[1].to_le_bytes()[0]),
            _ => bytes.truncate(place),
        }
        let (headers, answer) = grpc(services.grpc, CHECK, framed(&bytes)).await;
        match (status(&headers), answer.is_empty()) {
            ("0", false) => {}
            (code, true) => {
                assert_eq!(code, "13");
                refused += 1;
                continue;
            }
            odd => panic!("{odd:?}"),
        }
        if reason(&answer).is_some() {
            denied += 1;
            continue;
        }
        let read = CheckRequest::decode(&bytes[..]).unwrap();
        let http = read.attributes.unwrap().request.unwrap().http.unwrap();
        assert_eq!((http.method.as_str(), &http.host), ("GET", &call.host));
        assert_eq!(Target::parse(&http.path).unwrap(), signed);
        let_in += 1;
    }
    assert!(let_in > 5 && denied > 50 && refused > 50, "{let_in} {denied} {refused}");
}

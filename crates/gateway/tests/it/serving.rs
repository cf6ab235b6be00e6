//! Connections: kept alive, slow, and drained.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_gateway::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{World, limits, read_answer, until};

#[tokio::test]
async fn health_is_told_before_anything_else() {
    let world = World::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = world.call("GET", path).send_plain().await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    }
    assert_eq!(world.call("GET", "/healthz").send_plain().await.text(), "ok");
}

#[tokio::test]
async fn many_calls_share_a_connection_each_with_its_own_verdict() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    for n in 0..10 {
        let good = world.call("GET", &format!("/orders/{n}")).bytes();
        stream.write_all(&good).await.unwrap();
        read_answer(&mut stream).await.allowed();
        assert_eq!(world.backend.last().address, format!("/o/{n}"));
        let bad = world.call("GET", "/orders/7").by("nobody", "s").bytes();
        stream.write_all(&bad).await.unwrap();
        read_answer(&mut stream).await.denied("unknown-key");
    }
}

#[tokio::test]
async fn http2_is_signed_and_answered_like_http1() {
    let world = World::start().await;
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let signature = world.call("GET", "/orders/7").signature();
    let request = |signed: bool| {
        let mut request = http::Request::get(format!("http://{}/orders/7", world.address))
            .body(Empty::<Bytes>::new())
            .unwrap();
        if signed {
            request.headers_mut().extend(signature.clone());
        }
        request
    };
    let answer = sender.send_request(request(true)).await.unwrap();
    assert_eq!(answer.status(), 200);
    let seen = world.backend.last();
    assert_eq!(seen.header("x-forwarded-host"), Some(world.address.to_string().as_str()));
    let answer = sender.send_request(request(false)).await.unwrap();
    assert_eq!(answer.headers()["x-tidegate-reason"], "missing-signature");
    let mut other_host = request(true);
    other_host.headers_mut().insert("host", http::HeaderValue::from_static("other"));
    let answer = sender.send_request(other_host).await.unwrap();
    assert_eq!(answer.headers()["x-tidegate-reason"], "bad-request");
}

/// As the vendor's Go signer does it: no host, and no blanks behind the commas.
#[tokio::test]
async fn a_call_whose_date_alone_is_signed_is_let_in() {
    let world = World::start().await;
    let call = || world.call("GET", "/orders/7");
    call().only_date_signed().send().await.allowed();
    let other = call().only_date_signed().by(crate::world::KEY, "wrong").send().await;
    other.denied("bad-signature");
    // What was not signed does not reach the backend under the app's name.
    let sent = call().only_date_signed().unsigned("x-tenant", "another's");
    sent.send().await.allowed();
    assert_eq!(world.backend.last().header("x-tenant"), None);
}

#[tokio::test]
async fn who_never_sends_a_whole_head_is_hung_up_on() {
    let world = World::with(Limits { header_read: Duration::from_millis(50), ..limits() }).await;
    for start in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
        assert!(ended.is_ok(), "{start:?}");
    }
}

#[tokio::test]
async fn running_calls_end_before_the_gate_does() {
    let mut world = World::start().await;
    world.publish(world.api("wait", AuthType::None, Method::Get, "/wait", "/wait")).await;
    let running = tokio::spawn(world.call("GET", "/wait").send_plain());
    until(|| world.backend.waiting.load(Ordering::SeqCst) == 1).await;
    drop(world.stop.take());
    // Nobody new gets in.
    while TcpStream::connect(world.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    world.backend.release.send(true).unwrap();
    running.await.unwrap().allowed();
    assert_eq!(world.served.take().unwrap().await.unwrap(), 0, "none was cut off");
}

#[tokio::test]
async fn a_drain_has_a_bound() {
    let mut world = World::with(Limits { drain: Duration::from_millis(50), ..limits() }).await;
    world.publish(world.api("wait", AuthType::None, Method::Get, "/wait", "/wait")).await;
    let bytes = world.call("GET", "/wait").plain_bytes();
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    until(|| world.backend.waiting.load(Ordering::SeqCst) == 1).await;
    drop(world.stop.take());
    assert_eq!(world.served.take().unwrap().await.unwrap(), 1);
}

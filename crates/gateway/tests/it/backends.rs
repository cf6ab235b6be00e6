//! The backend's side: connections that are kept and given up, and answers that break off.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_gateway::{FeedApi, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::world::{Answer, Stub, World, limits, until};

/// A backend that does on each connection what its test says.
pub struct Raw {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
}

impl Raw {
    /// `serve` gets every connection and its number.
    pub async fn start<F>(serve: impl Fn(usize, TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(count.fetch_add(1, Ordering::SeqCst), stream));
            }
        });
        Self { address, connections }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads a request without a body. None when the gate hung up.
pub async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return None,
        }
    }
    Some(String::from_utf8(head).unwrap())
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// An open API in front of a backend.
pub fn in_front_of(world: &World, backend: SocketAddr) -> FeedApi {
    let mut api = world.api("raw", AuthType::None, Method::Get, "/raw", "/");
    api.backend.authority = backend.to_string();
    api
}

async fn call(world: &World) -> Answer {
    world.call("GET", "/raw").send_plain().await
}

/// What comes until the gate hangs up.
async fn all(world: &World) -> String {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(&world.call("GET", "/raw").plain_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
    ended.expect("the gate hangs up").unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn calls_share_a_connection_while_it_lasts() {
    let raw = Raw::start(|_, mut stream| async move {
        for _ in 0..5 {
            let Some(head) = request(&mut stream).await else { return };
            assert!(head.starts_with("GET / HTTP/1.1\r\n"), "{head}");
            stream.write_all(OK).await.unwrap();
        }
    })
    .await;
    let world = World::start().await;
    world.publish(in_front_of(&world, raw.address)).await;
    for _ in 0..20 {
        call(&world).await.allowed();
    }
    assert_eq!(raw.connections(), 4, "the backend hung up on each after five calls");
    assert_eq!(world.gate.counters().backends.connections, 4);
}

#[tokio::test]
async fn a_connection_is_used_again_only_when_its_answer_is_read_to_the_end() {
    let (seen, mut hung_up) = mpsc::unbounded_channel();
    let raw = Raw::start(move |n, mut stream| {
        let seen = seen.clone();
        async move {
            request(&mut stream).await;
            if n > 0 {
                stream.write_all(OK).await.unwrap();
                return;
            }
            let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
            stream.write_all(half).await.unwrap();
            seen.send(stream.read(&mut [0]).await.unwrap_or(0)).unwrap();
        }
    })
    .await;
    let world = World::start().await;
    world.publish(in_front_of(&world, raw.address)).await;
    let mut caller = TcpStream::connect(world.address).await.unwrap();
    caller.write_all(&world.call("GET", "/raw").plain_bytes()).await.unwrap();
    assert!(caller.read(&mut [0; 1024]).await.unwrap() > 0);
    // A mere end of sending would say that the answer is waited for.
    caller.set_zero_linger().unwrap();
    drop(caller);
    let read = tokio::time::timeout(Duration::from_secs(20), hung_up.recv()).await;
    assert_eq!(read.expect("the gate hangs up"), Some(0));
    call(&world).await.allowed();
    assert_eq!(raw.connections(), 2);
}

#[tokio::test]
async fn idle_connections_are_bounded_and_grow_old() {
    let raw = Raw::start(|_, mut stream| async move {
        while request(&mut stream).await.is_some() {
            stream.write_all(OK).await.unwrap();
        }
    })
    .await;
    for limits in
        [Limits { pool_per_host: 0, ..limits() }, Limits { pool_idle: Duration::ZERO, ..limits() }]
    {
        let before = raw.connections();
        let world = World::with(limits).await;
        world.publish(in_front_of(&world, raw.address)).await;
        for _ in 0..3 {
            call(&world).await.allowed();
        }
        assert_eq!(raw.connections() - before, 3);
    }
}

#[tokio::test]
async fn an_answer_that_stands_still_is_broken_off() {
    let raw = Raw::start(|_, mut stream| async move {
        request(&mut stream).await;
        let part = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n";
        stream.write_all(part).await.unwrap();
        drop(stream.read(&mut [0]).await);
    })
    .await;
    let short = Duration::from_millis(50);
    let patient = World::start().await;
    let mut api = in_front_of(&patient, raw.address);
    api.rules.read_timeout_ms = Some(50);
    patient.publish(api).await;
    let impatient = World::with(Limits { answer_idle: short, ..limits() }).await;
    impatient.publish(in_front_of(&impatient, raw.address)).await;
    for world in [patient, impatient] {
        let text = all(&world).await;
        assert!(text.ends_with("4\r\npart\r\n"), "not ended as if complete: {text}");
    }
}

#[tokio::test]
async fn a_call_takes_no_longer_than_its_api_allows() {
    let raw = Raw::start(|n, mut stream| async move {
        request(&mut stream).await;
        if n == 0 {
            // No answer at all.
            drop(stream.read(&mut [0]).await);
        }
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        drop(stream.write_all(head).await);
        while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let world = World::start().await;
    let mut api = in_front_of(&world, raw.address);
    api.rules.total_timeout_ms = Some(100);
    world.publish(api).await;
    call(&world).await.denied("backend-timeout");
    let text = all(&world).await;
    assert!(text.ends_with("1\r\nx\r\n"), "not ended as if complete");
}

#[tokio::test]
async fn a_connection_takes_no_longer_than_its_api_allows() {
    // It never answers the first word of TLS.
    let raw = Raw::start(|_, mut stream| async move {
        while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
    })
    .await;
    let world = World::start().await;
    let mut api = in_front_of(&world, raw.address);
    api.backend.https = true;
    api.rules.connect_timeout_ms = Some(50);
    world.publish(api).await;
    call(&world).await.denied("backend-unreachable");
}

#[tokio::test]
async fn over_http2_all_calls_share_a_connection() {
    let world = World::start().await;
    for (id, path) in [("wait", "/wait"), ("echo", "/echo")] {
        let method = if id == "echo" { Method::Post } else { Method::Get };
        let mut api = world.api(id, AuthType::None, method, path, path);
        api.rules.http2 = true;
        world.publish(api).await;
    }
    let calls: Vec<_> = (0..20)
        .map(|_| world.call("GET", "/wait").unsigned("te", "trailers").send_plain())
        .map(tokio::spawn)
        .collect();
    until(|| world.backend.waiting.load(Ordering::SeqCst) == 20).await;
    world.backend.release.send(true).unwrap();
    for call in calls {
        call.await.unwrap().allowed();
    }
    let echo = world.call("POST", "/echo").body("a body").send_plain().await;
    assert_eq!(echo.allowed().text(), "a body");
    assert_eq!(world.gate.counters().backends.connections, 1);
    let seen = world.backend.seen.lock().unwrap();
    for seen in seen.iter() {
        assert_eq!(seen.version, http::Version::HTTP_2);
        assert!(seen.address.starts_with(&format!("http://{}/", world.backend.address)));
        for gone in ["host", "connection", "te", "transfer-encoding", "keep-alive", "upgrade"] {
            assert_eq!(seen.header(gone), None, "{gone}");
        }
    }
}

#[tokio::test]
async fn who_says_goodbye_over_http2_is_called_anew() {
    let (said, mut goodbyes) = mpsc::unbounded_channel();
    let raw = Raw::start(move |_, stream| {
        let said = said.clone();
        async move {
            let (answered, mut after) = mpsc::unbounded_channel();
            let service = service_fn(move |_| {
                let answered = answered.clone();
                async move {
                    answered.send(()).unwrap();
                    Ok::<_, std::convert::Infallible>(http::Response::new(Full::<Bytes>::from(
                        "ok",
                    )))
                }
            });
            let connection = http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                ended = &mut connection => panic!("{ended:?}"),
                _ = after.recv() => {}
            }
            connection.as_mut().graceful_shutdown();
            connection.await.unwrap();
            said.send(()).unwrap();
        }
    })
    .await;
    let world = World::start().await;
    let mut api = in_front_of(&world, raw.address);
    api.rules.http2 = true;
    world.publish(api).await;
    for n in 1..=3 {
        call(&world).await.allowed();
        goodbyes.recv().await.unwrap();
        assert_eq!(raw.connections(), n);
    }
}

#[tokio::test]
async fn many_calls_of_a_backend_that_is_not_there_are_told_together() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let world = World::start().await;
    let mut api = in_front_of(&world, address);
    api.rules.http2 = true;
    world.publish(api).await;
    let calls: Vec<_> =
        (0..5).map(|_| tokio::spawn(world.call("GET", "/raw").send_plain())).collect();
    for call in calls {
        call.await.unwrap().denied("backend-unreachable");
    }
}

/// A backend that hangs up on every request.
async fn hanging_up() -> Raw {
    Raw::start(|_, mut stream| async move {
        request(&mut stream).await;
    })
    .await
}

/// A backend that answers everything.
async fn answering() -> Raw {
    Raw::start(|_, mut stream| async move {
        while request(&mut stream).await.is_some() {
            stream.write_all(OK).await.unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn a_safe_call_that_got_no_answer_is_tried_again_as_often_as_its_api_says() {
    let world = World::start().await;
    let raw = hanging_up().await;
    for (retries, method, body, tried) in
        [(0, "GET", "", 1), (2, "GET", "", 3), (2, "GET", "x", 1), (2, "POST", "", 1)]
    {
        let mut api = in_front_of(&world, raw.address);
        api.method = if method == "GET" { Method::Get } else { Method::Post };
        api.backend.method = api.method;
        api.rules.retries = retries;
        world.publish(api).await;
        let before = raw.connections();
        let answer = world.call(method, "/raw").body(body).send_plain().await;
        answer.denied("backend-unreachable");
        assert_eq!(raw.connections() - before, tried, "{retries} {method} {body}");
    }
    assert_eq!(world.gate.counters().backends.retries, 2);
}

#[tokio::test]
async fn an_answer_is_an_answer_and_nonsense_is_not_asked_for_twice() {
    let world = World::start().await;
    for (answer, status) in [
        (&b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"[..], 503),
        (b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", 502),
        (b"what?\r\n\r\n", 502),
    ] {
        let raw = Raw::start(move |_, mut stream| async move {
            request(&mut stream).await;
            stream.write_all(answer).await.unwrap();
        })
        .await;
        let mut api = in_front_of(&world, raw.address);
        api.rules.retries = 3;
        world.publish(api).await;
        assert_eq!(call(&world).await.status, status);
        assert_eq!(raw.connections(), 1);
    }
}

#[tokio::test]
async fn retries_cannot_multiply_an_outage() {
    let world = World::start().await;
    let raw = hanging_up().await;
    let mut api = in_front_of(&world, raw.address);
    api.rules.retries = 3;
    world.publish(api).await;
    for _ in 0..100 {
        call(&world).await.denied("backend-unreachable");
    }
    let retries = world.gate.counters().backends.retries;
    assert!((15..=20).contains(&retries), "{retries}: one in ten, and ten at once");
}

#[tokio::test]
async fn calls_are_spread_over_all_backends_and_go_around_a_dead_one() {
    let world = World::start().await;
    let (one, two, dead) = (answering().await, answering().await, hanging_up().await);
    let mut api = in_front_of(&world, one.address);
    api.rules.more_backends = vec![two.address.to_string(), dead.address.to_string()];
    api.rules.retries = 1;
    world.publish(api).await;
    for _ in 0..60 {
        call(&world).await.allowed();
    }
    assert!(one.connections() > 0 && two.connections() > 0);
    let counters = world.gate.counters().backends;
    assert!(counters.ejections == 1, "{counters:?}");
    assert!(counters.retries >= 3, "{counters:?}");
    assert_eq!(dead.connections() as u64, counters.retries);
}

#[tokio::test]
async fn a_caller_cannot_make_a_backend_look_bad() {
    let world = World::start().await;
    let other = Stub::with(None).await;
    let mut api = in_front_of(&world, world.backend.address);
    (api.method, api.backend.method) = (Method::Post, Method::Post);
    api.rules.more_backends = vec![other.address.to_string()];
    world.publish(api).await;
    for _ in 0..20 {
        let call = world.call("POST", "/raw").header("transfer-encoding", "chunked");
        let mut bytes = call.plain_bytes();
        bytes.extend_from_slice(b"4\r\npart\r\nnonsense\r\n");
        world.raw(&bytes).await.denied("bad-request");
    }
    assert_eq!(world.gate.counters().backends.ejections, 0);
}

/// gRPC: over HTTP/2 on both sides the status behind an answer reaches the caller, and what asks for it the
/// backend. Nothing in it speaks for the gateway.
#[tokio::test]
async fn trailers_go_all_the_way_over_http2() {
    let (seen, mut asked) = mpsc::unbounded_channel();
    let raw = Raw::start(move |_, stream| {
        let seen = seen.clone();
        async move {
            let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let seen = seen.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    seen.send((parts.headers, body)).unwrap();
                    let mut trailers = http::HeaderMap::new();
                    for (name, value) in [("grpc-status", "0"), ("x-tidegate-app", "root")] {
                        trailers.insert(name, http::HeaderValue::from_static(value));
                    }
                    let frames = [Frame::data(Bytes::from("answer")), Frame::trailers(trailers)];
                    let frames = frames.map(Ok::<_, std::convert::Infallible>);
                    let body = StreamBody::new(futures_util::stream::iter(frames));
                    let answer =
                        http::Response::builder().header("content-type", "application/grpc");
                    Ok::<_, std::convert::Infallible>(answer.body(body).unwrap())
                }
            });
            let server = http2::Builder::new(TokioExecutor::new());
            drop(server.serve_connection(TokioIo::new(stream), service).await);
        }
    })
    .await;
    let world = World::start().await;
    let mut api =
        world.api("grpc", AuthType::App, Method::Post, "/shop.Orders/Get", "/shop.Orders/Get");
    api.backend.authority = raw.address.to_string();
    api.rules.http2 = true;
    world.publish(api).await;
    let grant = crate::world::grant(crate::world::NOON, i64::MAX / 2, None);
    world.grant("grpc", "app", Some(grant)).await;

    let stream = TcpStream::connect(world.address).await.unwrap();
    let shake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = shake.await.unwrap();
    let driven = tokio::spawn(connection);
    let call = world.call("POST", "/shop.Orders/Get").at("h.example").body(b"\0\0\0\0\x02hi");
    let call = call.header("content-type", "application/grpc");
    let mut request = http::Request::post("http://h.example/shop.Orders/Get")
        .header("te", "trailers")
        .header("content-type", "application/grpc");
    for (name, value) in &call.signature() {
        request = request.header(name, value);
    }
    let body = Full::new(Bytes::from_static(b"\0\0\0\0\x02hi"));
    let answer = sender.send_request(request.body(body).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200, "{:?}", answer.headers());
    let collected = answer.into_body().collect().await.unwrap();
    let trailers = collected.trailers().cloned().expect("trailers come");
    assert_eq!(collected.to_bytes(), "answer");
    assert_eq!(trailers.len(), 1, "{trailers:?}");
    assert_eq!(trailers["grpc-status"], "0");
    let (headers, body) = asked.recv().await.unwrap();
    assert_eq!(headers["te"], "trailers");
    assert_eq!(headers["x-tidegate-app"], "app");
    assert_eq!(&body[..], b"\0\0\0\0\x02hi");
    drop(sender);
    drop(driven.await);
}

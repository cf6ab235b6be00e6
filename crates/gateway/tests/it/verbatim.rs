//! The backend gets what the caller sent: the same call through the gateway and straight to the backend is
//! the same line, headers and body there; only what belongs to a connection, or says who calls, differs.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{Call, HOUR, NOON, Seen, World, exchange, grant};

const HOST: &str = "gate.example";

/// What the gateway says itself, what belongs to a connection, and what proves who calls.
const APART: [&str; 12] = [
    "host",
    "connection",
    "transfer-encoding",
    "authorization",
    "x-sdk-date",
    "x-request-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-tidegate-api",
    "x-tidegate-app",
    "x-tidegate-grant-end",
];

/// A request to be sent in every way.
#[derive(Debug, Clone)]
struct Sample {
    is_post: bool,
    /// What follows `/signed` or `/open`.
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    cookies: Vec<String>,
    body: Vec<u8>,
    is_chunked: bool,
}

fn samples() -> impl Strategy<Value = Sample> {
    let segment = "([a-zA-Z0-9_~!$&'()*+,=:@-]|%[2-7][0-9a-f]|%C3%A9|%e5%90%8d){1,6}";
    let query = "([a-z0-9._~!$'()*+,:@/?;{}|^`-]|&|&|=|=|%[2-7][0-9A-F]|%c3%a9){0,16}";
    (
        any::<bool>(),
        (segment, "/?", prop::option::of(query)),
        prop::collection::vec(("x-[a-z0-9]{1,6}", "[!-~]([ -~é]{0,8}[!-~])?"), 0..4),
        prop::collection::vec("[a-z]=[0-9a-z]{1,4}", 0..3),
        prop::collection::vec(any::<u8>(), 0..60),
        any::<bool>(),
    )
        .prop_filter_map("refused", |(is_post, target, headers, cookies, body, is_chunked)| {
            let (segment, slash, query) = target;
            let query = query.map_or(String::new(), |query| format!("?{query}"));
            let target = format!("/{segment}{slash}{query}");
            tidegate_sign::Target::parse(&target).ok()?;
            let mut headers: Vec<(String, Vec<u8>)> =
                headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
            // A header that is signed comes once.
            headers.sort();
            headers.dedup_by(|one, other| one.0 == other.0);
            let body = if is_post { body } else { Vec::new() };
            let is_chunked = is_chunked && !body.is_empty();
            Some(Sample { is_post, target, headers, cookies, body, is_chunked })
        })
}

impl Sample {
    fn call(&self, world: &World, path: &str) -> Call {
        let method = if self.is_post { "POST" } else { "GET" };
        let mut call = world.call(method, &format!("{path}{}", self.target)).at(HOST);
        for (name, value) in &self.headers {
            call = call.header(name, value);
        }
        if !self.cookies.is_empty() {
            call = call.header("cookie", self.cookies.join("; "));
        }
        if self.is_post && self.body.is_empty() {
            call = call.unsigned("content-length", "0");
        }
        call.body(&self.body)
    }

    /// The bytes over HTTP/1.1.
    fn bytes(&self, call: &Call, is_signed: bool) -> Vec<u8> {
        let bytes = if is_signed { call.bytes() } else { call.plain_bytes() };
        if !self.is_chunked {
            return bytes;
        }
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = format!("content-length: {}", self.body.len());
        let mut chunked = bytes[..head.find(&length).map_or(end, |_| end - length.len())].to_vec();
        chunked.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
        for piece in self.body.chunks(7) {
            chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            chunked.extend_from_slice(piece);
            chunked.extend_from_slice(b"\r\n");
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        chunked
    }

    /// The same over HTTP/2, with each cookie in a field of its own.
    async fn over_http2(&self, gate: SocketAddr, call: &Call, path: &str, is_signed: bool) -> u16 {
        let stream = TcpStream::connect(gate).await.unwrap();
        let shake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (mut sender, connection) = shake.unwrap();
        let driven = tokio::spawn(connection);
        let uri = format!("http://{HOST}{path}{}", self.target);
        let mut request = Request::builder().uri(uri);
        request = request.method(if self.is_post { "POST" } else { "GET" });
        for (name, value) in &self.headers {
            request = request.header(name, HeaderValue::from_bytes(value).unwrap());
        }
        for cookie in &self.cookies {
            request = request.header("cookie", cookie);
        }
        if self.is_post {
            request = request.header("content-length", self.body.len());
        }
        if is_signed {
            for (name, value) in &call.signature() {
                request = request.header(name, value);
            }
        }
        let body = Full::new(Bytes::from(self.body.clone()));
        let answer = sender.send_request(request.body(body).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        drop(answer.into_body().collect().await);
        drop(sender);
        drop(driven.await);
        status
    }
}

/// What the backend saw, but for what is apart.
fn told(seen: &Seen, is_chunked: bool) -> String {
    let is_apart = |name: &HeaderName| {
        APART.contains(&name.as_str()) || (is_chunked && name.as_str() == "content-length")
    };
    let headers = seen.headers.iter().filter(|(name, _)| !is_apart(name));
    let mut headers: Vec<String> =
        headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort_unstable();
    format!("{} {} {headers:?} {:?}", seen.method, seen.address, seen.body)
}

async fn compare(
    world: &World,
    by_hyper: SocketAddr,
    sample: &Sample,
) -> Result<(), TestCaseError> {
    for (path, is_signed) in [("/signed", true), ("/open", false)] {
        let call = sample.call(world, path);
        let bytes = sample.bytes(&call, is_signed);
        exchange(world.backend.address, &bytes).await.allowed();
        let straight = told(&world.backend.last(), sample.is_chunked);
        for gate in [world.address, by_hyper] {
            let before = world.backend.calls();
            let answer = exchange(gate, &bytes).await;
            prop_assert_eq!(
                answer.status,
                200,
                "{} {}",
                String::from_utf8_lossy(&bytes),
                answer.text()
            );
            prop_assert_eq!(world.backend.calls(), before + 1);
            let through = told(&world.backend.last(), sample.is_chunked);
            prop_assert_eq!(&through, &straight);
        }
        let status = sample.over_http2(world.address, &call, path, is_signed).await;
        prop_assert_eq!(status, 200, "over HTTP/2");
        prop_assert_eq!(&told(&world.backend.last(), sample.is_chunked), &straight);
    }
    Ok(())
}

#[test]
fn a_call_reaches_the_backend_as_it_was_sent() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (world, by_hyper) = runtime.block_on(async {
        let world = World::start().await;
        for (method, name) in [(Method::Get, "get"), (Method::Post, "post")] {
            for (auth, path) in [(AuthType::App, "signed"), (AuthType::None, "open")] {
                let (id, path) = (format!("{path}-{name}"), format!("/{path}/{{id}}"));
                world.publish(world.api(&id, auth, method, &path, &path)).await;
                world.grant(&id, "app", Some(grant(NOON, NOON + HOUR, None))).await;
            }
        }
        let by_hyper = world.by_hyper().await;
        (world, by_hyper)
    });
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&samples(), |sample| runtime.block_on(compare(&world, by_hyper, &sample)))
        .unwrap();
}

#[tokio::test]
async fn an_empty_post_has_a_length_and_an_empty_get_has_none() {
    let world = World::start().await;
    let by_hyper = world.by_hyper().await;
    for gate in [world.address, by_hyper] {
        for call in [
            world.call("POST", "/orders/7").at(HOST),
            world.call("POST", "/orders/7").at(HOST).unsigned("content-length", "0"),
            world.call("POST", "/orders/7").at(HOST).header("content-length", "0"),
        ] {
            exchange(gate, &call.bytes()).await.allowed();
            assert_eq!(world.backend.last().header("content-length"), Some("0"));
        }
        exchange(gate, &world.call("GET", "/orders/7").at(HOST).bytes()).await.allowed();
        assert_eq!(world.backend.last().header("content-length"), None);
    }
}

/// Who may read an answer may ask for its head alone: the backend is asked for no more.
#[tokio::test]
async fn a_head_is_asked_for_alone() {
    let world = World::start().await;
    let mut posts = world.api("posts", AuthType::None, Method::Get, "/posts", "/echo");
    posts.backend.method = Method::Post;
    world.publish(posts).await;
    for gate in [world.address, world.by_hyper().await] {
        let mut stream = TcpStream::connect(gate).await.unwrap();
        for _ in 0..2 {
            let call = world.call("HEAD", "/orders/7?a=1").at(HOST).bytes();
            stream.write_all(&call).await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_lowercase();
            assert!(head.starts_with("http/1.1 200"), "{head}");
            assert!(
                head.contains("content-length: 5\r\n") && head.contains("x-tidegate-grant-end")
            );
            let seen = world.backend.last();
            assert_eq!((seen.method.as_str(), seen.address.as_str()), ("HEAD", "/o/7?a=1"));
        }
        // It is signed as what it is, and goes where a GET goes.
        let get = String::from_utf8(world.call("GET", "/orders/7").at(HOST).bytes()).unwrap();
        let refused = |call: Vec<u8>| async move {
            let mut stream = TcpStream::connect(gate).await.unwrap();
            stream.write_all(&call).await.unwrap();
            let mut answer = Vec::new();
            stream.shutdown().await.unwrap();
            stream.read_to_end(&mut answer).await.unwrap();
            String::from_utf8(answer).unwrap()
        };
        let forged = refused(get.replacen("GET ", "HEAD ", 1).into_bytes()).await;
        assert!(forged.contains("x-tidegate-reason: bad-signature"), "{forged}");
        let posts = refused(world.call("HEAD", "/posts").at(HOST).plain_bytes()).await;
        assert!(posts.contains("x-tidegate-reason: no-route"), "{posts}");
    }
}

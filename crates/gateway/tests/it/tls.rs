//! TLS, on both sides of the gate.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_gateway::{BackendConfig, GateConfig, Limits, Networks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::authority::{Authority, Good, write};
use crate::backends::Raw;
use crate::world::{Stub, World, limits, read_answer};

/// A gate whose callers use TLS, with an open API.
async fn secure(authority: &Authority, limits: Limits) -> World {
    let tls = Some(authority.issue("localhost", Good::Now));
    let world = World::of(GateConfig { limits, tls, ..GateConfig::default() }).await;
    world.publish(world.api("open", AuthType::None, Method::Get, "/open", "/o")).await;
    world
}

/// A gate that trusts `authority`, with an open API at `backend` over TLS.
async fn in_front_of(backend: String, authority: &Authority) -> World {
    let backends = BackendConfig { ca: Some(authority.file()), ..BackendConfig::default() };
    let world = World::of(GateConfig { limits: limits(), backends, ..GateConfig::default() }).await;
    let mut api = world.api("open", AuthType::None, Method::Get, "/open", "/o");
    (api.backend.https, api.backend.authority) = (true, backend);
    world.publish(api).await;
    world
}

/// The serial number a caller sees.
fn certificate(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn callers_speak_either_version_over_tls_and_the_backend_is_told() {
    let authority = Authority::new();
    let world = secure(&authority, limits()).await;
    let mut stream = authority.connect(world.address, &["http/1.1"]).await.unwrap();
    stream.write_all(&world.call("GET", "/open").plain_bytes()).await.unwrap();
    read_answer(&mut stream).await.allowed();
    assert_eq!(world.backend.last().header("x-forwarded-proto"), Some("https"));

    let stream = authority.connect(world.address, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let shake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = shake.await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("https://localhost/open").body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    let seen = world.backend.last();
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
    assert_eq!(seen.header("x-forwarded-host"), Some("localhost"));

    let stranger = Authority::new().connect(world.address, &["http/1.1"]).await;
    assert!(stranger.is_err(), "who does not trust the authority does not go on");
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_who_comes_next_and_a_broken_one_to_nobody() {
    let authority = Authority::new();
    let world = secure(&authority, limits()).await;
    let acceptor = world.gate.tls().unwrap();
    let connect = || async { authority.connect(world.address, &["http/1.1"]).await.unwrap() };
    let bytes = world.call("GET", "/open").plain_bytes();
    let mut old = connect().await;
    old.write_all(&bytes).await.unwrap();
    read_answer(&mut old).await.allowed();

    acceptor.reload();
    assert_eq!(acceptor.counters().reloaded, 0, "nothing has changed");
    authority.issue("localhost", Good::Now);
    acceptor.reload();
    let mut new = connect().await;
    assert_ne!(certificate(&old), certificate(&new));
    for stream in [&mut old, &mut new] {
        stream.write_all(&bytes).await.unwrap();
        read_answer(stream).await.allowed();
    }

    let files = authority.files();
    let (good, key) = (
        std::fs::read_to_string(&files.certificate).unwrap(),
        std::fs::read_to_string(&files.key).unwrap(),
    );
    let other = Authority::new();
    let others = std::fs::read_to_string(other.issue("localhost", Good::Now).key).unwrap();
    for (refused, (certificate_text, key_text)) in
        [("", &key), ("-----BEGIN", &key), (&good, &String::new()), (&good, &others)]
            .iter()
            .enumerate()
    {
        write(&files.certificate, certificate_text);
        write(&files.key, key_text);
        acceptor.reload();
        acceptor.reload();
        let counters = world.gate.counters().tls;
        assert_eq!((counters.reloaded, counters.refused), (1, refused as u64 + 1));
        assert_eq!(certificate(&new), certificate(&connect().await), "the old one stays");
    }
    std::fs::remove_file(&files.key).unwrap();
    acceptor.reload();
    assert_eq!(acceptor.counters().refused, 5);
    write(&files.key, &key);
    acceptor.reload();
    assert_eq!(acceptor.counters().reloaded, 2);
    assert!(world.gate.metrics().unwrap().contains("tidegate_gate_tls_reloads_total 2"));
}

#[tokio::test]
async fn who_comes_to_no_agreement_is_hung_up_on() {
    let authority = Authority::new();
    let short = Limits { tls_handshake: Duration::from_millis(50), ..limits() };
    let world = secure(&authority, short).await;
    for start in [&b""[..], b"\x16\x03\x01", &world.call("GET", "/open").plain_bytes()] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(start).await.unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        drop(tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it is closed"));
        assert!(!rest.starts_with(b"HTTP"));
    }
    assert_eq!(world.gate.counters().tls.failed, 3);
}

#[tokio::test]
async fn who_is_silent_holds_no_handshake() {
    let authority = Authority::new();
    let patient = Duration::from_secs(600);
    let world =
        secure(&authority, Limits { tls_handshakes: 2, tls_handshake: patient, ..limits() }).await;
    let mut silent = Vec::new();
    for start in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00", &authority.hello()] {
        for _ in 0..3 {
            let mut stream = TcpStream::connect(world.address).await.unwrap();
            stream.write_all(start).await.unwrap();
            silent.push(stream);
        }
    }
    let mut stream = authority.connect(world.address, &["http/1.1"]).await.unwrap();
    stream.write_all(&world.call("GET", "/open").plain_bytes()).await.unwrap();
    read_answer(&mut stream).await.allowed();
}

#[tokio::test]
async fn a_backend_over_tls_is_spoken_to_as_it_likes() {
    let authority = Authority::new();
    let stub = Stub::with(Some(authority.acceptor("localhost", Good::Now))).await;
    let port = stub.address.port();
    let world = in_front_of(format!("localhost:{port}"), &authority).await;
    for _ in 0..3 {
        world.call("GET", "/open").send_plain().await.allowed();
    }
    let seen = stub.last();
    assert_eq!(seen.version, http::Version::HTTP_2, "it offers both, and this is the better one");
    assert_eq!(seen.address, format!("https://localhost:{port}/o"));
    assert_eq!(world.gate.counters().backends.connections, 1, "all calls share it");
}

#[tokio::test]
async fn a_backend_that_cannot_prove_itself_is_not_spoken_to() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (what, acceptor) in [
        ("another name", authority.acceptor("elsewhere.example", Good::Now)),
        ("over", authority.acceptor("localhost", Good::NoLonger)),
        ("of nobody we trust", stranger.acceptor("localhost", Good::Now)),
    ] {
        let stub = Stub::with(Some(acceptor)).await;
        let world = in_front_of(format!("localhost:{}", stub.address.port()), &authority).await;
        let answer = world.call("GET", "/open").send_plain().await;
        answer.denied("backend-unreachable");
        let text = answer.text().to_lowercase();
        for word in ["certificate", "localhost", "elsewhere", "tls", "expired"] {
            assert!(!text.contains(word), "{what}: the caller is not told why: {text}");
        }
        assert_eq!(stub.calls(), 0, "{what}");
    }
}

/// A gate in front of a backend at `host`, reached as these settings say.
async fn reached_as(backends: BackendConfig, host: &str, port: u16) -> World {
    let config = GateConfig { limits: limits(), backends, ..GateConfig::default() };
    let world = World::strict(config).await;
    let mut api = world.api("open", AuthType::None, Method::Get, "/open", "/o");
    api.backend.authority = format!("{host}:{port}");
    world.publish(api).await;
    world
}

#[tokio::test]
async fn an_address_is_checked_when_the_name_was_looked_up() {
    let raw = Raw::start(|_, _| async {}).await;
    let port = raw.address.port();
    for (networks, host) in [
        // Loopback is no place for backends unless it is named, however it is written.
        (&[][..], "127.0.0.1"),
        (&[], "localhost"),
        (&[], "[::ffff:127.0.0.1]"),
        (&["0.0.0.0/0", "::/0"], "localhost"),
        (&["!127.0.0.0/8", "!::1"], "localhost"),
        (&["10.0.0.0/8", "!::1"], "127.0.0.1"),
    ] {
        let networks = Networks::read(networks.iter().copied()).unwrap();
        let backends = BackendConfig { networks, ..BackendConfig::default() };
        let world = reached_as(backends, host, port).await;
        world.call("GET", "/open").send_plain().await.denied("backend-forbidden");
    }
    assert_eq!(raw.connections(), 0);
}

#[tokio::test]
async fn a_listener_of_this_process_is_no_backend_whatever_the_networks_say() {
    let raw = Raw::start(|_, _| async {}).await;
    let port = raw.address.port();
    for listener in [raw.address, SocketAddr::from(([0, 0, 0, 0], port))] {
        let backends = BackendConfig {
            networks: Networks::read(["127.0.0.0/8", "::1"]).unwrap(),
            own: [listener].into_iter().collect(),
            ..BackendConfig::default()
        };
        for host in ["127.0.0.1", "[::ffff:127.0.0.1]"] {
            let world = reached_as(backends.clone(), host, port).await;
            world.call("GET", "/open").send_plain().await.denied("backend-forbidden");
        }
    }
    assert_eq!(raw.connections(), 0);
}

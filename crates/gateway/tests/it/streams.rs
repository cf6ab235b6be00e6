//! Answers that go on and on, and when they end: with the right to call, on every way.

use std::net::SocketAddr;
use std::time::Duration;

use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_gateway::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backends::{Raw, request};
use crate::world::{HOUR, NOON, World, grant, limits};

/// A backend whose answer begins and never ends; one that never pauses under `/flood`.
async fn endless() -> Raw {
    Raw::start(|_, mut stream| async move {
        let Some(head) = request(&mut stream).await else { return };
        let begun = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        stream.write_all(begun).await.unwrap();
        if head.contains("/flood") {
            while stream.write_all(b"4\r\nmore\r\n").await.is_ok() {}
        } else {
            while stream.read_u8().await.is_ok() {}
        }
    })
    .await
}

async fn in_front_of(raw: &Raw) -> World {
    let world = World::with(Limits { recheck: Duration::from_millis(10), ..limits() }).await;
    for (id, auth) in [("signed", AuthType::App), ("open", AuthType::None)] {
        let path = format!("/{id}/{{kind}}");
        let mut api = world.api(id, auth, Method::Get, &path, "/{kind}");
        api.backend.authority = raw.address.to_string();
        world.publish(api).await;
    }
    granted(&world).await;
    world
}

async fn granted(world: &World) {
    world.set_now(NOON);
    for api in ["signed", "open"] {
        world.publication(api, Status::Published).await;
    }
    world.grant("signed", "app", Some(grant(NOON, NOON + HOUR, None))).await;
}

/// A stream that has begun.
async fn begun(gate: SocketAddr, call: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(gate).await.unwrap();
    stream.write_all(call).await.unwrap();
    let mut seen = Vec::new();
    while !seen.windows(5).any(|five| five == b"first") {
        assert!(stream.read_buf(&mut seen).await.unwrap() > 0, "no answer");
    }
    stream
}

/// It ends, and not as if it were complete.
async fn breaks_off(mut stream: TcpStream, what: &str) {
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest));
    drop(ended.await.unwrap_or_else(|_| panic!("{what}: the stream goes on")));
    assert!(!rest.ends_with(b"\r\n0\r\n\r\n") && rest != b"0\r\n\r\n", "{what}");
}

#[tokio::test]
async fn a_stream_ends_with_the_right_to_it() {
    let raw = endless().await;
    let world = in_front_of(&raw).await;
    let by_hyper = world.by_hyper().await;
    let signed = |kind: &str| world.call("GET", &format!("/signed/{kind}")).bytes();
    for gate in [world.address, by_hyper] {
        for kind in ["still", "flood"] {
            for end in ["given back", "expired", "stopped"] {
                let stream = begun(gate, &signed(kind)).await;
                match end {
                    "given back" => world.grant("signed", "app", None).await,
                    "expired" => world.set_now(NOON + HOUR),
                    _ => world.publication("signed", Status::Stopped).await,
                }
                breaks_off(stream, &format!("{kind}, {end}")).await;
                granted(&world).await;
            }
            let open = world.call("GET", &format!("/open/{kind}")).plain_bytes();
            let stream = begun(gate, &open).await;
            world.publication("open", Status::Stopped).await;
            breaks_off(stream, &format!("open {kind}, stopped")).await;
            granted(&world).await;
        }
    }
    let told = world.gate.metrics().unwrap();
    assert!(told.contains("tidegate_gate_calls_aborted_total{by=\"gateway\"} 16\n"), "{told}");
    assert!(told.contains("tidegate_gate_calls_in_flight 0\n"));
}

/// Whoever takes nothing of it keeps it no longer.
#[tokio::test]
async fn a_stream_that_nobody_reads_ends_with_the_right_to_it() {
    let raw = endless().await;
    let world = in_front_of(&raw).await;
    let call = world.call("GET", "/signed/flood").bytes();
    let stream = begun(world.address, &call).await;
    world.grant("signed", "app", None).await;
    let is_over = || {
        let told = world.gate.metrics().unwrap();
        told.contains("tidegate_gate_calls_aborted_total{by=\"gateway\"} 1\n")
    };
    crate::world::until(is_over).await;
    drop(stream);
}

/// A renewed grant, and another one's end, leave a stream alone.
#[tokio::test]
async fn a_stream_goes_on_while_its_right_does() {
    let raw = endless().await;
    let world = in_front_of(&raw).await;
    let mut stream = begun(world.address, &world.call("GET", "/signed/flood").bytes()).await;
    world.grant("signed", "app", Some(grant(NOON, NOON + 2 * HOUR, None))).await;
    world.grant("get", "app", None).await;
    world.set_now(NOON + HOUR + 1);
    let mut bytes = 0;
    let mut chunk = [0; 65_536];
    let rechecks = tokio::time::Instant::now() + Duration::from_millis(100);
    while bytes < 1_000_000 || tokio::time::Instant::now() < rechecks {
        bytes += stream.read(&mut chunk).await.unwrap();
    }
}

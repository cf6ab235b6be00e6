//! What went wrong elsewhere, as bytes. Every row stands for a published incident of another gateway,
//! proxy or library: its bytes, then an honest question on the same connection. A connection that can
//! no longer be trusted is closed, so the question stays without an answer; and what the backend saw is
//! all it saw.

use std::net::SocketAddr;
use std::time::Duration;

use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{KEY, SECRET, World};

/// What comes of a row.
enum Outcome {
    /// The one answer is 400, and the connection is closed: nothing behind it is looked at.
    Closed,
    /// It is denied, with this status, and the connection goes on.
    Denied(u16),
    /// It is two requests, as it should be: the first reaches the backend, the second is denied.
    Two(u16, &'static str, u16),
    /// It reaches the backend as this, and the connection goes on.
    Reaches(&'static str),
}

use Outcome::{Closed, Denied, Reaches, Two};

struct Row {
    incident: &'static str,
    sent: Vec<u8>,
    outcome: Outcome,
}

async fn world() -> World {
    let world = World::start().await;
    world.publish(world.api("open", AuthType::None, Method::Post, "/open", "/open")).await;
    world.publish(world.api("open-get", AuthType::None, Method::Get, "/open", "/open")).await;
    world
}

/// Sends a row's bytes and the question behind it; tells the statuses of the answers until the gate
/// closes the connection.
async fn statuses(gate: SocketAddr, sent: &[u8]) -> Vec<u16> {
    let question = format!("GET /healthz HTTP/1.1\r\nhost: {gate}\r\nconnection: close\r\n\r\n");
    let bytes = [sent, question.as_bytes()].concat();
    let mut stream = TcpStream::connect(gate).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let written = async { drop(writer.write_all(&bytes).await) };
    let mut answers = Vec::new();
    let read = async {
        // A gate that closes on what it has not read may do so by a reset.
        drop(reader.read_to_end(&mut answers).await);
    };
    let both = async { tokio::join!(read, written) };
    tokio::time::timeout(Duration::from_secs(20), both).await.expect("the gate closes");
    let text = String::from_utf8_lossy(&answers).into_owned();
    text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].parse().unwrap()).collect()
}

/// Whichever way the gate takes, straight or by hyper, the outcome is the same.
async fn holds(rows: impl Fn(&World) -> Vec<Row>) {
    let world = world().await;
    let by_hyper = world.by_hyper().await;
    for gate in [world.address, by_hyper] {
        holds_at(gate, &world, rows(&world)).await;
    }
}

async fn holds_at(gate: SocketAddr, world: &World, rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for Row { incident, sent, outcome } in rows {
        let before = world.backend.calls();
        let got = statuses(gate, &sent).await;
        let seen: Vec<String> = world.backend.seen.lock().unwrap()[before..]
            .iter()
            .filter(|seen| seen.body.is_some())
            .map(|seen| format!("{} {}", seen.method, seen.address))
            .collect();
        let (expected, reached) = match outcome {
            Closed => (vec![400], Vec::new()),
            Denied(status) => (vec![status, 200], Vec::new()),
            Two(first, address, second) => (vec![first, second, 200], vec![address.to_owned()]),
            Reaches(address) => (vec![200, 200], vec![address.to_owned()]),
        };
        if (&got, &seen) != (&expected, &reached) {
            let sent = String::from_utf8_lossy(&sent);
            wrong.push(format!("{incident}: {got:?} {seen:?} for {sent:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A signed call with one text in it replaced.
fn changed(signed: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let at = signed.windows(from.len()).position(|w| w == from.as_bytes()).expect(from);
    [&signed[..at], to.as_bytes(), &signed[at + from.len()..]].concat()
}

#[tokio::test]
async fn one_resource_has_one_path() {
    holds(|world| {
        let signed = || world.call("GET", "/orders/7").bytes();
        let row = |incident, target: &str, outcome| Row {
            incident,
            sent: changed(signed(), "/orders/7", target),
            outcome,
        };
        vec![
            row("escaped slash hides a segment, Envoy CVE-2021-29492", "/orders/7%2F8", Closed),
            row("escaped slash in lower case, Envoy CVE-2021-29492", "/orders%2f7", Closed),
            row("escaped backslash, Envoy CVE-2021-29492", "/orders%5c7", Closed),
            row("fragment defeats a path rule, Envoy CVE-2021-32779", "/orders/7#/../8", Closed),
            row("dot segments not merged, Envoy GHSA-xcx5-93pw-jw2w", "/x/../orders/7", Closed),
            row("parameter after dots, Envoy CVE-2026-73551", "/x/..;x=y/orders/7", Closed),
            row("parameter in a segment, Envoy CVE-2026-73553", "/orders/7;param", Closed),
            row("escaped parameter, Envoy CVE-2026-73553", "/orders/7%3bparam", Closed),
            row("escaped dots, Traefik CVE-2025-32431", "/x/%2e%2e/orders/7", Closed),
            row("half escaped dots, Traefik CVE-2025-47952", "/x/.%2E/orders/7", Closed),
            row(
                "doubly escaped dots stay text, Traefik GHSA-gm3x-23wp-hc2c",
                "/orders/%252e%252e",
                Denied(401),
            ),
            row("empty segment, Traefik CVE-2026-40912", "//orders/7", Closed),
            row("empty segment within, Traefik CVE-2026-40912", "/orders//7", Closed),
            row(
                "two spellings, one verdict, Oathkeeper CVE-2026-33494",
                "/%6frders/%37",
                Reaches("GET /o/%37"),
            ),
            row(
                "upper and lower hex, Heimdall GHSA-3q34-rx83-r6mq",
                "/%6Frders/7",
                Reaches("GET /o/7"),
            ),
            row(
                "slash at the end, Heimdall GHSA-3q34-rx83-r6mq",
                "/orders/7/",
                Reaches("GET /o/7"),
            ),
            row("another path than was signed, APISIX #2710", "/orders/8", Denied(401)),
            row("case of a path, Oathkeeper CVE-2026-33494", "/Orders/7", Denied(404)),
            row("overlong UTF-8, Envoy CVE-2021-29492", "/orders/%C0%AF7", Closed),
            row("NUL cuts a path, Envoy CVE-2021-29492", "/orders/7%00", Closed),
            row(
                "absolute form names another host, HAProxy CVE-2023-25725",
                "http://other/orders/7",
                Closed,
            ),
            row("authority form, HAProxy CVE-2021-40346", "other:80", Closed),
            row("star, HAProxy CVE-2021-40346", "*", Closed),
        ]
    })
    .await;
}

#[tokio::test]
async fn what_decides_stands_once_and_is_signed() {
    holds(|world| {
        let get = || world.call("GET", "/orders/7");
        let row = |incident, sent, outcome| Row { incident, sent, outcome };
        let twice = |name: &str| {
            let text = String::from_utf8(get().bytes()).unwrap();
            let line = text.split_inclusive("\r\n").find(|line| line.starts_with(name)).unwrap();
            changed(get().bytes(), line, &format!("{line}{line}"))
        };
        let mut rows = vec![
            row(
                "only the first of two is checked, Envoy CVE-2020-25017",
                twice("x-sdk-date"),
                Closed,
            ),
            row(
                "two proofs, the second believed, Envoy CVE-2020-25017",
                twice("authorization"),
                Closed,
            ),
            row("two hosts, Envoy CVE-2020-25017", twice("host"), Closed),
            row(
                "two credentials in two places, Kong #9946",
                get().unsigned("x-authorization", "SDK-HMAC-SHA256 Access=b").bytes(),
                Denied(401),
            ),
            row(
                "a key of one place and the proof of another, Kong #9946",
                get().unsigned("x-authorization", "Bearer x").bytes(),
                Denied(401),
            ),
            row(
                "the date is not among the signed, APISIX hmac-auth",
                changed(get().bytes(), ";x-sdk-date", ""),
                Denied(401),
            ),
            row(
                "an old date under a good signature, APISIX hmac-auth",
                get().dated(crate::world::NOON / 1000 - 901).bytes(),
                Denied(401),
            ),
            row(
                "signature in capitals, APISIX #2710",
                {
                    let text = String::from_utf8(get().bytes()).unwrap();
                    let (head, signature) = text.split_once("Signature=").unwrap();
                    let (digits, rest) = signature.split_at(64);
                    format!("{head}Signature={}{rest}", digits.to_uppercase()).into_bytes()
                },
                Denied(401),
            ),
            row(
                "an unknown key, robbert229/jwt GHSA-5vw4-v588-pgv8",
                get().by("nobody", SECRET).bytes(),
                Denied(401),
            ),
            row(
                "a known key, robbert229/jwt GHSA-5vw4-v588-pgv8",
                get().by(KEY, "wrong").bytes(),
                Denied(401),
            ),
        ];
        for byte in [0x80, 0xC0, 0xFE, 0xFF] {
            rows.push(row(
                "bytes that are no text open the door, Envoy GHSA-9g5w-hqr3-w2ph",
                get().unsigned("x-auth-token", [b'a', byte]).by(KEY, "wrong").bytes(),
                Denied(401),
            ));
        }
        rows
    })
    .await;
}

#[tokio::test]
async fn a_bad_signature_is_refused_in_every_framing() {
    holds(|world| {
        let post = || world.call("POST", "/orders/7").by(KEY, "wrong");
        let length = post().body("x").bytes();
        let declared = post().body("x").declared().bytes();
        let chunked = |sent: &[u8]| {
            let text =
                changed(sent.to_vec(), "content-length: 1\r\n", "transfer-encoding: chunked\r\n");
            [&text[..text.len() - 1], b"1\r\nx\r\n0\r\n"].concat()
        };
        let ended = |sent: &[u8], trailers: &str| [&chunked(sent), trailers.as_bytes()].concat();
        let row = |sent, outcome| Row {
            incident: "one way of sending a body is not checked, MinIO CVE-2025-31489",
            sent,
            outcome,
        };
        vec![
            row(post().bytes(), Denied(401)),
            row(post().unsigned("content-length", "0").bytes(), Denied(401)),
            row(length.clone(), Denied(401)),
            row(ended(&length, "\r\n"), Denied(401)),
            row(ended(&length, "x-sdk-date: 20260102T030000Z\r\n\r\n"), Denied(401)),
            row(ended(&length, "authorization: x\r\nx-tidegate-app: root\r\n\r\n"), Denied(401)),
            row(
                post().header("content-type", "text/plain").body("x").payload_unsigned().bytes(),
                Denied(401),
            ),
            row(
                post()
                    .header("content-type", "application/json")
                    .body("x")
                    .payload_unsigned()
                    .bytes(),
                Denied(401),
            ),
            row(declared.clone(), Denied(401)),
            row(ended(&declared, "\r\n"), Denied(401)),
        ]
    })
    .await;
}

#[tokio::test]
async fn only_the_gate_says_who_calls() {
    let world = world().await;
    for (incident, name, value) in [
        ("Connection takes identity away, Traefik CVE-2024-45410", "Connection", "x-tidegate-app"),
        (
            "in small letters too, Traefik CVE-2026-29054",
            "connection",
            "X-TIDEGATE-APP, x-forwarded-for",
        ),
        (
            "with other names before it, Pingora CVE-2026-105299",
            "Connection",
            "close2, x-tidegate-app, x-request-id",
        ),
        ("dots fold to dashes, Traefik CVE-2026-88011", "X.Tidegate.App", "root"),
        ("underscores fold to dashes, Traefik CVE-2026-88011", "x_tidegate_app", "root"),
        ("mixed spellings, Traefik CVE-2026-88011", "X-Tidegate_App", "root"),
        ("as it stands, Traefik CVE-2026-88011", "x-tidegate-app", "root"),
        ("a header nobody signed goes on, MinIO CVE-2026-97731", "x-amz-copy-source", "/other"),
        ("a faked client address, APISIX CVE-2022-24112", "X-Real-IP", "127.0.0.1"),
        ("a faked client address, APISIX CVE-2022-24112", "X-Forwarded-For", "127.0.0.1"),
        ("a faked client address, APISIX CVE-2022-24112", "Forwarded", "for=127.0.0.1"),
    ] {
        let call = world.call("GET", "/orders/7").unsigned(name, value);
        call.send().await.allowed();
        let seen = world.backend.last();
        assert_eq!(seen.header("x-tidegate-app"), Some("app"), "{incident}");
        assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"), "{incident}");
        assert_eq!(seen.header("x-request-id").map(str::len), Some(32), "{incident}");
        for (name, _) in &seen.headers {
            let name = name.as_str();
            assert!(
                !name.contains(['_', '.']) && !name.starts_with("x-amz-"),
                "{incident}: {name}"
            );
            assert!(
                !["x-real-ip", "forwarded", "connection"].contains(&name),
                "{incident}: {name}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_ends_where_it_ends() {
    holds(|world| {
        let host = world.address;
        let post = |head: &str, body: &str| {
            format!("POST /open HTTP/1.1\r\nhost: {host}\r\n{head}\r\n\r\n{body}").into_bytes()
        };
        let get = |lines: &str| format!("GET /open HTTP/1.1\r\n{lines}\r\n\r\n").into_bytes();
        let inner =
            format!("GET /orders/7 HTTP/1.1\r\nhost: {host}\r\nx-tidegate-app: root\r\n\r\n");
        let hosted = |lines: &str| get(&format!("host: {host}\r\n{lines}"));
        let overflow = format!("content-length0{}:\r\ncontent-length: 0", "a".repeat(255));
        let length = inner.len();
        let with_body = hosted(&format!("content-length: {length}\r\n\r\n{inner}"));
        let with_body = with_body[..with_body.len() - 4].to_vec();
        let row = |incident, sent, outcome| Row { incident, sent, outcome };
        let mut rows = vec![
            row(
                "chunk size past 64 bits, hyper CVE-2021-32714",
                post("transfer-encoding: chunked", "f0000000000000003\r\nabc"),
                Closed,
            ),
            row(
                "chunk size past 64 bits, SpiceDB GHSA-h3m7-rqc4-7h9p",
                post("transfer-encoding: chunked", "10000000000000000\r\nabc"),
                Closed,
            ),
            row(
                "length with a plus, hyper CVE-2021-32715",
                post("content-length: +3", "abc"),
                Closed,
            ),
            row(
                "length with a minus, hyper CVE-2021-32715",
                post("content-length: -3", "abc"),
                Closed,
            ),
            row("length in hex, hyper CVE-2021-32715", post("content-length: 0x3", "abc"), Closed),
            row(
                "length past 64 bits, HAProxy CVE-2021-40346",
                post("content-length: 18446744073709551619", "abc"),
                Closed,
            ),
            row(
                "codings chunked and chunked, hyper RUSTSEC-2021-0020",
                post("transfer-encoding: chunked, chunked", "0\r\n\r\n"),
                Closed,
            ),
            row(
                "coding twice, hyper RUSTSEC-2021-0020",
                post("transfer-encoding: chunked\r\ntransfer-encoding: chunked", "0\r\n\r\n"),
                Closed,
            ),
            row(
                "identity and chunked, hyper RUSTSEC-2021-0020",
                post("transfer-encoding: identity\r\ntransfer-encoding: chunked", "0\r\n\r\n"),
                Closed,
            ),
            row(
                "chunked is not the last coding, hyper RUSTSEC-2021-0020",
                post("transfer-encoding: chunked, identity", "0\r\n\r\n"),
                Closed,
            ),
            row(
                "a coding that is none, hyper RUSTSEC-2021-0020",
                post("transfer-encoding: xchunked", "0\r\n\r\n"),
                Closed,
            ),
            row(
                "coding with a vertical tab, hyper RUSTSEC-2021-0020",
                post("transfer-encoding: \u{b}chunked", "0\r\n\r\n"),
                Closed,
            ),
            row(
                "coding with a blank before the colon, HAProxy CVE-2021-40346",
                post("transfer-encoding : chunked", "0\r\n\r\n"),
                Closed,
            ),
            row(
                "two lengths, HAProxy CVE-2021-40346",
                post("content-length: 3\r\ncontent-length: 4", "abc"),
                Closed,
            ),
            row(
                "two equal lengths, HAProxy CVE-2021-40346",
                post("content-length: 3\r\ncontent-length: 3", "abc"),
                Closed,
            ),
            row(
                "a list of lengths, HAProxy CVE-2021-40346",
                post("content-length: 3, 3", "abc"),
                Closed,
            ),
            row("length empty, HAProxy CVE-2023-40225", post("content-length:", "abc"), Closed),
            row(
                "length of blanks, HAProxy CVE-2023-40225",
                post("content-length:  ", "abc"),
                Closed,
            ),
            row(
                "empty header name, HAProxy CVE-2023-25725",
                post(": x\r\ncontent-length: 3", "abc"),
                Closed,
            ),
            row(
                "long name overflows a length, HAProxy CVE-2021-40346",
                post(&overflow, &inner),
                Two(200, "POST /open", 401),
            ),
            row(
                "blank behind a chunk size, hyper CVE-2021-32714",
                post("transfer-encoding: chunked", "1 \r\nx\r\n0\r\n\r\n"),
                Reaches("POST /open"),
            ),
            row(
                "coding in capitals, hyper RUSTSEC-2021-0020",
                post("Transfer-Encoding: CHUNKED", "0\r\n\r\n"),
                Reaches("POST /open"),
            ),
            row(
                "a coding below the chunks, hyper RUSTSEC-2021-0020",
                post("transfer-encoding: gzip, chunked", "0\r\n\r\n"),
                Closed,
            ),
            row(
                "length and coding, Pingora CVE-2026-2835",
                post("content-length: 3\r\ntransfer-encoding: chunked", "0\r\n\r\n"),
                Closed,
            ),
            row(
                "coding and length, Pingora CVE-2026-2835",
                post("transfer-encoding: chunked\r\ncontent-length: 3", "0\r\n\r\n"),
                Closed,
            ),
            row(
                "coding over HTTP/1.0, Pingora CVE-2026-2835",
                changed(post("transfer-encoding: chunked", "0\r\n\r\n"), "HTTP/1.1", "HTTP/1.0"),
                Closed,
            ),
            row(
                "bytes behind an upgrade, Pingora CVE-2026-2833",
                post("connection: upgrade\r\nupgrade: websocket", &inner),
                Closed,
            ),
            row(
                "failed upgrade leaves a tunnel, Kubernetes CVE-2018-1002105",
                hosted("connection: upgrade\r\nupgrade: x\r\nsec-websocket-version: 1"),
                Closed,
            ),
            row(
                "upgrade to h2c, Kubernetes CVE-2018-1002105",
                hosted(
                    "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMA",
                ),
                Closed,
            ),
            row("folded line, HAProxy CVE-2023-25725", hosted("x: a\r\n\tb"), Closed),
            row(
                "first line folded, HAProxy CVE-2023-25725",
                get(&format!(" x: a\r\nhost: {host}")),
                Closed,
            ),
            row("carriage return within a line, HAProxy CVE-2023-25725", hosted("x: a\rb"), Closed),
            row("NUL in a value, HAProxy CVE-2023-25725", hosted("x: a\0b"), Closed),
            row("blank in a name, HAProxy CVE-2023-25725", hosted("x y: a"), Closed),
            row("line without a colon, HAProxy CVE-2023-25725", hosted("xy"), Closed),
            row("no host, Envoy CVE-2020-25017", get("x: y"), Closed),
            row("length of a GET, its body is no request", with_body, Reaches("GET /open")),
        ];
        for size in ["0x1", "+1", "-1", " 1", "g", ""] {
            rows.push(row(
                "chunk size that readers differ on, hyper CVE-2021-32714",
                post("transfer-encoding: chunked", &format!("{size}\r\nx\r\n0\r\n\r\n")),
                Closed,
            ));
        }
        rows
    })
    .await;
}

//! The strict reading of a request's head, after the same tokeniser that the server uses.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, Version, request};
use tidegate_gateway::fuzz::{sent_of_open, sent_of_proven, sent_of_signed, strict};
use tidegate_sign::Target;

use crate::Turn;

/// So many headers are read of an input.
const HEADERS: usize = 32;
/// The gate adds a few to what goes on.
const MORE_HEADERS: usize = 2 * HEADERS;

/// Of what the reading accepts nothing can be taken in two ways; the order of the headers never
/// matters; and nobody but the gate speaks in the headers that go on.
pub fn run(data: &[u8], turn: Turn) {
    let Some(parts) = read::<HEADERS>(data, false) else { return };
    let outcome = strict(&parts);
    if turn.is(0, 3) {
        let reversed = read::<HEADERS>(data, true).expect("it was read before");
        assert_eq!(
            outcome.as_ref().map(|(target, host)| (target, host)).ok(),
            strict(&reversed).as_ref().map(|(target, host)| (target, host)).ok(),
            "the order of the headers decides nothing",
        );
    }
    let Ok((target, host)) = outcome else { return };
    has_one_reading(&parts, &target, host.as_deref());
    if turn.is(1, 3) {
        goes_on_without_the_gates_names(&parts.headers);
    }
    if turn.is(2, 3) {
        is_read_the_same_again(&parts.headers, &target);
    }
}

fn has_one_reading(parts: &request::Parts, target: &Target, host: Option<&str>) {
    let headers = &parts.headers;
    for name in [
        "authorization",
        "x-authorization",
        "x-sdk-date",
        "x-sdk-content-sha256",
        "x-auth-token",
        "x-security-token",
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "expect",
    ] {
        assert!(headers.get_all(name).iter().count() <= 1, "{name} twice");
    }
    assert!(!(headers.contains_key("content-length") && headers.contains_key("transfer-encoding")));
    let coding = headers.get("transfer-encoding").map(|coding| coding.as_bytes().trim_ascii());
    assert!(coding.is_none_or(|coding| coding.eq_ignore_ascii_case(b"chunked")));
    assert!(!headers.contains_key("upgrade"));
    assert!(host.is_none(), "over HTTP/1 the host is in a header");
    assert!(headers.contains_key("host") || parts.version == Version::HTTP_10);
    assert_eq!(Target::parse_odd(target.path_and_query()).as_ref(), Ok(target));
}

fn goes_on_without_the_gates_names(headers: &HeaderMap) {
    let names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    let open = sent_of_open(headers);
    let proven = sent_of_proven(headers);
    let signed = sent_of_signed(headers, &names);
    for (sent, shows_proof) in [(&open, true), (&proven, false), (&signed, false)] {
        goes_on(headers, sent, shows_proof);
    }
    let nothing_signed = sent_of_signed(headers, &[]);
    assert!(nothing_signed.keys().all(|name| proven.contains_key(name)));
    assert!(nothing_signed.len() <= signed.len() && signed.len() <= open.len());
}

/// The next gate in line reads what this one sends on, and reads the same.
fn is_read_the_same_again(headers: &HeaderMap, target: &Target) {
    let mut next = Vec::from(format!("GET {} HTTP/1.1\r\nhost: h\r\n", target.path_and_query()));
    for (name, value) in &sent_of_open(headers) {
        next.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    next.extend_from_slice(b"\r\n");
    let next = read::<MORE_HEADERS>(&next, false).expect("what goes on is well formed");
    let (again, _) = strict(&next).unwrap_or_else(|denial| panic!("{denial:?}"));
    assert_eq!(&again, target);
}

/// Nothing in these is the gate's to say, the connection's, or a proof.
fn goes_on(given: &HeaderMap, sent: &HeaderMap, shows_proof: bool) {
    let nominated: Vec<String> = given
        .get_all("connection")
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
        .collect();
    for (name, value) in sent {
        let name = name.as_str();
        assert!(given.get_all(name).iter().any(|given| given == value), "{name} was made up");
        assert!(!nominated.iter().any(|nominated| nominated == name), "{name} is nominated");
        let read = name.replace(['_', '.'], "-");
        assert!(!read.starts_with("x-tidegate-") && !read.starts_with("x-forwarded-"), "{name}");
        assert!(
            !matches!(
                read.as_str(),
                "x-tidegate"
                    | "x-request-id"
                    | "x-real-ip"
                    | "forwarded"
                    | "host"
                    | "content-length"
                    | "transfer-encoding"
                    | "connection"
                    | "keep-alive"
                    | "upgrade"
                    | "te"
                    | "trailer"
                    | "expect"
                    | "proxy-connection"
                    | "proxy-authorization"
                    | "http2-settings"
            ),
            "{name}"
        );
        let is_proof = matches!(
            read.as_str(),
            "authorization"
                | "x-authorization"
                | "x-sdk-date"
                | "x-auth-token"
                | "x-security-token"
        );
        assert!(shows_proof || !is_proof, "{name}");
    }
}

/// The head as the server's parts, if the server would hand it on.
fn read<const MOST: usize>(data: &[u8], reversed: bool) -> Option<request::Parts> {
    let mut lines = [httparse::EMPTY_HEADER; MOST];
    let mut head = httparse::Request::new(&mut lines);
    let Ok(httparse::Status::Complete(_)) = head.parse(data) else { return None };
    let mut request = Request::new(());
    *request.method_mut() = head.method?.parse().ok()?;
    *request.uri_mut() = head.path?.parse::<Uri>().ok()?;
    *request.version_mut() = if head.version? == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    let add = |headers: &mut HeaderMap, line: &httparse::Header<'_>| {
        let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(line.value).ok()?);
        Some(())
    };
    if reversed {
        for line in head.headers.iter().rev() {
            add(request.headers_mut(), line)?;
        }
    } else {
        for line in head.headers.iter() {
            add(request.headers_mut(), line)?;
        }
    }
    Some(request.into_parts().0)
}

//! Which headers are believed, which go on to the backend, and which come back.

use http::header::{
    ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, COOKIE,
    HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, StatusCode, Version, request};
use tidegate_domain::host::host_of;
use tidegate_sign::{
    AUTHORIZATION, CONTENT_SHA256, SDK_DATE, Target, TargetError, X_AUTHORIZATION,
};

use crate::caller::Caller;
use crate::denial::{Denial, Reason};
use crate::hop_by_hop::{HOP_BY_HOP, nominated};
use crate::{space, websocket};

/// The app that calls, towards the backend.
pub const APP: HeaderName = HeaderName::from_static("x-tidegate-app");
/// The API that is called, towards the backend.
pub const API: HeaderName = HeaderName::from_static("x-tidegate-api");
/// When the right to call ends, both ways.
pub const GRANT_END: HeaderName = HeaderName::from_static("x-tidegate-grant-end");
/// While a notice runs: when access ends because of it.
pub const CANCELLED_AT: HeaderName = HeaderName::from_static("x-tidegate-cancelled-at");
/// Why a call was denied: a name of the table of denials.
pub const REASON: HeaderName = HeaderName::from_static("x-tidegate-reason");
/// The revision the gate decided at.
pub const REVISION: HeaderName = HeaderName::from_static("x-tidegate-revision");
/// The id of the call, both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A caller's nonce, which makes a signed call one that cannot be sent again.
pub const NONCE: &str = "x-sdk-nonce";
/// The caller's token.
pub const AUTH_TOKEN: &str = "x-auth-token";
/// A token of temporary keys, which there are none of here.
const SECURITY_TOKEN: &str = "x-security-token";

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What proves who calls. It is for the gate, not for the backend.
const CREDENTIALS: [&str; 4] = [SDK_DATE, NONCE, AUTH_TOKEN, SECURITY_TOKEN];

/// Headers of which a second one could be read instead of the first.
const SINGLE: [&str; 12] = [
    AUTHORIZATION,
    X_AUTHORIZATION,
    SDK_DATE,
    NONCE,
    AUTH_TOKEN,
    CONTENT_SHA256,
    SECURITY_TOKEN,
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "expect",
];

/// What a backend may see of a signed call beside what was signed: what official clients send and do
/// not sign (the Python SDK its `Accept`, the Go SDK its `Content-Type`), and traces. Whoever stands
/// between could change these, so nothing that says what a call does belongs here.
const UNSIGNED_BUT_SENT: [HeaderName; 8] = [
    ACCEPT,
    ACCEPT_CHARSET,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    CONTENT_TYPE,
    USER_AGENT,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// Reads a request's head of at most so many bytes.
pub(crate) fn read(parts: &request::Parts, most: usize) -> Result<Strict, Denial> {
    if size(parts) > most { Err(Reason::HeadTooLarge.into()) } else { strict(parts) }
}

/// How large a head is, about as it was sent. hyper's own bound is one on what it reads at a time, so
/// it lets in up to twice as much, by chance.
fn size(parts: &request::Parts) -> usize {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let line = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
    target + parts.headers.iter().map(line).sum::<usize>()
}

/// A request the gate is willing to look at.
pub(crate) struct Strict {
    /// Its path and query.
    pub(crate) target: Target,
    /// Its host, when it is not in a header.
    pub(crate) host: Option<String>,
    /// Does it ask to become a WebSocket?
    pub(crate) is_websocket: bool,
}

/// The answer to a wish for another protocol where none is granted.
pub(crate) fn no_switch() -> Denial {
    Denial::new(Reason::BadRequest, "The gateway does not switch protocols.")
}

/// One strict reading of a request's head. Whatever two readers could take in two ways is refused.
pub(crate) fn strict(parts: &request::Parts) -> Result<Strict, Denial> {
    let bad = |what: &str| Err(Denial::new(Reason::BadRequest, what.to_owned()));
    let headers = &parts.headers;
    // Few calls send any header twice, so few pay for the question which.
    if headers.len() > headers.keys_len() {
        for name in SINGLE {
            if headers.get_all(name).iter().nth(1).is_some() {
                return bad(&format!("The header `{name}` was sent more than once."));
            }
        }
    }
    if headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING) {
        return bad("A body has Content-Length or Transfer-Encoding, not both.");
    }
    if !is_coded_once(headers) {
        return bad("A body is sent as it is, or with Transfer-Encoding `chunked` alone.");
    }
    let switches = headers.contains_key(UPGRADE) || nominated(headers).any(|name| name == UPGRADE);
    let is_websocket = switches && websocket::is_websocket(parts);
    if switches && !is_websocket {
        return Err(no_switch());
    }
    let is_http2 = parts.version == Version::HTTP_2;
    let host = match (parts.uri.authority(), headers.get(HOST)) {
        (Some(_), _) if is_http2 && !is_http(parts.uri.scheme_str()) => {
            return bad("`:scheme` is neither `http` nor `https`.");
        }
        (Some(authority), header) if is_http2 => {
            if header.is_some_and(|header| header.as_bytes() != authority.as_str().as_bytes()) {
                return bad("`:authority` and `Host` differ.");
            }
            Some(authority.as_str().to_owned())
        }
        // RFC 9112, 3.2.2: a whole address is a target, too. It names a host, which must be the same one.
        (Some(authority), header) if is_http(parts.uri.scheme_str()) => {
            let usual = if parts.uri.scheme_str() == Some("https") { b":443" } else { &b":80"[..] };
            let named = |it: &'_ [u8]| it.strip_suffix(usual).unwrap_or(it).to_ascii_lowercase();
            let is_host =
                |it: &HeaderValue| named(it.as_bytes()) == named(authority.as_str().as_bytes());
            if !header.is_some_and(is_host) {
                return bad("The request target and `Host` name different hosts.");
            }
            None
        }
        (Some(_), _) => return bad("The request target must begin with `/`."),
        (None, Some(_)) => None,
        (None, None) if parts.version == Version::HTTP_10 => None,
        (None, None) => return bad("The header `Host` is missing."),
    };
    // Whose the call is, is decided by the host: so it is read in one way, or not at all.
    let sent = host.as_deref().map_or_else(|| space::host(None, headers), |host| Ok(Some(host)))?;
    if host_of(sent.unwrap_or_default()).is_err() {
        return Err(space::bad_host());
    }
    let target = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    // What is odd is refused where the route is known, unless its API lets it in.
    match Target::parse_odd(target) {
        Ok(target) => Ok(Strict { target, host, is_websocket }),
        Err(error) => Err(not_accepted(error)),
    }
}

fn is_http(scheme: Option<&str>) -> bool {
    matches!(scheme, Some("http" | "https"))
}

/// The denial of a path that servers could take in two ways.
pub(crate) fn not_accepted(error: TargetError) -> Denial {
    if error == TargetError::TooLong {
        return Reason::TargetTooLong.into();
    }
    Denial::new(Reason::BadRequest, format!("The address is not accepted: {error}."))
}

/// Could the value of a header be a secret, by its name?
pub(crate) fn is_secret(name: &str) -> bool {
    Kind::of(name) == Kind::Credential && name != SDK_DATE && name != NONCE
        || ["cookie", "token", "secret", "password", "key", "session", "auth", "credential"]
            .iter()
            .any(|part| name.contains(part))
}

/// Does a caller take trailers behind an answer?
pub(crate) fn takes_trailers(headers: &HeaderMap) -> bool {
    headers.get(TE).is_some_and(|te| te.as_bytes().trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// Removes from the trailers of a backend's answer what is not for the caller: all that is more than plain.
pub(crate) fn trailers_from_backend(trailers: &mut HeaderMap) {
    let is_plain = |name: &HeaderName| Kind::of(name.as_str()) == Kind::Plain;
    let gone: Vec<HeaderName> = trailers.keys().filter(|name| !is_plain(name)).cloned().collect();
    for name in gone {
        trailers.remove(name);
    }
}

/// Joins the Cookie fields of an HTTP/2 request, which its caller may have split (RFC 9113, 8.2.3).
pub(crate) fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(COOKIE).iter();
    if cookies.nth(1).is_none() {
        return;
    }
    let all: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    // Of values that are headers' it is one, too.
    if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

/// Is a body as it is, or chunked and nothing else? Of several codings servers undo different ones, and
/// what is left after the chunks would reach the backend without a word that it is coded.
fn is_coded_once(headers: &HeaderMap) -> bool {
    headers
        .get(TRANSFER_ENCODING)
        .is_none_or(|coding| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

/// No name the gate knows is longer, but for those it knows by how they begin.
const LONGEST_KNOWN: usize = 64;

/// What a header is to the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Says who calls, and only the gate says so.
    Identity,
    /// The id of the call, and only the gate gives one.
    RequestId,
    /// Says where a call comes from, and towards the backend only the gate says so.
    Origin,
    /// Proves who calls.
    Credential,
    /// May hold a signature, or what a backend asks for by itself.
    Authorization,
    /// Belongs to one connection.
    HopByHop,
    /// Says how the message is delimited, or to whom it goes.
    Framing,
    /// None of the gate's business.
    Plain,
}

impl Kind {
    /// What `name` is to a server that takes other characters for `-`. Many take `_`, some any.
    fn of(name: &str) -> Self {
        if !may_be_known(name) {
            return Self::Plain;
        }
        if name.bytes().all(|b| matches!(b, b'-' | b'a'..=b'z' | b'0'..=b'9')) {
            return Self::of_folded(name);
        }
        // On the stack, for backends like capitals.
        let mut folded = [0; LONGEST_KNOWN];
        let Some(folded) = folded.get_mut(..name.len()) else {
            return Self::of_folded(
                &name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
            );
        };
        for (to, from) in folded.iter_mut().zip(name.bytes()) {
            *to = if from.is_ascii_alphanumeric() { from.to_ascii_lowercase() } else { b'-' };
        }
        std::str::from_utf8(folded).map_or(Self::Plain, Self::of_folded)
    }

    /// May it prove who calls?
    fn is_proof(self) -> bool {
        matches!(self, Self::Credential | Self::Authorization)
    }

    fn of_folded(name: &str) -> Self {
        match name {
            "host" | "content-length" => Self::Framing,
            "x-request-id" => Self::RequestId,
            "forwarded" | "x-real-ip" => Self::Origin,
            "x-tidegate" => Self::Identity,
            AUTHORIZATION | X_AUTHORIZATION => Self::Authorization,
            _ if CREDENTIALS.contains(&name) => Self::Credential,
            _ if HOP_BY_HOP.contains(&name) => Self::HopByHop,
            _ if name.starts_with("x-tidegate-") => Self::Identity,
            _ if name.starts_with("x-forwarded-") => Self::Origin,
            _ => Self::Plain,
        }
    }
}

/// Could it be one of the names the gate knows, by its first letter and its length? Most are not, and need
/// no closer look.
fn may_be_known(name: &str) -> bool {
    let first = name.bytes().next().unwrap_or_default().to_ascii_lowercase();
    matches!(
        (first, name.len()),
        (b'a', 13)
            | (b'c', 10 | 14)
            | (b'e', 6)
            | (b'f', 9)
            | (b'h', 4 | 14)
            | (b'k', 10)
            | (b'p', 16 | 18 | 19)
            | (b't', 2 | 7 | 8 | 17)
            | (b'u', 7)
            | (b'x', _)
    )
}

/// Does a proxy in front take away or replace a header by itself, because the name stands in its configuration?
/// None knows every spelling of it.
pub(crate) fn is_known_to_proxies(name: &HeaderName) -> bool {
    const GATES: [HeaderName; 7] =
        [APP, API, GRANT_END, CANCELLED_AT, REASON, REVISION, REQUEST_ID];
    GATES.contains(name)
        || [AUTHORIZATION, X_AUTHORIZATION].contains(&name.as_str())
        || CREDENTIALS.contains(&name.as_str())
}

/// May an API's author have this header sent to the backend?
pub(crate) fn may_be_set_by_author(name: &HeaderName) -> bool {
    matches!(Kind::of(name.as_str()), Kind::Plain | Kind::Credential | Kind::Authorization)
}

/// Which of the caller's headers go on.
#[derive(Clone, Copy)]
pub(crate) enum Trust<'a> {
    /// Those that were signed, and a few that mean nothing to the call.
    Signed(&'a [&'a str]),
    /// All but the caller's proof.
    Proven,
    /// All but what would prove something to a gate: the API asks nobody.
    Open,
}

/// Does an API's backend get the caller's proof?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It stays at the gate.
    Kept,
    /// It goes on, for the API asks for that.
    Forwarded,
}

/// Does this value begin like a signature of the vendor's schemes? Whether it is a good one does not matter.
fn is_signature(value: &HeaderValue) -> bool {
    const BEGIN: &[u8] = b"SDK-HMAC-";
    let begin = value.as_bytes().trim_ascii_start().get(..BEGIN.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(BEGIN))
}

/// The caller's headers that go on to the backend.
pub(crate) fn going_on<'h>(
    headers: &'h HeaderMap,
    trust: Trust<'h>,
    proof: Proof,
) -> impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)> {
    let nominated: Vec<HeaderName> = nominated(headers).collect();
    headers.iter().filter(move |(name, value)| {
        goes_on(Kind::of(name.as_str()), name, value, trust, proof) && !nominated.contains(*name)
    })
}

/// Does a header of this kind go on to the backend?
fn goes_on(
    kind: Kind,
    name: &HeaderName,
    value: &HeaderValue,
    trust: Trust<'_>,
    proof: Proof,
) -> bool {
    match (kind, trust) {
        (Kind::Plain, Trust::Signed(names)) => {
            names.contains(&name.as_str()) || UNSIGNED_BUT_SENT.contains(name)
        }
        (Kind::Plain, Trust::Proven | Trust::Open) => true,
        (Kind::Credential | Kind::Authorization, Trust::Signed(_) | Trust::Proven) => {
            proof == Proof::Forwarded
        }
        (Kind::Authorization, Trust::Open) => !is_signature(value),
        (Kind::Credential, Trust::Open)
        | (Kind::Identity | Kind::RequestId | Kind::Origin | Kind::HopByHop | Kind::Framing, _) => {
            false
        }
    }
}

/// The names of the headers by which a caller proves something or speaks for the gate, and which do not go
/// on: the same that [`going_on`] leaves out, for a proxy that forwards the call itself.
pub(crate) fn kept_back<'h>(
    headers: &'h HeaderMap,
    trust: Trust<'h>,
    proof: Proof,
) -> impl Iterator<Item = &'h HeaderName> {
    headers.keys().filter(move |name| {
        let kind = Kind::of(name.as_str());
        let goes = |value| goes_on(kind, name, value, trust, proof);
        let is_gates = matches!(kind, Kind::Identity | Kind::RequestId) || kind.is_proof();
        is_gates && !headers.get_all(*name).iter().all(goes)
    })
}

/// The proof that goes on and that a proxy in front takes away by itself, so that it has to be given back.
pub(crate) fn proof_going_on<'h>(
    headers: &'h HeaderMap,
    trust: Trust<'h>,
    proof: Proof,
) -> impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)> {
    going_on(headers, trust, proof)
        .filter(|(name, _)| is_known_to_proxies(name) && Kind::of(name.as_str()).is_proof())
}

/// The same, to be changed further.
pub(crate) fn towards_backend(headers: &HeaderMap, trust: Trust<'_>, proof: Proof) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.len() + ADDED);
    going_on(headers, trust, proof).for_each(|(name, value)| kept.add(name, value));
    kept
}

/// As many headers as the gate adds towards a backend, at most.
const ADDED: usize = 8;

/// Where the calls of a connection come from, as a backend is told.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    address: HeaderValue,
    scheme: &'static str,
}

impl From<&Caller> for Origin {
    fn from(caller: &Caller) -> Self {
        let text = caller.address.ip().to_string();
        let address = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("unknown"));
        Self { address, scheme: if caller.is_secure { "https" } else { "http" } }
    }
}

/// Tells the backend where a call came from. A caller's own word on that has been dropped.
pub(crate) fn set_origin(sent: &mut impl Sets, origin: &Origin, host: Option<&[u8]>) {
    sent.set_value(FORWARDED_FOR, &origin.address);
    if let Some(host) = host {
        sent.set(FORWARDED_HOST, host);
    }
    sent.set(FORWARDED_PROTO, origin.scheme.as_bytes());
}

/// Whatever headers can be set in, each in place of one of the same name.
pub(crate) trait Sets {
    /// Sets a header, if the value can be one.
    fn set(&mut self, name: HeaderName, value: &[u8]);

    /// Sets a header.
    fn set_value(&mut self, name: HeaderName, value: &HeaderValue);
}

/// Headers on their way to a backend.
pub(crate) trait Sent: Sets {
    /// None yet, with room for some.
    fn begin(callers: usize) -> Self;

    /// Adds one of the caller's.
    fn add(&mut self, name: &HeaderName, value: &HeaderValue);
}

impl Sent for HeaderMap {
    fn begin(callers: usize) -> Self {
        Self::with_capacity(callers + ADDED)
    }

    fn add(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.append(name, value.clone());
    }
}

/// Headers as they are sent: a line each. Nothing in them is replaced, so what is set must not be there
/// yet: of the names by which the gate itself speaks no header of a caller or an author goes on.
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn put(&mut self, name: &HeaderName, value: &[u8]) {
        debug_assert!(!self.says(name), "{name} twice");
        write(&mut self.0, name.as_str(), value);
    }

    fn says(&self, name: &HeaderName) -> bool {
        let begin = [name.as_str().as_bytes(), b": "].concat();
        self.0.split(|byte| *byte == b'\n').any(|line| line.starts_with(&begin))
    }
}

impl Sent for Lines {
    fn begin(callers: usize) -> Self {
        Self(Vec::with_capacity((callers + ADDED) * LINE_BYTES))
    }

    fn add(&mut self, name: &HeaderName, value: &HeaderValue) {
        write(&mut self.0, name.as_str(), value.as_bytes());
    }
}

/// Most headers are shorter.
const LINE_BYTES: usize = 64;

impl Sets for Lines {
    fn set(&mut self, name: HeaderName, value: &[u8]) {
        let is_text = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
        if value.iter().all(is_text) {
            self.put(&name, value);
        }
    }

    fn set_value(&mut self, name: HeaderName, value: &HeaderValue) {
        self.put(&name, value.as_bytes());
    }
}

impl Sets for HeaderMap {
    fn set(&mut self, name: HeaderName, value: &[u8]) {
        set(self, name, value);
    }

    fn set_value(&mut self, name: HeaderName, value: &HeaderValue) {
        self.insert(name, value.clone());
    }
}

/// Sets a header, if the value can be one.
pub(crate) fn set(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(name, value);
    }
}

/// Writes the first line of an answer.
pub(crate) fn begin(out: &mut Vec<u8>, status: StatusCode) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Writes a header's line. Neither name nor value holds the end of one: they were read from lines, or
/// are of types that cannot.
pub(crate) fn write(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Is a header of a backend's answer for the caller?
pub(crate) fn is_for_caller(name: &str) -> bool {
    !matches!(Kind::of(name), Kind::HopByHop | Kind::Identity | Kind::RequestId)
}

/// Removes from a backend's answer what is not for the caller.
pub(crate) fn from_backend(headers: &mut HeaderMap) {
    let nominated = nominated(headers);
    let is_not_for_caller = |name: &&HeaderName| !is_for_caller(name.as_str());
    let gone: Vec<HeaderName> =
        nominated.chain(headers.keys().filter(is_not_for_caller).cloned()).collect();
    for name in gone {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::header::CONNECTION;

    use super::*;

    fn map(headers: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        map
    }

    #[test]
    fn every_name_the_gate_knows_gets_a_closer_look() {
        let names = ["host", "content-length", "x-request-id", "forwarded", "x-real-ip"];
        let begins = ["x-tidegate", "x-tidegate-app", "x-forwarded-for"];
        let proofs = [AUTHORIZATION, X_AUTHORIZATION];
        for name in
            names.iter().chain(&begins).chain(&CREDENTIALS).chain(&proofs).chain(&HOP_BY_HOP)
        {
            assert_ne!(Kind::of_folded(name), Kind::Plain, "{name}");
            for spelling in [(*name).to_owned(), name.to_uppercase(), name.replace('-', "_")] {
                assert_eq!(Kind::of(&spelling), Kind::of_folded(name), "{spelling}");
            }
        }
    }

    #[test]
    fn identity_is_dropped_in_every_spelling() {
        for name in [
            "X-Tidegate-App",
            "x_tidegate_app",
            "X.Tidegate.App",
            "x-tidegate_App",
            "X_TIDEGATE-GRANT.END",
            "X-Request-Id",
            "x_request_id",
            "x.request-id",
            "X-Forwarded-For",
            "x_forwarded_host",
            "Forwarded",
            "X-Real-IP",
        ] {
            for trust in [Trust::Open, Trust::Proven, Trust::Signed(&[&name.to_lowercase()])] {
                let kept = towards_backend(
                    &map(&[(name, "spoofed"), ("accept", "*/*")]),
                    trust,
                    Proof::Forwarded,
                );
                assert_eq!(kept.len(), 1, "{name}");
            }
        }
    }

    #[test]
    fn a_signed_call_brings_what_was_signed_and_little_else() {
        let headers = map(&[
            ("x-order", "1"),
            ("x-unsigned", "1"),
            ("accept", "*/*"),
            ("authorization", "SDK"),
            ("x_authorization", "SDK"),
            ("x-sdk-date", "d"),
            ("host", "h"),
            ("te", "trailers"),
            ("connection", "x-hop, \u{e9}, x-tidegate-app"),
            ("x-hop", "1"),
        ]);
        let names = ["host", "x-hop", "x-order", "x-sdk-date"];
        let kept = towards_backend(&headers, Trust::Signed(&names), Proof::Kept);
        let mut names: Vec<_> = kept.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "x-order"]);
        let open = towards_backend(&headers, Trust::Open, Proof::Kept);
        assert!(open.contains_key("authorization") && open.contains_key("x-unsigned"));
        assert!(!open.contains_key("x-sdk-date"));
    }

    #[test]
    fn a_proof_goes_on_only_where_it_is_asked_for_and_was_one() {
        let signature = "SDK-HMAC-SHA256 Access=k, SignedHeaders=x, Signature=s";
        for (name, value, is_proof) in [
            ("authorization", signature, true),
            ("x-authorization", signature, true),
            ("X_Authorization", " sdk-hmac-sha256 Access=k", true),
            ("authorization", "Bearer t", false),
            ("authorization", "Basic SDK-HMAC-SHA256", false),
            ("x-auth-token", "t", true),
            ("X.Auth_Token", "t", true),
            ("x-security-token", "t", true),
            ("x-sdk-date", "20260102T030000Z", true),
            ("x-sdk-nonce", "n", true),
        ] {
            let headers = map(&[(name, value)]);
            let names = [&*name.to_ascii_lowercase()];
            let goes = |trust, proof| going_on(&headers, trust, proof).count() == 1;
            for trust in [Trust::Proven, Trust::Signed(&names)] {
                assert!(!goes(trust, Proof::Kept), "{name}: {value}");
                assert!(goes(trust, Proof::Forwarded), "{name}: {value}");
            }
            for proof in [Proof::Kept, Proof::Forwarded] {
                assert_eq!(goes(Trust::Open, proof), !is_proof, "{name}: {value}");
            }
        }
    }

    #[test]
    fn headers_are_lines_and_no_value_begins_another() {
        let callers = map(&[("x-order", "1"), ("x-order", "2"), ("x_request_id", "3")]);
        let said = |value: &[u8]| {
            let mut lines = Lines::begin(0);
            going_on(&callers, Trust::Open, Proof::Kept)
                .for_each(|(name, value)| lines.add(name, value));
            lines.set(APP, value);
            lines
        };
        let orders = "x-order: 1\r\nx-order: 2\r\n";
        for (value, is_said) in [
            (&b"a"[..], true),
            (b"\xc3\xa9\tb", true),
            (b"a\r\nx: y", false),
            (b"a\nx", false),
            (b"a\rx", false),
            (b"\0", false),
            (b"\x7f", false),
        ] {
            assert_eq!(HeaderValue::from_bytes(value).is_ok(), is_said);
            let app = [b"x-tidegate-app: ", value, b"\r\n"].concat();
            let all = [orders.as_bytes(), if is_said { &app } else { b"" }].concat();
            assert_eq!(said(value).as_bytes(), all);
            assert_eq!(said(value).says(&APP), is_said);
        }
        for byte in 0..=u8::MAX {
            assert_eq!(
                said(&[byte]).says(&APP),
                HeaderValue::from_bytes(&[byte]).is_ok(),
                "{byte}"
            );
        }
    }

    #[test]
    fn neither_a_caller_nor_an_author_speaks_under_a_name_of_the_gate() {
        let gates = [
            APP,
            API,
            GRANT_END,
            CANCELLED_AT,
            REQUEST_ID,
            FORWARDED_FOR,
            FORWARDED_HOST,
            FORWARDED_PROTO,
            HOST,
            CONTENT_LENGTH,
            TRANSFER_ENCODING,
            CONNECTION,
        ];
        for name in gates.iter().flat_map(spellings) {
            let callers = map(&[(&name, "spoofed")]);
            let trusts = [Trust::Open, Trust::Proven, Trust::Signed(&[&name.to_lowercase()])];
            for trust in trusts {
                assert_eq!(going_on(&callers, trust, Proof::Forwarded).count(), 0, "{name}");
            }
            let author = HeaderName::from_bytes(name.as_bytes()).unwrap();
            assert!(!may_be_set_by_author(&author), "{name}");
        }
    }

    /// A name in capitals or not, with each of its hyphens as it is or as some servers take for one.
    fn spellings(name: &HeaderName) -> Vec<String> {
        let mut all = vec![String::new()];
        for part in name.as_str().split_inclusive('-') {
            let word = part.trim_end_matches('-');
            let ends: &[&str] = if part.ends_with('-') { &["-", "_", "."] } else { &[""] };
            let grown = |begun: String| ends.iter().map(move |end| format!("{begun}{word}{end}"));
            all = all.into_iter().flat_map(grown).collect();
        }
        let capitals: Vec<String> = all.iter().map(|name| name.to_uppercase()).collect();
        all.extend(capitals);
        all
    }

    #[test]
    fn a_backend_cannot_speak_for_the_gate() {
        let mut headers = map(&[
            ("x-tidegate-revision", "9"),
            ("X_Tidegate_Grant_End", "never"),
            ("x-request-id", "1"),
            ("connection", "x-inner"),
            ("x-inner", "1"),
            ("keep-alive", "timeout=5"),
            ("x-result", "1"),
        ]);
        from_backend(&mut headers);
        assert_eq!(headers, map(&[("x-result", "1")]));
    }
}

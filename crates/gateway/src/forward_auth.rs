//! Another proxy asks over HTTP whether a call may go on: forward-auth of Traefik, Caddy and APISIX,
//! nginx's `auth_request`, Envoy's `ext_authz` over HTTP.
//!
//! The path says how the call is told, and is the only thing that does:
//!
//! | Path | Method, target, host of the call |
//! |---|---|
//! | `/check` | `X-Forwarded-Method`, `X-Forwarded-Uri`, `X-Forwarded-Host` |
//! | `/auth-request` | `X-Original-Method`, `X-Original-URI`, `Host` |
//! | `/envoy/…` | its own, without the prefix |
//!
//! A body that is sent along is checked. If none is, `X-Original-Content-Length` and
//! `X-Original-Transfer-Encoding` tell whether the call has one (not under `/envoy/`: Envoy sends
//! bodies). The answer is 200, 401 or 403, and
//! 503 for a fault of the gate's own. Who can reach this can ask anything, so only the proxy may.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER, TRANSFER_ENCODING,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, request};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::time::Instant;

use crate::body::{AnyBody, BoxError, full, read_whole};
use crate::denial::Denial;
use crate::gate::{Gate, Inner};
use crate::headers;
use crate::proxy::{body_of, health, reserve};
use crate::server::Caller;
use crate::told::{Asked, Head, Judged, Told, ToldBody, bad, single};

const FORWARDED_METHOD: &str = "x-forwarded-method";
const FORWARDED_URI: &str = "x-forwarded-uri";
const FORWARDED_HOST: &str = "x-forwarded-host";
const ORIGINAL_METHOD: &str = "x-original-method";
const ORIGINAL_URI: &str = "x-original-uri";
const ORIGINAL_LENGTH: &str = "x-original-content-length";
const ORIGINAL_CODING: &str = "x-original-transfer-encoding";
/// Envoy's word on whether it sent a body in part.
pub(crate) const PARTIAL_BODY: &str = "x-envoy-auth-partial-body";
/// By which Envoy is told what not to send on.
const TO_REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

/// By which proxies tell of a call. None of them is the caller's.
const CONTROL: [&str; 7] = [
    FORWARDED_METHOD,
    FORWARDED_URI,
    ORIGINAL_METHOD,
    ORIGINAL_URI,
    ORIGINAL_LENGTH,
    ORIGINAL_CODING,
    PARTIAL_BODY,
];

/// The gate as a check service over HTTP.
#[derive(Clone)]
pub struct ForwardAuth {
    gate: Gate,
    caller: Option<Caller>,
}

impl ForwardAuth {
    /// The service of one connection.
    pub fn of(&self, caller: Caller) -> Self {
        Self { gate: self.gate.clone(), caller: Some(caller) }
    }
}

impl Gate {
    /// The service that other proxies ask over HTTP, for [`serve`](crate::serve).
    pub fn forward_auth(&self) -> ForwardAuth {
        ForwardAuth { gate: self.clone(), caller: None }
    }
}

impl Service<Request<Incoming>> for ForwardAuth {
    type Response = Response<AnyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let Self { gate, caller } = self.clone();
        Box::pin(async move { Ok(handle(&gate.0, caller, request).await) })
    }
}

/// How a call is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// In `X-Forwarded-…`.
    Forwarded,
    /// In `X-Original-…`.
    Original,
    /// As it is, under a path of its own.
    Prefixed,
}

impl Dialect {
    fn of(path: &str) -> Option<Self> {
        match path {
            "/check" => Some(Self::Forwarded),
            "/auth-request" => Some(Self::Original),
            path if path.starts_with("/envoy/") => Some(Self::Prefixed),
            _ => None,
        }
    }
}

async fn handle<B>(gate: &Inner, caller: Option<Caller>, request: Request<B>) -> Response<AnyBody>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if let Some(answer) = health(gate, &format!("{path}/")) {
        return answer.map(full);
    }
    let dialect = Dialect::of(path);
    let began = Instant::now();
    let mut read_for = None;
    // Given back when the answer is made.
    let mut memory = None;
    let told = match dialect {
        Some(dialect) => {
            let is_sent = !body.is_end_stream();
            let body = whole(gate, &parts, body, &mut memory).await;
            read_for = is_sent.then(|| began.elapsed());
            body.and_then(|body| read(&parts, dialect, body))
        }
        None => Err(bad("The check service has no such path; look at how the proxy asks it.")),
    };
    let asked = Asked { began, read: read_for, peer: caller.map(|caller| caller.address) };
    let judged = Judged::of(gate, &asked, told);
    let mut answer = match &judged.verdict {
        Ok(_) => Response::new(full("")),
        Err(denial) => refuse(denial, &judged),
    };
    let out = answer.headers_mut();
    out.extend(judged.identity());
    out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(revision) = judged.revision() {
        out.insert(headers::REVISION, revision);
    }
    if dialect == Some(Dialect::Prefixed) {
        forget_spoofed(&parts.headers, out);
    }
    answer
}

/// The body that was sent along; nothing if none was.
async fn whole<B>(
    gate: &Inner,
    parts: &request::Parts,
    body: B,
    memory: &mut Option<tokio::sync::OwnedSemaphorePermit>,
) -> Result<Bytes, Denial>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    *memory = Some(reserve(gate, &parts.headers)?);
    read_whole(body, gate.limits.buffered_body, gate.limits.buffered_read).await
}

/// The call that is asked about.
fn read(parts: &request::Parts, dialect: Dialect, body: Bytes) -> Result<Told, Denial> {
    let mut headers = parts.headers.clone();
    let said = |name: &'static str| single(&parts.headers, name);
    let needed = |name: &'static str| {
        said(name)?.ok_or_else(|| bad(&format!("The proxy did not say `{name}` of the call.")))
    };
    let foreign = |names: &[&str]| match names.iter().find(|n| parts.headers.contains_key(**n)) {
        Some(name) => Err(bad(&format!("The call is told in two ways; one is `{name}`."))),
        None => Ok(()),
    };
    let (method, target) = match dialect {
        Dialect::Forwarded => {
            foreign(&[ORIGINAL_METHOD, ORIGINAL_URI])?;
            let host = HeaderValue::from_bytes(needed(FORWARDED_HOST)?);
            headers.insert(HOST, host.map_err(|_| bad("The host is malformed."))?);
            (needed(FORWARDED_METHOD)?, needed(FORWARDED_URI)?)
        }
        Dialect::Original => {
            foreign(&[FORWARDED_METHOD, FORWARDED_URI])?;
            own_host(parts, &mut headers)?;
            (needed(ORIGINAL_METHOD)?, needed(ORIGINAL_URI)?)
        }
        Dialect::Prefixed => {
            foreign(&[ORIGINAL_METHOD, ORIGINAL_URI, FORWARDED_METHOD, FORWARDED_URI])?;
            own_host(parts, &mut headers)?;
            let own = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
            let target = own.strip_prefix("/envoy").unwrap_or_default();
            (parts.method.as_str().as_bytes(), target.as_bytes())
        }
    };
    let is_partial = said(PARTIAL_BODY)?.is_some_and(|is_partial| is_partial != b"false");
    let body = if is_partial {
        ToldBody::Untold
    } else if body.is_empty() {
        let (length, coding) = match dialect {
            Dialect::Forwarded | Dialect::Original => {
                (said(ORIGINAL_LENGTH)?, said(ORIGINAL_CODING)?)
            }
            // Envoy sends bodies. What it does not set would be the caller's word.
            Dialect::Prefixed => (None, None),
        };
        ToldBody::absent(&String::from_utf8_lossy(method), length, coding)
    } else {
        ToldBody::Whole(body)
    };
    // These are of this request, or the proxy's word; none is the call's.
    for name in CONTROL {
        headers.remove(name);
    }
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    Told::new(Head { method, target, headers }, body)
}

/// The host of the request itself, put among the headers.
fn own_host(parts: &request::Parts, headers: &mut HeaderMap) -> Result<(), Denial> {
    let Some(authority) = parts.uri.authority().filter(|_| parts.version == Version::HTTP_2) else {
        return Ok(());
    };
    let differs = |host: &HeaderValue| host.as_bytes() != authority.as_str().as_bytes();
    if single(&parts.headers, HOST.as_str())?.is_some() && headers.get(HOST).is_some_and(differs) {
        return Err(bad("`:authority` and `Host` differ."));
    }
    let host = HeaderValue::from_str(authority.as_str());
    headers.insert(HOST, host.map_err(|_| bad("The host is malformed."))?);
    Ok(())
}

/// The answer to a denied call, as the proxy gives it to its caller.
fn refuse(denial: &Denial, judged: &Judged) -> Response<AnyBody> {
    let status = denial.reason.status_for_a_proxy();
    let mut answer = Response::new(full(body_of(denial, &judged.id)));
    *answer.status_mut() = status;
    let out = answer.headers_mut();
    out.extend(denial_headers(denial));
    answer
}

/// What tells a caller why he is denied, beside the text.
pub(crate) fn denial_headers(denial: &Denial) -> HeaderMap {
    let reason = denial.reason;
    let mut out = HeaderMap::new();
    out.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    out.insert(headers::REASON, HeaderValue::from_static(reason.row().name));
    if reason.status_for_a_proxy() == StatusCode::UNAUTHORIZED {
        out.insert(WWW_AUTHENTICATE, HeaderValue::from_static("SDK-HMAC-SHA256"));
    }
    if let Some(seconds) = denial.retry_after() {
        out.insert(RETRY_AFTER, seconds.into());
    }
    out
}

/// The names under which a caller tried to speak for the gate, but for those the gate speaks by
/// itself, which replace his.
pub(crate) fn spoofed(headers: &HeaderMap, said: &HeaderMap) -> Vec<String> {
    let names = headers.keys().filter(|name| headers::is_identity(name.as_str()));
    names.filter(|name| !said.contains_key(*name)).map(ToString::to_string).collect()
}

fn forget_spoofed(headers: &HeaderMap, out: &mut HeaderMap) {
    let names = spoofed(headers, out).join(",");
    if !names.is_empty() {
        headers::set(out, TO_REMOVE, names.as_bytes());
    }
}

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
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER, TRANSFER_ENCODING,
    WWW_AUTHENTICATE,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version, request,
};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::time::Instant;

use crate::account::Asked;
use crate::body::{AnyBody, BoxError, full, read_whole};
use crate::caller::Caller;
use crate::denial::Denial;
use crate::denial_response::body_of;
use crate::gate::Gate;
use crate::headers::{self, Sets};
use crate::held::{Room, Whose};
use crate::probes::health;
use crate::server::{Accepted, Speaks, refused};
use crate::state::State;
use crate::told::{Head, Judged, Strips, Told, ToldBody, bad, single};

const FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const ORIGINAL_URI: HeaderName = HeaderName::from_static("x-original-uri");
const ORIGINAL_LENGTH: HeaderName = HeaderName::from_static("x-original-content-length");
const ORIGINAL_CODING: HeaderName = HeaderName::from_static("x-original-transfer-encoding");
/// Envoy's word on whether it sent a body in part.
pub(crate) const PARTIAL_BODY: HeaderName = HeaderName::from_static("x-envoy-auth-partial-body");
/// By which Envoy is told what not to send on.
const TO_REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

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

impl Speaks for ForwardAuth {
    async fn speak(self, connection: Accepted) -> Result<(), BoxError> {
        let (gate, caller) = (self.gate.clone(), self.caller.clone());
        let refuse = move |denial: &Denial| {
            let peer = caller.as_ref().map(|caller| caller.address);
            let asked = Asked { began: Instant::now(), read: None, peer };
            let judged = Judged::of(&gate.0, &asked, Err(denial));
            refused(denial, denial.reason.status_for_a_proxy(), &judged.id)
        };
        // A connection makes room for one call and uses it for all.
        let service = service_fn(move |request: Request<Incoming>| {
            let Self { gate, caller } = self.clone();
            async move { Ok::<_, Infallible>(handle(&gate.0, caller.as_ref(), request).await) }
        });
        connection.answer(service, Arc::new(refuse)).await
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

    /// What those take away who tell of calls in this way. Only Envoy does as the verdict says.
    fn strips(self) -> Strips {
        match self {
            Self::Forwarded | Self::Original => Strips::Configured,
            Self::Prefixed => Strips::Named,
        }
    }
}

async fn handle<B>(gate: &State, caller: Option<&Caller>, request: Request<B>) -> Response<AnyBody>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let health = match path {
        "/healthz" => health(gate, "/healthz/"),
        "/readyz" => health(gate, "/readyz/"),
        _ => None,
    };
    if let Some(answer) = health {
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
            let connection = caller.map(|caller| caller.usage.bodies()).unwrap_or_default();
            let room = memory.insert(gate.held_bodies.room(Whose::Unknown, connection, None));
            let body = whole(gate, &parts, body, room).await;
            read_for = is_sent.then(|| began.elapsed());
            body.and_then(|body| read(parts, dialect, body))
        }
        None => Err(bad("The check service has no such path; look at how the proxy asks it.")),
    };
    let asked = Asked { began, read: read_for, peer: caller.map(|caller| caller.address) };
    let judged = Judged::of(gate, &asked, told.as_ref());
    if let Some(caller) = caller {
        caller.usage.touch();
    }
    let mut answer = match &judged.verdict {
        Ok(_) => Response::new(full("")),
        Err(denial) => refuse(denial, &judged),
    };
    let out = answer.headers_mut();
    judged.tell_backend(out);
    judged.tell_revision(out);
    out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match (dialect.map(Dialect::strips), &told) {
        (Some(Strips::Named), Ok(told)) => tell_what_to_remove(judged.to_remove(told), out),
        (Some(Strips::Configured), Ok(told)) => judged.give_back(told, out),
        (None, _) | (_, Err(_)) => {}
    }
    answer
}

/// The body that was sent along; nothing if none was.
async fn whole<B>(
    gate: &State,
    parts: &request::Parts,
    body: B,
    room: &mut Room,
) -> Result<Bytes, Denial>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    read_whole(&parts.headers, body, &gate.limits, room).await
}

/// The call that is asked about.
fn read(parts: request::Parts, dialect: Dialect, body: Bytes) -> Result<Told, Denial> {
    let request::Parts { method, uri, version, mut headers, .. } = parts;
    let foreign = |headers: &HeaderMap, names: &[HeaderName]| match names
        .iter()
        .find(|name| headers.contains_key(*name))
    {
        Some(name) => Err(bad(&format!("The call is told in two ways; one is `{name}`."))),
        None => Ok(()),
    };
    let (method, target) = match dialect {
        Dialect::Forwarded => {
            foreign(&headers, &[ORIGINAL_METHOD, ORIGINAL_URI])?;
            // It may be signed, so it stays.
            let host = needed(&headers, &FORWARDED_HOST)?.clone();
            headers.insert(HOST, host);
            (taken(&mut headers, &FORWARDED_METHOD)?, taken(&mut headers, &FORWARDED_URI)?)
        }
        Dialect::Original => {
            foreign(&headers, &[FORWARDED_METHOD, FORWARDED_URI])?;
            own_host(&uri, version, &mut headers)?;
            (taken(&mut headers, &ORIGINAL_METHOD)?, taken(&mut headers, &ORIGINAL_URI)?)
        }
        Dialect::Prefixed => {
            foreign(&headers, &[ORIGINAL_METHOD, ORIGINAL_URI, FORWARDED_METHOD, FORWARDED_URI])?;
            own_host(&uri, version, &mut headers)?;
            let own = uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
            let target = own.strip_prefix("/envoy").unwrap_or_default();
            (part(method.as_str())?, part(target)?)
        }
    };
    // These are of this request, or the proxy's word; none is the call's.
    let is_partial = said(&mut headers, &PARTIAL_BODY)?.is_some_and(|partial| partial != "false");
    let length = said(&mut headers, &ORIGINAL_LENGTH);
    let coding = said(&mut headers, &ORIGINAL_CODING);
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    let body = if is_partial {
        ToldBody::Untold
    } else if body.is_empty() {
        let (length, coding) = match dialect {
            Dialect::Forwarded | Dialect::Original => (length?, coding?),
            // Envoy sends bodies. What it does not set would be the caller's word.
            Dialect::Prefixed => (None, None),
        };
        ToldBody::absent(method.as_bytes(), length.as_ref(), coding.as_ref())
    } else {
        ToldBody::Whole(body)
    };
    let target = Bytes::copy_from_slice(target.as_bytes());
    Told::new(Head { method: method.as_bytes(), target, headers }, body, dialect.strips())
}

/// What the proxy has to say of a call under a name.
fn needed<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h HeaderValue, Denial> {
    single(headers, name)?
        .ok_or_else(|| bad(&format!("The proxy did not say `{name}` of the call.")))
}

/// The same, taken out: it is none of the call's.
fn taken(headers: &mut HeaderMap, name: &HeaderName) -> Result<HeaderValue, Denial> {
    let value = needed(headers, name)?.clone();
    headers.remove(name);
    Ok(value)
}

/// What the proxy may say under a name, taken out, too.
fn said(headers: &mut HeaderMap, name: &HeaderName) -> Result<Option<HeaderValue>, Denial> {
    let value = single(headers, name).map(Option::<&HeaderValue>::cloned);
    headers.remove(name);
    value
}

/// A part of the request itself.
fn part(text: &str) -> Result<HeaderValue, Denial> {
    HeaderValue::from_str(text).map_err(|_| bad("The address is malformed."))
}

/// The host of the request itself, put among the headers.
fn own_host(uri: &Uri, version: Version, headers: &mut HeaderMap) -> Result<(), Denial> {
    let Some(authority) = uri.authority().filter(|_| version == Version::HTTP_2) else {
        return Ok(());
    };
    if single(headers, &HOST)?.is_some_and(|host| host != authority.as_str()) {
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
    tell_denial(out, denial);
    answer
}

/// What tells a caller why he is denied, beside the text.
pub(crate) fn tell_denial(out: &mut impl Sets, denial: &Denial) {
    let reason = denial.reason;
    out.set(CONTENT_TYPE, b"application/json;charset=UTF-8");
    out.set(headers::REASON, reason.row().name.as_bytes());
    if reason.status_for_a_proxy() == StatusCode::UNAUTHORIZED {
        out.set(WWW_AUTHENTICATE, b"SDK-HMAC-SHA256");
    }
    if let Some(seconds) = denial.retry_after() {
        out.set_value(RETRY_AFTER, &seconds.into());
    }
}

/// Names what Envoy must not send on.
fn tell_what_to_remove<'n>(names: impl Iterator<Item = &'n HeaderName>, out: &mut HeaderMap) {
    let names: Vec<&str> = names.map(HeaderName::as_str).collect();
    if !names.is_empty() {
        headers::set(out, TO_REMOVE, names.join(",").as_bytes());
    }
}

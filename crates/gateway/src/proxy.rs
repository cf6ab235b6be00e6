//! One call, by hyper: read strictly, decide, forward, account.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use tidegate_sign::Cover;
use tokio::time::Instant;

use crate::account::{Account, Watch, Watched};
use crate::body::{AnyBody, BoxError, Inbound, Outbound, full, read_whole};
use crate::call::{Call, Failed, Onward};
use crate::check::{Admitted, route};
use crate::denial::{Denial, Reason};
use crate::denial_response::refuse;
use crate::evidence::Evidence;
use crate::headers::{self, Strict};
use crate::held::Room;
use crate::probes::health;
use crate::reply::Reply;
use crate::space;
use crate::state::{Server, State};
use crate::telemetry::Ids;
use crate::upgrade::{self, Tunnel};

/// Answers one call.
pub(crate) async fn handle<B>(server: Arc<Server>, request: Request<B>) -> Response<Watched>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let (parts, body) = request.into_parts();
    let mut watch = Watch::begin(server, &parts);
    let Watch { server, account, strict, .. } = &mut *watch;
    let gate = &*server.gate;
    let outcome = match headers::read(&parts, gate.limits.head_bytes) {
        Ok(read) => {
            let strict = strict.insert(read);
            if let Some(answer) = health(gate, strict.target.canonical_path()) {
                return watch.unheard(answer.map(|text| full(text).into()));
            }
            if parts.method == Method::OPTIONS
                && let Some(mut answer) = options(gate, strict, &parts.headers)
            {
                answer.headers_mut().insert(headers::REQUEST_ID, account.ids.request.header());
                return watch.unheard(answer.map(|text| full(text).into()));
            }
            Call { gate, server, parts: &parts, strict }.answer(body, account).await
        }
        Err(denial) => Err(denial),
    };
    let reason = outcome.as_ref().err().map(|denial| denial.reason);
    let id = &account.ids.request;
    let mut answer =
        outcome.unwrap_or_else(|denial| refuse(&denial, id, parts.version).map(|b| full(b).into()));
    let out = answer.headers_mut();
    out.insert(headers::REQUEST_ID, id.header());
    if let Some(revision) = account.revision {
        out.insert(headers::REVISION, revision.into());
    }
    // What follows on the connection was meant for another protocol.
    let has_switched = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    if parts.headers.contains_key(UPGRADE) && !has_switched && parts.version < Version::HTTP_2 {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    watch.answered(&parts, reason, answer.status());
    watch.over(answer)
}

/// With which methods a target can be called, if there is an API. The gate answers that itself: a backend is
/// only called as its API says.
fn options(gate: &State, strict: &Strict, headers: &HeaderMap) -> Option<Response<Bytes>> {
    let index = gate.ready().ok()?;
    let host = space::host(strict.host.as_deref(), headers).ok()?;
    let is_there = |method| route(&index, host, method, &strict.target).is_ok();
    let allow = match (is_there("GET"), is_there("POST")) {
        (true, true) => "GET, HEAD, OPTIONS, POST",
        (true, false) => "GET, HEAD, OPTIONS",
        (false, true) => "OPTIONS, POST",
        (false, false) => return None,
    };
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    Some(answer)
}

impl Call<'_> {
    async fn answer<B>(&self, body: B, account: &mut Account) -> Result<Response<Reply>, Denial>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let mut body = Some(body);
        let mut whole = Bytes::new();
        let mut memory = None;
        let needed = self.look(body.as_ref().is_none_or(B::is_end_stream), account)?;
        if account.admitted.is_none() {
            let room = memory.insert(self.room()?);
            if let Some(body) = body.take() {
                let asked = Instant::now();
                let (headers, limits) = (&self.parts.headers, &self.gate.limits);
                let read = read_whole(headers, body, limits, room).await;
                account.read = Some(asked.elapsed());
                whole = read?;
                account.held = whole.len() as u64;
            }
            self.verdict(needed, &whole, account)?;
        }
        let Some(admitted) = &account.admitted else { return Err(Reason::Internal.into()) };

        let body = match body {
            Some(body) if needed != Evidence::Empty => {
                let declared = match admitted.cover {
                    Some(Cover::Declared(hash)) => Some(hash),
                    Some(Cover::Verified | Cover::Unsigned) | None => None,
                };
                let (body, fault) = Inbound::new(body, declared, self.gate.limits.body_idle);
                account.streamed = Some(fault.clone());
                Sent::Streamed(AnyBody::other(body), fault)
            }
            // All there: it was held, or there is none.
            Some(_) | None => Sent::Whole(full(whole)),
        };
        let forwarded = self.forward(admitted, &account.ids, account.began, body, memory);
        forwarded.await.map_err(|(denial, fault)| {
            account.fault = fault;
            denial
        })
    }

    async fn forward(
        &self,
        admitted: &Admitted,
        ids: &Ids,
        began: Instant,
        body: Sent,
        memory: Option<Room>,
    ) -> Result<Response<Reply>, Failed> {
        let (parts, strict) = (self.parts, self.strict);
        let Onward { method, address, mut headers, backends, ends, room } =
            self.onward::<HeaderMap>(admitted, ids)?;
        if strict.is_websocket {
            if !admitted.api.feed.rules.upgrade {
                return Err((headers::no_switch(), None));
            }
            upgrade::ask(&parts.headers, &mut headers);
        }

        let (body, fault) = match body {
            Sent::Whole(body) => (body, None),
            Sent::Streamed(body, fault) => (body, Some(fault)),
        };
        let mut request = Request::new(match memory {
            Some(memory) => {
                AnyBody::other(Outbound { inner: body, lets_trailers: false, _room: memory })
            }
            None => body,
        });
        // RFC 9110, 8.6: a method that has a meaning for a body says so of an empty one, too.
        if method == Method::POST && request.body().is_end_stream() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        *request.method_mut() = method;
        // Of an address that was filled in, this cannot fail.
        *request.uri_mut() = Uri::try_from(address).map_err(|_| (Reason::Internal.into(), None))?;
        *request.headers_mut() = headers;

        let clients = &self.server.backends;
        let answer = if strict.is_websocket {
            clients.switch(request, backends, began).await
        } else {
            clients.send(request, backends, began).await
        };
        let fault = fault.and_then(|fault| fault.get());
        match (answer, fault) {
            (_, Some(fault)) => Err((fault.into(), None)),
            (Err(why), None) => Err(why.into()),
            (Ok(answer), None) => {
                let (mut head, inner) = answer.into_parts();
                let told = strict.is_websocket.then(|| head.headers.clone());
                headers::from_backend(&mut head.headers);
                head.version = Version::HTTP_11;
                ends.set(&mut head.headers);
                if head.status == StatusCode::SWITCHING_PROTOCOLS {
                    let (caller, backend) = (parts.extensions.get(), head.extensions.remove());
                    let idle = clients.idle(backends);
                    let (gate, admitted) = (Arc::clone(&self.server.gate), admitted.clone());
                    Tunnel { gate, admitted, idle, room: (room, inner) }
                        .open(
                            caller.cloned(),
                            backend,
                            &told.unwrap_or_default(),
                            &mut head.headers,
                        )
                        .map_err(|why| (Reason::BackendUnreachable.into(), Some(why.to_owned())))?;
                    return Ok(Response::from_parts(head, full("").into()));
                }
                head.extensions.clear();
                let lets_trailers = parts.version == Version::HTTP_2;
                let body = Reply::Backend(Outbound { inner, lets_trailers, _room: room });
                Ok(Response::from_parts(head, body))
            }
        }
    }
}

/// A body on its way to the backend.
enum Sent {
    /// All there, and covered.
    Whole(AnyBody),
    /// Still to come, and watched.
    Streamed(AnyBody, crate::body::FaultCell),
}

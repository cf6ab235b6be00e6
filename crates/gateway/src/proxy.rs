//! One call: read strictly, decide, forward, account.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, request};
use http_body::Body;
use tidegate_domain::AuthType;
use tidegate_sign::{Authorization, Cover, app_authorization_of};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::account::{Account, Ids, Watch, Watched};
use crate::backend::NoAnswer;
use crate::body::{AnyBody, BoxError, Evidence, Fault, Inbound, Outbound, Reply, full, read_whole};
use crate::check::{Admitted, Question, decide, route};
use crate::denial::{Denial, Reason};
use crate::gate::{Inner, Server};
use crate::headers::{self, Sets, Strict, Trust};
use crate::index::Index;
use crate::json;
use crate::request_id::RequestId;
use crate::upgrade::{self, Tunnel};

/// A call, and who answers it.
struct Call<'a> {
    gate: &'a Inner,
    server: &'a Server,
    parts: &'a request::Parts,
    strict: &'a Strict,
}

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
    let read = if headers::size(&parts) > gate.limits.head_bytes {
        Err(Reason::HeadTooLarge.into())
    } else {
        headers::strict(&parts)
    };
    let outcome = match read {
        Ok(read) => {
            let strict = strict.insert(read);
            if let Some(answer) = health(gate, strict.target.canonical_path()) {
                return watch.unheard(answer.map(Reply::Own));
            }
            Call { gate, server, parts: &parts, strict }.answer(body, account).await
        }
        Err(denial) => Err(denial),
    };
    let reason = outcome.as_ref().err().map(|denial| denial.reason);
    let id = &account.ids.request;
    let mut answer =
        outcome.unwrap_or_else(|denial| refuse(&denial, id, parts.version).map(Reply::Own));
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

/// The two questions of those who run the gate. No API can be reached at their paths.
pub(crate) fn health(gate: &Inner, canonical_path: &str) -> Option<Response<AnyBody>> {
    let (status, text) = match canonical_path {
        "/healthz/" => (StatusCode::OK, "ok"),
        "/readyz/" if gate.leaving.load(Ordering::Acquire) => {
            (StatusCode::SERVICE_UNAVAILABLE, "stopping")
        }
        "/readyz/" => match gate.ready() {
            Ok(_) => (StatusCode::OK, "ready"),
            Err(denial) => (StatusCode::SERVICE_UNAVAILABLE, denial.reason.row().name),
        },
        _ => return None,
    };
    let mut answer = Response::new(full(text));
    *answer.status_mut() = status;
    let out = answer.headers_mut();
    out.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
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
            memory = Some(reserve(self.gate, &self.parts.headers)?);
            if let Some(body) = body.take() {
                let limits = &self.gate.limits;
                let asked = Instant::now();
                let read = read_whole(body, limits.buffered_body, limits.buffered_read).await;
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

    /// A first look, from the head alone: what does the verdict need of the body? If it needs no
    /// more, it is made. Refuses what no body could make good, so that nobody fills memory with calls
    /// that cannot be admitted.
    fn look(&self, is_empty: bool, account: &mut Account) -> Result<Evidence, Denial> {
        let index = self.gate.ready()?;
        account.revision = Some(index.revision());
        let route = route(&index, self.parts.method.as_str(), &self.strict.target)?;
        if self.strict.is_websocket && !route.iter().any(|(api, _)| api.feed.rules.upgrade) {
            return Err(headers::no_switch());
        }
        let needed = Evidence::needed(&route, &self.parts.headers, is_empty);
        let skew = self.gate.limits.clock_skew_seconds;
        let from_head = || decide(&index, skew, &self.question(needed, b""), &route);
        if needed != Evidence::Whole {
            self.settle(&index, from_head(), account)?;
        } else if route.iter().all(|(api, _)| api.feed.auth == AuthType::App) {
            match from_head() {
                Ok(_) => {}
                // The body may make the difference.
                Err(denial)
                    if matches!(denial.reason, Reason::BadSignature | Reason::UnknownKey) => {}
                Err(denial) => return Err(denial),
            }
        }
        Ok(needed)
    }

    /// The verdict on a call with a body, when all of it is there: by what is known and by the time it
    /// is then.
    fn verdict(&self, needed: Evidence, whole: &[u8], account: &mut Account) -> Result<(), Denial> {
        let index = self.gate.ready()?;
        account.revision = Some(index.revision());
        let question = self.question(needed, whole);
        let decided = route(&index, question.method, question.target).and_then(|route| {
            decide(&index, self.gate.limits.clock_skew_seconds, &question, &route)
        });
        self.settle(&index, decided, account)
    }

    /// Takes note of the verdict, and counts an admitted call towards its limits.
    fn settle(
        &self,
        index: &Index,
        decided: Result<Admitted, Denial>,
        account: &mut Account,
    ) -> Result<(), Denial> {
        let outcome = decided.and_then(|admitted| {
            let admitted = account.admitted.insert(admitted);
            self.gate.limit(index, admitted, &self.parts.headers)
        });
        account.decided = Some(Instant::now());
        outcome
    }

    fn question<'q>(&'q self, needed: Evidence, whole: &'q [u8]) -> Question<'q> {
        self.gate.question(self.parts, self.strict, needed.payload(whole))
    }

    async fn forward(
        &self,
        admitted: &Admitted,
        ids: &Ids,
        began: Instant,
        body: Sent,
        memory: Option<OwnedSemaphorePermit>,
    ) -> Result<Response<Reply>, Failed> {
        let (parts, strict) = (self.parts, self.strict);
        let api = &admitted.api;
        let (plan, backends) = match (&api.plan, &api.backends) {
            (Ok(plan), Ok(backends)) => (plan, backends),
            (Err(fault), _) | (_, Err(fault)) => {
                return Err((Reason::Internal.into(), Some(fault.clone())));
            }
        };
        let room = Arc::clone(&api.room)
            .try_acquire_owned()
            .map_err(|_| (Reason::Overloaded.into(), None))?;

        let mut sent =
            callers_headers(&parts.headers, admitted).map_err(|denial| (denial, None))?;
        let address = plan
            .fill(&strict.target, &api.shape.placeholders, &mut sent)
            .map_err(|denial| (denial, None))?;
        // After everything a caller or an author may say, so that nobody can take it away again.
        let host = match &strict.host {
            Some(host) => HeaderValue::from_str(host).ok(),
            None => parts.headers.get(http::header::HOST).cloned(),
        };
        headers::set_origin(&mut sent, &self.server.origin, host);
        let end = end_of(admitted);
        tell_identity(&mut sent, &ids.request, admitted, end.as_ref());
        if let Some(trace) = &ids.trace {
            trace.pass_on(&mut sent);
        }
        if strict.is_websocket {
            if !api.feed.rules.upgrade {
                return Err((headers::no_switch(), None));
            }
            upgrade::ask(&parts.headers, &mut sent);
        }

        let (body, fault) = match body {
            Sent::Whole(body) => (body, None),
            Sent::Streamed(body, fault) => (body, Some(fault)),
        };
        let mut request = Request::new(match memory {
            Some(memory) => AnyBody::other(Outbound { inner: body, _room: memory }),
            None => body,
        });
        *request.method_mut() = plan.method.clone();
        *request.uri_mut() = address;
        *request.headers_mut() = sent;

        let clients = &self.server.backends;
        let answer = if strict.is_websocket {
            clients.switch(request, backends, began).await
        } else {
            clients.send(request, backends, began).await
        };
        let fault = fault.and_then(|fault| fault.get());
        match (answer, fault) {
            (_, Some(fault)) => Err((of_fault(fault), None)),
            (Err(NoAnswer::Late), None) => Err((Reason::BackendTimeout.into(), None)),
            (Err(NoAnswer::Unreachable(why)), None) => {
                Err((Reason::BackendUnreachable.into(), Some(why)))
            }
            (Ok(answer), None) => {
                let (mut head, inner) = answer.into_parts();
                let told = strict.is_websocket.then(|| head.headers.clone());
                headers::from_backend(&mut head.headers);
                head.version = Version::HTTP_11;
                tell_end(&mut head.headers, admitted, end.as_ref());
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
                let body = Reply::Backend(Outbound { inner, _room: room });
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

/// Memory for a body that must be held.
pub(crate) fn reserve(gate: &Inner, headers: &HeaderMap) -> Result<OwnedSemaphorePermit, Denial> {
    let limit = gate.limits.buffered_body;
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit.into()) {
        return Err(Reason::BodyTooLarge.into());
    }
    let bytes = declared.and_then(|length| u32::try_from(length).ok());
    let kibibytes = bytes.unwrap_or(limit).div_ceil(1024);
    Arc::clone(&gate.held_bodies)
        .try_acquire_many_owned(kibibytes)
        .map_err(|_| Reason::Overloaded.into())
}

/// A denial, and what is for the log only.
type Failed = (Denial, Option<String>);

fn of_fault(fault: Fault) -> Denial {
    match fault {
        Fault::Mismatch => Reason::BodyMismatch.into(),
        Fault::Broken => {
            Denial::new(Reason::BadRequest, "The body broke off or is not well formed.")
        }
        Fault::Stalled => Denial::new(Reason::BadRequest, "The body did not arrive in time."),
    }
}

fn callers_headers(headers: &HeaderMap, admitted: &Admitted) -> Result<HeaderMap, Denial> {
    match (&admitted.app, admitted.cover) {
        (_, Some(_)) => {
            let authorization = Authorization::parse(app_authorization_of(headers)?)?;
            let trust = Trust::Signed(&authorization.signed_headers);
            Ok(headers::towards_backend(headers, trust))
        }
        (Some(_), None) => Ok(headers::towards_backend(headers, Trust::Proven)),
        (None, None) => Ok(headers::towards_backend(headers, Trust::Open)),
    }
}

/// Says who calls what, by the headers that only the gate sets. They are for the backend.
pub(crate) fn tell_identity(
    headers: &mut impl Sets,
    id: &RequestId,
    admitted: &Admitted,
    end: Option<&HeaderValue>,
) {
    headers.set_value(headers::REQUEST_ID, id.value());
    headers.set(headers::API, admitted.api.feed.id.as_str().as_bytes());
    if let Some(app) = &admitted.app {
        headers.set(headers::APP, app.as_str().as_bytes());
    }
    tell_end(headers, admitted, end);
}

/// When the right to call ends, if it does.
pub(crate) fn end_of(admitted: &Admitted) -> Option<HeaderValue> {
    HeaderValue::try_from(admitted.end()?.to_string()).ok()
}

/// Tells when the right to call ends, if it does.
pub(crate) fn tell_end(headers: &mut impl Sets, admitted: &Admitted, end: Option<&HeaderValue>) {
    if let Some(end) = end {
        headers.set_value(headers::GRANT_END, end);
    }
    if let Some(at) = admitted.permit.cancelled_at() {
        headers.set(headers::CANCELLED_AT, at.to_string().as_bytes());
    }
}

/// The answer to a denied call.
fn refuse(denial: &Denial, id: &RequestId, version: Version) -> Response<AnyBody> {
    let row = denial.reason.row();
    let mut answer = Response::new(full(body_of(denial, id)));
    *answer.status_mut() = row.status;
    let out = answer.headers_mut();
    out.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    out.insert(headers::REASON, HeaderValue::from_static(row.name));
    // SDKs that may retry do so on this header only.
    if let Some(seconds) = denial.retry_after() {
        out.insert(RETRY_AFTER, seconds.into());
    }
    // HTTP/2 has no such header: there a bad request harms no other one.
    if denial.reason.closes() && version < Version::HTTP_2 {
        out.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// What a denied caller reads.
pub(crate) fn body_of(denial: &Denial, id: &RequestId) -> String {
    format!(
        r#"{{"error_code":{},"error_msg":{},"request_id":"{id}"}}"#,
        json::Text(denial.reason.row().code),
        json::Text(&denial.text()),
    )
}

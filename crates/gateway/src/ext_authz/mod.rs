//! Envoy asks over gRPC whether a call may go on: `envoy.service.auth.v3.Authorization/Check`.
//!
//! A denial is an answer (401 or 403). A fault of the gate's own is an error of gRPC, so that
//! Envoy, unless it is told otherwise, lets nothing through. Who can reach this can ask anything, so
//! only Envoy may.

mod call;
mod messages;

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::Pin;

use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::time::Instant;
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use self::messages::{
    AppendAction, CheckRequest, CheckResponse, DeniedResponse, Header, HeaderOption, HttpStatus,
    OkResponse, RpcStatus, Verdict,
};
use crate::denial::Denial;
use crate::forward_auth::{denial_headers, spoofed};
use crate::gate::Gate;
use crate::headers;
use crate::limits::TOLD_HEAD_BYTES;
use crate::proxy::{body_of, end_of, tell_end};
use crate::server::Caller;
use crate::told::{Asked, Judged};

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The gate as a check service over gRPC.
#[derive(Clone)]
pub struct ExtAuthz {
    gate: Gate,
    caller: Option<Caller>,
}

impl ExtAuthz {
    /// The service of one connection.
    pub fn of(&self, caller: Caller) -> Self {
        Self { gate: self.gate.clone(), caller: Some(caller) }
    }
}

impl Gate {
    /// The service that Envoy asks over gRPC, for [`serve`](crate::serve).
    pub fn ext_authz(&self) -> ExtAuthz {
        ExtAuthz { gate: self.clone(), caller: None }
    }
}

impl Service<Request<Incoming>> for ExtAuthz {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let Self { gate, caller } = self.clone();
        Box::pin(async move {
            if request.uri().path() != CHECK {
                return Ok(Status::unimplemented("there is no such call").into_http());
            }
            let body = usize::try_from(gate.0.limits.buffered_body).unwrap_or(usize::MAX);
            let mut grpc = Grpc::new(ProstCodec::<CheckResponse, CheckRequest>::default())
                .max_decoding_message_size(body.saturating_add(TOLD_HEAD_BYTES));
            Ok(grpc.unary(Check(gate, caller), request).await)
        })
    }
}

/// The one call of the service.
struct Check(Gate, Option<Caller>);

impl UnaryService<CheckRequest> for Check {
    type Response = CheckResponse;
    type Future = Ready<Result<tonic::Response<CheckResponse>, Status>>;

    fn call(&mut self, request: tonic::Request<CheckRequest>) -> Self::Future {
        // The message has been read before anybody is asked here.
        let peer = self.1.map(|caller| caller.address);
        let asked = Asked { began: Instant::now(), read: None, peer };
        ready(answer(&self.0, &asked, request.get_ref()).map(tonic::Response::new))
    }
}

fn answer(gate: &Gate, asked: &Asked, message: &CheckRequest) -> Result<CheckResponse, Status> {
    let (told, callers) = match call::read(message) {
        Ok((told, callers)) => (Ok(told), callers),
        Err(denial) => (Err(denial), HeaderMap::new()),
    };
    let judged = Judged::of(&gate.0, asked, told);
    match &judged.verdict {
        Ok(_) => Ok(allow(&judged, &callers)),
        Err(denial) => deny(denial, &judged),
    }
}

fn allow(judged: &Judged, callers: &HeaderMap) -> CheckResponse {
    let identity = judged.identity();
    let mut back = HeaderMap::new();
    back.insert(headers::REQUEST_ID, judged.id.header());
    back.extend(judged.revision().map(|revision| (headers::REVISION, revision)));
    if let Ok(admitted) = &judged.verdict {
        tell_end(&mut back, admitted, end_of(admitted).as_ref());
    }
    let ok = OkResponse {
        headers_to_remove: spoofed(callers, &identity),
        headers: options(&identity),
        response_headers_to_add: options(&back),
    };
    let status = RpcStatus { code: Code::Ok.into(), message: String::new() };
    CheckResponse { status: Some(status), http_response: Some(Verdict::Ok(ok)) }
}

/// A denial is an answer; a fault is none.
fn deny(denial: &Denial, judged: &Judged) -> Result<CheckResponse, Status> {
    let status = denial.reason.status_for_a_proxy();
    let code = if status == StatusCode::UNAUTHORIZED {
        Code::Unauthenticated
    } else if status == StatusCode::FORBIDDEN {
        Code::PermissionDenied
    } else {
        return Err(Status::unavailable(denial.reason.row().name));
    };
    let mut out = denial_headers(denial);
    out.insert(headers::REQUEST_ID, judged.id.header());
    out.extend(judged.revision().map(|revision| (headers::REVISION, revision)));
    let denied = DeniedResponse {
        status: Some(HttpStatus { code: i32::from(status.as_u16()) }),
        headers: options(&out),
        body: body_of(denial, &judged.id),
    };
    let status = RpcStatus { code: code.into(), message: denial.reason.to_string() };
    Ok(CheckResponse { status: Some(status), http_response: Some(Verdict::Denied(denied)) })
}

/// Headers to set, in place of any of the same name.
fn options(headers: &HeaderMap) -> Vec<HeaderOption> {
    let option = |(name, value): (&http::HeaderName, &http::HeaderValue)| HeaderOption {
        header: Some(Header {
            key: name.to_string(),
            value: value.to_str().unwrap_or_default().to_owned(),
            raw_value: bytes::Bytes::new(),
        }),
        append_action: AppendAction::OverwriteIfExistsOrAdd.into(),
    };
    headers.iter().map(option).collect()
}

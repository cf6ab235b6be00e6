//! The health checks of a gateway, for load balancers and those who run it. No API can be reached at their paths.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};

use crate::state::State;

/// The answer to `/healthz` and `/readyz`; none at other paths.
pub(crate) fn health(gate: &State, canonical_path: &str) -> Option<Response<Bytes>> {
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
    let mut answer = Response::new(Bytes::from_static(text.as_bytes()));
    *answer.status_mut() = status;
    let out = answer.headers_mut();
    out.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(answer)
}

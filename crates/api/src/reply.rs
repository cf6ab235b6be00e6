//! What a handler answers.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use tidegate_sign::Secret;
use tidegate_wire::quirks::CONTENT_TYPE;

use crate::wait::Carried;

/// The revision a command was committed at.
const REVISION: HeaderName = HeaderName::from_static("x-tidegate-revision");

/// Is it enforced?
const ENFORCED: HeaderName = HeaderName::from_static("x-tidegate-enforced");

/// Who is awaited.
const AWAITED: HeaderName = HeaderName::from_static("x-tidegate-awaited");

/// The token that was just made.
const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    body: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Reply {
    /// 204.
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, headers: Vec::new() }
    }

    /// 200 with JSON.
    pub fn json(value: &impl Serialize) -> Self {
        Self::json_with(StatusCode::OK, value)
    }

    /// JSON with a status of its own.
    pub fn json_with(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_string(value) {
            Ok(body) => Self { status, body: Some(body), headers: Vec::new() },
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Self { status, body: None, headers: Vec::new() }
            }
        }
    }

    /// Tells the revision a command was committed at, and who enforces it, if that was waited for.
    pub fn at(mut self, carried: &Carried) -> Self {
        self.headers.push((REVISION, HeaderValue::from(carried.receipt.revision.0)));
        let Some(waited) = &carried.enforced else { return self };
        let enforced = if waited.is_enforced { "true" } else { "false" };
        self.headers.push((ENFORCED, HeaderValue::from_static(enforced)));
        if let Ok(names) = HeaderValue::from_str(&waited.awaited)
            && !names.is_empty()
        {
            self.headers.push((AWAITED, names));
        }
        self
    }

    /// Hands out a token, in the only place where it appears.
    pub fn with_token(mut self, token: &Secret) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(token.expose()) {
            value.set_sensitive(true);
            self.headers.push((SUBJECT_TOKEN, value));
        }
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response =
            self.body.map(axum::body::Body::from).unwrap_or_default().into_response();
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if self.status == StatusCode::NO_CONTENT {
            headers.remove(header::CONTENT_TYPE);
        } else {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers);
        response
    }
}

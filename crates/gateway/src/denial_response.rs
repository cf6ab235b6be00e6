//! How a denied call is answered: one form for all listeners.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, Version};

use crate::denial::Denial;
use crate::headers;
use crate::json;
use crate::request_id::RequestId;

/// The answer to a denied call.
pub(crate) fn refuse(denial: &Denial, id: &RequestId, version: Version) -> Response<Bytes> {
    let row = denial.reason.row();
    let mut answer = Response::new(Bytes::from(body_of(denial, id)));
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

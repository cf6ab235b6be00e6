//! The canonical request that a signature was expected for, as one who signed another one is shown it.

use http::{HeaderMap, HeaderName, HeaderValue};
use tidegate_sign::{
    Authorization, CONTENT_SHA256, Payload, SignedRequest, canonical_request, sha256,
};

use crate::headers::is_secret;
use crate::limits::{EXPECTED_BODY_BYTES, EXPECTED_CHARS};

/// The canonical request on one line, a `|` for each line end. Values that could be secrets are left out.
pub(crate) fn canonical(
    request: &SignedRequest<'_>,
    authorization: &Authorization<'_>,
    payload: Payload<'_>,
) -> String {
    let mut headers = HeaderMap::with_capacity(authorization.signed_headers.len());
    for name in &authorization.signed_headers {
        let value = match request.headers.get(*name) {
            Some(_) if is_secret(name) => Some(HeaderValue::from_static("***")),
            value => value.cloned(),
        };
        if let (Some(value), Ok(name)) = (value, HeaderName::from_bytes(name.as_bytes())) {
            headers.insert(name, value);
        }
    }
    let shown = SignedRequest { headers: &headers, ..*request };
    let body = body(request.headers, payload);
    let Ok(canonical) = canonical_request(&shown, &authorization.signed_headers, &body) else {
        return String::new();
    };
    let text = String::from_utf8_lossy(&canonical).replace('\n', "|");
    let cut: String = text.chars().take(EXPECTED_CHARS).collect();
    let rest = if cut.len() < text.len() { "…" } else { "" };
    format!("The canonical request here, with `|` for line ends: {cut}{rest}")
}

/// The last line: the hash of a body that is there, or what the caller declares.
fn body(headers: &HeaderMap, payload: Payload<'_>) -> String {
    let hex = |hash: &[u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect();
    match payload {
        Payload::Bytes(bytes) if bytes.len() <= EXPECTED_BODY_BYTES => hex(&sha256(bytes)),
        Payload::Bytes(_) => "(the SHA-256 of the body)".to_owned(),
        Payload::Digest(hash) => hex(hash),
        Payload::Declared | Payload::Unsigned => {
            let declared = headers.get(CONTENT_SHA256).map(HeaderValue::as_bytes);
            String::from_utf8_lossy(declared.unwrap_or_default()).into_owned()
        }
    }
}

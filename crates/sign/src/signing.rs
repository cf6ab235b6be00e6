//! Making a signature, as the official SDK makes it.

use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderValue};

use crate::authorization::{ALGORITHM, is_access};
use crate::body::{UNSIGNED_PAYLOAD, body_line};
use crate::canonical::{canonical_request, string_to_sign};
use crate::headers::{AUTHORIZATION, CONTENT_SHA256, HOST, SDK_DATE, X_AUTHORIZATION};
use crate::limits::{MAX_AUTHORIZATION_BYTES, MAX_HEADER_NAME_BYTES, MAX_SIGNED_HEADERS};
use crate::{Payload, Secret, SignError, SignedRequest, format_sdk_date, hex};

/// Headers that belong to one connection: who carries the request on writes them anew, so a
/// signature over them would not last.
const OF_THE_CONNECTION: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Signs a request and returns the headers to set on it, each replacing one of the same name:
/// `x-sdk-date`, `authorization`, `host` if it was given beside the headers, and
/// `x-sdk-content-sha256: UNSIGNED-PAYLOAD` for [`Payload::Unsigned`] if no hash was declared.
///
/// Signed are `host`, `x-sdk-date` and all headers given, but for those of the connection, the two
/// authorization headers, and names with `_`, which many servers drop. An app that calls through a
/// front gateway sends the same value as `x-authorization` too.
///
/// `date` is the present wall-clock time in unix seconds.
///
/// # Errors
///
/// [`SignError::BadAccess`], [`SignError::UnusableSecret`], [`SignError::MalformedAuthorization`]
/// if the headers are too many or their names too long, and what
/// [`check`](crate::check()) would say of the method, the headers and the body.
pub fn sign(
    request: &SignedRequest<'_>,
    payload: Payload<'_>,
    access: &str,
    secret: &Secret,
    date: i64,
) -> Result<HeaderMap, SignError> {
    if !is_access(access) {
        return Err(SignError::BadAccess);
    }
    if !secret.is_usable() {
        return Err(SignError::UnusableSecret);
    }

    let date = format_sdk_date(date);
    let mut added = HeaderMap::new();
    let value = HeaderValue::from_str(&date).map_err(|_| SignError::BadDate)?;
    added.insert(SDK_DATE, value);
    if let Some(host) = request.host {
        added.insert(HOST, HeaderValue::from_str(host).map_err(|_| SignError::BadHost)?);
    }
    if matches!(payload, Payload::Unsigned) && !request.headers.contains_key(CONTENT_SHA256) {
        added.insert(CONTENT_SHA256, HeaderValue::from_static(UNSIGNED_PAYLOAD));
    }
    let mut headers = request.headers.clone();
    for (name, value) in &added {
        headers.insert(name, value.clone());
    }

    let request = SignedRequest { headers: &headers, ..*request };
    let names = names_to_sign(&headers)?;
    // An empty body has two readings; the first one is the official SDK's.
    let body = body_line(&headers, true, payload)?;
    let canonical = canonical_request(&request, &names, &body.text)?;
    let message = string_to_sign(&date, &canonical);
    let signature = hex::encode(hmac::sign(secret.key(), message.as_bytes()).as_ref());

    let names = names.join(";");
    let value =
        format!("{ALGORITHM} Access={access}, SignedHeaders={names}, Signature={signature}");
    if value.len() > MAX_AUTHORIZATION_BYTES {
        return Err(SignError::MalformedAuthorization("too long"));
    }
    let value = HeaderValue::from_str(&value).map_err(|_| SignError::BadAccess)?;
    added.insert(AUTHORIZATION, value);
    Ok(added)
}

fn names_to_sign(headers: &HeaderMap) -> Result<Vec<&str>, SignError> {
    let mut names: Vec<&str> = headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| {
            !OF_THE_CONNECTION.contains(name)
                && ![AUTHORIZATION, X_AUTHORIZATION].contains(name)
                && !name.contains('_')
        })
        .collect();
    names.sort_unstable();
    if !headers.contains_key(HOST) {
        return Err(SignError::HeaderNotPresent(HOST.to_owned()));
    }
    if names.len() > MAX_SIGNED_HEADERS {
        return Err(SignError::MalformedAuthorization("too many SignedHeaders"));
    }
    if names.iter().any(|name| name.len() > MAX_HEADER_NAME_BYTES) {
        return Err(SignError::MalformedAuthorization("a name in SignedHeaders is too long"));
    }
    Ok(names)
}

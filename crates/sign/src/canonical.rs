//! The canonical request and the string to sign.

use http::HeaderMap;

use crate::authorization::ALGORITHM;
use crate::body::sha256;
use crate::headers::{HOST, single};
use crate::{SignError, Target, hex};

/// A request as it was received (or is about to be sent), borrowed.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// Upper case, as in the request line.
    pub method: &'a str,
    /// The path and query. Route by the same value.
    pub target: &'a Target,
    /// All headers of the request.
    pub headers: &'a HeaderMap,
    /// The host, with its port if that is not the default one, when it is not in the `Host` header:
    /// HTTP/2 carries it as `:authority`. If given, the `Host` header is not looked at, so the
    /// caller routes by this value as well.
    pub host: Option<&'a str>,
}

/// The six parts of the canonical request, joined by line feeds.
///
/// `signed_headers` are lower-case names in ascending order; `body` is the last part: the hash of
/// the body as hex, or `UNSIGNED-PAYLOAD`. The result holds the values of the signed headers, among
/// them security tokens: it is for tools and tests, not for logs.
///
/// # Errors
///
/// [`SignError::HeaderNotPresent`], [`SignError::DuplicateHeader`], [`SignError::BadMethod`] and
/// [`SignError::BadHost`].
pub fn canonical_request(
    request: &SignedRequest<'_>,
    signed_headers: &[&str],
    body: &str,
) -> Result<Vec<u8>, SignError> {
    let mut canonical = canonical_head(request, signed_headers)?;
    canonical.extend_from_slice(body.as_bytes());
    Ok(canonical)
}

/// The text that is put under the HMAC: the algorithm, the date as it stands in `X-Sdk-Date`, and
/// the SHA-256 of the canonical request.
#[must_use]
pub fn string_to_sign(sdk_date: &str, canonical_request: &[u8]) -> String {
    let hash = hex::encode(&sha256(canonical_request));
    [ALGORITHM, "\n", sdk_date, "\n", &hash].concat()
}

/// The canonical request up to its last line feed: all but the body.
pub(crate) fn canonical_head(
    request: &SignedRequest<'_>,
    signed_headers: &[&str],
) -> Result<Vec<u8>, SignError> {
    // The method is signed in upper case. One in another case is another method, so it is refused
    // rather than changed.
    let is_token = |byte: u8| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
    };
    if request.method.is_empty() || !request.method.bytes().all(is_token) {
        return Err(SignError::BadMethod);
    }

    let mut canonical = Vec::with_capacity(1024);
    for part in [request.method, request.target.canonical_path(), request.target.canonical_query()]
    {
        canonical.extend_from_slice(part.as_bytes());
        canonical.push(b'\n');
    }
    for name in signed_headers {
        canonical.extend_from_slice(name.as_bytes());
        canonical.push(b':');
        canonical.extend_from_slice(value(request, name)?);
        canonical.push(b'\n');
    }
    canonical.push(b'\n');
    for (index, name) in signed_headers.iter().enumerate() {
        if index > 0 {
            canonical.push(b';');
        }
        canonical.extend_from_slice(name.as_bytes());
    }
    canonical.push(b'\n');
    Ok(canonical)
}

fn value<'a>(request: &SignedRequest<'a>, name: &str) -> Result<&'a [u8], SignError> {
    let given = if name == HOST { request.host.map(str::as_bytes) } else { None };
    let value = match given {
        Some(host) => host,
        None => single(request.headers, name)?
            .ok_or_else(|| SignError::HeaderNotPresent(name.to_owned()))?,
    };
    // The host need not come from a header, so a line feed in it is not yet ruled out.
    if name == HOST && (value.is_empty() || !value.iter().all(u8::is_ascii_graphic)) {
        return Err(SignError::BadHost);
    }
    Ok(value)
}

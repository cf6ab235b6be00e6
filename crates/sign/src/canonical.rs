//! The canonical request and the string to sign.

use http::HeaderMap;

use crate::authorization::ALGORITHM;
use crate::body::sha256;
use crate::headers::{HOST, Picked, single};
use crate::{Authorization, SignError, Target, hex};

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
    let values = |_: usize, name: &str| single(request.headers, name);
    let query = request.target.canonical_query();
    let mut canonical = head(request, query, signed_headers, &signed_headers.join(";"), values)?;
    canonical.extend_from_slice(body.as_bytes());
    Ok(canonical)
}

/// The text that is put under the HMAC: the algorithm, the date as it stands in `X-Sdk-Date`, and
/// the SHA-256 of the canonical request.
#[must_use]
pub fn string_to_sign(sdk_date: &str, canonical_request: &[u8]) -> String {
    let mut text = String::with_capacity(128);
    for part in [ALGORITHM, "\n", sdk_date, "\n", &hex::encode(&sha256(canonical_request))] {
        text.push_str(part);
    }
    text
}

/// [`string_to_sign`] as bytes, in the memory of `text`.
pub(crate) fn write_string_to_sign(text: &mut Vec<u8>, sdk_date: &str, canonical_request: &[u8]) {
    text.clear();
    for part in [ALGORITHM, "\n", sdk_date, "\n"] {
        text.extend_from_slice(part.as_bytes());
    }
    text.extend_from_slice(hex::encode_hash(&sha256(canonical_request)).as_flattened());
}

/// The canonical request up to its last line feed: all but the body. The values are those that were
/// picked for the signed headers.
pub(crate) fn canonical_head(
    request: &SignedRequest<'_>,
    query: &str,
    authorization: &Authorization<'_>,
    values: &Picked<'_>,
) -> Result<Vec<u8>, SignError> {
    let values = |n: usize, name: &str| values.single(n, name);
    head(request, query, &authorization.signed_headers, authorization.names, values)
}

fn head<'v>(
    request: &SignedRequest<'v>,
    query: &str,
    names: &[&str],
    joined: &str,
    values: impl Fn(usize, &str) -> Result<Option<&'v [u8]>, SignError>,
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
    for part in [request.method, request.target.canonical_path(), query] {
        canonical.extend_from_slice(part.as_bytes());
        canonical.push(b'\n');
    }
    for (n, name) in names.iter().enumerate() {
        canonical.extend_from_slice(name.as_bytes());
        canonical.push(b':');
        canonical.extend_from_slice(checked(request, name, values(n, name))?);
        canonical.push(b'\n');
    }
    canonical.push(b'\n');
    canonical.extend_from_slice(joined.as_bytes());
    canonical.push(b'\n');
    Ok(canonical)
}

/// The value of a signed header, of which this was found.
fn checked<'a>(
    request: &SignedRequest<'a>,
    name: &str,
    found: Result<Option<&'a [u8]>, SignError>,
) -> Result<&'a [u8], SignError> {
    let given = if name == HOST { request.host.map(str::as_bytes) } else { None };
    let value = match given {
        Some(host) => host,
        None => found?.ok_or_else(|| SignError::HeaderNotPresent(name.to_owned()))?,
    };
    // The host need not come from a header, so a line feed in it is not yet ruled out.
    if name == HOST && (value.is_empty() || !value.iter().all(u8::is_ascii_graphic)) {
        return Err(SignError::BadHost);
    }
    Ok(value)
}

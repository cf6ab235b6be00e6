//! The call that Envoy asks about.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::message::{Header, HttpRequest};
use crate::denial::{Denial, Reason};
use crate::forward_auth::PARTIAL_BODY;
use crate::limits::TOLD_HEADERS;
use crate::told::{Head, Strips, Told, ToldBody, bad, single};

/// The call of a message. `http` was read from it; what is kept of the call are parts of it.
pub(super) fn read(message: &Bytes, http: Option<&HttpRequest<'_>>) -> Result<Told, Denial> {
    let http = http.ok_or_else(|| bad("The proxy told of no HTTP request."))?;
    let mut headers = headers(message, http)?;
    if single(&headers, &HOST)?.is_some_and(|host| host != http.host) {
        return Err(bad("`:authority` and `Host` differ."));
    }
    if !http.host.is_empty() {
        let host = HeaderValue::from_maybe_shared(message.slice_ref(http.host.as_bytes()));
        headers.insert(HOST, host.map_err(|_| bad("The host is malformed."))?);
    }
    let body = body(message, http, &headers)?;
    headers.remove(&PARTIAL_BODY);
    let target = message.slice_ref(http.path.as_bytes());
    Told::new(Head { method: http.method.as_bytes(), target, headers }, body, Strips::Named)
}

/// The caller's headers.
fn headers(message: &Bytes, http: &HttpRequest<'_>) -> Result<HeaderMap, Denial> {
    if http.has_list && http.has_map {
        return Err(bad("The headers are told in two ways."));
    }
    if http.headers.len() > TOLD_HEADERS {
        return Err(Reason::HeadTooLarge.into());
    }
    let mut headers = HeaderMap::with_capacity(http.headers.len() + 1);
    for (index, header) in http.headers.iter().enumerate() {
        let is_another = add(message, http, &mut headers, header)?;
        // A list may have a name twice, a map may not.
        let before = || http.headers.iter().take(index);
        if is_another && http.has_map && before().any(|before| before.name == header.name) {
            return Err(bad("A header is told in two ways."));
        }
    }
    Ok(headers)
}

/// Adds a header, and tells whether there was one of its name. What begins with a colon is told beside
/// the headers, too, and must be the same.
fn add(
    message: &Bytes,
    http: &HttpRequest<'_>,
    headers: &mut HeaderMap,
    header: &Header<'_>,
) -> Result<bool, Denial> {
    let value = match (header.text.as_bytes(), header.raw) {
        (text, b"") => text,
        (b"", raw) => raw,
        (_, _) => return Err(bad("A header is told in two ways.")),
    };
    if header.name.starts_with(':') {
        let beside = match header.name {
            ":method" => http.method,
            ":path" => http.path,
            ":authority" => http.host,
            _ => return Ok(false),
        };
        if beside.as_bytes() != value {
            return Err(bad(&format!("`{}` is told in two ways.", header.name)));
        }
        return Ok(false);
    }
    let malformed = || bad("A header is malformed.");
    let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| malformed())?;
    let value =
        HeaderValue::from_maybe_shared(message.slice_ref(value)).map_err(|_| malformed())?;
    Ok(headers.append(name, value))
}

fn body(message: &Bytes, http: &HttpRequest<'_>, headers: &HeaderMap) -> Result<ToldBody, Denial> {
    let sent = match (http.raw_body, http.body.as_bytes()) {
        (raw, b"") => raw,
        (b"", text) => text,
        (_, _) => return Err(bad("The body is told in two ways.")),
    };
    let length = single(headers, &CONTENT_LENGTH)?;
    if sent.is_empty() {
        let coding = single(headers, &TRANSFER_ENCODING)?;
        return Ok(ToldBody::absent(http.method.as_bytes(), length, coding));
    }
    let is_partial = single(headers, &PARTIAL_BODY)?.is_some_and(|partial| partial != "false");
    let is_whole = length.is_none_or(|length| length == sent.len().to_string().as_str());
    if is_whole && !is_partial {
        Ok(ToldBody::Whole(message.slice_ref(sent)))
    } else {
        Ok(ToldBody::Untold)
    }
}

//! The call that Envoy asks about.

use std::collections::HashMap;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::messages::{CheckRequest, HeaderList, HttpRequest};
use crate::denial::Denial;
use crate::forward_auth::PARTIAL_BODY;
use crate::told::{Head, Told, ToldBody, bad, single};

/// The caller's headers.
pub(super) fn headers(http: &HttpRequest) -> Result<HeaderMap, Denial> {
    let is_raw = http.header_map.is_some();
    if is_raw && !http.headers.is_empty() {
        return Err(bad("The headers are told in two ways."));
    }
    match &http.header_map {
        Some(list) => of_list(http, list),
        None => of_map(http, &http.headers),
    }
}

fn of_list(http: &HttpRequest, list: &HeaderList) -> Result<HeaderMap, Denial> {
    let mut headers = HeaderMap::with_capacity(list.headers.len() + 1);
    for header in &list.headers {
        let value = match (header.value.as_bytes(), header.raw_value.as_ref()) {
            (text, b"") => text,
            (b"", raw) => raw,
            (_, _) => return Err(bad("A header is told in two ways.")),
        };
        add(http, &mut headers, &header.key, value)?;
    }
    Ok(headers)
}

fn of_map(http: &HttpRequest, map: &HashMap<String, String>) -> Result<HeaderMap, Denial> {
    let mut headers = HeaderMap::with_capacity(map.len() + 1);
    for (name, value) in map {
        add(http, &mut headers, name, value.as_bytes())?;
    }
    Ok(headers)
}

/// Adds a header. What begins with a colon is told beside the headers, too, and must be the same.
fn add(
    http: &HttpRequest,
    headers: &mut HeaderMap,
    name: &str,
    value: &[u8],
) -> Result<(), Denial> {
    let beside = match name {
        ":method" => Some(&http.method),
        ":path" => Some(&http.path),
        ":authority" => Some(&http.host),
        _ => None,
    };
    match beside {
        Some(beside) if beside.as_bytes() == value => return Ok(()),
        Some(_) => return Err(bad(&format!("`{name}` is told in two ways."))),
        None if name.starts_with(':') => return Ok(()),
        None => {}
    }
    let name =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("A header is malformed."))?;
    let value = HeaderValue::from_bytes(value).map_err(|_| bad("A header is malformed."))?;
    headers.append(name, value);
    Ok(())
}

/// The call itself.
pub(super) fn read(message: &CheckRequest) -> Result<(Told, HeaderMap), Denial> {
    let http = http_of(message).ok_or_else(|| bad("The proxy told of no HTTP request."))?;
    let mut headers = headers(http)?;
    if single(&headers, HOST.as_str())?.is_some_and(|host| host != http.host.as_bytes()) {
        return Err(bad("`:authority` and `Host` differ."));
    }
    if !http.host.is_empty() {
        let host = HeaderValue::from_str(&http.host).map_err(|_| bad("The host is malformed."))?;
        headers.insert(HOST, host);
    }
    let body = body(http, &headers)?;
    let callers = headers.clone();
    headers.remove(PARTIAL_BODY);
    let head = Head { method: http.method.as_bytes(), target: http.path.as_bytes(), headers };
    Ok((Told::new(head, body)?, callers))
}

fn http_of(message: &CheckRequest) -> Option<&HttpRequest> {
    message.attributes.as_ref()?.request.as_ref()?.http.as_ref()
}

fn body(http: &HttpRequest, headers: &HeaderMap) -> Result<ToldBody, Denial> {
    let sent = match (http.raw_body.is_empty(), http.body.is_empty()) {
        (false, true) => http.raw_body.clone(),
        (true, false) => Bytes::copy_from_slice(http.body.as_bytes()),
        (true, true) => Bytes::new(),
        (false, false) => return Err(bad("The body is told in two ways.")),
    };
    let length = single(headers, CONTENT_LENGTH.as_str())?;
    if sent.is_empty() {
        let coding = single(headers, TRANSFER_ENCODING.as_str())?;
        return Ok(ToldBody::absent(&http.method, length, coding));
    }
    let is_partial = single(headers, PARTIAL_BODY)?.is_some_and(|partial| partial != b"false");
    let is_whole = length.is_none_or(|length| length == sent.len().to_string().as_bytes());
    Ok(if is_whole && !is_partial { ToldBody::Whole(sent) } else { ToldBody::Untold })
}

//! Headers that belong to one connection, and so never go on (RFC 9110, 7.6.1).

use http::HeaderMap;
use http::header::{CONNECTION, HeaderName};

/// Headers that belong to one connection.
pub(crate) const HOP_BY_HOP: [&str; 12] = [
    "connection",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

/// The names that `Connection` makes hop-by-hop.
pub(crate) fn nominated(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
}

//! How a request asks for a WebSocket, and how both ends agree on one (RFC 6455).

use http::header::{CONTENT_LENGTH, HeaderName, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Version, request};

use crate::hop_by_hop::nominated;

const KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const VERSION: HeaderName = HeaderName::from_static("sec-websocket-version");

/// What a WebSocket's two ends agree by. Browsers make these by themselves after a page has signed, so
/// they pass unsigned: they say how to talk, not what about.
pub(crate) const AGREEMENT: [HeaderName; 4] = [
    KEY,
    VERSION,
    HeaderName::from_static("sec-websocket-protocol"),
    HeaderName::from_static("sec-websocket-extensions"),
];

/// Does a request ask for a WebSocket, and for nothing else?
pub(crate) fn is_websocket(parts: &request::Parts) -> bool {
    let headers = &parts.headers;
    let only = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes)
    };
    parts.method == Method::GET
        && parts.version == Version::HTTP_11
        && !headers.contains_key(CONTENT_LENGTH)
        && !headers.contains_key(TRANSFER_ENCODING)
        && agrees(headers)
        && only(&UPGRADE).is_some()
        && only(&KEY).is_some()
        && only(&VERSION) == Some(b"13")
}

/// Do these headers say that the connection becomes a WebSocket?
pub(crate) fn agrees(headers: &HeaderMap) -> bool {
    let name = headers.get(UPGRADE).map(HeaderValue::as_bytes);
    name.is_some_and(|name| name.eq_ignore_ascii_case(b"websocket"))
        && nominated(headers).any(|name| name == UPGRADE)
        && !nominated(headers).any(|name| name == "http2-settings")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_websocket_is_one() {
        let good = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-key", "k"),
            ("sec-websocket-version", "13"),
        ];
        let is = |method: Method, version: Version, headers: &[(&'static str, &'static str)]| {
            let mut request = http::Request::new(());
            (*request.method_mut(), *request.version_mut()) = (method, version);
            for (name, value) in headers {
                request.headers_mut().append(*name, HeaderValue::from_static(value));
            }
            is_websocket(&request.into_parts().0)
        };
        assert!(is(Method::GET, Version::HTTP_11, &good));
        assert!(!is(Method::POST, Version::HTTP_11, &good));
        assert!(!is(Method::GET, Version::HTTP_10, &good));
        for left_out in 0..good.len() {
            let mut fewer = good.to_vec();
            fewer.remove(left_out);
            assert!(!is(Method::GET, Version::HTTP_11, &fewer), "{left_out}");
        }
        for more in [
            ("content-length", "0"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("upgrade", "h2c"),
            ("connection", "http2-settings"),
            ("sec-websocket-key", "k"),
            ("sec-websocket-version", "8"),
        ] {
            assert!(!is(Method::GET, Version::HTTP_11, &[&good[..], &[more]].concat()), "{more:?}");
        }
    }
}

//! One backend: where it is and how it is spoken to.

use std::mem;
use std::sync::Arc;

use http::header::HOST;
use http::uri::{Authority, Parts, Scheme};
use http::{HeaderValue, Request, Uri, Version};

/// Where a backend is.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// What names its connections: the same for all APIs that may share them.
    pub(crate) name: Arc<str>,
    /// The host, as it is looked up and as its certificate must name it.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// TLS?
    pub(crate) is_tls: bool,
    /// HTTP/2 over plain TCP, without asking first? Over TLS the backend is asked.
    pub(crate) http2: bool,
    scheme: Scheme,
    authority: Authority,
    host_header: HeaderValue,
}

impl Endpoint {
    /// Reads `host:port`.
    pub(crate) fn read(https: bool, http2: bool, text: &str) -> Result<Self, String> {
        let malformed = || format!("the backend `{text}` is malformed");
        let authority: Authority = text.parse().map_err(|_| malformed())?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let (scheme, usual) = if https { (Scheme::HTTPS, 443) } else { (Scheme::HTTP, 80) };
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() == authority.host() => usual,
            None => return Err(malformed()),
        };
        if text.contains('@') || host.is_empty() {
            return Err(malformed());
        }
        let how = if http2 && !https { "http/2 to " } else { "" };
        // The usual port is not told, as browsers and other clients do not tell it.
        let told = if port == usual { authority.host() } else { authority.as_str() };
        Ok(Self {
            name: format!("{how}{scheme}://{}:{port}", host.to_ascii_lowercase()).into(),
            host: host.to_owned(),
            port,
            is_tls: https,
            http2: http2 && !https,
            host_header: HeaderValue::from_str(told).map_err(|_| malformed())?,
            scheme,
            authority,
        })
    }

    /// Is it spoken to over plain TCP, in HTTP/1.1?
    pub(crate) fn is_plain(&self) -> bool {
        !self.is_tls && !self.http2
    }

    /// What requests to it say as `Host`.
    pub(crate) fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }

    /// Addresses a request to this backend. Only its path and query are kept of what it had.
    pub(crate) fn address<B>(&self, request: &mut Request<B>, version: Version) {
        let path = mem::take(request.uri_mut()).into_parts().path_and_query;
        if version == Version::HTTP_2 {
            request.headers_mut().remove(HOST);
            let mut parts = Parts::default();
            parts.scheme = Some(self.scheme.clone());
            parts.authority = Some(self.authority.clone());
            parts.path_and_query = path;
            // All three are there, so this cannot fail.
            *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        } else {
            request.headers_mut().insert(HOST, self.host_header.clone());
            *request.uri_mut() = path.map(Uri::from).unwrap_or_default();
        }
        *request.version_mut() = version;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_read_strictly() {
        for (https, text, name, port) in [
            (false, "10.0.0.7:8080", "http://10.0.0.7:8080", 8080),
            (false, "10.0.0.7", "http://10.0.0.7:80", 80),
            (true, "Orders.Example", "https://orders.example:443", 443),
            (true, "[::1]:9", "https://::1:9", 9),
        ] {
            let endpoint = Endpoint::read(https, https, text).unwrap();
            assert_eq!((&*endpoint.name, endpoint.port), (name, port));
            assert!(!endpoint.http2, "over TLS it is asked");
        }
        let other = Endpoint::read(false, true, "h").unwrap();
        assert!(other.http2 && *other.name != *Endpoint::read(false, false, "h").unwrap().name);
        for text in ["", ":80", "h:", "h:x", "h:99999", "user@h", "h/path", "h h", "[::1"] {
            assert!(Endpoint::read(false, false, text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_is_addressed_as_each_version_has_it() {
        let endpoint = Endpoint::read(false, false, "orders.example:80").unwrap();
        let mut request = Request::new(());
        *request.uri_mut() = "http://elsewhere:1/o/7?a=1".parse().unwrap();
        endpoint.address(&mut request, Version::HTTP_11);
        assert_eq!(request.uri(), "/o/7?a=1");
        assert_eq!(request.headers()["host"], "orders.example");
        endpoint.address(&mut request, Version::HTTP_2);
        assert_eq!(request.uri(), "http://orders.example:80/o/7?a=1");
        assert!(!request.headers().contains_key("host"));
    }
}

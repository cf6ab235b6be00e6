//! Where a node of the control side is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;

/// The address of a node's feed: `https://host:port`, or `http://` on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlUrl {
    text: String,
    is_secure: bool,
    host: String,
    port: u16,
}

/// Why a text is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// It has another form.
    #[error("write https://host:port, without a path")]
    Form,
    /// The feed carries secrets.
    #[error("http:// is for a control side on this machine; write https://")]
    Insecure,
}

impl ControlUrl {
    /// The address in `text`.
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        let text = text.trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| BadUrl::Form)?;
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(BadUrl::Form),
        };
        let is_bare = uri.path_and_query().is_none_or(|path| path.as_str() == "/");
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let (Some(authority), true) = (authority, is_bare) else { return Err(BadUrl::Form) };
        let port = authority.port_u16().ok_or(BadUrl::Form)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let is_here = |ip: IpAddr| ip.is_loopback();
        if !is_secure && host != "localhost" && !host.parse().is_ok_and(is_here) {
            return Err(BadUrl::Insecure);
        }
        Ok(Self { text: text.to_owned(), is_secure, host: host.to_owned(), port })
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Is it reached over TLS?
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// The addresses it has without a look-up: none if its host is a name, but for `localhost`.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + use<> {
        let ips = match self.host.as_str() {
            "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            host => host.parse::<IpAddr>().into_iter().collect(),
        };
        let port = self.port;
        ips.into_iter().map(move |ip| SocketAddr::new(ip, port))
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for ControlUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_elsewhere_is_reached_over_tls_only() {
        for (text, what) in [
            ("https://control.example:8792", Ok(("control.example", 8792))),
            ("https://[2001:db8::1]:8792/", Ok(("2001:db8::1", 8792))),
            ("http://127.0.0.1:1", Ok(("127.0.0.1", 1))),
            ("http://localhost:1", Ok(("localhost", 1))),
            ("http://[::1]:1", Ok(("::1", 1))),
            ("http://10.0.0.1:1", Err(BadUrl::Insecure)),
            ("http://localhost.example:1", Err(BadUrl::Insecure)),
            ("http://127.0.0.1.example:1", Err(BadUrl::Insecure)),
            ("https://control.example", Err(BadUrl::Form)),
            ("https://u:p@control.example:1", Err(BadUrl::Form)),
            ("https://control.example:1/feed", Err(BadUrl::Form)),
            ("control.example:1", Err(BadUrl::Form)),
            ("ftp://control.example:1", Err(BadUrl::Form)),
            ("", Err(BadUrl::Form)),
        ] {
            let read = ControlUrl::parse(text);
            let read = read.as_ref().map(|url| (url.host(), url.port())).map_err(|error| *error);
            assert_eq!(read, what, "{text}");
        }
    }
}

//! Host names: by the host of a call it is decided whose call it is.
//!
//! A name has one form: lower case, without a port and without the dot that may end it. So two spellings of
//! one host cannot belong to two tenants. Names beyond ASCII are written in their `xn--` form, which is
//! what clients send.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Arc;

use crate::limits::{HOST_CHARS, HOST_LABEL_CHARS};

/// A host name in its one form.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(Arc<str>);

/// A text that is no host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a host name has at most 253 letters, digits, '-', '_' and '.', without scheme, port or path; \
     write a name beyond ASCII in its xn-- form"
)]
pub struct BadHost;

impl HostName {
    /// The host name written in `text`, which has no port.
    ///
    /// # Errors
    ///
    /// [`BadHost`] if it is none.
    pub fn parse(text: &str) -> Result<Self, BadHost> {
        if has_port(text) {
            return Err(BadHost);
        }
        match host_of(text)? {
            Some(name) => Ok(Self(Arc::from(name))),
            None => Err(BadHost),
        }
    }

    /// The name, in its one form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostName({})", self.0)
    }
}

impl Borrow<str> for HostName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The host in `authority`, which is a host with or without a port, in the one form of names; none if the
/// authority is empty. The port is not looked at beyond its form: it says where a gateway listens, not whose
/// a call is.
///
/// # Errors
///
/// [`BadHost`] if it is no authority. User information is none, nor are percent-escapes.
pub fn host_of(authority: &str) -> Result<Option<Cow<'_, str>>, BadHost> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or(BadHost)?;
        let address: Ipv6Addr = address.parse().map_err(|_| BadHost)?;
        return if port.is_empty() || port.strip_prefix(':').is_some_and(is_port) {
            Ok(Some(Cow::Owned(format!("[{address}]"))))
        } else {
            Err(BadHost)
        };
    }
    let name = match authority.split_once(':') {
        Some((name, port)) if is_port(port) && !name.is_empty() => name,
        Some(_) => return Err(BadHost),
        None if authority.is_empty() => return Ok(None),
        None => authority,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.len() > HOST_CHARS || !name.split('.').all(is_label) {
        return Err(BadHost);
    }
    Ok(Some(if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }))
}

fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=HOST_LABEL_CHARS).contains(&label.len()) && label.bytes().all(plain)
}

fn is_port(port: &str) -> bool {
    port.is_empty() || port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

fn has_port(authority: &str) -> bool {
    match authority.rsplit_once(']') {
        Some((_, rest)) => !rest.is_empty(),
        None => authority.contains(':'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_one_form() {
        let longest = format!("{}{}", "a.".repeat(126), "b");
        for (authority, name) in [
            ("api.acme.example", "api.acme.example"),
            ("API.Acme.Example", "api.acme.example"),
            ("api.acme.example.", "api.acme.example"),
            ("api.acme.example:8443", "api.acme.example"),
            ("api.acme.example.:443", "api.acme.example"),
            ("api.acme.example:", "api.acme.example"),
            ("api.acme.example:65535", "api.acme.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("my_service", "my_service"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[0:0::1]:8080", "[::1]"),
            (&longest, &longest),
        ] {
            assert_eq!(host_of(authority).unwrap().as_deref(), Some(name), "{authority}");
        }
        assert_eq!(host_of(""), Ok(None));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_host() {
        let too_long = "a.".repeat(127) + "b";
        let long_label = "a".repeat(64);
        for bad in [
            " ",
            "a b",
            "a/b",
            "a\\b",
            "a:65536",
            "a:99999",
            "a:+80",
            "[::1]:65536",
            "a?b",
            "a#b",
            "u@a",
            "u:p@a",
            "a%2eb",
            "a:b",
            "a:1:2",
            "a:123456",
            ":80",
            ".",
            "..",
            ".a",
            "a..b",
            "a..",
            "*",
            "*.a",
            "bücher.example",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:x",
            "[1.2.3.4]",
            "[]",
            "a\0",
            "a,b",
            "a;b",
            &too_long,
            &long_label,
        ] {
            assert_eq!(host_of(bad), Err(BadHost), "{bad:?}");
            assert_eq!(HostName::parse(bad), Err(BadHost), "{bad:?}");
        }
    }

    #[test]
    fn a_name_that_is_kept_has_no_port() {
        for bad in ["", "a:80", "[::1]:80", "http://a", "a:"] {
            assert_eq!(HostName::parse(bad), Err(BadHost), "{bad:?}");
        }
        assert_eq!(HostName::parse("A.").unwrap().as_str(), "a");
        assert_eq!(HostName::parse("[::1]").unwrap().as_str(), "[::1]");
    }
}

//! The host of a backend.

use std::net::Ipv6Addr;

use tidegate_domain::Refusal;

use crate::limits::HOST_CHARS;
use crate::text::{echo, malformed};

/// Is it `name`, `name:port`, `1.2.3.4:port` or `[v6]:port`?
pub(crate) fn check(field: &str, host: &str) -> Result<(), Refusal> {
    if host.contains("://") {
        return Err(malformed(format!(
            "`{field}` is {}; leave out the scheme, which `backend_config.protocol` says",
            echo(host)
        )));
    }
    if is_authority(host) {
        return Ok(());
    }
    Err(malformed(format!(
        "`{field}` is {}; write a host name or an address, with a port if needed, such \
         as `orders.example.com:8080` or `[2001:db8::1]:8080`",
        echo(host)
    )))
}

fn is_authority(host: &str) -> bool {
    if host.len() > HOST_CHARS {
        return false;
    }
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, after)) = rest.split_once(']') else {
            return false;
        };
        let is_port = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
        return is_port && address.parse::<Ipv6Addr>().is_ok();
    }
    match host.split_once(':') {
        None => is_name(host),
        Some((name, port)) => is_name(name) && is_port(port),
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=253).contains(&name.len()) && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for good in [
            "localhost",
            "orders.example.com",
            "orders.example.com:8080",
            "10.0.0.1",
            "10.0.0.1:65535",
            "my_service:80",
            "[::1]",
            "[2001:db8::1]:8443",
        ] {
            assert_eq!(check("host", good), Ok(()), "{good}");
        }
        let long_label = "a".repeat(64);
        let long_name = vec!["abcdefgh"; 30].join(".");
        for bad in [
            "",
            " ",
            "http://orders",
            "orders/",
            "orders:0",
            "orders:65536",
            "orders:+80",
            "orders:",
            "orders:8o",
            ":80",
            "user@orders",
            "orders..com",
            ".orders",
            "-orders",
            "or ders",
            "orders?x",
            "orders#x",
            "::1",
            "[::1",
            "[::1]80",
            "[::g]",
            "[::1]:",
            "bestellungen.exämple",
            &long_label,
            &long_name,
        ] {
            assert!(check("host", bad).is_err(), "{bad}");
        }
    }
}

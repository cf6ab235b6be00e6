//! The listeners: who can reach them who should not?

use super::Findings;
use crate::config::{Config, Kind};

/// Looks at every address that is open to a network.
pub fn look(config: &Config, kind: Kind, findings: &mut Findings) {
    let has_tls = config.gate().tls.is_some();
    for (name, at) in config.addresses(kind).named() {
        let Some(at) = at.filter(|at| !at.ip().is_loopback()) else { continue };
        let (found, advice) = match name {
            "control_addr" => (
                "is open to a network and speaks plain HTTP",
                "put a TLS proxy in front, and let only that reach it",
            ),
            // Open to a network it needs certificates, or nothing starts.
            "feed_addr" => continue,
            "gateway_addr" if has_tls => continue,
            "gateway_addr" => (
                "is open to a network and speaks plain HTTP",
                "set gateway_tls_cert and gateway_tls_key, or put a TLS proxy in front",
            ),
            "metrics_addr" => ("is open to a network", "let only Prometheus reach it"),
            _ => (
                "is open to a network and believes its caller",
                "let only your proxy reach it; on the same machine, keep it on loopback",
            ),
        };
        findings.warning(name, format!("{at} {found}"), advice);
    }
}

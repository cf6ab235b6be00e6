//! The listeners: who can reach them who should not, and can they be had?

use std::net::{SocketAddr, TcpListener};

use super::{Findings, Stop};
use crate::config::{Config, Kind};
use crate::data::{DataDir, Server};
use crate::listen::{Unbound, unbound};

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

/// Takes every address for a moment, but those of a server that works on this folder.
pub fn free(config: &Config, kind: Kind, data: &DataDir, findings: &mut Findings) {
    // A leftover of a server that was killed tells nothing.
    let server =
        data.is_held().is_ok_and(|held| held).then(|| data.server().ok().flatten()).flatten();
    // All at once, as a server has them.
    let mut taken = Vec::new();
    for (name, at) in config.addresses(kind).named() {
        let Some(at) = at else { continue };
        if server.as_ref().is_some_and(|server| is_of(server, at)) {
            findings.ok(name, format!("{at} is the running server's"));
            continue;
        }
        match TcpListener::bind(at) {
            Ok(listener) => {
                taken.push(listener);
                findings.ok(name, format!("{at} is free"));
            }
            Err(error) => {
                let Unbound { why, advice, is_of_settings } = unbound(&error);
                let stop = if is_of_settings { Stop::Settings } else { Stop::State };
                findings.stop(stop, name, format!("{name} cannot listen on {at}: {why}"), advice);
            }
        }
    }
}

/// Whether a running server listens there.
fn is_of(server: &Server, at: SocketAddr) -> bool {
    let urls = server.control.iter().chain(&server.gateway);
    let urls = urls.chain(&server.check).chain(&server.ext_authz).chain(&server.metrics);
    let ports = urls.filter_map(|url| url.rsplit(':').next()?.parse::<u16>().ok());
    ports.chain(server.feed.map(|feed| feed.port())).any(|port| at.port() == port)
}

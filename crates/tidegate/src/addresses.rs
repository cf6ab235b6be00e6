//! Where a node listens.

use std::net::SocketAddr;

/// Where a node is to listen: nowhere where there is no address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Addresses {
    /// The control side.
    pub control: Option<SocketAddr>,
    /// The feed, for gateways on other machines.
    pub feed: Option<SocketAddr>,
    /// The gateway.
    pub gateway: Option<SocketAddr>,
    /// The check service over HTTP.
    pub check: Option<SocketAddr>,
    /// The check service over gRPC.
    pub ext_authz: Option<SocketAddr>,
    /// The metrics.
    pub metrics: Option<SocketAddr>,
}

impl Addresses {
    /// Each by the key that sets it.
    pub fn named(&self) -> [(&'static str, Option<SocketAddr>); 6] {
        [
            ("control_addr", self.control),
            ("feed_addr", self.feed),
            ("gateway_addr", self.gateway),
            ("check_addr", self.check),
            ("ext_authz_addr", self.ext_authz),
            ("metrics_addr", self.metrics),
        ]
    }
}

//! Where a node listens.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::data::Server;

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

/// The listeners, bound.
pub struct Ports {
    pub(super) control: Option<TcpListener>,
    pub(super) feed: Option<TcpListener>,
    pub(super) gateway: Option<TcpListener>,
    pub(super) check: Option<TcpListener>,
    pub(super) ext_authz: Option<TcpListener>,
    pub(super) metrics: Option<TcpListener>,
}

impl Ports {
    /// Takes all addresses.
    pub async fn bind(addresses: Addresses) -> anyhow::Result<Self> {
        Ok(Self {
            control: listen_if(addresses.control, "the control side").await?,
            feed: listen_if(addresses.feed, "the feed").await?,
            gateway: listen_if(addresses.gateway, "the gateway").await?,
            check: listen_believing(addresses.check, "the check service").await?,
            ext_authz: listen_believing(addresses.ext_authz, "the check service for Envoy").await?,
            metrics: listen_if(addresses.metrics, "the metrics").await?,
        })
    }

    /// All addresses that are listened on.
    pub(super) fn own(&self) -> anyhow::Result<Vec<SocketAddr>> {
        let all =
            [&self.control, &self.feed, &self.gateway, &self.check, &self.ext_authz, &self.metrics];
        let bound = all.into_iter().flatten().map(TcpListener::local_addr);
        Ok(bound.collect::<Result<_, _>>()?)
    }

    /// The addresses, as others on this machine reach them.
    pub(super) fn server(&self, gateway_has_tls: bool, dev: bool) -> anyhow::Result<Server> {
        let scheme = if gateway_has_tls { "https:" } else { "http:" };
        let told = |port: &Option<TcpListener>| port.as_ref().map(address_of).transpose();
        Ok(Server {
            control: told(&self.control)?,
            feed: self.feed.as_ref().map(TcpListener::local_addr).transpose()?,
            gateway: told(&self.gateway)?.map(|address| address.replacen("http:", scheme, 1)),
            check: told(&self.check)?,
            ext_authz: told(&self.ext_authz)?,
            metrics: told(&self.metrics)?,
            dev,
        })
    }
}

/// Takes an address, if there is one, whose caller is believed.
async fn listen_believing(
    address: Option<SocketAddr>,
    who: &str,
) -> anyhow::Result<Option<TcpListener>> {
    if let Some(address) = address.filter(|address| !address.ip().is_loopback()) {
        tracing::warn!(
            %address,
            "{who} is open to a network; it believes what it is told, so let only your proxy reach it"
        );
    }
    listen_if(address, who).await
}

/// Takes an address for `who`, if there is one.
async fn listen_if(address: Option<SocketAddr>, who: &str) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await;
    listener.map(Some).with_context(|| format!("{who} cannot listen on {address}"))
}

/// The address at which this machine reaches a listener.
fn address_of(listener: &TcpListener) -> anyhow::Result<String> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(format!("http://{address}"))
}

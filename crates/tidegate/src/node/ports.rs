//! Where a node listens.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::addresses::Addresses;
use crate::data::Server;
use crate::exit::Unfit;
use crate::faults::Faults;
use crate::listen::{Unbound, unbound};

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
            check: listen_if(addresses.check, "the check service").await?,
            ext_authz: listen_if(addresses.ext_authz, "the check service for Envoy").await?,
            metrics: listen_if(addresses.metrics, "the metrics").await?,
        })
    }

    /// All addresses that are listened on.
    pub(super) fn bound(&self) -> anyhow::Result<Addresses> {
        let at =
            |port: &Option<TcpListener>| port.as_ref().map(TcpListener::local_addr).transpose();
        Ok(Addresses {
            control: at(&self.control)?,
            feed: at(&self.feed)?,
            gateway: at(&self.gateway)?,
            check: at(&self.check)?,
            ext_authz: at(&self.ext_authz)?,
            metrics: at(&self.metrics)?,
        })
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

/// Takes an address for `who`, if there is one.
async fn listen_if(address: Option<SocketAddr>, who: &str) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let error = match TcpListener::bind(address).await {
        Ok(listener) => return Ok(Some(listener)),
        Err(error) => error,
    };
    let Unbound { why, advice, is_of_settings } = unbound(&error);
    let line = format!("{who} cannot listen on {address}: {why}: {advice}");
    if is_of_settings { Err(Faults(vec![line]).into()) } else { Err(Unfit(vec![line]).into()) }
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

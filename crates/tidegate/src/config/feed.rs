//! The feed's part of the configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use tidegate_feed::{ControlUrl, NODES, PeerFiles};
use tidegate_gateway::TlsFiles;

/// The feed's part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Feed {
    /// Where gateways on other machines ask; nowhere unless it is set.
    pub addr: Option<SocketAddr>,
    /// The authority of both ends' certificates (PEM).
    pub ca: Option<PathBuf>,
    /// This machine's certificate (PEM).
    pub cert: Option<PathBuf>,
    /// The key to it (PEM).
    pub key: Option<PathBuf>,
    /// The file of the token, in place of `feed.token` in the data folder.
    pub token_file: Option<PathBuf>,
    /// Where a gateway alone asks.
    pub control: Vec<ControlUrl>,
}

impl Feed {
    /// The certificates, if all of them are named.
    pub fn files(&self) -> Option<PeerFiles> {
        let (ca, certificate, key) = (self.ca.clone()?, self.cert.clone()?, self.key.clone()?);
        Some(PeerFiles { ca, own: TlsFiles { certificate, key } })
    }

    /// Whether a control side asks gateways for the token: without certificates, and where it is named beside them.
    pub fn wants_token(&self) -> bool {
        self.addr.is_some() && (self.files().is_none() || self.token_file.is_some())
    }

    pub(super) fn check(&self, faults: &mut Vec<String>) {
        let named = [&self.ca, &self.cert, &self.key].into_iter().flatten().count();
        if !matches!(named, 0 | 3) {
            faults.push("`feed_ca`, `feed_cert` and `feed_key` go together".to_owned());
        }
        if let Some(address) = self.addr.filter(|a| named == 0 && !a.ip().is_loopback()) {
            faults.push(format!(
                "`feed_addr` is {address}, open to a network, and the feed tells secrets: it needs \
                 `feed_ca`, `feed_cert` and `feed_key`, which `tidegate certs` makes"
            ));
        }
        if let Some(url) = self.control.iter().find(|url| named == 0 && url.is_secure()) {
            faults.push(format!(
                "`control_urls` names {url}, which needs `feed_ca`, `feed_cert` and `feed_key`"
            ));
        }
        if self.control.len() > NODES {
            faults.push(format!("`control_urls` names more than {NODES} nodes"));
        }
    }
}

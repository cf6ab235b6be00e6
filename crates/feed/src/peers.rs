//! Mutual TLS between the machines of one installation: both ends show a certificate of its own
//! authority. The files are read for every new connection, so that new ones need no restart.

use std::path::PathBuf;

use rustls::ClientConfig;
use tidegate_gateway::{Acceptor, Limits, TlsError, TlsFiles, mutual_client};

/// The files of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerFiles {
    /// The authority of the installation (PEM).
    pub ca: PathBuf,
    /// This machine's certificate, and its key.
    pub own: TlsFiles,
}

impl PeerFiles {
    /// What gateways are accepted with.
    pub fn acceptor(&self, limits: &Limits) -> Result<Acceptor, TlsError> {
        Acceptor::mutual(self.own.clone(), self.ca.clone(), limits)
    }

    /// What a gateway speaks to the control side with.
    pub fn client(&self) -> Result<ClientConfig, TlsError> {
        mutual_client(&self.own, &self.ca)
    }
}

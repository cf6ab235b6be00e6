//! The certificate a caller has shown, for services that ask who calls.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;

/// The certificate a caller has shown and was believed for: an extension of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate(Arc<CertificateDer<'static>>);

impl PeerCertificate {
    pub(crate) fn new(certificate: CertificateDer<'static>) -> Self {
        Self(Arc::new(certificate))
    }

    /// The certificate, in DER.
    pub fn der(&self) -> &[u8] {
        &self.0
    }
}

//! The certificate a caller has shown, for services that ask who calls.

use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use rustls::pki_types::CertificateDer;

use crate::server::Answers;

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

/// A service that knows its caller's certificate, if there is one.
#[derive(Clone)]
pub(crate) struct WithPeer<S> {
    pub(crate) peer: Option<PeerCertificate>,
    pub(crate) service: S,
}

impl<S: Answers> Service<Request<Incoming>> for WithPeer<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Some(peer) = &self.peer {
            request.extensions_mut().insert(peer.clone());
        }
        self.service.call(request)
    }
}

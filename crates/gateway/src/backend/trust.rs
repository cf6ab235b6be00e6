//! Whom the gate believes to be a backend: TLS towards backends.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::words::system_words;

/// What TLS to backends is made with: the machine's list of authorities, and those of `more`.
/// Versions 1.2 and 1.3; the name of the certificate must be the one that is called.
pub(super) fn config(more: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::debug!(%error, "a list of authorities of this machine cannot be read");
    }
    let (_, odd) = roots.add_parsable_certificates(native.certs);
    if odd > 0 {
        tracing::debug!(count = odd, "authorities of this machine cannot be used");
    }
    if let Some(file) = more {
        add(&mut roots, file)?;
    }
    if roots.is_empty() {
        tracing::warn!("no authorities are trusted; https backends cannot be reached");
    }
    // Given explicitly: a process-wide default could be another one, or none.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Adds the authorities of a file. One that cannot be used makes the whole file unusable.
fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), String> {
    let at = file.display();
    let pem = std::fs::read(file)
        .map_err(|error| format!("{at} cannot be read: {}", system_words(&error)))?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| format!("{at}: it is not PEM"))?;
        let added = roots.add(certificate);
        added.map_err(|_| format!("{at}: a certificate in it cannot be used as an authority"))?;
        count += 1;
    }
    if count == 0 { Err(format!("{at} has no certificate")) } else { Ok(()) }
}

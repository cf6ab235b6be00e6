//! TLS files: do they fit, and how long are they good?

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tidegate_domain::Timestamp;
use tidegate_gateway::Acceptor;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::findings::Findings;
use crate::clock::wall;
use crate::config::Config;

/// So long before its end a certificate is told of.
const SOON_MS: i64 = 14 * 86_400_000;

/// Looks at the gateway's certificate, and at the authorities of backends.
pub fn look(config: &Config, findings: &mut Findings) {
    if let Some(files) = config.gate().tls {
        let certificate = files.certificate.clone();
        match Acceptor::load(files, &config.limits()) {
            Ok(_) => ends("tls", &certificate, findings),
            Err(error) => findings.fault(
                "tls",
                error.to_string(),
                "name a certificate and its own key, as PEM files this user may read",
            ),
        }
    }
    if let Some(ca) = &config.backends.ca {
        ends("backend_ca", ca, findings);
    }
}

/// When do the certificates of a file end?
fn ends(check: &'static str, file: &Path, findings: &mut Findings) {
    let name = file.display();
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .unwrap_or_default();
    let mut bounds = Vec::new();
    for der in &certificates {
        if let Ok((_, certificate)) = X509Certificate::from_der(der) {
            let validity = certificate.validity();
            bounds.push((validity.not_before.timestamp(), validity.not_after.timestamp()));
        }
    }
    let begin = bounds.iter().map(|(begin, _)| begin.saturating_mul(1_000)).max();
    let end = bounds.iter().map(|(_, end)| end.saturating_mul(1_000)).min();
    let (Some(begin), Some(end)) = (begin, end) else {
        findings.fault(check, format!("{name} holds no certificate"), "name a PEM file");
        return;
    };
    let now = wall().as_ms();
    let (from, until) = (Timestamp::from_ms(begin), Timestamp::from_ms(end));
    if end <= now {
        findings.fault(check, format!("{name} ended at {until}"), "put a new certificate there");
    } else if begin > now {
        findings.fault(check, format!("{name} begins at {from}"), "wait, or see to the clock");
    } else if end - now < SOON_MS {
        let advice = "put a new certificate there; no restart is needed";
        findings.warning(check, format!("{name} ends soon, at {until}"), advice);
    } else {
        findings.ok(check, format!("{name} is good until {until}"));
    }
}

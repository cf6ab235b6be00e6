//! TLS files: do they fit, and how long are they good?

use std::fs::File;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tidegate_domain::Timestamp;
use tidegate_gateway::{Acceptor, system_words};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Findings;
use crate::clock::wall;
use crate::config::{Config, Kind};

/// So long before its end a certificate is warned of.
const SOON_MS: i64 = 14 * 86_400_000;

/// Looks at the gateway's certificate, and at the authorities of backends.
pub fn look(config: &Config, kind: Kind, findings: &mut Findings) {
    if kind == Kind::Control {
        return;
    }
    if let Some(files) = config.gate().tls {
        let certificate = files.certificate.clone();
        match Acceptor::load(files, &config.limits()) {
            Ok(_) => validity("tls", &certificate, findings),
            Err(error) => findings.wrong(
                "tls",
                error.to_string(),
                "name a certificate and its own key, as PEM files this user may read",
            ),
        }
    }
    if let Some(ca) = &config.backends.ca {
        validity("backend_ca", ca, findings);
    }
}

/// The certificates a process shows, by what they are for.
pub type Kept = Vec<(&'static str, PathBuf)>;

/// When the first certificate of a file begins to be good for nothing, and when the last has begun to be
/// good. None if there is none in it.
pub fn ends_of(file: &Path) -> Option<(Timestamp, Timestamp)> {
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
    let begin = bounds.iter().map(|(begin, _)| begin.saturating_mul(1_000)).max()?;
    let end = bounds.iter().map(|(_, end)| end.saturating_mul(1_000)).min()?;
    Some((Timestamp::from_ms(begin), Timestamp::from_ms(end)))
}

/// Is a file's certificate good now, and for how long?
pub fn validity(check: &'static str, file: &Path, findings: &mut Findings) {
    let name = file.display();
    if let Err(error) = File::open(file) {
        let found = format!("{name} cannot be read: {}", system_words(&error));
        findings.wrong(check, found, "name a PEM file that this user may read");
        return;
    }
    let Some((from, until)) = ends_of(file) else {
        findings.wrong(check, format!("{name} holds no certificate"), "name a PEM file");
        return;
    };
    let now = wall();
    if until <= now {
        findings.wrong(check, format!("{name} ended at {until}"), "put a new certificate there");
    } else if from > now {
        findings.wrong(check, format!("{name} begins at {from}"), "wait, or see to the clock");
    } else if until.as_ms() - now.as_ms() < SOON_MS {
        let advice = "put a new certificate there; no restart is needed";
        findings.warning(check, format!("{name} ends soon, at {until}"), advice);
    } else {
        findings.ok(check, format!("{name} is good until {until}"));
    }
}

//! The feed's certificates and token: would the other end believe them?

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, Error, RootCertStore};
use tidegate_feed::PeerFiles;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Findings, Level, certificates};
use crate::config::{Config, Kind};
use crate::data::DataDir;

const CHECK: &str = "feed";

/// Looks at what this end of the feed has.
pub fn look(config: &Config, kind: Kind, data: &DataDir, findings: &mut Findings) {
    let is_gateway = kind == Kind::Gateway;
    if !is_gateway && config.feed.addr.is_none() {
        return;
    }
    token(config, is_gateway, data, findings);
    let Some(files) = config.feed.files() else { return };
    // Reads all three, and sees whether the key fits.
    if let Err(error) = files.client() {
        let advice = "name the files `tidegate certs` made for this machine; this user must be able to read them";
        findings.wrong(CHECK, error.to_string(), advice);
        return;
    }
    certificates::validity(CHECK, &files.own.certificate, findings);
    certificates::validity(CHECK, &files.ca, findings);
    // One that is over is refused for that alone.
    if findings.worst_of(CHECK) < Level::Fault {
        believed(&files, is_gateway, findings);
    }
}

fn token(config: &Config, is_gateway: bool, data: &DataDir, findings: &mut Findings) {
    let file = config.feed.token_file.as_deref();
    let is_plain = config.feed.control.iter().any(|node| !node.is_secure());
    match data.kept_feed_token(file) {
        Ok(Some(_)) => findings.ok(CHECK, "the token is there"),
        Ok(None) if is_gateway && let Some(file) = file => findings.wrong(
            CHECK,
            format!("feed_token_file: there is no file {}", file.display()),
            "put a copy of feed.token there, which is in the data folder of the control side",
        ),
        Ok(None) if is_gateway && is_plain => findings.warning(
            CHECK,
            "there is no token: the control side refuses this gateway",
            "set feed_token_file to a copy of feed.token, which is in the data folder of the control side",
        ),
        Ok(None) => {}
        Err(error) => findings.wrong(CHECK, format!("{error:#}"), "put the control side's feed.token there"),
    }
}

/// Would the other end believe this certificate? Asked of what it would ask itself.
fn believed(files: &PeerFiles, is_gateway: bool, findings: &mut Findings) {
    let (own, ca) = (files.own.certificate.display(), files.ca.display());
    let Err(error) = judge(files, is_gateway) else {
        let what = if is_gateway { "the control side" } else { "gateways" };
        findings.ok(CHECK, format!("{own} is of the authority in {ca}, and good for {what}"));
        return;
    };
    let (right, flag) = if is_gateway {
        ("calling, as a gateway's is", "--gateway")
    } else {
        ("being called, as a control node's is", "--control")
    };
    match error {
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => findings.wrong(
            CHECK,
            format!("{own} is not of the authority in {ca}"),
            "use the certificate and the authority of one installation",
        ),
        Error::InvalidCertificate(
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
        ) => findings.wrong(
            CHECK,
            format!("{own} is not good for {right}"),
            &format!("make one with `tidegate certs {flag}`"),
        ),
        other => findings.wrong(
            CHECK,
            format!("{own} would not be believed by the other end: {other}"),
            &format!("make one with `tidegate certs {flag}`"),
        ),
    }
}

fn judge(files: &PeerFiles, is_gateway: bool) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    for certificate in read(&files.ca) {
        roots.add(certificate)?;
    }
    let chain = read(&files.own.certificate);
    let none = || Error::General("there is no certificate in it".to_owned());
    let (own, between) = chain.split_first().ok_or_else(none)?;
    let (roots, provider) = (Arc::new(roots), Arc::new(aws_lc_rs::default_provider()));
    let general = |error: rustls::server::VerifierBuilderError| Error::General(error.to_string());
    let now = UnixTime::since_unix_epoch(crate::clock::since_epoch());
    if is_gateway {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
        verifier.build().map_err(general)?.verify_client_cert(own, between, now).map(drop)
    } else {
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider);
        let verifier = verifier.build().map_err(general)?;
        let name = name_of(own).ok_or_else(|| Error::General("it has no name".to_owned()))?;
        verifier.verify_server_cert(own, between, &name, &[], now).map(drop)
    }
}

fn read(file: &Path) -> Vec<CertificateDer<'static>> {
    let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<_, _>>);
    found.unwrap_or_default()
}

/// The first name it is called by.
fn name_of(certificate: &CertificateDer<'_>) -> Option<ServerName<'static>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten()?;
    names.value.general_names.iter().find_map(|name| match name {
        GeneralName::DNSName(name) => ServerName::try_from((*name).to_owned()).ok(),
        GeneralName::IPAddress(bytes) => {
            let ip = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
            let ip = ip.or_else(|_| <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from));
            ip.ok().map(ServerName::from)
        }
        _ => None,
    })
}

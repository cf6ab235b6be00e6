//! The name a machine's certificate is for: what the id of a gateway is bound to. A certificate that takes the
//! place of another has the same name and another key.

use std::net::IpAddr;

use tidegate_gateway::PeerCertificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::limits::SAID_BYTES;

/// The first name of a certificate that was believed; its common name if it has no other. One without any,
/// or too long to be kept, has none.
pub(crate) fn of(certificate: &PeerCertificate) -> String {
    let name = name(certificate.der()).filter(|name| name.len() <= SAID_BYTES);
    name.filter(|name| !name.chars().any(char::is_control)).unwrap_or_default()
}

fn name(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let first = names.and_then(|names| {
        names.value.general_names.iter().find_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => ip(bytes).map(|ip| ip.to_string()),
            _ => None,
        })
    });
    let common = || {
        let name = certificate.subject().iter_common_name().next()?;
        name.as_str().ok().map(str::to_owned)
    };
    first.or_else(common)
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

//! `tidegate certs`: a small authority of the installation's own, and certificates for its machines.
//!
//! A control node's certificate is good for being called, a gateway's for calling: a gateway that was
//! broken into cannot pass for the control side.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use jiff::ToSpan;
use jiff::tz::TimeZone;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::clock::wall;
use crate::data::{DataDir, is_there, read};
use crate::durable;
use crate::faults::Faults;
use crate::out::say;

/// How long the authority is good.
const AUTHORITY_DAYS: u32 = 3_650;

/// Whom to make certificates for.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate certs --control control.example --gateway gw-1 --gateway gw-2
  tidegate certs --control control.example,10.0.0.5 --days 90

The first run makes the authority: DIR/ca.pem and DIR/ca.key. Keep ca.key off the servers; whoever has
it can make gateways. For each name there is then NAME.pem and NAME.key; run it again for more, or for
new ones: running servers take them without a restart. Copy to each machine ca.pem and its own two
files, and name them there as feed_ca, feed_cert and feed_key.")]
pub struct Certs {
    /// Where the files are.
    #[arg(long, default_value = "./certs", value_name = "DIR")]
    dir: PathBuf,

    /// A control node, by the names and addresses it is reached at, between commas.
    #[arg(long, value_name = "HOST,...")]
    control: Vec<String>,

    /// A gateway, by its name.
    #[arg(long, value_name = "NAME")]
    gateway: Vec<String>,

    /// For how many days the certificates are good.
    #[arg(long, default_value_t = 825, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
}

impl Certs {
    /// Makes what was asked for.
    pub fn run(self) -> anyhow::Result<()> {
        let machines = self.machines()?;
        let dir = DataDir::create(&self.dir)?;
        let authority = authority(dir.root())?;
        for machine in machines {
            let (certificate, key) = machine.certificate(&authority, self.days)?;
            let file = |ending: &str| dir.root().join(format!("{}.{ending}", machine.file));
            durable::write(&file("key"), key.as_bytes())?;
            durable::write(&file("pem"), certificate.as_bytes())?;
            say(format!("{}: {}", machine.what, file("pem").display()));
        }
        Ok(())
    }

    fn machines(&self) -> Result<Vec<Machine>, Faults> {
        let control = self.control.iter().map(|names| Machine::control(names));
        let gateways = self.gateway.iter().map(|name| Machine::gateway(name));
        let (mut machines, mut faults) = (Vec::new(), Vec::new());
        for machine in control.chain(gateways) {
            match machine {
                Ok(machine) => machines.push(machine),
                Err(fault) => faults.push(fault),
            }
        }
        if machines.is_empty() && faults.is_empty() {
            faults.push("name a machine: --control HOST or --gateway NAME".to_owned());
        }
        if faults.is_empty() { Ok(machines) } else { Err(Faults(faults)) }
    }
}

/// A machine that gets a certificate.
struct Machine {
    what: &'static str,
    file: String,
    names: Vec<String>,
    usage: ExtendedKeyUsagePurpose,
}

impl Machine {
    fn control(names: &str) -> Result<Self, String> {
        let names: Result<Vec<String>, String> = names.split(',').map(|n| host(n.trim())).collect();
        let names = names?;
        let file = names.first().map(|name| name.replace(':', "-")).unwrap_or_default();
        Ok(Self { what: "control", file, names, usage: ExtendedKeyUsagePurpose::ServerAuth })
    }

    fn gateway(name: &str) -> Result<Self, String> {
        let name = host(name)?;
        let (file, names) = (name.replace(':', "-"), vec![name]);
        Ok(Self { what: "gateway", file, names, usage: ExtendedKeyUsagePurpose::ClientAuth })
    }

    fn certificate(
        &self,
        authority: &Issuer<'_, KeyPair>,
        days: u32,
    ) -> anyhow::Result<(String, String)> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(self.names.clone())?;
        named(&mut params, self.names.first().map_or("", String::as_str));
        valid(&mut params, days)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![self.usage.clone()];
        Ok((params.signed_by(&key, authority)?.pem(), key.serialize_pem()))
    }
}

/// A name of a machine, which becomes a name of a file too.
fn host(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    let is_name = !text.is_empty() && text.len() <= 64 && text.chars().all(plain);
    if !is_name || text.starts_with('.') || text == "ca" {
        return Err(format!("`{text}` is no name of a machine"));
    }
    Ok(text.to_owned())
}

/// The authority of a folder, made if there is none.
fn authority(dir: &Path) -> anyhow::Result<Issuer<'static, KeyPair>> {
    let (certificate, key_file) = (dir.join("ca.pem"), dir.join("ca.key"));
    let mut params = CertificateParams::default();
    named(&mut params, "Tidegate");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // Names and keys are all that a certificate takes from its authority's.
    let key = match (read(&key_file)?, is_there(&certificate)?) {
        (Some(pem), true) => KeyPair::from_pem(&pem)
            .with_context(|| format!("{} holds no key", key_file.display()))?,
        (None, false) => {
            let key = KeyPair::generate()?;
            valid(&mut params, AUTHORITY_DAYS)?;
            durable::write(&key_file, key.serialize_pem().as_bytes())?;
            durable::write(&certificate, params.self_signed(&key)?.pem().as_bytes())?;
            say(format!("authority: {}", certificate.display()));
            key
        }
        (Some(_), false) => bail!("{} is missing beside its key", certificate.display()),
        (None, true) => bail!("{} is missing beside its certificate", key_file.display()),
    };
    Ok(Issuer::new(params, key))
}

fn named(params: &mut CertificateParams, name: &str) {
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
}

/// From yesterday on, for clocks differ.
fn valid(params: &mut CertificateParams, days: u32) -> anyhow::Result<()> {
    let today = jiff::Timestamp::from_millisecond(wall().as_ms())?;
    let today = today.to_zoned(TimeZone::UTC).date();
    let at = |days: i64| -> anyhow::Result<_> {
        let date = today.checked_add(days.days())?;
        let part = |part: i8| u8::try_from(part);
        Ok(date_time_ymd(date.year().into(), part(date.month())?, part(date.day())?))
    };
    params.not_before = at(-1)?;
    params.not_after = at(i64::from(days) + 1)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_machines_and_a_files() {
        for good in ["gw-1", "control.example", "10.0.0.5", "2001:db8::1"] {
            assert!(host(good).is_ok(), "{good}");
        }
        for bad in ["", "../x", "a/b", "a b", ".x", "ca", "é"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }
}

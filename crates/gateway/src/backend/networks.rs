//! To which addresses the gate may connect. Looked at after the name's lookup, so a name that changes
//! its address in between gains nothing: the address that was looked at is the one connected to.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Where backends may be. The default is everywhere but where no backend can be: link-local addresses
/// (a cloud's metadata service is at one of them), multicast, broadcast, and the address that is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    allowed: Vec<Network>,
    denied: Vec<Network>,
}

/// A range of addresses: `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    base: IpAddr,
    bits: u8,
}

/// A text that names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no network; write 10.0.0.0/8, fd00::/8 or one address, with a `!` before it to deny it"
)]
pub struct BadNetwork(String);

impl Networks {
    /// Reads a list. What has a `!` before it is denied in any case. If the list allows anything,
    /// only that is allowed.
    pub fn read<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, BadNetwork> {
        let mut networks = Self::default();
        for text in texts {
            match text.strip_prefix('!') {
                Some(denied) => networks.denied.push(denied.trim().parse()?),
                None => networks.allowed.push(text.trim().parse()?),
            }
        }
        Ok(networks)
    }

    /// May the gate connect to this address?
    pub(crate) fn allow(&self, address: IpAddr) -> bool {
        let address = plain(address);
        let is_in = |networks: &[Network]| networks.iter().any(|network| network.has(address));
        if is_in(&self.denied) {
            return false;
        }
        if self.allowed.is_empty() { !is_special(address) } else { is_in(&self.allowed) }
    }
}

/// An IPv4 address that is written as an IPv6 one is the same address.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => embedded(v6).unwrap_or(IpAddr::V6(v6)),
        IpAddr::V4(_) => address,
    }
}

fn embedded(address: Ipv6Addr) -> Option<IpAddr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| {
        IpAddr::from([
            high.to_be_bytes()[0],
            high.to_be_bytes()[1],
            low.to_be_bytes()[0],
            low.to_be_bytes()[1],
        ])
    };
    match (a, b, c, d, e, f) {
        // Mapped, and translated (NAT64).
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => Some(v4(g, h)),
        // 6to4.
        (0x2002, ..) => Some(v4(b, c)),
        _ => None,
    }
}

/// Is this an address at which no backend can be?
fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || v4.octets()[0] == 0
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || v6.is_multicast() || v6.is_unspecified() || v6 == METADATA
        }
    }
}

/// A cloud's metadata service in IPv6.
const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

impl Network {
    fn has(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let rest = 32 - u32::from(self.bits);
                base.to_bits().checked_shr(rest) == address.to_bits().checked_shr(rest)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let rest = 128 - u32::from(self.bits);
                base.to_bits().checked_shr(rest) == address.to_bits().checked_shr(rest)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let bad = || BadNetwork(text.to_owned());
        let (base, bits) =
            text.split_once('/').map_or((text, None), |(base, bits)| (base, Some(bits)));
        let base: IpAddr = base.parse().map_err(|_| bad())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(bad)?,
            None => most,
        };
        Ok(Self { base, bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(networks: &Networks, allowed: &[&str], denied: &[&str]) {
        for text in allowed {
            assert!(networks.allow(text.parse().unwrap()), "{text}");
        }
        for text in denied {
            assert!(!networks.allow(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn backends_are_anywhere_but_where_none_can_be() {
        check(
            &Networks::default(),
            &["127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "8.8.8.8", "fd00::1", "2001:db8::1"],
            &[
                "169.254.169.254",
                "::ffff:169.254.169.254",
                "64:ff9b::a9fe:a9fe",
                "2002:a9fe:a9fe::1",
                "fe80::1",
                "fd00:ec2::254",
                "224.0.0.1",
                "ff02::1",
                "255.255.255.255",
                "0.0.0.0",
                "0.1.2.3",
                "::",
                "::ffff:0.0.0.0",
            ],
        );
    }

    #[test]
    fn a_list_narrows_it_down() {
        let networks = Networks::read(["10.0.0.0/8", "!10.9.0.0/16", "fd00::/8", "127.0.0.1"]);
        check(
            &networks.unwrap(),
            &["10.0.0.1", "10.255.0.1", "::ffff:10.0.0.1", "fd12::1", "127.0.0.1"],
            &["10.9.0.1", "11.0.0.1", "8.8.8.8", "127.0.0.2", "::1", "169.254.169.254", "fe80::1"],
        );
        let denied = Networks::read(["!127.0.0.0/8"]).unwrap();
        check(&denied, &["10.0.0.1"], &["127.0.0.1", "127.255.255.255", "169.254.1.1"]);
        let all = Networks::read(["0.0.0.0/0", "::/0"]).unwrap();
        check(&all, &["169.254.169.254", "0.0.0.0", "fe80::1"], &[]);
        for text in
            ["10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "host", "", "!", "10.0.0.0/"]
        {
            assert!(Networks::read([text]).is_err(), "{text}");
        }
    }
}

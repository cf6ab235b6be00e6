//! To which addresses the gate may connect. Looked at after the name's lookup, so a name that changes
//! its address in between gains nothing: the address that was looked at is the one connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Where backends may be. The default is everywhere but in special ranges: loopback,
/// link-local addresses (a cloud's metadata service is at one of them), multicast, broadcast, and the
/// address that is none. A network that is allowed opens a special range only if it lies within it, so
/// `0.0.0.0/0` opens none of them.
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
    /// Everywhere, loopback included: for a development server, whose backends are on the same machine.
    #[must_use]
    pub fn with_loopback() -> Self {
        let allowed = [ANYWHERE, ANYWHERE_V6, LOOPBACK, LOOPBACK_V6].to_vec();
        Self { allowed, denied: Vec::new() }
    }

    /// Reads a list. What has a `!` before it is denied in any case. If the list allows anything,
    /// only that is allowed, and a special range only where a network within it is named.
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
        match SPECIAL.iter().find(|range| range.has(address)) {
            Some(range) => {
                let opens = |network: &&Network| network.bits >= range.bits;
                self.allowed.iter().filter(opens).any(|network| network.has(address))
            }
            None => self.allowed.is_empty() || is_in(&self.allowed),
        }
    }
}

/// An IPv4 address that is written as an IPv6 one is the same address.
pub(super) fn plain(address: IpAddr) -> IpAddr {
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
        // Mapped, and translated (NAT64, by the well-known prefix and the local one).
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) | (0x64, 0xff9b, 1, ..) => {
            Some(v4(g, h))
        }
        // Compatible (RFC 4291 2.5.5.1); `::` and `::1` are no such addresses.
        (0, 0, 0, 0, 0, 0) if g != 0 => Some(v4(g, h)),
        // 6to4.
        (0x2002, ..) => Some(v4(b, c)),
        _ => None,
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Network {
    Network { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
}

const fn v6(base: Ipv6Addr, bits: u8) -> Network {
    Network { base: IpAddr::V6(base), bits }
}

const ANYWHERE: Network = v4(0, 0, 0, 0, 0);
const ANYWHERE_V6: Network = v6(Ipv6Addr::UNSPECIFIED, 0);
const LOOPBACK: Network = v4(127, 0, 0, 0, 8);
const LOOPBACK_V6: Network = v6(Ipv6Addr::LOCALHOST, 128);

/// Ranges in which no backend is expected: each is closed unless a network within it is allowed by name.
const SPECIAL: [Network; 10] = [
    LOOPBACK,
    LOOPBACK_V6,
    // Link-local; clouds keep their metadata there.
    v4(169, 254, 0, 0, 16),
    v6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    v6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128),
    // Multicast, broadcast and reserved.
    v4(224, 0, 0, 0, 3),
    v6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
    // No address; connecting to it reaches this machine.
    v4(0, 0, 0, 0, 8),
    v6(Ipv6Addr::UNSPECIFIED, 128),
    // Shared by clouds for services of the host, one of them metadata.
    v4(100, 100, 100, 200, 32),
];

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
            &["10.1.2.3", "192.168.0.1", "8.8.8.8", "fd00::1", "2001:db8::1"],
            &[
                "127.0.0.1",
                "127.255.255.254",
                "::1",
                "::ffff:127.0.0.1",
                "::127.0.0.1",
                "64:ff9b::7f00:1",
                "64:ff9b:1::7f00:1",
                "2002:7f00:1::1",
                "100.100.100.200",
                "240.0.0.1",
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
        check(&all, &["10.0.0.1", "fd12::1"], &["127.0.0.1", "::1", "169.254.169.254", "0.0.0.0"]);
        let named = Networks::read(["0.0.0.0/0", "127.0.0.0/8", "169.254.169.254", "fe80::/10"]);
        check(
            &named.unwrap(),
            &["10.0.0.1", "127.0.0.1", "::ffff:127.9.9.9", "169.254.169.254", "fe80::1"],
            &["169.254.169.253", "::1", "0.0.0.0", "fd12::1"],
        );
        check(
            &Networks::with_loopback(),
            &["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "2001:db8::1"],
            &["169.254.169.254", "0.0.0.0", "fe80::1", "224.0.0.1"],
        );
        for text in
            ["10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "host", "", "!", "10.0.0.0/"]
        {
            assert!(Networks::read([text]).is_err(), "{text}");
        }
    }
}

//! The listeners of this process, which are never backends: through one of them an API would reach what
//! only operators, gateways or proxies may reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::networks::plain;

/// The addresses this process and its control side listen on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnListeners(Vec<SocketAddr>);

impl OwnListeners {
    /// Is there a listener of this process at `address`?
    pub(super) fn has(&self, address: SocketAddr) -> bool {
        let ip = plain(address.ip());
        let mut at_port = self.0.iter().filter(|own| own.port() == address.port()).peekable();
        if at_port.peek().is_none() {
            return false;
        }
        at_port.any(|own| own.ip() == ip || (own.ip().is_unspecified() && is_of_this_machine(ip)))
    }
}

impl FromIterator<SocketAddr> for OwnListeners {
    fn from_iter<I: IntoIterator<Item = SocketAddr>>(addresses: I) -> Self {
        Self(addresses.into_iter().map(|own| (plain(own.ip()), own.port()).into()).collect())
    }
}

/// Whether the machine has this address: the source of packets to it would be the address itself. Sends
/// nothing. An address that cannot be looked at counts as one of the machine's.
fn is_of_this_machine(ip: IpAddr) -> bool {
    if ip.is_loopback() || ip.is_unspecified() {
        return true;
    }
    let any: IpAddr = match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let Ok(socket) = UdpSocket::bind((any, 0)) else { return true };
    // No route to it: no connection either.
    let routed = socket.connect((ip, 9)).and_then(|()| socket.local_addr());
    routed.is_ok_and(|source| source.ip() == ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_found_however_its_address_is_written() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let own: OwnListeners =
            ["127.0.0.1:1", "0.0.0.0:2", "[::]:3", "10.0.0.7:4"].map(at).into_iter().collect();
        for (address, is_own) in [
            ("127.0.0.1:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("127.0.0.2:1", false),
            ("127.0.0.2:2", true),
            ("[::1]:2", true),
            ("127.0.0.1:3", true),
            ("[64:ff9b::7f00:1]:3", true),
            ("0.0.0.0:3", true),
            ("10.0.0.7:4", true),
            ("10.0.0.8:4", false),
            ("127.0.0.1:5", false),
            ("192.0.2.1:2", false),
        ] {
            assert_eq!(own.has(at(address)), is_own, "{address}");
        }
    }
}

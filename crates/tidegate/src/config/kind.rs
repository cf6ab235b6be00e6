//! The kinds of processes: where each listens, and what it cannot do without.

use std::net::SocketAddr;

use super::values::Config;
use crate::addresses::Addresses;
use crate::faults::Faults;

/// What a process is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// `tidegate serve`.
    #[value(name = "serve")]
    Both,
    /// `tidegate control`.
    Control,
    /// `tidegate gateway`.
    Gateway,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Both, Self::Control, Self::Gateway];

    /// The command that starts one.
    pub const fn command(self) -> &'static str {
        match self {
            Self::Both => "tidegate serve",
            Self::Control => "tidegate control",
            Self::Gateway => "tidegate gateway",
        }
    }
}

impl Config {
    /// Where a process of this kind listens.
    pub fn addresses(&self, kind: Kind) -> Addresses {
        let (has_control, has_gateway) = (kind != Kind::Gateway, kind != Kind::Control);
        let of_control = |address: Option<SocketAddr>| address.filter(|_| has_control);
        let of_gateway = |address: Option<SocketAddr>| address.filter(|_| has_gateway);
        Addresses {
            control: of_control(Some(self.control_addr)),
            feed: of_control(self.feed.addr),
            gateway: of_gateway(Some(self.gateway_addr)),
            check: of_gateway(self.check_addr),
            ext_authz: of_gateway(self.ext_authz_addr),
            metrics: self.metrics_addr,
        }
    }

    /// What these settings are for, as far as they tell: who names whom to follow is a gateway alone.
    pub fn kind(&self) -> Kind {
        if self.feed.control.is_empty() { Kind::Both } else { Kind::Gateway }
    }

    /// What a process of this kind cannot do without.
    pub fn suits(&self, kind: Kind) -> Result<(), Faults> {
        let fault =
            match kind {
                Kind::Both => None,
                Kind::Control => self.feed.addr.is_none().then_some(
                    "a control side alone needs `feed_addr`, or no gateway can follow it",
                ),
                Kind::Gateway => self.feed.control.is_empty().then_some(
                    "a gateway alone needs --control URL or `control_urls`: whom it follows",
                ),
            };
        fault.map_or(Ok(()), |fault| Err(Faults(vec![fault.to_owned()])))
    }
}

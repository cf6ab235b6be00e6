//! What may be said of gateways.

use tidegate_domain::Timestamp;
use tidegate_store::{Gateway, Revision};

/// What may be said of a gateway, as to some revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayState {
    /// It enforces it.
    Enforces {
        /// From when on, at the latest.
        since: Timestamp,
    },
    /// It may decide on less.
    Awaited {
        /// Until when, at the latest.
        until: Timestamp,
    },
    /// Its lease is over, so it denies everything.
    Lapsed {
        /// From when on, about.
        since: Timestamp,
    },
}

/// A gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayShown {
    /// What it told.
    pub gateway: Gateway,
    /// What may be said of it.
    pub state: GatewayState,
    /// Is its lease over, whatever it enforces?
    pub is_lapsed: bool,
    /// When its lease is over at the latest, if nothing more is heard of it.
    pub ends_at: Timestamp,
}

/// Who enforces a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enforcement {
    /// The revision.
    pub revision: Revision,
    /// All gateways, by id.
    pub gateways: Vec<GatewayShown>,
    /// Has the store lost the revision? Then it went back to an earlier state, and nobody enforces it.
    pub is_lost: bool,
}

impl Enforcement {
    /// Is there no gateway that may decide on less, and does the store still have the revision?
    pub fn is_enforced(&self) -> bool {
        !self.is_lost && self.awaited().next().is_none()
    }

    /// Those that may decide on less.
    pub fn awaited(&self) -> impl Iterator<Item = &GatewayShown> {
        let awaits = |shown: &&GatewayShown| matches!(shown.state, GatewayState::Awaited { .. });
        self.gateways.iter().filter(awaits)
    }
}

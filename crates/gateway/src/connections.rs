//! The listeners of a gateway, and how many connections each has open.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::slots::Slots;

/// What connections come in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// The proxy.
    Gateway,
    /// The check service over HTTP.
    Check,
    /// The check service over gRPC.
    ExtAuthz,
}

impl Listener {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Gateway, Self::Check, Self::ExtAuthz];

    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Check => "check",
            Self::ExtAuthz => "ext_authz",
        }
    }
}

/// How many connections a listener has open.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    slots: OnceLock<Slots>,
}

impl Connections {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// How many were closed to make room for others, and how many were not let in.
    pub fn shed_and_refused(&self) -> (u64, u64) {
        self.0.slots.get().map(Slots::shed_and_refused).unwrap_or_default()
    }

    /// The room for connections, shared by all that are counted here: the first one that is given.
    pub(crate) fn slots(&self, first: Slots) -> Slots {
        self.0.slots.get_or_init(|| first).clone()
    }

    /// Counts one more, until what is returned is dropped.
    pub(crate) fn one_more(&self) -> Open {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }
}

/// An open connection.
pub(crate) struct Open(Connections);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

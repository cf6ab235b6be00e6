//! The listeners of a node, and how many connections each has open.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::slots::Slots;

/// What connections come in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// The control side.
    Control,
    /// The feed for gateways on other machines.
    Feed,
    /// The proxy.
    Gateway,
    /// The check service over HTTP.
    Check,
    /// The check service over gRPC.
    ExtAuthz,
    /// The metrics.
    Metrics,
}

impl Listener {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Control, Self::Feed, Self::Gateway, Self::Check, Self::ExtAuthz, Self::Metrics];

    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Feed => "feed",
            Self::Gateway => "gateway",
            Self::Check => "check",
            Self::ExtAuthz => "ext_authz",
            Self::Metrics => "metrics",
        }
    }
}

/// The connections of a node, by listener. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct Listeners([Connections; Listener::ALL.len()]);

impl Listeners {
    /// Those of a listener.
    pub fn of(&self, listener: Listener) -> &Connections {
        let [control, feed, gateway, check, ext_authz, metrics] = &self.0;
        match listener {
            Listener::Control => control,
            Listener::Feed => feed,
            Listener::Gateway => gateway,
            Listener::Check => check,
            Listener::ExtAuthz => ext_authz,
            Listener::Metrics => metrics,
        }
    }

    /// The figures of the listeners that are served.
    pub fn served(&self) -> impl Iterator<Item = (Listener, ConnectionFigures)> {
        Listener::ALL.into_iter().filter_map(|which| Some((which, self.of(which).figures()?)))
    }
}

/// The connections of a listener. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    slots: OnceLock<Slots>,
}

/// How many connections a listener has, and what became of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionFigures {
    /// Open ones.
    pub open: usize,
    /// Those that were closed to make room for others.
    pub shed: u64,
    /// Those that were not let in, for their peer had as many as it may have.
    pub refused: u64,
}

impl Connections {
    /// How many are open.
    pub fn count(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// The figures; none of a listener that is not served.
    pub fn figures(&self) -> Option<ConnectionFigures> {
        let (shed, refused) = self.0.slots.get()?.shed_and_refused();
        Some(ConnectionFigures { open: self.count(), shed, refused })
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

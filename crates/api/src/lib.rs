//! HTTP of the control side: authentication, the DataArts routes, the IAM routes, and the few of our
//! own beside them.
//!
//! A handler turns a `Call` into a command or a query and its outcome into a
//! `Reply`. It decides nothing: rights are checked where the command is carried out.

mod authenticate;
mod bodies;
mod call;
pub mod dev;
mod fault;
mod handlers;
mod limits;
mod peer;
mod reply;
mod routes;
mod wait;
pub mod world;

use std::sync::Arc;

use tidegate_control::{Control, Revision};
use tidegate_domain::Timestamp;
use tidegate_sign::Secret;

pub use bodies::Bodies;
pub use limits::{BODY_LIMIT, SIGNATURE_WINDOW_SECONDS};
pub use peer::{Hold, Peer};
pub use routes::{Access, ROUTES, Route, router};
pub use wait::LONGEST_SECONDS;

/// The two times of a server. They differ only where a development server's clock was moved.
#[derive(Clone)]
pub struct Clock {
    /// The time decisions are made at.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The time of day, against which the age of a signature is measured: a client signs by its own
    /// clock and knows nothing of a moved one.
    pub wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// What the routes work with.
#[derive(Clone)]
pub struct Api {
    /// The use cases.
    pub control: Arc<Control>,
    /// The times.
    pub clock: Clock,
    /// Opens the operator's routes; without one they are closed.
    pub operator_token: Option<Secret>,
    /// The id of the gateway of this process, if it has one: who was told that a change is made finds
    /// it enforced there.
    pub own_gateway: Option<String>,
    /// The memory for the bodies of calls.
    pub bodies: Bodies,
}

impl Api {
    /// Waits, within bounds, until the gate of this process enforces a change.
    async fn own_gate_enforces(&self, revision: Revision) {
        let Some(gateway) = &self.own_gateway else { return };
        if !self.control.acknowledged(gateway, revision, wait::OWN_GATE).await {
            tracing::warn!(%revision, "the gate is late; the change is answered all the same");
        }
    }
}

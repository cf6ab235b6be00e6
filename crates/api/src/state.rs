//! What the routes work with.

use std::sync::Arc;

use tidegate_control::{Control, Revision};
use tidegate_domain::Timestamp;
use tidegate_sign::Secret;

use crate::bodies::Bodies;
use crate::wait::OWN_GATEWAY;

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
    /// Waits, for `OWN_GATEWAY` at most, until the gateway of this process enforces a change.
    pub(crate) async fn own_gateway_enforces(&self, revision: Revision) {
        let Some(gateway) = &self.own_gateway else { return };
        if !self.control.acknowledged(gateway, revision, OWN_GATEWAY).await {
            tracing::warn!(%revision, "the gateway of this process is late: the change is answered before it is enforced here");
        }
    }
}

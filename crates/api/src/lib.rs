//! HTTP of the control side: authentication, the DataArts routes, the IAM routes, and the few of our
//! own beside them.
//!
//! A handler turns a `Call` into a command or a query and its outcome into a
//! `Reply`. It decides nothing: rights are checked where the command is carried out.

mod authenticate;
mod call;
pub mod dev;
mod fault;
mod handlers;
mod reply;
mod routes;
pub mod world;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tidegate_control::Control;
use tidegate_domain::Timestamp;
use tidegate_sign::Secret;

pub use routes::{Access, ROUTES, Route, router};

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
    /// The gate of this process, if it has one.
    pub gate: Option<Arc<dyn LocalGate>>,
}

/// A gate in the same process. Who was told that a change is made finds it enforced there.
pub trait LocalGate: Send + Sync {
    /// Ends once the gate decides at this revision or a later one.
    fn reached(&self, revision: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// How long an answer waits for the gate at most. The change is durable either way.
const GATE_WAIT: Duration = Duration::from_secs(1);

impl Api {
    /// Waits, within bounds, until the gate of this process knows a change.
    async fn enforced(&self, revision: u64) {
        let Some(gate) = &self.gate else { return };
        if tokio::time::timeout(GATE_WAIT, gate.reached(revision)).await.is_err() {
            tracing::warn!(revision, "the gate is late; the change is answered all the same");
        }
    }
}

/// The largest body a call may have, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// How old or how far ahead a signature may be, in seconds.
pub const SIGNATURE_WINDOW_SECONDS: i64 = 15 * 60;

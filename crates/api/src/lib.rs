//! HTTP of the control side: authentication, the DataArts routes, the IAM routes, and the few of our
//! own beside them.
//!
//! A handler turns a [`call::Call`] into a command or a query and its outcome into a
//! [`reply::Reply`]. It decides nothing: rights are checked where the command is carried out.

mod authenticate;
mod call;
pub mod dev;
mod fault;
mod handlers;
mod reply;
mod routes;
pub mod world;

use std::sync::Arc;

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
}

/// The largest body a call may have, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// How old or how far ahead a signature may be, in seconds.
pub const SIGNATURE_WINDOW_SECONDS: i64 = 15 * 60;

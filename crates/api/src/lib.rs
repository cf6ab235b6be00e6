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
mod state;
mod wait;
pub mod world;

pub use bodies::Bodies;
pub use limits::{BODY_LIMIT, SIGNATURE_WINDOW_SECONDS};
pub use peer::{Hold, Peer};
pub use routes::{Access, ROUTES, Route, router};
pub use state::{Api, Clock};
pub use wait::LONGEST_SECONDS;

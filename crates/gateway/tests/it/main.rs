//! The gate as its callers, its backends and its control side see it: real sockets, a real backend,
//! an injected clock, and a source that lives in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that fails panics

mod asking;
mod authority;
mod backends;
mod beside;
mod bodies;
mod denials;
mod floods;
mod following;
mod forwarding;
mod grants;
mod incidents;
mod limits;
mod proof;
mod questions;
mod serving;
mod snapshots;
mod straight;
mod streams;
mod strict;
mod telling;
mod tenants;
mod tls;
mod verbatim;
mod websockets;
mod world;

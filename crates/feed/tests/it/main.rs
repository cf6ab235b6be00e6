//! The feed between machines: its format, and both of its ends under faults.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod every_field;
mod format;
mod messages;
mod network;
mod older;
mod sample;
mod tls;
mod token;
mod versions;
mod world;

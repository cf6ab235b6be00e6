//! Black-box tests of signing and checking: published vectors, tables of refusals, flipped bits and
//! properties.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the lints spare test functions, but not the functions they share"
)]

mod dates;
mod flips;
mod properties;
mod reference;
mod refusals;
mod rules;
mod support;
mod targets;
mod vectors;
mod verdicts;

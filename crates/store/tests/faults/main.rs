//! Faults injected at every call that writes, syncs or speaks to a server. After each one: what was
//! acknowledged is there, what was refused is not, readiness tells the truth, and the next change
//! works without a restart.
//!
//! A test run makes some hundred trials. `TIDEGATE_FAULTS=10000 cargo test -p tidegate-store --test
//! faults -- --nocapture` makes at least that many of each kind, and says what became of them.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that fails panics

mod ledger;
mod postgres;
mod relay;
mod sqlite;

/// How many trials a test shall make at least.
fn trials(usually: u64) -> u64 {
    std::env::var("TIDEGATE_FAULTS").map_or(usually, |number| number.parse().unwrap())
}

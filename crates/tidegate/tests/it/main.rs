//! The real binary, from outside: started, called, moved in time, stopped and killed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod apply;
mod backup;
mod beside;
mod checks;
#[cfg(target_os = "linux")]
mod clock;
mod commands;
mod config;
mod crash;
mod displaced;
mod docs;
mod doctor;
mod enforced;
mod files;
mod first_run;
mod help;
mod kill;
#[cfg(target_os = "linux")]
mod log;
mod machines;
mod metrics;
mod mistakes;
mod nodes;
mod notices;
mod observing;
mod postgres;
mod receiver;
mod recorder;
mod restart;
mod rules;
mod serve;
mod support;
mod terminal;
mod tls;
mod world;

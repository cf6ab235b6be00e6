//! The control side over HTTP: signed requests in, answers out, no socket between.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a story that cannot go on fails")]

mod authentication;
mod clients;
mod enforcement;
mod forms;
mod matrix;
mod site;
mod tokens;

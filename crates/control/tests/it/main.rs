//! Stories of the control side: who does what, when, and what the gate then does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a story that cannot go on fails")]

mod admin;
mod batch;
mod everything;
mod faulty;
mod gateways;
mod guards;
mod history;
mod hosts;
mod lifecycle;
mod messages;
mod nodes;
mod people;
mod rules;
mod shutdown;
mod undone;
mod unreadable;
mod workspaces;

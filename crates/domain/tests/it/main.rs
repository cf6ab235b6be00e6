//! The lifecycle, told as tables, stories and properties.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admission_rules;
mod cast;
mod corners;
mod golden;
mod model;
mod ops;
mod properties;
mod publication_rules;
mod publication_table;
mod refusals;
mod say;
mod standing_bugs;
mod standing_rules;
mod standing_states;
mod standing_table;
mod world;

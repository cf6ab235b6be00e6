//! Reads the sources of this workspace for rules that the compiler does not check: that the modules of a crate
//! depend downwards only.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // used by tests alone: one that fails panics

mod files;
mod imports;
mod modules;
mod order;

pub use files::files;
pub use imports::Import;
pub use modules::Sources;
pub use order::{cycles, levels};

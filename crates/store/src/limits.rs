//! The limits of a store.

/// How many of the last revisions are remembered with their stamps. Who has fallen further behind learns
/// everything anew.
pub const REMEMBERED: u64 = 1 << 17;

/// How many setbacks are kept for an operator to see.
pub const SETBACKS: u64 = 64;

/// How many former names of the history are kept.
pub const FORMER_EPOCHS: u64 = 64;

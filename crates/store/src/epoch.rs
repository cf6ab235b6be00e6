//! Drawing the name of a store's history.

use std::hash::{BuildHasher, Hasher, RandomState};

/// 32 hex digits that no other store has. They need to be different, not secret, so the randomness
/// with which the standard library seeds its hash tables is enough.
pub fn draw() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

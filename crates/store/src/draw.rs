//! Drawing the name of a history, and the stamp of each of its revisions.

use crate::{Result, StoreError};

/// 32 hex digits that nothing else has. They come from the operating system, never from the memory of this
/// process: a machine that was put back to an earlier state must not draw the same again.
pub fn name() -> Result<String> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| StoreError::Engine("the operating system gave no randomness".to_owned()))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

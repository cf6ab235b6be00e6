//! Randomness of the operating system, and its usual spelling.

use anyhow::anyhow;
pub use tidegate_sign::hex;

/// `N` random bytes.
pub fn bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| anyhow!("the operating system gave no randomness"))?;
    Ok(bytes)
}

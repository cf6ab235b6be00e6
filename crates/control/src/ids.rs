//! New ids, keys and secrets, from the operating system's randomness.

use tidegate_sign::hex;

use crate::error::VaultError;

/// `BYTES` random bytes.
pub(crate) fn random<const BYTES: usize>() -> Result<[u8; BYTES], VaultError> {
    let mut bytes = [0; BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| VaultError::NoRandomness)?;
    Ok(bytes)
}

/// 32 lower-case hex digits, the form of the vendor's ids and keys.
pub(crate) fn hex32() -> Result<String, VaultError> {
    Ok(hex(&random::<16>()?))
}

/// An id that can be drawn.
pub(crate) trait DrawnId: Sized {
    fn draw() -> Result<Self, VaultError>;
}

macro_rules! drawn {
    ($($kind:ident),+) => {$(
        impl DrawnId for tidegate_domain::$kind {
            fn draw() -> Result<Self, VaultError> {
                Self::parse(&hex32()?).map_err(|_| VaultError::NoRandomness)
            }
        }
    )+};
}

drawn!(ApiId, AppId, ApplicationId, NoticeId, UserId);

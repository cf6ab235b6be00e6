//! What can go wrong in a use case: it was refused, or something broke.

use tidegate_domain::Refusal;
use tidegate_store::StoreError;

use crate::proof::Unproven;
use crate::vault::VaultError;

/// Why a use case did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was refused: the caller can read why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed: the caller learns only that something did.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This node may not decide now; another may.
    #[error(transparent)]
    Unproven(#[from] Unproven),
    /// A secret cannot be opened or sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// A use case's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

//! What can go wrong in a use case: it was refused, or something broke.

use tidegate_domain::Refusal;
use tidegate_store::StoreError;

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

/// Why a node may not decide, in its own eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// It has not heard the store's time yet.
    #[error("the store's time is not known yet")]
    NotYet,
    /// Its clock and the store's disagree.
    #[error("the clock of this node is {by_ms} ms off the store's")]
    ClockOff {
        /// By how much this node is ahead, in milliseconds.
        by_ms: i64,
    },
    /// Its clock was set since it last agreed with the store's.
    #[error("the clock of this node has jumped by {by_ms} ms")]
    ClockJumped {
        /// Forward by how much, in milliseconds.
        by_ms: i64,
    },
    /// Its clock is further ahead than time can have passed.
    #[error("the clock of this node is {} ahead of what is plausible: set it, or say that it is right \
             (`tidegate store trust-clock`)", span(*.by_ms))]
    ClockAhead {
        /// By how much, in milliseconds.
        by_ms: i64,
    },
    /// Its clock is behind the last decision.
    #[error("the clock of this node is {} behind the last decision: set it, or say that it is right \
             (`tidegate store trust-clock`)", span(*.by_ms))]
    ClockBehind {
        /// By how much, in milliseconds.
        by_ms: i64,
    },
}

/// A span of some hours or more, for people.
fn span(ms: i64) -> String {
    let hours = ms / 3_600_000;
    if hours < 48 { format!("{hours} h") } else { format!("{} days", hours / 24) }
}

/// Why a secret cannot be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The key is no key.
    #[error("the vault's key must have 32 bytes")]
    BadKey,
    /// A sealed secret does not open: another key, another row, or damage.
    #[error("a sealed secret does not open with this key; is it the key this store was made with?")]
    DoesNotOpen,
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    NoRandomness,
    /// The store was made with another key.
    #[error("the key does not fit the store: its secrets were sealed with another one")]
    OtherKey,
}

/// Why a world cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The world contradicts itself or what is there.
    #[error("{0}")]
    Wrong(String),
    /// Somebody changed a password since it was compared with the one of the world.
    #[error("another world was applied at the same time; try again")]
    Overtaken,
    /// Something broke.
    #[error(transparent)]
    Broken(#[from] Error),
}

impl From<StoreError> for WorldError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken { what } => {
                let what = what.strip_prefix("the ").unwrap_or("unique value");
                Self::Wrong(format!("two users would have the same {what}"))
            }
            other => Self::Broken(other.into()),
        }
    }
}

impl From<VaultError> for WorldError {
    fn from(error: VaultError) -> Self {
        Self::Broken(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_users_would_share_is_named_once() {
        for (what, said) in [
            ("the access key", "two users would have the same access key"),
            ("the user name", "two users would have the same user name"),
            ("a unique value", "two users would have the same unique value"),
        ] {
            assert_eq!(WorldError::from(StoreError::Taken { what }).to_string(), said);
        }
    }
}

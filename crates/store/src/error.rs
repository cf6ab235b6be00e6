//! Why the store could not do what it was asked.

use crate::records::Damaged;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine failed: disk full, file damaged.
    #[error("the store failed: {0}")]
    Engine(String),
    /// The engine cannot be reached, is too busy to answer in time, or has no room or no disk that
    /// works. Nothing was written.
    #[error("the store is unavailable: {0}")]
    Away(String),
    /// The engine takes no writes: it is a copy of another one, or was told to be. Nothing was written.
    #[error("the store is read-only: it is a standby, or no longer the primary")]
    ReadOnly,
    /// The connection was lost while the engine committed: nobody here knows whether it did.
    #[error("whether the store has committed is not known: {0}")]
    Unknown(String),
    /// What was to be done under a duty is another node's by now. Nothing was written.
    #[error("the duty is another node's")]
    DutyLost,
    /// A row does not make sense. Nothing is guessed: it must be mended by hand.
    #[error("{table} {id}: the column {column} does not make sense")]
    BadRow {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row.
        id: String,
    },
    /// A value that must be unique is there already.
    #[error("{what} is taken")]
    Taken {
        /// The value's kind.
        what: &'static str,
    },
    /// The engine undid the transaction in favour of another writer's. Nothing was written: the same
    /// may be tried again from its beginning.
    #[error("another writer came between")]
    Conflict,
}

impl StoreError {
    /// The record that makes no sense, if that is the error.
    ///
    /// # Errors
    ///
    /// Any other error, as it was.
    pub fn into_damaged(self) -> std::result::Result<Damaged, Self> {
        match self {
            Self::BadRow { table, column, id } => Ok(Damaged { table, column, id }),
            other => Err(other),
        }
    }
}

/// The store's result.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

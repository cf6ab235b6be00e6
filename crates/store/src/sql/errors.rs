//! What the errors of an engine mean.

use sea_orm::{DbErr, RuntimeErr, SqlErr};
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use sqlx::sqlite::SqliteError;

use crate::error::StoreError;

/// What engines say when two transactions cannot both be: they would not have been one after the
/// other, or they wait for each other.
const CONFLICTS: [&str; 2] = ["40001", "40P01"];

/// What engines say when they take no writes.
const READ_ONLY: &str = "25006";

/// What servers say, or how it begins, when they go, come, have no room or no disk that works, or
/// let a lock or a statement be waited for too long.
const AWAY: [&str; 8] = ["08", "25P03", "25P04", "53", "55P03", "57014", "57P", "58030"];

/// Those of them after which a session has ended.
const AWAY_FOR_GOOD: [&str; 2] = ["08", "57P"];

/// SQLite's primary result codes.
mod sqlite {
    pub const BUSY: u8 = 5;
    pub const LOCKED: u8 = 6;
    pub const NO_MEMORY: u8 = 7;
    pub const READONLY: u8 = 8;
    pub const INTERRUPTED: u8 = 9;
    pub const IO: u8 = 10;
    pub const FULL: u8 = 13;
    pub const CANNOT_OPEN: u8 = 14;
    pub const PROTOCOL: u8 = 15;
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(_)) = error.sql_err() {
            return Self::Taken { what: "a unique value" };
        }
        match cause(&error) {
            Some(cause) => Self::from(cause),
            None if matches!(error, DbErr::ConnectionAcquire(_)) => Self::Away(error.to_string()),
            None => Self::Engine(error.to_string()),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&sqlx::Error> for StoreError {
    fn from(error: &sqlx::Error) -> Self {
        let Some(told) = error.as_database_error() else {
            return match error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => Self::Away(error.to_string()),
                _ => Self::Engine(error.to_string()),
            };
        };
        if let Some(told) = told.try_downcast_ref::<SqliteError>() {
            return from_sqlite(told);
        }
        let code = told.code().unwrap_or_default();
        if CONFLICTS.contains(&&*code) {
            Self::Conflict
        } else if code == READ_ONLY {
            Self::ReadOnly
        } else if AWAY.iter().any(|away| code.starts_with(away)) {
            Self::Away(error.to_string())
        } else {
            Self::Engine(error.to_string())
        }
    }
}

/// What SQLite's error means. Every extended code has its primary one in its lowest byte.
fn from_sqlite(error: &SqliteError) -> StoreError {
    match primary(error) {
        Some(sqlite::READONLY) => StoreError::ReadOnly,
        Some(
            sqlite::BUSY
            | sqlite::LOCKED
            | sqlite::NO_MEMORY
            | sqlite::INTERRUPTED
            | sqlite::IO
            | sqlite::FULL
            | sqlite::CANNOT_OPEN
            | sqlite::PROTOCOL,
        ) => StoreError::Away(error.to_string()),
        _ => StoreError::Engine(error.to_string()),
    }
}

fn primary(error: &SqliteError) -> Option<u8> {
    let code: u32 = error.code()?.parse().ok()?;
    code.to_le_bytes().first().copied()
}

/// What a commit that failed means. A server that says why has not committed, unless it ended with
/// those words; SQLite has not, when it got no lock or had no room for the last page. Any other may
/// have: a page whose sync failed may still be found by a recovery.
pub fn after_commit(error: &sqlx::Error) -> StoreError {
    let told = error.as_database_error();
    let is_known = if let Some(told) = told.and_then(|it| it.try_downcast_ref::<SqliteError>()) {
        matches!(primary(told), Some(sqlite::BUSY | sqlite::LOCKED | sqlite::FULL))
    } else if let Some(told) = told.and_then(|it| it.try_downcast_ref::<PgDatabaseError>()) {
        let code = told.code();
        matches!(told.severity(), PgSeverity::Error)
            && !AWAY_FOR_GOOD.iter().any(|away| code.starts_with(away))
    } else {
        false
    };
    if is_known { error.into() } else { StoreError::Unknown(error.to_string()) }
}

fn cause(error: &DbErr) -> Option<&sqlx::Error> {
    let (DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause)) = error else {
        return None;
    };
    match cause {
        RuntimeErr::SqlxError(cause) => Some(cause),
        RuntimeErr::Internal(_) => None,
    }
}

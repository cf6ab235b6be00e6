//! What is known of the way a change takes: whether it has led to a kept change of late.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sea_orm::{DbBackend, Statement};
use tokio::time::Instant;

use super::limits::ANSWER;
use super::pool::Pool;
use crate::{Result, Revision, StoreError};

/// The writer's path, and a reader beside it.
pub struct WritePath {
    /// A connection that sees what others see. On SQLite only: there the library that commits is
    /// this process, and must not be its own witness. The answer of a server is that of another.
    witness: Option<Pool>,
    /// When a commit last succeeded; none since a failure.
    proven: Mutex<Option<Instant>>,
}

impl WritePath {
    /// A path nothing is known of.
    pub fn new(witness: Option<Pool>) -> Self {
        Self { witness, proven: Mutex::default() }
    }

    /// Makes sure that others see a revision which was committed. If that cannot be made sure of,
    /// nobody knows.
    pub async fn see(&self, revision: Revision) -> Result<()> {
        let Some(witness) = &self.witness else { return Ok(()) };
        let head = Statement::from_string(DbBackend::Sqlite, "SELECT revision FROM head");
        let row = witness.row(ANSWER, &head).await.map_err(|error| unseen(&error))?;
        let seen = row.map(|row| row.try_get_by_index::<i64>(0)).transpose();
        match seen.map_err(|error| unseen(&error))? {
            Some(seen) if seen >= revision.column() => Ok(()),
            seen => Err(unseen(&format!("a reader sees {}", seen.unwrap_or_default()))),
        }
    }

    /// Closes the reader beside it.
    pub async fn close(&self) {
        if let Some(witness) = &self.witness {
            witness.close().await;
        }
    }

    /// Remembers what became of a change.
    pub fn note<T>(&self, outcome: &Result<T>) {
        match outcome {
            Ok(_) => *self.lock() = Some(Instant::now()),
            Err(
                StoreError::Engine(_)
                | StoreError::Away(_)
                | StoreError::ReadOnly
                | StoreError::Unknown(_),
            ) => self.doubt(),
            // What says so has found the path open.
            Err(
                StoreError::Taken { .. }
                | StoreError::Conflict
                | StoreError::DutyLost
                | StoreError::BadRow { .. },
            ) => {}
        }
    }

    /// Something has failed: the path must be proven anew.
    pub fn doubt(&self) {
        *self.lock() = None;
    }

    /// Whether a change was kept within this time, and none has failed since.
    pub fn is_proven(&self, within: Duration) -> bool {
        self.lock().is_some_and(|at| at.elapsed() <= within)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unseen(why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unknown(format!("what was committed cannot be read back: {why}"))
}

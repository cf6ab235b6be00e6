//! A database transaction that ends for certain.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sqlx::Error;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{Connection, Pool, Pooled};
use crate::sql::errors::after_commit;
use crate::sql::limits::{ANSWER, COMMIT, SIGN_OF_LIFE};
use crate::sql::write_path::WritePath;
use crate::{Result, StoreError};

/// A transaction, and its connection. Dropped, it is rolled back in the background, within a limit,
/// or its connection is closed, which does the same.
pub struct SqlTransaction {
    backend: DbBackend,
    limit: Duration,
    state: Mutex<State>,
    /// Of a writer: what is known of its path, and its turn, which passes on after the rollback.
    path: Option<Arc<WritePath>>,
    turn: Option<OwnedMutexGuard<()>>,
}

struct State {
    /// None once the transaction has ended.
    pooled: Option<Pooled>,
    /// A statement has failed or was not awaited to its end: nothing that follows may count.
    failed: bool,
}

impl SqlTransaction {
    /// Begins one. Fails when the connection has one open already.
    pub async fn begin(pool: &Pool, sql: &str) -> Result<Self, Error> {
        let mut pooled = pool.acquire().await?;
        pooled.ask(ANSWER, async |it: &mut Connection| it.run(sql).await).await?;
        let state = Mutex::new(State { pooled: Some(pooled), failed: false });
        Ok(Self { backend: pool.backend(), limit: ANSWER, state, path: None, turn: None })
    }

    /// Lets its statements take that long.
    pub fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// Keeps a writer's turn until this has ended, and lets what fails be known.
    pub fn hold_turn(&mut self, turn: OwnedMutexGuard<()>, path: Arc<WritePath>) {
        (self.turn, self.path) = (Some(turn), Some(path));
    }

    /// Commits. After an error the connection is gone, so that no later transaction can be a part of
    /// this one.
    pub async fn commit(mut self) -> Result<()> {
        let State { pooled, failed } = self.state.get_mut();
        let Some(mut pooled) = pooled.take().filter(|_| !*failed) else {
            return Err(StoreError::Engine("a statement before the commit has failed".to_owned()));
        };
        // PostgreSQL answers a COMMIT of a transaction that has failed as if all were well; any other
        // statement fails there.
        let sql = match self.backend {
            DbBackend::Postgres => "SET LOCAL statement_timeout = 0; COMMIT",
            _ => "COMMIT",
        };
        if let Err(displaced) = pooled.check_files() {
            let rolled_back =
                pooled.ask(SIGN_OF_LIFE, async |it: &mut Connection| it.end("ROLLBACK").await);
            if rolled_back.await.is_ok() {
                pooled.give_back();
            }
            return Err(displaced.into());
        }
        pooled.writes();
        match pooled.ask(COMMIT, async |it: &mut Connection| it.end(sql).await).await {
            Ok(()) => {
                let still_there = pooled.check_files();
                pooled.wrote();
                pooled.give_back();
                still_there.map_err(|error| StoreError::Unknown(error.to_string()))?;
            }
            Err(error) => {
                pooled.leave();
                return Err(after_commit(&error));
            }
        }
        Ok(())
    }

    async fn ask<T>(
        &self,
        limit: Duration,
        question: impl AsyncFnOnce(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut state = self.state.lock().await;
        if state.failed {
            return Err(Error::Protocol("a statement of this transaction has failed".to_owned()));
        }
        // So it stays when nobody waits for the answer any more.
        state.failed = true;
        let pooled = state.pooled.as_mut().ok_or(Error::PoolClosed)?;
        let answer = pooled.ask(limit, question).await;
        state.failed = answer.is_err();
        if let (Err(_), Some(path)) = (&answer, &self.path) {
            path.doubt();
        }
        answer
    }
}

impl Drop for SqlTransaction {
    fn drop(&mut self) {
        let Some(mut pooled) = self.state.get_mut().pooled.take() else { return };
        let turn = self.turn.take();
        if pooled.is_silent() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            let rolled_back =
                pooled.ask(SIGN_OF_LIFE, async |it: &mut Connection| it.end("ROLLBACK").await);
            if rolled_back.await.is_ok() {
                pooled.give_back();
            }
            drop(turn);
        });
    }
}

#[async_trait]
impl ConnectionTrait for SqlTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let asked = self.ask(self.limit, async |it: &mut Connection| it.execute(&statement).await);
        asked.await.map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(error.into())))
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let asked = self.ask(self.limit, async |it: &mut Connection| it.run(sql).await);
        asked.await.map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(error.into())))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let asked = self.ask(self.limit, async |it: &mut Connection| it.row(&statement).await);
        asked.await.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(error.into())))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        // The limit is that of each row.
        let each = self.limit;
        let asked =
            self.ask(Duration::MAX, async |it: &mut Connection| it.rows(&statement, each).await);
        asked.await.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(error.into())))
    }
}

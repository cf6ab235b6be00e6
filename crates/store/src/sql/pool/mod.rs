//! A pool of connections in which every wait has a limit.
//!
//! A connection comes back to it only after its transaction has ended for certain, and is asked for
//! a sign of life before it is used again. One that failed to answer, to commit or to roll back is
//! closed and thrown away, at once and in the background; its place is free for a new one. So a
//! database that falls silent costs a caller its limit, and nobody after it anything.

mod connection;
mod server_session;
mod transaction;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::{DbBackend, QueryResult, Statement};
use sqlx::Error;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

pub use self::connection::{Connection, Connector, within};
pub use self::server_session::Use;
pub use self::transaction::SqlTransaction;
use super::limits::{CLOSE, CLOSING, CONNECT, LIFETIME, SIGN_OF_LIFE, UNUSED};

/// Connections of one kind. Clones share them.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    connector: Connector,
    /// The places for connections in use.
    places: Arc<Semaphore>,
    /// Those that may exist, with the ones that are still closing.
    existing: Arc<Semaphore>,
    /// How many may exist.
    most: u32,
    idle: Mutex<Vec<Kept>>,
}

/// A connection, and since when it is there.
struct Kept {
    connection: Connection,
    born: Instant,
    used: Instant,
    exists: OwnedSemaphorePermit,
}

impl Kept {
    fn is_old(&self) -> bool {
        self.born.elapsed() > LIFETIME || self.used.elapsed() > UNUSED
    }

    /// Closes it in the background. Until that is done, it counts.
    fn close(self) {
        // Without a runtime the process is about to end, and with it the connection.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                self.connection.close().await;
                drop(self.exists);
            });
        }
    }

    /// Ends its session in the background, and closes it.
    fn end(self, connector: Connector) {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let ended = within(CONNECT, connector.end_session(&self.connection)).await;
                if let Ok(Err(error)) | Err(error) = ended {
                    tracing::debug!(%error, "a silent session of the database was not ended");
                }
                self.close();
            });
        }
    }
}

impl Pool {
    /// A pool of at most `size` connections. None is opened yet.
    pub fn new(connector: Connector, size: usize) -> Self {
        let most = u32::try_from(size + CLOSING).unwrap_or(u32::MAX);
        Self(Arc::new(Inner {
            connector,
            places: Arc::new(Semaphore::new(size)),
            existing: Arc::new(Semaphore::new(size + CLOSING)),
            most,
            idle: Mutex::default(),
        }))
    }

    /// The engine.
    pub fn backend(&self) -> DbBackend {
        self.0.connector.backend()
    }

    /// Whether the store's files, if it has any, are still those that were opened.
    pub fn check_files(&self) -> Result<(), Error> {
        self.0.connector.check_files()
    }

    /// A connection that has just shown a sign of life, or a new one.
    pub async fn acquire(&self) -> Result<Pooled, Error> {
        let place = Arc::clone(&self.0.places).acquire_owned().await;
        let place = place.map_err(|_| Error::PoolClosed)?;
        self.check_files()?;
        while let Some(mut kept) = self.0.take() {
            if kept.is_old() && self.backend() != DbBackend::Sqlite {
                kept.close();
                continue;
            }
            let asked = within(SIGN_OF_LIFE, self.0.connector.is_good(&mut kept.connection)).await;
            match asked {
                Ok(Ok(true)) => {
                    return Ok(Pooled {
                        kept: Some(kept),
                        pool: self.clone(),
                        silent: false,
                        _place: place,
                    });
                }
                Ok(Ok(false) | Err(_)) => kept.close(),
                Err(_) => {
                    // The others are as old as this one, and would each take as long.
                    kept.close();
                    self.0.forget_idle();
                }
            }
        }
        let exists = Arc::clone(&self.0.existing).try_acquire_owned();
        let exists = exists.map_err(|_| Error::PoolTimedOut)?;
        let connection = within(CONNECT, self.0.connector.connect()).await??;
        // What was opened by its name may be another file by now.
        self.check_files()?;
        let now = Instant::now();
        let kept = Kept { connection, born: now, used: now, exists };
        Ok(Pooled { kept: Some(kept), pool: self.clone(), silent: false, _place: place })
    }

    /// The first row of what a statement finds that is a transaction by itself.
    pub async fn row(
        &self,
        limit: Duration,
        statement: &Statement,
    ) -> Result<Option<QueryResult>, Error> {
        self.ask(limit, async |it: &mut Connection| it.row(statement).await).await
    }

    /// Runs statements that end their transaction themselves.
    pub async fn run(&self, limit: Duration, sql: &str) -> Result<(), Error> {
        self.ask(limit, async |it: &mut Connection| it.end(sql).await).await
    }

    async fn ask<T>(
        &self,
        limit: Duration,
        question: impl AsyncFnOnce(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        within(limit, async {
            let mut pooled = self.acquire().await?;
            let answer = pooled.ask(limit, question).await?;
            pooled.give_back();
            Ok(answer)
        })
        .await?
    }

    /// Whether no connection exists but one: none is still closing.
    pub fn is_alone(&self) -> bool {
        self.0.existing.available_permits() + 1 >= self.0.most as usize
    }

    /// What a connection that is not in use says, without a look at where it leads: for files that others took the
    /// place of.
    pub async fn ask_idle(
        &self,
        limit: Duration,
        statement: &Statement,
    ) -> Result<Option<QueryResult>, Error> {
        let Some(mut kept) = self.0.take() else { return Ok(None) };
        let answer = within(limit, kept.connection.row(statement)).await??;
        self.0.put(kept);
        Ok(answer)
    }

    /// Closes the connections that are not in use.
    pub fn forget_idle(&self) {
        self.0.forget_idle();
    }

    /// Closes the connections that are not in use, and lends no more. Waits, for `CLOSE` at most, for those that are in
    /// use or close in the background: SQLite moves its log into the one file when the last connection is closed.
    pub async fn close(&self) {
        self.0.places.close();
        while let Some(kept) = self.0.take() {
            kept.connection.close().await;
        }
        if within(CLOSE, self.0.existing.acquire_many(self.0.most)).await.is_err() {
            tracing::debug!("connections to the database are still in use");
        }
    }
}

impl Inner {
    fn take(&self) -> Option<Kept> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, kept: Kept) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
    }

    fn forget_idle(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        idle.into_iter().for_each(Kept::close);
    }
}

/// A connection in use. Dropped, it is closed: it comes back to its pool by [`Pooled::give_back`]
/// alone.
pub struct Pooled {
    kept: Option<Kept>,
    pool: Pool,
    /// It has not answered in time, within a transaction.
    silent: bool,
    _place: OwnedSemaphorePermit,
}

impl Pooled {
    /// The answer of the connection, if it comes in time.
    pub async fn ask<T>(
        &mut self,
        limit: Duration,
        question: impl AsyncFnOnce(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let kept = self.kept.as_mut().ok_or(Error::PoolClosed)?;
        let answer = within(limit, question(&mut kept.connection)).await;
        self.silent |= answer.is_err();
        answer?
    }

    /// Whether the store's files are still those that it was opened with.
    pub fn check_files(&self) -> Result<(), Error> {
        self.pool.check_files()
    }

    /// What it is asked now may write the store's files.
    pub fn writes(&self) {
        if let Some(files) = self.pool.0.connector.files() {
            files.wrote(false);
        }
    }

    /// What it was asked may have written the store's files, and has come to its end.
    pub fn wrote(&self) {
        if let Some(files) = self.pool.0.connector.files() {
            files.wrote(self.pool.is_alone());
        }
    }

    /// Whether it has not answered in time.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// Closes it, and lets what it has begun at the other end go on to its own end: a commit that waits
    /// for a standby must not be stopped.
    pub fn leave(mut self) {
        if let Some(kept) = self.kept.take() {
            kept.close();
        }
    }

    /// Lets the pool have it back: it has answered, and no transaction is open.
    pub fn give_back(mut self) {
        if let Some(kept) = self.kept.take()
            && !self.pool.0.places.is_closed()
        {
            self.pool.0.put(Kept { used: Instant::now(), ..kept });
        }
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        match self.kept.take() {
            Some(kept) if self.silent => kept.end(self.pool.0.connector.clone()),
            Some(kept) => kept.close(),
            None => {}
        }
    }
}

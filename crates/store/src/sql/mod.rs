//! The store in an SQL database: SQLite or PostgreSQL.
//!
//! Everything but the opening of a database and the spelling of column types is the same for both.

mod access;
mod cells;
mod changes;
mod copy;
mod engine;
mod gateways;
mod lists;
mod migrations;
mod nodes;
mod postgres;
mod reminders;
mod rows;
mod sqlite;
mod tables;
mod transaction;
mod upkeep;
mod view;

use std::fs::File;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use tokio::sync::Mutex;
use tokio::time::timeout;

pub use self::copy::{Contents, CopyError, contents, copy};
use self::engine::{Engine, head_in};
pub use self::migrations::Schema;
pub use self::postgres::PostgresUrl;
use crate::{Gateway, Head, Peers, Result, Store, StoreError, Transaction, View};

/// How long a writer waits for those of this process that came before.
const QUEUE: Duration = Duration::from_secs(10);

/// A store in an SQL database.
pub struct SqlStore {
    engine: Engine,
    /// Writers queue here, in the order they came, and not at the database, where each would try
    /// its luck.
    turn: Arc<Mutex<()>>,
}

impl SqlStore {
    /// Opens the SQLite file at `path`, and makes it if there is none. Refused while another process
    /// has it open. Must be called within a Tokio runtime.
    pub async fn open_sqlite(path: &Path) -> Result<Self> {
        Ok(Self { engine: sqlite::open(path).await?, turn: Arc::default() })
    }

    /// Connects to a PostgreSQL database, and makes the tables if there are none. Other processes may
    /// write to it too. Must be called within a Tokio runtime.
    pub async fn open_postgres(url: &PostgresUrl) -> Result<Self> {
        Ok(Self { engine: postgres::open(url).await?, turn: Arc::default() })
    }
}

/// What a session is beside its database transaction: nothing if it reads, or what a writer needs.
trait Mode: Send {
    /// Sends what is still waiting, so that it is there to be read.
    fn flush(&mut self, tx: &DatabaseTransaction) -> impl Future<Output = Result<()>> + Send;
}

impl Mode for () {
    async fn flush(&mut self, _: &DatabaseTransaction) -> Result<()> {
        Ok(())
    }
}

/// A database transaction: one that reads, when `M` is empty, or one that writes. The fields are
/// dropped in this order: the transaction is rolled back before the turn passes on.
struct Session<M> {
    tx: DatabaseTransaction,
    head: Head,
    mode: M,
    /// A file stays locked as long as anything may write to it.
    _lock: Option<Arc<File>>,
}

#[async_trait]
impl Store for SqlStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        let turn = timeout(QUEUE, self.turn.clone().lock_owned()).await;
        let turn = turn.map_err(|_| StoreError::Away("other writers take too long".to_owned()))?;
        let tx = self.engine.begin_write().await?;
        let (head, mode) = transaction::take_revision(&tx, turn).await?;
        let _lock = self.engine.lock.clone();
        Ok(Box::new(Session { tx, head, mode, _lock }))
    }

    async fn view(&self) -> Result<Box<dyn View>> {
        let tx = self.engine.begin_read().await?;
        // The first statement fixes the moment, so it is made now and not when the view is used.
        let head = head_in(&tx).await?;
        let _lock = self.engine.lock.clone();
        Ok(Box::new(Session { tx, head, mode: (), _lock }))
    }

    fn peers(&self) -> Option<&dyn Peers> {
        self.engine.peers.as_deref()
    }

    async fn keep_gateways(&self, gateways: &[Gateway]) -> Result<()> {
        let tx = self.engine.begin_aside().await?;
        gateways::keep(&tx, gateways).await?;
        Ok(tx.commit().await?)
    }

    async fn gateways(&self) -> Result<Vec<Gateway>> {
        gateways::all(&self.engine.begin_read().await?).await
    }

    async fn forget_gateway(&self, id: &str, beat: u64) -> Result<bool> {
        let tx = self.engine.begin_aside().await?;
        let forgotten = gateways::forget(&tx, id, beat).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}

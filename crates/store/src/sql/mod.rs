//! The store in an SQL database: SQLite or PostgreSQL.
//!
//! Everything but the opening of a database and the spelling of column types is the same for both.

mod access;
mod cells;
mod changes;
mod copy;
mod engine;
mod lists;
mod migrations;
mod postgres;
mod rows;
mod sqlite;
mod tables;
mod transaction;
mod view;

use std::fs::File;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, EntityTrait};
use tokio::sync::Mutex;

use self::cells::Cells;
pub use self::copy::{Copied, CopyError, copy};
use self::engine::Engine;
pub use self::postgres::PostgresUrl;
use self::tables::head;
use crate::{Head, Result, Store, Transaction, View};

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
        let turn = self.turn.clone().lock_owned().await;
        let tx = self.engine.begin_write().await?;
        let (head, mode) = transaction::take_revision(&tx, turn).await?;
        let _lock = self.engine.lock.clone();
        Ok(Box::new(Session { tx, head, mode, _lock }))
    }

    async fn view(&self) -> Result<Box<dyn View>> {
        let tx = self.engine.begin_read().await?;
        // The first statement fixes the moment, so it is made now and not when the view is used.
        let row = head::Entity::find().one(&tx).await?;
        let head = row.ok_or_else(|| Cells::of(head::Entity, &["1"]).bad("one"))?.read()?;
        let _lock = self.engine.lock.clone();
        Ok(Box::new(Session { tx, head, mode: (), _lock }))
    }
}

//! The store in an SQL database, now SQLite.
//!
//! Everything but the opening of a file and the spelling of column types is the same for all engines.

mod access;
mod cells;
mod changes;
mod lists;
mod migrations;
mod rows;
mod sqlite;
mod tables;
mod transaction;
mod view;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, EntityTrait};
use tokio::sync::Mutex;

use self::cells::Cells;
use self::sqlite::Sqlite;
use self::tables::head;
use crate::{Head, Result, Store, Transaction, View};

/// A store in an SQL database.
pub struct SqlStore {
    database: Sqlite,
    /// Writers queue here, in the order they came, and not at the database, where each would try
    /// its luck.
    turn: Arc<Mutex<()>>,
}

impl SqlStore {
    /// Opens the SQLite file at `path`, and makes it if there is none. Refused while another process
    /// has it open. Must be called within a Tokio runtime.
    pub async fn open_sqlite(path: &Path) -> Result<Self> {
        Ok(Self { database: Sqlite::open(path).await?, turn: Arc::default() })
    }
}

/// A database transaction: one that reads, when `M` is empty, or one that writes. The fields are
/// dropped in this order: the transaction is rolled back before the turn passes on.
struct Session<M> {
    tx: DatabaseTransaction,
    head: Head,
    mode: M,
    /// The file stays locked as long as anything may write to it.
    _lock: Arc<File>,
}

#[async_trait]
impl Store for SqlStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        let turn = self.turn.clone().lock_owned().await;
        let tx = self.database.begin_write().await?;
        let (head, mode) = transaction::take_revision(&tx, turn).await?;
        let _lock = self.database.lock.clone();
        Ok(Box::new(Session { tx, head, mode, _lock }))
    }

    async fn view(&self) -> Result<Box<dyn View>> {
        let tx = self.database.begin_read().await?;
        // The first statement fixes the moment, so it is made now and not when the view is used.
        let row = head::Entity::find().one(&tx).await?;
        let head = row.ok_or_else(|| Cells::of(head::Entity, &["1"]).bad("one"))?.read()?;
        let _lock = self.database.lock.clone();
        Ok(Box::new(Session { tx, head, mode: (), _lock }))
    }
}

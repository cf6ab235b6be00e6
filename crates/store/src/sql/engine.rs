//! The connections to a database, whatever its engine.

use std::fs::File;
use std::sync::Arc;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, TransactionOptions,
    TransactionTrait,
};

use super::cells::Cells;
use super::tables::head;
use crate::{Head, Peers, Result};

/// The connections to a database, and how transactions begin there.
pub struct Engine {
    /// The one that writes.
    pub writer: DatabaseConnection,
    /// The one that writes beside the turn; where writers cannot be beside each other, the same.
    pub aside: DatabaseConnection,
    /// Those that read.
    pub readers: DatabaseConnection,
    /// How a transaction that writes begins.
    pub write: TransactionOptions,
    /// How a transaction that reads begins.
    pub read: TransactionOptions,
    /// What keeps other processes out, where they cannot share.
    pub lock: Option<Arc<File>>,
    /// What processes need of each other, where they share.
    pub peers: Option<Box<dyn Peers>>,
}

impl Engine {
    /// A transaction that may write.
    pub async fn begin_write(&self) -> std::result::Result<DatabaseTransaction, DbErr> {
        self.writer.begin_with_options(self.write).await
    }

    /// A transaction that writes beside the turn: it queues for its connection alone.
    pub async fn begin_aside(&self) -> Result<DatabaseTransaction, DbErr> {
        self.aside.begin_with_options(self.write).await
    }

    /// A transaction that reads. Its moment is that of its first statement.
    pub async fn begin_read(&self) -> std::result::Result<DatabaseTransaction, DbErr> {
        self.readers.begin_with_options(self.read).await
    }

    /// Where the store stands.
    pub async fn head(&self) -> Result<Head> {
        head_in(&self.begin_read().await?).await
    }
}

/// Where the store stands, as a transaction sees it.
pub async fn head_in(tx: &DatabaseTransaction) -> Result<Head> {
    let row = head::Entity::find().one(tx).await?;
    row.ok_or_else(|| Cells::of(head::Entity, &["1"]).bad("one"))?.read()
}

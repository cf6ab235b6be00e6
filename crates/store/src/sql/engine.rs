//! The connections to a database, whatever its engine.

use std::fs::File;
use std::sync::Arc;

use sea_orm::EntityTrait;
use sqlx::Error;
use tokio::sync::Mutex;

use super::cells::Cells;
use super::pool::{Pool, SqlTransaction};
use super::tables::head;
use super::write_path::WritePath;
use crate::{Head, Peers, Result};

/// The connections to a database, and how transactions begin there.
pub struct Engine {
    /// Writers queue here, in the order they came, and not at the database, where each would try its
    /// luck.
    pub turn: Arc<Mutex<()>>,
    /// The one that writes.
    pub writer: Pool,
    /// The one that writes beside the turn; where writers cannot be beside each other, the same.
    pub aside: Pool,
    /// Those that read.
    pub readers: Pool,
    /// What is known of the way a change takes.
    pub path: Arc<WritePath>,
    /// How a transaction that writes begins.
    pub write: &'static str,
    /// How a transaction that reads begins.
    pub read: &'static str,
    /// What keeps other processes out, where they cannot share.
    pub lock: Option<Arc<File>>,
    /// What processes need of each other, where they share.
    pub peers: Option<Box<dyn Peers>>,
}

impl Engine {
    /// A transaction that may write, in its turn, which passes on when it has ended.
    pub async fn begin_write(&self) -> Result<SqlTransaction, Error> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let begun = SqlTransaction::begin(&self.writer, self.write).await;
        if begun.is_err() {
            self.path.doubt();
        }
        let mut tx = begun?;
        tx.hold_turn(turn, Arc::clone(&self.path));
        Ok(tx)
    }

    /// A transaction that writes beside the turn: it queues for its connection alone.
    pub async fn begin_aside(&self) -> Result<SqlTransaction, Error> {
        SqlTransaction::begin(&self.aside, self.write).await
    }

    /// A transaction that reads. Its moment is that of its first statement.
    pub async fn begin_read(&self) -> Result<SqlTransaction, Error> {
        SqlTransaction::begin(&self.readers, self.read).await
    }

    /// Closes what is not in use.
    pub async fn close(&self) {
        for pool in [&self.readers, &self.aside, &self.writer] {
            pool.close().await;
        }
    }

    /// Where the store stands.
    pub async fn head(&self) -> Result<Head> {
        head_in(&self.begin_read().await?).await
    }
}

/// Where the store stands, as a transaction sees it.
pub async fn head_in(tx: &SqlTransaction) -> Result<Head> {
    let row = head::Entity::find().one(tx).await?;
    row.ok_or_else(|| Cells::of(head::Entity, &["1"]).bad("one"))?.read()
}

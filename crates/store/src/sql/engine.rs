//! The connections to a database, whatever its engine.

use std::fs::File;
use std::sync::Arc;

use sea_orm::{DbBackend, EntityTrait, Statement};
use sqlx::Error;
use tokio::sync::Mutex;

use super::cells::Cells;
use super::limits::ANSWER;
use super::pool::{Pool, SqlTransaction};
use super::store_files::StoreFiles;
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
    /// What keeps the files of a store the same ones, where it has files: a connection that is not used.
    pub keeper: Option<Pool>,
    /// Whether they are still those that were opened.
    pub files: Option<Arc<StoreFiles>>,
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
            self.save_log().await;
        }
        let mut tx = begun?;
        self.check_unwritten().inspect_err(|_| self.path.doubt())?;
        tx.hold_turn(turn, Arc::clone(&self.path));
        Ok(tx)
    }

    /// A transaction that writes beside the turn: it queues for its connection alone.
    pub async fn begin_aside(&self) -> Result<SqlTransaction, Error> {
        let tx = SqlTransaction::begin(&self.aside, self.write).await?;
        self.check_unwritten()?;
        Ok(tx)
    }

    /// Whether nobody else has written a store's file. Asked in a transaction that writes, so that nobody here does.
    fn check_unwritten(&self) -> Result<(), Error> {
        let Some(files) = &self.files else { return Ok(()) };
        Ok(files.check_unwritten(self.writer.is_alone())?)
    }

    /// A transaction that reads. Its moment is that of its first statement.
    pub async fn begin_read(&self) -> Result<SqlTransaction, Error> {
        SqlTransaction::begin(&self.readers, self.read).await
    }

    /// Moves what a log holds that was removed by its name into the database: after this process nobody finds it.
    async fn save_log(&self) {
        let Some(files) = self.files.as_ref().filter(|files| files.lost_log()) else { return };
        let checkpoint =
            Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(PASSIVE)");
        let done = match self.writer.ask_idle(ANSWER, &checkpoint).await {
            Ok(Some(row)) => {
                let cell = |at| row.try_get_by_index::<i64>(at).ok();
                cell(0) == Some(0) && cell(1).is_some() && cell(1) == cell(2)
            }
            Ok(None) | Err(_) => false,
        };
        files.wrote(self.writer.is_alone());
        if done {
            files.saved_log();
        }
    }

    /// Closes what is not in use.
    pub async fn close(&self) {
        for pool in [&self.readers, &self.aside, &self.writer] {
            pool.close().await;
        }
        self.path.close().await;
        if let Some(keeper) = &self.keeper {
            keeper.close().await;
        }
        if let Some(files) = &self.files {
            files.are_closed();
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

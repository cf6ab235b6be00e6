//! The store in an SQL database: SQLite or PostgreSQL.
//!
//! Everything but the opening of a database and the spelling of column types is the same for both.

mod access;
mod cells;
mod changes;
mod copy;
mod engine;
mod errors;
mod gateways;
mod history;
mod limits;
mod lists;
mod migrations;
mod nodes;
mod pool;
mod postgres;
mod reminders;
mod rows;
mod session;
mod sqlite;
mod store_files;
mod tables;
mod transaction;
mod upkeep;
mod view;
mod write_path;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Query};

pub use self::copy::{Contents, CopyError, contents, copy};
use self::engine::{Engine, head_in};
use self::limits::BEGIN;
pub use self::migrations::Schema;
use self::pool::within;
pub use self::postgres::PostgresUrl;
use self::session::Session;
pub use self::store_files::fault as sqlite_fault;
use self::tables::{head, probes};
use crate::{
    Gateway, Peers, Result, Revision, Sealed, Setback, Store, StoreError, Transaction, View,
};

/// A store in an SQL database.
pub struct SqlStore {
    engine: Engine,
}

impl SqlStore {
    /// Opens the SQLite file at `path`, and makes it if there is none. Refused while another process
    /// has it open. Must be called within a Tokio runtime.
    pub async fn open_sqlite(path: &Path) -> Result<Self> {
        Ok(Self { engine: sqlite::open(path, None).await? })
    }

    /// The same, through a file system of SQLite's other than the usual one.
    #[cfg(feature = "battery")]
    pub async fn open_sqlite_through(path: &Path, vfs: &'static str) -> Result<Self> {
        Ok(Self { engine: sqlite::open(path, Some(vfs)).await? })
    }

    /// Connects to a PostgreSQL database, and makes the tables if there are none. Other processes may
    /// write to it too. Must be called within a Tokio runtime.
    pub async fn open_postgres(url: &PostgresUrl) -> Result<Self> {
        Ok(Self { engine: postgres::open(url).await? })
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        let begun = within(BEGIN, async {
            let tx = self.engine.begin_write().await?;
            let (head, mode) = transaction::take_revision(&tx).await?;
            Ok::<_, StoreError>((tx, head, mode))
        });
        let (tx, head, mode) = begun.await??;
        let _lock = self.engine.lock.clone();
        let path = Arc::clone(&self.engine.path);
        Ok(Box::new(Session { tx, head, mode, path, _lock }))
    }

    async fn view(&self) -> Result<Box<dyn View>> {
        let begun = within(BEGIN, async {
            let tx = self.engine.begin_read().await?;
            // The first statement fixes the moment, so it is made now and not when the view is used.
            let head = head_in(&tx).await?;
            Ok::<_, StoreError>((tx, head))
        });
        let (tx, head) = begun.await??;
        let _lock = self.engine.lock.clone();
        let path = Arc::clone(&self.engine.path);
        Ok(Box::new(Session { tx, head, mode: (), path, _lock }))
    }

    fn peers(&self) -> Option<&dyn Peers> {
        self.engine.peers.as_deref()
    }

    /// SQLite then puts everything into its one file.
    async fn close(&self) {
        self.engine.close().await;
    }

    fn is_displaced(&self) -> bool {
        self.engine.files.as_ref().is_some_and(|files| files.are_displaced())
    }

    async fn prove_writes(&self, since: Duration) -> Result<()> {
        let path = &self.engine.path;
        self.engine.writer.check_files().inspect_err(|_| path.doubt())?;
        if path.is_proven(since) {
            return Ok(());
        }
        let proof = async {
            let tx = within(BEGIN, self.engine.begin_write()).await??;
            // Somebody else has proven it while this one waited for the turn.
            if path.is_proven(since) {
                return Ok(());
            }
            let mut same = Query::update();
            same.table(head::Entity)
                .value(head::Column::DecidedAt, Expr::col(head::Column::DecidedAt));
            tx.execute(&same).await?;
            // SQLite writes no page whose content stays as it is.
            let mut other = Query::update();
            other
                .table(probes::Entity)
                .value(probes::Column::Number, Expr::col(probes::Column::Number).add(1));
            tx.execute(&other).await?;
            tx.commit().await?;
            path.see(Revision(0)).await
        };
        let proof = proof.await;
        path.note(&proof);
        proof
    }

    async fn keep_gateways(&self, gateways: &[Gateway]) -> Result<()> {
        let tx = within(BEGIN, self.engine.begin_aside()).await??;
        gateways::keep(&tx, gateways).await?;
        tx.commit().await
    }

    async fn gateways(&self) -> Result<Vec<Gateway>> {
        let tx = within(BEGIN, self.engine.begin_read()).await??;
        gateways::all(&tx).await
    }

    async fn forget_gateway(&self, id: &str, beat: u64) -> Result<bool> {
        let tx = within(BEGIN, self.engine.begin_aside()).await??;
        let forgotten = gateways::forget(&tx, id, beat).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    async fn keep_setback(&self, setback: &Setback) -> Result<Option<Setback>> {
        let tx = within(BEGIN, self.engine.begin_aside()).await??;
        let kept = history::keep_setback(&tx, setback).await?;
        tx.commit().await?;
        Ok(kept)
    }

    async fn setbacks(&self) -> Result<Vec<Setback>> {
        let tx = within(BEGIN, self.engine.begin_read()).await??;
        history::setbacks(&tx).await
    }

    async fn keep_vault_check(&self, check: &Sealed) -> Result<Sealed> {
        let tx = within(BEGIN, self.engine.begin_aside()).await??;
        let kept = history::keep_vault_check(&tx, check).await?;
        tx.commit().await?;
        Ok(kept)
    }

    async fn keep_feed_check(&self, check: &[u8]) -> Result<Vec<u8>> {
        let tx = within(BEGIN, self.engine.begin_aside()).await??;
        let kept = history::keep_feed_check(&tx, check).await?;
        tx.commit().await?;
        Ok(kept)
    }
}

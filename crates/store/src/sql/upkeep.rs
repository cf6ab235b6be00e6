//! What an operator does with a store as a whole: look at it beside the server, save it while it is
//! used, begin a new history.

use std::path::Path;

use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait, DatabaseBackend, EntityTrait, Statement};
use tidegate_domain::Timestamp;

use super::engine::head_in;
use super::history;
use super::limits::UPKEEP;
use super::migrations::Schema;
use super::tables::{feed_check, head};
use super::{PostgresUrl, SqlStore, postgres, sqlite};
use crate::{ClockMark, Head, Result, StoreError, draw};

/// The most faults of a file that are told.
const FAULTS: u32 = 10;

impl SqlStore {
    /// Opens an SQLite file that is there, to read it, also beside the process that works on it.
    pub async fn read_sqlite(path: &Path) -> Result<Self> {
        Ok(Self { engine: sqlite::open_to_read(path).await? })
    }

    /// Connects to a PostgreSQL database to read it; nothing is brought up to date.
    pub async fn read_postgres(url: &PostgresUrl) -> Result<Self> {
        Ok(Self { engine: postgres::open_to_read(url).await? })
    }

    /// Which steps to today's tables it has taken.
    pub async fn schema(&self) -> Result<Schema> {
        Schema::read(&self.engine.begin_read().await?).await
    }

    /// What SQLite finds wrong with its file, by a look at its structure; nothing on PostgreSQL, which
    /// has means of its own.
    pub async fn faults(&self) -> Result<Vec<String>> {
        if self.is_postgres() {
            return Ok(Vec::new());
        }
        let lines = self.texts(&format!("PRAGMA quick_check({FAULTS})")).await?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    /// The clock of the database's machine; none where that is this machine.
    pub async fn clock(&self) -> Result<Option<Timestamp>> {
        if !self.is_postgres() {
            return Ok(None);
        }
        let asked = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text";
        let told = self.texts(asked).await?.into_iter().next();
        let ms = told.and_then(|ms| ms.parse().ok()).map(Timestamp::from_ms);
        ms.map(Some).ok_or_else(|| StoreError::Engine("the database tells no time".to_owned()))
    }

    /// Writes what an SQLite store holds at one moment into another file, which must not be there or
    /// be empty, while others go on reading and writing.
    pub async fn save_as(&self, path: &Path) -> Result<()> {
        let name = path.to_str().filter(|_| !self.is_postgres()).ok_or_else(|| {
            StoreError::Engine(format!("cannot save the store as {}", path.display()))
        })?;
        let save = format!("VACUUM INTO '{}'", name.replace('\'', "''"));
        Ok(self.engine.readers.run(UPKEEP, &save).await?)
    }

    /// Begins a new history where the old one stands: gates that followed that one learn everything
    /// anew. For after a store went back to an earlier state.
    pub async fn begin_epoch(&self) -> Result<Head> {
        let tx = self.engine.begin_write().await?;
        let mut update = Query::update();
        // The row lock first, so that no writer comes between.
        update.table(head::Entity).value(head::Column::One, 1);
        tx.execute(&update).await?;
        let before = head_in(&tx).await?;
        let (epoch, stamp) = (draw::name()?, draw::name()?);
        let mut update = Query::update();
        update
            .table(head::Entity)
            .value(head::Column::Epoch, epoch.as_str())
            .value(head::Column::Stamp, stamp.as_str())
            // A state of long ago says nothing of the time.
            .value(head::Column::Clock, ClockMark::Trusted.column());
        tx.execute(&update).await?;
        history::keep(&tx, before.revision, &stamp).await?;
        history::end_epoch(&tx, &before).await?;
        let head = Head { epoch, stamp, clock: ClockMark::Trusted, ..before };
        tx.commit().await?;
        Ok(head)
    }

    /// Takes `now` for right, for an operator who says so: if the last decision was made later, its time becomes
    /// this, and the next decision is made at whatever time it is then. Gives the time of the last decision before.
    ///
    /// # Errors
    ///
    /// The store's own; nothing is changed then.
    pub async fn trust_clock(&self, now: Timestamp) -> Result<Timestamp> {
        let tx = self.engine.begin_write().await?;
        let mut update = Query::update();
        // The row lock first, so that no writer comes between.
        update.table(head::Entity).value(head::Column::Clock, ClockMark::Trusted.column());
        tx.execute(&update).await?;
        let before = head_in(&tx).await?.decided_at;
        let mut update = Query::update();
        update.table(head::Entity).value(head::Column::DecidedAt, before.min(now).as_ms());
        tx.execute(&update).await?;
        tx.commit().await?;
        Ok(before)
    }

    /// Forgets what the feed's token is recognised by: the next node that starts says what it is.
    pub async fn forget_feed_check(&self) -> Result<()> {
        let tx = self.engine.begin_write().await?;
        feed_check::Entity::delete_many().exec(&tx).await?;
        tx.commit().await
    }

    fn is_postgres(&self) -> bool {
        self.engine.readers.backend() == DatabaseBackend::Postgres
    }

    /// The first column of what a statement finds.
    async fn texts(&self, sql: &str) -> Result<Vec<String>> {
        let mut tx = self.engine.begin_read().await?;
        tx.set_limit(UPKEEP);
        let statement = Statement::from_string(tx.get_database_backend(), sql);
        let rows = tx.query_all_raw(statement).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }
}

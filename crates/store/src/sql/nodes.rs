//! What nodes on one PostgreSQL database need of each other.
//!
//! A notification is sent on its own, after the commit it tells of: within a decision's transaction it
//! would make all notifying commits of the server wait for one lock. Duty is a row, not an advisory
//! lock: it is fenced by its number, and databases that lack those locks have it too.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgListener, PgPool};
use sqlx::{AssertSqlSafe, Executor};
use tidegate_domain::Timestamp;

use crate::{Duty, Ears, Peers, Result, Revision, StoreError};

/// The server's time, in milliseconds since the epoch.
const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// How long a word with the server may take, a wait for a lock or a standby included.
const SOON: Duration = Duration::from_secs(12);

/// How long a node that has fallen silent is kept.
const SILENT_MS: i64 = 24 * 3_600 * 1_000;

/// What a database can do that only speaks PostgreSQL's protocol, by what it says it is.
///
/// | | PostgreSQL | CockroachDB | YugabyteDB |
/// |---|---|---|---|
/// | row locks until the commit | yes | yes, and it may undo a turn instead (40001) | the same |
/// | `LISTEN`, `NOTIFY` | yes | no: nodes look by a timer | not documented: by a timer |
/// | advisory locks | not used | lacks them | not used |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Does it pass on notifications?
    pub notifies: bool,
}

impl Capabilities {
    /// Those of the server that calls itself this.
    pub fn of(version: &str) -> Self {
        let other = version.contains("CockroachDB") || version.contains("-YB-");
        Self { notifies: !other }
    }
}

/// The nodes on a database.
pub struct Nodes {
    pool: PgPool,
    ears: PgPool,
    capabilities: Capabilities,
    /// The name of the history is the name of the channel: who shares the server but not the store
    /// is not heard.
    channel: String,
}

impl Nodes {
    /// The nodes of the history called `epoch`. `ears` is a pool for connections that only listen.
    pub async fn new(pool: PgPool, ears: PgPool, epoch: &str) -> Result<Self> {
        let version: String =
            sqlx::query_scalar("SELECT version()").fetch_one(&pool).await.map_err(said)?;
        let silent = format!("DELETE FROM nodes WHERE beat_at < {NOW} - $1");
        let forget = sqlx::query(AssertSqlSafe(silent)).bind(SILENT_MS);
        forget.execute(&pool).await.map_err(said)?;
        let channel = format!("tidegate_{epoch}");
        Ok(Self { pool, ears, capabilities: Capabilities::of(&version), channel })
    }
}

#[async_trait]
impl Peers for Nodes {
    fn hear(&self) -> bool {
        self.capabilities.notifies
    }

    async fn ring(&self, revision: Revision) -> Result<()> {
        if !self.hear() {
            return Ok(());
        }
        // Nothing is lost with it, so it waits for no disk and no standby.
        let text = format!(
            "BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {}, '{revision}'; COMMIT",
            self.channel
        );
        soon(self.pool.execute(sqlx::raw_sql(AssertSqlSafe(text)))).await.map(drop)
    }

    async fn listen(&self) -> Result<Box<dyn Ears>> {
        let mut listener = PgListener::connect_with(&self.ears).await.map_err(said)?;
        listener.eager_reconnect(false);
        listener.listen(&self.channel).await.map_err(said)?;
        Ok(Box::new(Listening(listener)))
    }

    async fn beat(&self, node: &str) -> Result<Timestamp> {
        let beat = format!(
            "INSERT INTO nodes (node, beat_at) VALUES ($1, {NOW})
             ON CONFLICT (node) DO UPDATE SET beat_at = excluded.beat_at RETURNING beat_at"
        );
        let beat = sqlx::query_scalar(AssertSqlSafe(beat)).bind(node);
        let at: i64 = soon(beat.fetch_one(&self.pool)).await?;
        Ok(Timestamp::from_ms(at))
    }

    async fn take_duty(&self, node: &str, for_ms: i64) -> Result<Option<Duty>> {
        let take = format!(
            "UPDATE duty SET number = CASE WHEN node = $1 THEN number ELSE number + 1 END,
                 node = $1, until = {NOW} + $2
             WHERE node = $1 OR until < {NOW} RETURNING number"
        );
        let take = sqlx::query_scalar(AssertSqlSafe(take)).bind(node).bind(for_ms);
        let number: Option<i64> = soon(take.fetch_optional(&self.pool)).await?;
        Ok(number.map(|number| Duty { node: node.to_owned(), number }))
    }

    async fn leave_duty(&self, duty: &Duty) -> Result<()> {
        let leave = "UPDATE duty SET node = '', until = 0 WHERE node = $1 AND number = $2";
        let leave = sqlx::query(leave).bind(&duty.node).bind(duty.number);
        soon(leave.execute(&self.pool)).await.map(drop)
    }
}

/// A connection that listens.
struct Listening(PgListener);

#[async_trait]
impl Ears for Listening {
    async fn hear(&mut self) -> Result<Option<Revision>> {
        let heard = self.0.try_recv().await.map_err(said)?;
        Ok(heard.and_then(|heard| heard.payload().parse().ok()).map(Revision))
    }
}

/// What a server says that does not think for ever. It may be gone without a word.
async fn soon<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T> {
    match tokio::time::timeout(SOON, answer).await {
        Ok(answer) => answer.map_err(said),
        Err(_) => Err(StoreError::Away(format!("no answer within {} s", SOON.as_secs()))),
    }
}

fn said(error: sqlx::Error) -> StoreError {
    StoreError::from(&error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_can_do_is_known_by_its_name() {
        for (version, notifies) in [
            ("PostgreSQL 17.2 on x86_64-pc-linux-gnu", true),
            ("CockroachDB CCL v25.1.0 (x86_64-pc-linux-gnu)", false),
            ("PostgreSQL 15.2-YB-2.25.0.0-b0 on x86_64-pc-linux-gnu", false),
        ] {
            assert_eq!(Capabilities::of(version), Capabilities { notifies }, "{version}");
        }
    }
}

//! What nodes on one PostgreSQL database need of each other.
//!
//! A notification is sent on its own, after the commit it tells of: within a decision's transaction it
//! would make all notifying commits of the server wait for one lock. Duty is a row, not an advisory
//! lock: it is fenced by its number, and databases that lack those locks have it too.

use async_trait::async_trait;
use sea_orm::{DbBackend, QueryResult, Statement, TryGetable, Value};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Error, Executor};
use tidegate_domain::Timestamp;
use tokio::time::timeout;

use super::limits::{CONNECT, PEERS, QUIET, SIGN_OF_LIFE};
use super::pool::{Pool, within};
use crate::{Duty, DutyTask, Ears, Peers, Result, Revision};

/// The server's time, in milliseconds since the epoch.
const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

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
    pool: Pool,
    /// How a connection that only listens is opened.
    listening: PgConnectOptions,
    capabilities: Capabilities,
    /// The name of the history is the name of the channel: who shares the server but not the store
    /// is not heard.
    channel: String,
}

impl Nodes {
    /// The nodes of the history called `epoch`.
    pub async fn new(pool: Pool, listening: PgConnectOptions, epoch: &str) -> Result<Self> {
        let channel = format!("tidegate_{epoch}");
        let mut nodes =
            Self { pool, listening, capabilities: Capabilities { notifies: false }, channel };
        let version: Option<String> = nodes.ask("SELECT version()", []).await?;
        let silent = format!("DELETE FROM nodes WHERE beat_at < {NOW} - $1");
        nodes.ask::<i64>(&silent, [SILENT_MS.into()]).await?;
        nodes.capabilities = Capabilities::of(&version.unwrap_or_default());
        Ok(nodes)
    }

    /// The first value of what a statement finds that is a transaction by itself.
    async fn ask<T: TryGetable>(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<T>> {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let row: Option<QueryResult> = self.pool.row(PEERS, &statement).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
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
        Ok(self.pool.run(PEERS, &text).await?)
    }

    async fn listen(&self) -> Result<Box<dyn Ears>> {
        let options = self.listening.clone();
        let listener = within(CONNECT, async {
            let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.eager_reconnect(false);
            listener.listen(&self.channel).await?;
            Ok::<_, Error>(listener)
        });
        Ok(Box::new(Listening(Some(listener.await??))))
    }

    async fn beat(&self, node: &str) -> Result<Timestamp> {
        let beat = format!(
            "INSERT INTO nodes (node, beat_at) VALUES ($1, {NOW})
             ON CONFLICT (node) DO UPDATE SET beat_at = excluded.beat_at RETURNING beat_at"
        );
        let at: Option<i64> = self.ask(&beat, [node.into()]).await?;
        Ok(Timestamp::from_ms(at.unwrap_or_default()))
    }

    async fn take_duty(&self, task: DutyTask, node: &str, for_ms: i64) -> Result<Option<Duty>> {
        let table = duty_table(task);
        let take = format!(
            "UPDATE {table} SET number = CASE WHEN node = $1 THEN number ELSE number + 1 END,
                 node = $1, until = {NOW} + $2
             WHERE node = $1 OR until < {NOW} RETURNING number"
        );
        let number: Option<i64> = self.ask(&take, [node.into(), for_ms.into()]).await?;
        Ok(number.map(|number| Duty { task, node: node.to_owned(), number }))
    }

    async fn leave_duty(&self, duty: &Duty) -> Result<()> {
        let table = duty_table(duty.task);
        let leave =
            format!("UPDATE {table} SET node = '', until = 0 WHERE node = $1 AND number = $2");
        self.ask::<i64>(&leave, [duty.node.as_str().into(), duty.number.into()]).await?;
        Ok(())
    }
}

/// Where a duty is kept.
pub fn duty_table(task: DutyTask) -> &'static str {
    match task {
        DutyTask::Schedule => "duty",
        DutyTask::Deliver => "delivery",
    }
}

/// A connection that listens.
struct Listening(Option<PgListener>);

#[async_trait]
impl Ears for Listening {
    async fn hear(&mut self) -> Result<Option<Revision>> {
        let Some(listener) = &mut self.0 else { return Ok(None) };
        loop {
            match timeout(QUIET, listener.try_recv()).await {
                Ok(heard) => {
                    let heard = heard?;
                    return Ok(heard.and_then(|it| it.payload().parse().ok()).map(Revision));
                }
                // Nothing to hear, or nobody there.
                Err(_) => {
                    within(SIGN_OF_LIFE, listener.execute("SELECT 1")).await??;
                }
            }
        }
    }
}

/// A listener says good-bye when it is dropped, and its pool waits for the answer without a limit. So
/// it is dropped within a runtime that ends at once, and takes the connection with it.
impl Drop for Listening {
    fn drop(&mut self) {
        let Ok(ending) = tokio::runtime::Builder::new_current_thread().build() else { return };
        let entered = ending.enter();
        self.0 = None;
        drop(entered);
        ending.shutdown_background();
    }
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

//! Sessions of a PostgreSQL server: how each begins, and how one is ended from outside.

use sqlx::{Error, PgConnection};

use crate::sql::limits::{IDLE_IN_TRANSACTION, LOCK};

/// Is this connection's server one that takes writes? Asked before each use.
const TAKES_WRITES: &str = "SELECT current_setting('transaction_read_only') = 'off'";

/// What the server calls this session.
const SESSION: &str =
    "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()";

/// Ends a session, unless another one has its number by now.
const END_SESSION: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = $1 AND backend_start::text = $2";

/// A session of the server's.
pub struct ServerSession {
    process: i32,
    began: String,
}

impl ServerSession {
    /// Ends it, through another connection.
    pub async fn end(&self, other: &mut PgConnection) -> Result<(), Error> {
        let end = sqlx::query(END_SESSION).bind(self.process).bind(&self.began);
        end.execute(other).await.map(drop)
    }
}

/// What a connection is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To write. A server that has become a standby is left, in the hope that the address leads to
    /// the new primary.
    Writing,
    /// To read, in views.
    Reading,
}

impl Use {
    /// What every connection begins with, whatever the server's defaults are. The row lock on `head`
    /// orders writers, so the least isolation will do for them: more would only make them conflict.
    /// A writer waits a while for the turn of another process, and a process that falls silent in the
    /// middle of its own is cut off, or the others would wait for it for ever. A commit that is
    /// acknowledged is on disk, here and on the standbys the server waits for, whatever else is
    /// configured. The server notices a node that has vanished, where it knows how.
    ///
    /// Connections that read begin a view with one word, and have a limit of time.
    pub fn settings(self) -> String {
        let (lock, idle) = (LOCK.as_secs(), IDLE_IN_TRANSACTION.as_secs());
        let common = format!(
            "SET default_transaction_isolation = 'read committed';
            SET lock_timeout = '{lock}s';
            SET idle_in_transaction_session_timeout = '{idle}s';
            SELECT set_config('synchronous_commit', 'on', false)
                WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');
            SELECT set_config(name, value, false) FROM pg_settings JOIN (VALUES
                ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '2'),
                ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '10000'))
                AS wanted (known, value) ON name = known"
        );
        match self {
            Self::Writing => common,
            Self::Reading => {
                common
                    + "; SET default_transaction_isolation = 'repeatable read';
                    SET default_transaction_read_only = on;
                    SET statement_timeout = '60s'"
            }
        }
    }

    /// What the server calls this session, if it may hold locks.
    pub async fn session(
        self,
        connection: &mut PgConnection,
    ) -> Result<Option<ServerSession>, Error> {
        match self {
            Self::Reading => Ok(None),
            Self::Writing => {
                let found = sqlx::query_as(SESSION).fetch_optional(connection).await?;
                Ok(found.map(|(process, began)| ServerSession { process, began }))
            }
        }
    }

    /// Whether a connection still leads to a server for this use.
    pub async fn fits(self, connection: &mut PgConnection) -> Result<bool, Error> {
        match self {
            Self::Writing => sqlx::query_scalar(TAKES_WRITES).fetch_one(connection).await,
            Self::Reading => Ok(true),
        }
    }
}

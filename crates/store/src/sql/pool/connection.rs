//! One connection, whatever its engine.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use sea_orm::{DbBackend, ExecResult, QueryResult, Statement};
use sea_query_sqlx::SqlxValues;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Executor, PgConnection};
use sqlx::{Error, SqliteConnection};
use tokio::time::timeout;

use super::server_session::{ServerSession, Use};
use crate::sql::store_files::StoreFiles;

/// An open connection. What it is asked has no limit of time here; see `Pooled`.
pub enum Connection {
    /// To a file, with what is known of the store's files, where another process keeps out.
    Sqlite(SqliteConnection, Option<Arc<StoreFiles>>),
    /// To a server, with what the server calls this session.
    Postgres(Box<PgConnection>, Option<ServerSession>),
}

/// Does the same with the connection of either engine.
macro_rules! each {
    ($self:expr, $connection:ident => $what:expr) => {
        match $self {
            Connection::Sqlite($connection, _) => $what,
            Connection::Postgres($connection, _) => {
                let $connection = &mut **$connection;
                $what
            }
        }
    };
}

macro_rules! query {
    ($statement:expr) => {{
        let values = $statement.values.clone().unwrap_or(sea_orm::Values(Vec::new()));
        sqlx::query_with(AssertSqlSafe($statement.sql.as_str()), SqlxValues(values))
    }};
}

impl Connection {
    /// The engine.
    pub fn backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(..) => DbBackend::Sqlite,
            Self::Postgres(..) => DbBackend::Postgres,
        }
    }

    /// Runs statements that are not prepared.
    pub async fn run(&mut self, sql: &str) -> Result<ExecResult, Error> {
        each!(self, it => Ok(it.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?.into()))
    }

    /// Runs a statement.
    pub async fn execute(&mut self, statement: &Statement) -> Result<ExecResult, Error> {
        each!(self, it => Ok(it.execute(query!(statement)).await?.into()))
    }

    /// The first row of what a statement finds.
    pub async fn row(&mut self, statement: &Statement) -> Result<Option<QueryResult>, Error> {
        each!(self, it => Ok(it.fetch_optional(query!(statement)).await?.map(Into::into)))
    }

    /// All rows a statement finds; each may take that long.
    pub async fn rows(
        &mut self,
        statement: &Statement,
        each_within: Duration,
    ) -> Result<Vec<QueryResult>, Error> {
        let mut found = Vec::new();
        each!(self, it => {
            let mut rows = it.fetch(query!(statement));
            while let Some(row) = within(each_within, rows.next()).await?.transpose()? {
                found.push(row.into());
            }
        });
        Ok(found)
    }

    /// Runs statements after which no transaction may be open, and makes sure of that: by SQLite's
    /// autocommit mode, or the transaction status in PostgreSQL's answer.
    pub async fn end(&mut self, sql: &str) -> Result<(), Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        each!(self, it => none_open(it.begin_with(sql).await.map(drop)))
    }

    /// Closes it. Whether the other end learns of it makes no difference. One to files that others took the place
    /// of is left to the end of the process: SQLite would remove the log that is there now.
    pub async fn close(self) {
        match self {
            Self::Sqlite(mut connection, Some(files)) if files.check().is_err() => {
                // It must not hold a lock for ever.
                let rolled_back = connection.execute("ROLLBACK");
                let _ = timeout(crate::sql::limits::SIGN_OF_LIFE, rolled_back).await;
                Box::leak(Box::new(connection));
            }
            Self::Sqlite(connection, _) => drop(connection.close().await),
            Self::Postgres(connection, _) => {
                let _ = timeout(crate::sql::limits::SIGN_OF_LIFE, connection.close_hard()).await;
            }
        }
    }
}

/// `begin_with` runs any statement and fails if no transaction is open after it, which is the only
/// way to ask for that.
fn none_open(begun: Result<(), Error>) -> Result<(), Error> {
    match begun {
        Err(Error::BeginFailed) => Ok(()),
        Ok(()) => Err(Error::Protocol("a transaction is open that should have ended".to_owned())),
        Err(error) => Err(error),
    }
}

/// The answer, if it comes in time.
pub async fn within<T>(limit: Duration, answer: impl Future<Output = T>) -> Result<T, Error> {
    timeout(limit, answer).await.map_err(|_| silent(limit))
}

/// The error that the database has not answered in time.
fn silent(limit: Duration) -> Error {
    let why = format!("no answer within {} s", limit.as_secs());
    Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, why))
}

/// How connections are opened, and what each must be to be used again.
#[derive(Clone)]
pub enum Connector {
    /// To a file, and what is known of the store's files, where other processes are kept out.
    Sqlite(Box<SqliteConnectOptions>, Option<Arc<StoreFiles>>),
    /// To a server: one that takes writes, or any.
    Postgres(Box<PgConnectOptions>, Use),
}

impl Connector {
    /// Opens a connection.
    pub async fn connect(&self) -> Result<Connection, Error> {
        match self {
            Self::Sqlite(options, files) => {
                Ok(Connection::Sqlite(options.connect().await?, files.clone()))
            }
            Self::Postgres(options, used) => {
                let mut connection = options.connect().await?;
                connection.execute(sqlx::raw_sql(AssertSqlSafe(used.settings()))).await?;
                let session = used.session(&mut connection).await?;
                Ok(Connection::Postgres(Box::new(connection), session))
            }
        }
    }

    /// Ends what a connection that fell silent has begun at the other end, where it may hold a lock.
    pub async fn end_session(&self, connection: &Connection) -> Result<(), Error> {
        match (self, connection) {
            (Self::Postgres(options, _), Connection::Postgres(_, Some(session))) => {
                let mut other = options.connect().await?;
                session.end(&mut other).await?;
                other.close().await
            }
            _ => Ok(()),
        }
    }

    /// Whether a connection leads where it should, and has no transaction open.
    pub async fn is_good(&self, connection: &mut Connection) -> Result<bool, Error> {
        connection.end("SELECT 1").await?;
        match (self, connection) {
            (Self::Postgres(_, used), Connection::Postgres(connection, _)) => {
                used.fits(connection).await
            }
            _ => Ok(true),
        }
    }

    /// The engine.
    pub fn backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(..) => DbBackend::Sqlite,
            Self::Postgres(..) => DbBackend::Postgres,
        }
    }

    /// Whether the files at the store's path are those that were opened; true where there are none.
    pub fn check_files(&self) -> Result<(), Error> {
        Ok(self.files().map_or(Ok(()), |files| files.check())?)
    }

    /// What is known of the store's files.
    pub fn files(&self) -> Option<&StoreFiles> {
        match self {
            Self::Sqlite(_, files) => files.as_deref(),
            Self::Postgres(..) => None,
        }
    }
}

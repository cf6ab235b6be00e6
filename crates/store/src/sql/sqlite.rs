//! Opening an SQLite file: all that is said to SQLite and to no other engine.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::{DatabaseConnection, SqliteTransactionMode, TransactionOptions};

use super::engine::Engine;
use super::migrations::{self, Dialect};
use crate::{Result, StoreError};

/// How many views there can be at one moment before the next one waits.
const READERS: u32 = 8;

/// How long a statement waits for a lock that something outside this process holds.
const BUSY: Duration = Duration::from_secs(5);

/// Strict tables refuse a value of the wrong type, even from a hand at the command line.
pub(super) const DIALECT: Dialect = Dialect {
    int: "INTEGER",
    text: "TEXT",
    blob: "BLOB",
    bool: "INTEGER",
    options: "STRICT, WITHOUT ROWID",
};

/// Opens or creates a file, and brings its tables up to date.
pub async fn open(path: &Path) -> Result<Engine> {
    let lock = lock(path)?;
    create(path).map_err(|error| cannot("open", path, &error))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledged commit survives a loss of power; NORMAL would not promise that.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY);
    let writer = pool(1, options.clone()).await?;
    let engine = Engine {
        readers: pool(READERS, options).await?,
        aside: writer.clone(),
        writer,
        // The right to write is taken from the beginning.
        write: begin(SqliteTransactionMode::Immediate),
        read: begin(SqliteTransactionMode::Deferred),
        lock: Some(lock.into()),
        peers: None,
    };
    let tx = engine.begin_write().await?;
    migrations::run(&tx, &DIALECT).await?;
    tx.commit().await?;
    Ok(engine)
}

/// Opens a file that is there to read it, also beside the process that works on it. Nothing is made
/// and nothing is brought up to date.
pub async fn open_to_read(path: &Path) -> Result<Engine> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY);
    let readers = pool(1, options).await?;
    Ok(Engine {
        writer: readers.clone(),
        aside: readers.clone(),
        readers,
        write: begin(SqliteTransactionMode::Deferred),
        read: begin(SqliteTransactionMode::Deferred),
        lock: None,
        peers: None,
    })
}

fn begin(mode: SqliteTransactionMode) -> TransactionOptions {
    TransactionOptions { sqlite_transaction_mode: Some(mode), ..TransactionOptions::default() }
}

async fn pool(size: u32, options: SqliteConnectOptions) -> Result<DatabaseConnection> {
    let pool = SqlitePoolOptions::new()
        .max_connections(size)
        .max_lifetime(None)
        .connect_with(options)
        .await
        .map_err(|error| StoreError::Engine(error.to_string()))?;
    Ok(DatabaseConnection::from(pool))
}

/// Creates the file if there is none, for its owner's eyes only. SQLite gives the files it puts
/// beside it the same rights.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Takes the lock that keeps a second process out: two processes would each hold a turn to write.
fn lock(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = create(&name).map_err(|error| cannot("open", &name, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::Engine(format!("{} is in use by another process", path.display())))
        }
        Err(TryLockError::Error(error)) => Err(cannot("lock", &name, &error)),
    }
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Engine(format!("cannot {what} {}: {error}", path.display()))
}

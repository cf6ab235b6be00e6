//! Opening an SQLite file: all that is said to SQLite and to no other engine.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use super::engine::Engine;
use super::limits::{CONNECT, UPKEEP};
use super::migrations::{self, Dialect};
use super::pool::{Connection, Connector, Pool};
use super::store_files::{StoreFiles, lock_path};
use super::write_path::WritePath;
use crate::{Result, StoreError};

/// How many views there can be at one moment before the next one waits.
const READERS: usize = 8;

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

/// Opens or creates a file, and brings its tables up to date. `vfs` names a file system of SQLite's
/// other than the usual one.
pub async fn open(path: &Path, vfs: Option<&'static str>) -> Result<Engine> {
    let lock = Arc::new(lock(path)?);
    let files = Arc::new(StoreFiles::begin(path, &lock)?);
    create(path).map_err(|error| cannot("open", path, &error))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledged commit survives a loss of power; NORMAL would not promise that.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY);
    let options = match vfs {
        Some(vfs) => options.vfs(vfs),
        None => options,
    };
    let connector = Connector::Sqlite(Box::new(options), Some(Arc::clone(&files)));
    // It is there as long as the store, and asked nothing: so the log stays one and the same file.
    let keeper = Pool::new(connector.clone(), 1);
    let mut kept = keeper.acquire().await?;
    kept.ask(CONNECT, async |it: &mut Connection| {
        it.run("SELECT count(*) FROM sqlite_schema").await
    })
    .await?;
    let writer = Pool::new(connector.clone(), 1);
    let engine = Engine {
        turn: Arc::default(),
        readers: Pool::new(connector.clone(), READERS),
        aside: writer.clone(),
        writer,
        path: Arc::new(WritePath::new(Some(Pool::new(connector, 1)))),
        // The right to write is taken from the beginning.
        write: "BEGIN IMMEDIATE",
        read: "BEGIN DEFERRED",
        lock: Some(lock),
        keeper: Some(keeper),
        files: Some(Arc::clone(&files)),
        peers: None,
    };
    let mut tx = engine.begin_write().await?;
    tx.set_limit(UPKEEP);
    migrations::run(&tx, &DIALECT).await?;
    tx.commit().await?;
    kept.give_back();
    files.are_open()?;
    Ok(engine)
}

/// Opens a file that is there to read it, also beside the process that works on it. Nothing is made
/// and nothing is brought up to date.
pub async fn open_to_read(path: &Path) -> Result<Engine> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY);
    let readers = Pool::new(Connector::Sqlite(Box::new(options), None), 1);
    // What is wrong with the file shows now.
    drop(readers.acquire().await?);
    Ok(Engine {
        turn: Arc::default(),
        path: Arc::new(WritePath::new(None)),
        writer: readers.clone(),
        aside: readers.clone(),
        readers,
        write: "BEGIN DEFERRED",
        read: "BEGIN DEFERRED",
        lock: None,
        keeper: None,
        files: None,
        peers: None,
    })
}

/// Creates the file if there is none, for its owner's eyes only. SQLite gives the files it puts
/// beside it the same rights.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Takes the lock that keeps a second process out: two processes would each hold a turn to write.
fn lock(path: &Path) -> Result<File> {
    let name = lock_path(path);
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

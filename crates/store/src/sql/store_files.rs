//! Whether the files of an SQLite store are still those that were opened.
//!
//! SQLite keeps working on files that were moved, removed or replaced by name, and would acknowledge changes
//! that no later start finds. So the files at the store's path are compared with the opened ones before a
//! connection is lent, before a commit and before it is acknowledged: the database, its log (`-wal`) and the
//! log's index (`-shm`), by device and number. A file that is put back heals it.
//!
//! The lock file beside the store says which database the log was written for. A start refuses a log of
//! another database: SQLite would mix both.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Result, StoreError};

/// What the names of SQLite's files end with: the database, its log, the log's index.
const ENDS: [&str; 3] = ["", LOG, "-shm"];

/// What the name of the log ends with.
const LOG: &str = "-wal";

/// How long the text in a lock file is. It is written in place: a full disk has room for it.
const TEXT: usize = 128;

/// The files of an open store.
#[derive(Debug)]
pub struct StoreFiles {
    path: PathBuf,
    /// Where the path leads if it is a symbolic link, beside which SQLite puts the log.
    link: OnceLock<Option<PathBuf>>,
    /// Keeps other processes out. It is held by those who may write.
    lock: Weak<File>,
    opened: OnceLock<Vec<Opened>>,
    /// Whether the files at the path were others when they were last compared.
    displaced: AtomicBool,
    /// Whether another program has written the database: there is no way back from that.
    overwritten: AtomicBool,
    /// Whether what a log held that is gone was moved into the database.
    is_log_saved: AtomicBool,
    /// The database as this process left it, if no other connection of it may be writing.
    written: Mutex<Option<Written>>,
}

/// A file that was opened.
#[derive(Debug)]
struct Opened {
    path: PathBuf,
    id: FileId,
    /// As long as it is held, no other file gets the number.
    _pin: Option<OwnedFd>,
}

/// What tells a file from others that are there at the same time: its device, and its number there.
type FileId = (u64, u64);

/// What changes when somebody writes a file: when it was written last, and its size.
type Written = (SystemTime, u64);

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Displaced {
    #[error("is not there any more: it was moved or removed")]
    Missing,
    #[error("is not the file that was opened: another one was put in its place")]
    Replaced,
    #[error("was written by another program")]
    Overwritten,
}

impl StoreFiles {
    /// The files of the store at `path`, about to be opened under this lock.
    ///
    /// # Errors
    ///
    /// [`StoreError::Engine`] with what to do when the log was written for another database than the one at the
    /// path; also when the lock file cannot be read or written.
    pub fn begin(path: &Path, lock: &Arc<File>) -> Result<Self> {
        let files = Self {
            path: path.to_owned(),
            link: OnceLock::new(),
            lock: Arc::downgrade(lock),
            opened: OnceLock::new(),
            displaced: AtomicBool::new(false),
            overwritten: AtomicBool::new(false),
            is_log_saved: AtomicBool::new(false),
            written: Mutex::default(),
        };
        if Marks::read(lock).is_some_and(|marks| marks.is_log_of_another(path)) {
            return Err(StoreError::Engine(mixed(path)));
        }
        files.mark(None)?;
        Ok(files)
    }

    /// The files are open: those at the path are the ones to compare with from now on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Engine`] when one cannot be looked at, or the lock file cannot be written.
    pub fn are_open(&self) -> Result<()> {
        self.link.get_or_init(|| std::fs::read_link(&self.path).ok());
        let real = real(&self.path);
        let opened: io::Result<Vec<Opened>> =
            ENDS.iter().map(|end| Opened::at(with(&real, end))).collect();
        let opened = opened.map_err(|error| {
            StoreError::Engine(format!("cannot look at {}: {error}", self.path.display()))
        })?;
        self.opened.get_or_init(|| opened);
        self.mark(Some(Marks::of(&self.path)))?;
        self.wrote(true);
        Ok(())
    }

    /// The store was closed in order: all that its log held is in the database.
    pub fn are_closed(&self) {
        if !self.are_displaced()
            && let Err(error) = self.mark(None)
        {
            tracing::debug!(%error, "the lock file still names the log");
        }
    }

    /// Whether the files at the path are the opened ones.
    ///
    /// # Errors
    ///
    /// An I/O error that says which file is another, and what became of it.
    pub fn check(&self) -> io::Result<()> {
        let Some(opened) = self.opened.get() else { return Ok(()) };
        if self.overwritten.load(Ordering::Relaxed) {
            return Err(self.displace(&self.path, Displaced::Overwritten));
        }
        if self.link.get() != Some(&std::fs::read_link(&self.path).ok()) {
            return Err(self.displace(&self.path, Displaced::Replaced));
        }
        for file in opened {
            let found = match std::fs::metadata(&file.path) {
                Ok(found) if id(&found) == file.id => continue,
                Ok(_) => Displaced::Replaced,
                Err(error) if error.kind() == io::ErrorKind::NotFound => Displaced::Missing,
                Err(error) => return Err(error),
            };
            return Err(self.displace(&file.path, found));
        }
        if self.displaced.swap(false, Ordering::Relaxed) {
            tracing::info!(store = %self.path.display(), "the files of the store are back");
            if self.is_log_saved.swap(false, Ordering::Relaxed)
                && let Err(error) = self.mark(Some(Marks::of(&self.path)))
            {
                tracing::warn!(%error, "the lock file does not name the log");
            }
        }
        Ok(())
    }

    /// The same, and whether nobody else has written the database since this process did. To be asked by the one
    /// whose turn to write it is. `alone` says that no connection of this process is still closing, which may
    /// write it.
    ///
    /// # Errors
    ///
    /// As [`Self::check`].
    pub fn check_unwritten(&self, alone: bool) -> io::Result<()> {
        self.check()?;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.take_if(|_| !alone);
        match *written {
            Some(before) if stamp(&self.path)? != before => {
                // A start must not mix its log with what was put there.
                let overwritten = Marks { database: Mark::default(), ..Marks::of(&self.path) };
                self.overwritten.store(true, Ordering::Relaxed);
                if let Err(error) = self.mark(Some(overwritten)) {
                    tracing::warn!(%error, "the next start will not know that the store was overwritten");
                }
                Err(self.displace(&self.path, Displaced::Overwritten))
            }
            _ => Ok(()),
        }
    }

    /// This process may have written the database: a commit moves a long log into it. `alone` as in
    /// [`Self::check_unwritten`].
    pub fn wrote(&self, alone: bool) {
        let stamp = if alone { stamp(&self.path).ok() } else { None };
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = stamp;
    }

    /// Whether the log is gone while the database is the one that was opened, as this process left it, and the log
    /// holds what the database does not.
    pub fn lost_log(&self) -> bool {
        if !self.are_displaced() || self.is_log_saved.load(Ordering::Relaxed) {
            return false;
        }
        let Some([database, log, _]) = self.opened.get().map(Vec::as_slice) else { return false };
        let is_there =
            |file: &Opened| std::fs::metadata(&file.path).is_ok_and(|it| id(&it) == file.id);
        let written = *self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let is_as_left = written.is_some() && stamp(&self.path).ok() == written;
        is_there(database) && is_as_left && !is_there(log)
    }

    /// All that the log holds is in the database.
    pub fn saved_log(&self) {
        self.is_log_saved.store(true, Ordering::Relaxed);
        tracing::warn!(
            "the log of the store {} was removed; what it held is in the database now: start the server anew",
            self.path.display()
        );
        if let Err(error) = self.mark(None) {
            tracing::warn!(%error, "the lock file still names the log");
        }
    }

    /// Whether the files at the path were others when they were last compared.
    pub fn are_displaced(&self) -> bool {
        self.displaced.load(Ordering::Relaxed)
    }

    fn displace(&self, file: &Path, what: Displaced) -> io::Error {
        if !self.displaced.swap(true, Ordering::Relaxed) {
            tracing::error!(
                "{} {what}; nothing is read or changed until the file that was opened is back, or the server \
                 is started anew",
                file.display()
            );
        }
        io::Error::other(format!("{} {what}", file.display()))
    }

    fn mark(&self, marks: Option<Marks>) -> Result<()> {
        let Some(lock) = self.lock.upgrade() else { return Ok(()) };
        let text = marks.map(Marks::text).unwrap_or_default();
        let written = lock
            .write_all_at(format!("{text:<width$}\n", width = TEXT - 1).as_bytes(), 0)
            .and_then(|()| lock.sync_data());
        written.map_err(|error| {
            let path = lock_path(&self.path);
            StoreError::Engine(format!("cannot write {}: {error}", path.display()))
        })
    }
}

impl Opened {
    fn at(path: PathBuf) -> io::Result<Self> {
        let pin = pin(&path);
        let id = id(&std::fs::metadata(&path)?);
        Ok(Self { path, id, _pin: pin })
    }
}

/// Holds a file without opening it: to close a descriptor of an open file would drop SQLite's locks.
#[cfg(target_os = "linux")]
fn pin(path: &Path) -> Option<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn pin(_: &Path) -> Option<OwnedFd> {
    None
}

fn id(found: &Metadata) -> FileId {
    (found.dev(), found.ino())
}

fn stamp(path: &Path) -> io::Result<Written> {
    let found = std::fs::metadata(path)?;
    Ok((found.modified()?, found.len()))
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// The file that a path leads to.
fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Where the lock of the store at `path` is.
pub fn lock_path(path: &Path) -> PathBuf {
    with(path, ".lock")
}

/// What is wrong with the files at `path`, if the log beside the database was written for another one. Of a store
/// that a server works on, that the database is another one than the server's.
pub fn fault(path: &Path) -> Option<String> {
    let lock = File::open(lock_path(path)).ok()?;
    let is_of_another = Marks::read(&lock)?.is_log_of_another(path);
    is_of_another.then(|| mixed(path))
}

fn mixed(path: &Path) -> String {
    let path = path.display();
    format!(
        "{path} was replaced or written while a server worked on it, and its log ({path}{LOG}) is that of the file \
         before; bring that file back, or move {path}{LOG} and {path}-shm away to use the file that is there now"
    )
}

/// What a lock file says: which database a log was written for. In a copy of a whole folder both are others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Marks {
    database: Mark,
    log: Mark,
}

/// A file's number, and when it was made, in nanoseconds: numbers are used again. Zero where there is no file,
/// or no such time.
type Mark = (u64, u128);

impl Marks {
    fn of(path: &Path) -> Self {
        let path = real(path);
        Self { database: mark_of(&path), log: mark_of(&with(&path, LOG)) }
    }

    fn is_log_of_another(self, path: &Path) -> bool {
        let (now, path) = (Self::of(path), real(path));
        // SQLite removes a log beside an empty database.
        let is_read = holds_something(&path) && holds_something(&with(&path, LOG));
        is_read
            && self.log != Mark::default()
            && self.log == now.log
            && self.database != now.database
    }

    fn text(self) -> String {
        let Self { database, log } = self;
        format!("{} {} {} {}", database.0, database.1, log.0, log.1)
    }

    fn read(lock: &File) -> Option<Self> {
        let mut bytes = [0; TEXT];
        let read = lock.read_at(&mut bytes, 0).ok()?;
        let text = std::str::from_utf8(bytes.get(..read)?).ok()?;
        let mut words = text.split_whitespace();
        let mut mark = || Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?));
        Some(Self { database: mark()?, log: mark()? })
    }
}

fn holds_something(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.len() > 0)
}

fn mark_of(path: &Path) -> Mark {
    let Ok(found) = std::fs::metadata(path) else { return Mark::default() };
    let made = found.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    (found.ino(), made.map_or(0, |made| made.as_nanos()))
}

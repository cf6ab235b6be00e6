//! The snapshot file: what the gate knew, kept so that a start need not learn all of it anew.
//!
//! A file alone never makes a gate decide. It only spares the transfer: the gate asks the control side
//! what changed since, and from that answer on it decides, under the lease that answer began.
//!
//! A file of another form, such as that of another version, is not read: everything is learnt anew, as without a file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_seal::{Form, PartOpener, PartSealer, SealingKey};
use tokio::time::Instant;

use crate::index::{Broken, Index, Parts, Serves};

/// How it is sealed. Its version is that of what is sealed, too: a change of either has a new number.
pub(crate) const FORM: Form =
    Form { magic: *b"tidegate-gate\0\0\0", version: 3, purpose: "tidegate gate snapshot" };

impl<R: BufRead + Send> Parts for PartOpener<R> {
    fn next(&self, before: u64, part: &mut Vec<u8>) -> io::Result<Option<u64>> {
        self.next(before, part)
    }

    fn end(&self) -> io::Result<()> {
        self.end()
    }
}

/// Where a gate keeps its snapshot, and the key that seals it: it holds the secrets of all apps.
pub struct SnapshotFile {
    path: PathBuf,
    key: SealingKey,
    kept: Mutex<Option<Kept>>,
    /// Held while the file is written.
    writing: Mutex<()>,
}

/// The snapshot that is on disk.
struct Kept {
    epoch: String,
    revision: u64,
    stamp: String,
    bytes: u64,
    at: Instant,
}

/// How the snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotStatus {
    /// How long ago it was written, or read at the start.
    pub age: Duration,
    /// Its size, in bytes.
    pub bytes: u64,
}

impl SnapshotFile {
    /// A snapshot at this path, which need not be there.
    pub fn new(path: PathBuf, key: SealingKey) -> Self {
        Self { path, key, kept: Mutex::new(None), writing: Mutex::new(()) }
    }

    /// Reads it; none if there is none.
    pub fn load(
        &self,
        serves: &Arc<Serves>,
        calls_per_api: usize,
    ) -> Result<Option<Index>, Broken> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let bytes = file.metadata()?.len();
        let opener = PartOpener::new(&FORM, &self.key, BufReader::new(file))?;
        let index = Index::read(&opener, serves, calls_per_api)?;
        self.note(&index, bytes);
        Ok(Some(index))
    }

    /// Writes it, if it is not there already: all or nothing, for its owner's eyes only. When this
    /// returns, it is on disk.
    pub fn save(&self, index: &Index) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.holds(index) {
            return Ok(());
        }
        let mut name = self.path.as_os_str().to_owned();
        name.push(".new");
        let fresh = PathBuf::from(name);
        // A leftover of a crash may have other rights.
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut sealer = PartSealer::new(&FORM, &self.key, options.open(&fresh)?)?;
        index.write(|part| sealer.part(part))?;
        let file = sealer.finish()?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        std::fs::rename(&fresh, &self.path)?;
        if let Some(folder) = self.path.parent().filter(|f| !f.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        self.note(index, bytes);
        Ok(())
    }

    /// How the snapshot is; none if there is none yet.
    pub fn status(&self) -> Option<SnapshotStatus> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(|kept| SnapshotStatus { age: kept.at.elapsed(), bytes: kept.bytes })
    }

    fn holds(&self, index: &Index) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().is_some_and(|kept| {
            let Kept { epoch, revision, stamp, .. } = kept;
            (epoch.as_str(), *revision, stamp.as_str())
                == (index.epoch(), index.revision(), index.stamp())
        })
    }

    fn note(&self, index: &Index, bytes: u64) {
        let (epoch, revision) = (index.epoch().to_owned(), index.revision());
        let stamp = index.stamp().to_owned();
        let kept = Kept { epoch, revision, stamp, bytes, at: Instant::now() };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }
}

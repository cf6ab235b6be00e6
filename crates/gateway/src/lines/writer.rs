//! The thread that writes lines.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::queue::Queue;

/// Where lines go.
pub enum Output {
    /// A file, which is followed when it is renamed.
    File {
        /// Where it is.
        path: PathBuf,
        /// The open file.
        file: File,
    },
    /// Anything else that takes bytes.
    Stream(Box<dyn Write + Send>),
}

/// What became of the lines that were taken.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) lines: AtomicU64,
    pub(super) failed: AtomicU64,
}

impl Output {
    /// A file that lines are added to. Who runs the gate and his group may read it.
    pub fn file(path: &Path) -> io::Result<Self> {
        Ok(Self::File { path: path.to_owned(), file: open(path)? })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File { file, .. } => file.write(bytes),
            Self::Stream(stream) => stream.write(bytes).and_then(|n| stream.flush().map(|()| n)),
        }
    }

    /// Begins a new file if the old one was renamed or deleted, as those do who rotate logs.
    fn follow(&mut self) -> io::Result<()> {
        if let Self::File { path, file } = self
            && !is_still(file, path)
        {
            *file = open(path)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, .. } => write!(f, "{}", path.display()),
            Self::Stream(_) => f.write_str("a stream"),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options.open(path)
}

/// Is `file` what is found at `path`?
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |metadata: io::Result<std::fs::Metadata>| metadata.ok().map(|m| (m.dev(), m.ino()));
    of(file.metadata()) == of(std::fs::metadata(path))
}

/// Elsewhere an open file cannot be renamed.
#[cfg(not(unix))]
fn is_still(_: &File, _: &Path) -> bool {
    true
}

/// Starts the thread. It ends when the queue is closed and empty.
pub(super) fn start(
    name: &str,
    output: Output,
    queue: Arc<Queue>,
    written: Arc<Written>,
    on_failure: fn(&io::Error),
) -> io::Result<()> {
    let run = move || {
        let mut writer = Writer { output, written, on_failure, is_torn: false, is_failing: false };
        let mut batch = Vec::new();
        loop {
            let goes_on = queue.take(&mut batch);
            writer.write(&batch);
            batch.clear();
            if !goes_on {
                break;
            }
        }
        queue.finish();
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

struct Writer {
    output: Output,
    written: Arc<Written>,
    /// Called when writing begins to fail.
    on_failure: fn(&io::Error),
    /// Does the output end within a line?
    is_torn: bool,
    /// Has the last attempt failed? It is told once, not with every attempt.
    is_failing: bool,
}

impl Writer {
    /// Writes whole lines, or counts those that cannot be written.
    fn write(&mut self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let (done, result) = self.try_write(lines);
        let (whole, rest) = lines.split_at_checked(done).unwrap_or((lines, &[]));
        self.is_torn = whole.last().map_or(self.is_torn, |last| *last != b'\n');
        self.written.lines.fetch_add(count(whole), Ordering::Relaxed);
        self.written.failed.fetch_add(count(rest), Ordering::Relaxed);
        match result {
            Ok(()) => self.is_failing = false,
            Err(error) if !self.is_failing => {
                (self.on_failure)(&error);
                self.is_failing = true;
            }
            Err(_) => {}
        }
    }

    /// How much was written, and why not all.
    fn try_write(&mut self, lines: &[u8]) -> (usize, io::Result<()>) {
        if let Err(error) = self.output.follow() {
            return (0, Err(error));
        }
        if self.is_torn {
            match self.output.write(b"\n") {
                Ok(_) => self.is_torn = false,
                Err(error) => return (0, Err(error)),
            }
        }
        let mut done = 0;
        while let Some(rest) = lines.get(done..).filter(|rest| !rest.is_empty()) {
            match self.output.write(rest) {
                Ok(0) => return (done, Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => done = done.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (done, Err(error)),
            }
        }
        (done, Ok(()))
    }
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

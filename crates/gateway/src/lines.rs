//! Lines on their way to a file or a stream, written by a thread of their own.
//!
//! ```text
//! queue    lines that wait to be written; bounded, and never waited for
//! writer   the thread that writes them; follows a file that is renamed
//! ```
//!
//! Adding a line copies it into memory and cannot fail. Lines that find no room, or cannot be written,
//! are lost and counted.

mod queue;
mod writer;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use self::queue::Queue;
pub use self::writer::Output;
use self::writer::Written;

/// The adding end.
#[derive(Debug)]
pub struct Lines {
    queue: Arc<Queue>,
    written: Arc<Written>,
    queue_full: AtomicU64,
}

/// What became of lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fates {
    /// They were written.
    pub written: u64,
    /// They found no room.
    pub queue_full: u64,
    /// Writing them failed.
    pub write_failed: u64,
}

impl Lines {
    /// Lines that are written one by one, as soon as they come. At most `bytes` of them wait.
    pub fn prompt(
        name: &str,
        output: Output,
        bytes: usize,
        on_failure: fn(&io::Error),
    ) -> io::Result<Self> {
        Self::start(name, output, Queue::new(bytes, 0), on_failure)
    }

    /// Lines that are written in batches, a fraction of a second after they come.
    pub fn gathered(
        name: &str,
        output: Output,
        bytes: usize,
        on_failure: fn(&io::Error),
    ) -> io::Result<Self> {
        Self::start(name, output, Queue::new(bytes, bytes / 4), on_failure)
    }

    fn start(
        name: &str,
        output: Output,
        queue: Queue,
        on_failure: fn(&io::Error),
    ) -> io::Result<Self> {
        let (queue, written) = (Arc::new(queue), Arc::new(Written::default()));
        writer::start(name, output, Arc::clone(&queue), Arc::clone(&written), on_failure)?;
        Ok(Self { queue, written, queue_full: AtomicU64::new(0) })
    }

    /// Adds bytes that end with a line feed.
    pub fn push(&self, line: &[u8]) {
        if !self.queue.push(line) {
            self.queue_full.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What became of lines so far.
    pub fn fates(&self) -> Fates {
        Fates {
            written: self.written.lines.load(Ordering::Relaxed),
            queue_full: self.queue_full.load(Ordering::Relaxed),
            write_failed: self.written.failed.load(Ordering::Relaxed),
        }
    }

    /// Writes what waits, and takes no line any more. Waits for the disk, but not for ever.
    pub fn close(&self) {
        self.queue.close();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.close();
    }
}

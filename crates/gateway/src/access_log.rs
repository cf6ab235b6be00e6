//! The access log: one line a call.
//!
//! ```text
//! line     a Record as a JSON object
//! queue    lines that wait for the disk; bounded, and never waited for
//! writer   the thread that writes them; follows a file that is renamed
//! ```
//!
//! A call only puts its line into memory. When the disk does not keep up, lines are dropped and
//! counted; calls go on.

mod line;
mod queue;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;

use self::queue::Queue;
use self::writer::{Output, Written};
use crate::account::{Outcome, Record, Share, Sink};
use crate::limits::{LINES_PER_SECOND, LOG_QUEUE_BYTES};
use crate::rate::Rate;

pub use self::line::FIELDS;

use std::sync::atomic::{AtomicU64, Ordering};

/// The access log.
#[derive(Debug)]
pub struct AccessLog {
    share: Share,
    queue: Arc<Queue>,
    written: Arc<Written>,
    rate: Rate,
    over_rate: AtomicU64,
    queue_full: AtomicU64,
}

impl AccessLog {
    /// Opens the log: a file, or stdout if it is `-`. Of the calls that were admitted and answered well,
    /// `share` get a line; all others do, up to a number per second.
    pub fn open(path: &Path, share: Share) -> io::Result<Self> {
        let output = if path == Path::new("-") {
            Output::Stream(Box::new(io::stdout()))
        } else {
            Output::file(path)?
        };
        Self::on(output, share, LOG_QUEUE_BYTES)
    }

    fn on(output: Output, share: Share, bytes: usize) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(bytes));
        let written = Arc::new(Written::default());
        writer::start(output, Arc::clone(&queue), Arc::clone(&written))?;
        let (over_rate, queue_full) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { share, queue, written, rate: Rate::default(), over_rate, queue_full })
    }

    /// Writes what waits, and takes no line any more. Waits for the disk, but not for ever.
    pub fn close(&self) {
        self.queue.close();
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl Sink for AccessLog {
    fn tell(&self, record: &Record<'_>) {
        let is_plain = record.is_success() && record.status.is_some_and(|status| status < 300);
        if is_plain {
            let random = record.request_id.get(16..).and_then(|x| u64::from_str_radix(x, 16).ok());
            if !self.share.takes(random.unwrap_or_default()) {
                return;
            }
        } else if !self.rate.has_room(LINES_PER_SECOND, record.time) {
            self.over_rate.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if !self.queue.push(line::of(record).as_bytes()) {
            self.queue_full.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let of = |outcome, count: &AtomicU64| Outcome {
            sink: "access_log",
            outcome,
            count: count.load(Ordering::Relaxed),
        };
        vec![
            of("written", &self.written.lines),
            of("over-rate", &self.over_rate),
            of("queue-full", &self.queue_full),
            of("write-failed", &self.written.failed),
        ]
    }
}

#[cfg(test)]
mod tests;

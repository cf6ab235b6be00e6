//! The access log: one line a call.
//!
//! A call only puts its line into memory. When the disk does not keep up, lines are dropped and
//! counted; calls go on.

mod line;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{LINES_PER_SECOND, LOG_QUEUE_BYTES};
use crate::lines::{Lines, Output};
use crate::rate::Rate;
use crate::telemetry::{Outcome, Record, Share, Sink};

pub use self::line::FIELDS;

/// The access log.
#[derive(Debug)]
pub struct AccessLog {
    share: Share,
    lines: Lines,
    rate: Rate,
    over_rate: AtomicU64,
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
        let lines = Lines::gathered("access-log", output, bytes, |error| {
            tracing::error!(%error, "the access log cannot be written; lines are lost");
        })?;
        Ok(Self { share, lines, rate: Rate::default(), over_rate: AtomicU64::new(0) })
    }

    /// Writes what waits, and takes no line any more. Waits for the disk, but not for ever.
    pub fn close(&self) {
        self.lines.close();
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
        self.lines.push(line::of(record).as_bytes());
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let of = |outcome, count| Outcome { sink: "access_log", outcome, count };
        let fates = self.lines.fates();
        vec![
            of("written", fates.written),
            of("over-rate", self.over_rate.load(Ordering::Relaxed)),
            of("queue-full", fates.queue_full),
            of("write-failed", fates.write_failed),
        ]
    }
}

#[cfg(test)]
mod tests;

//! The log, to stderr. It is best effort: a line is copied into a bounded queue and written by a thread of
//! its own, so that a full disk, a closed pipe or a reader that stalls neither fails, delays nor ends
//! anything. Lines that are lost are counted.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use anyhow::{Context, anyhow};
use tidegate_gateway::lines::{Fates, Lines, Output};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// The most bytes of log that wait to be written. What comes on top of it is dropped.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;

static LOG: OnceLock<Lines> = OnceLock::new();

/// What PostgreSQL says beside its answers, such as that a table is there already. The driver logs its notices
/// one level higher than what they are worth to an operator.
const NOTICES: &str = "sqlx::postgres::notice";

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line, for programs.
    Json,
}

/// Begins to log what `filter` lets through.
pub fn init(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter =
        self::filter(filter).with_context(|| format!("`{filter}` is no filter of logs"))?;
    // There is nowhere to report a failure to write the log to but its metric.
    let lines = Lines::prompt("log", stderr()?, QUEUE_BYTES, |_| {})?;
    let lines = LOG.get_or_init(|| lines);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .log_internal_errors(false)
        .with_writer(|| Entry(lines));
    let begun = match format {
        LogFormat::Text => log.finish().try_init(),
        LogFormat::Json => log.json().finish().try_init(),
    };
    begun.map_err(|error| anyhow!("cannot begin to log: {error}"))?;
    std::panic::set_hook(Box::new(|what| tracing::error!(%what, "a task panicked and is gone")));
    Ok(())
}

/// The filter in `text`; none if it is none. A word alone must be a level: it would be taken for a module
/// otherwise, and so a slip would silence everything.
pub fn filter(text: &str) -> Option<EnvFilter> {
    let level = |word: &str| word.parse::<LevelFilter>().ok();
    let parts = || text.split(',').map(str::trim);
    let is_plain = parts().all(|part| part.contains('=') || level(part).is_some());
    let filter: Option<EnvFilter> = text.parse().ok();
    let filter = filter.filter(|_| is_plain && !text.trim().is_empty())?;
    // Who asks for details, or for the driver, gets its notices.
    let is_quiet = parts().filter_map(level).next_back() == Some(LevelFilter::INFO)
        && !parts().any(|part| part.starts_with("sqlx"));
    Some(match format!("{NOTICES}=warn").parse() {
        Ok(quiet) if is_quiet => filter.add_directive(quiet),
        _ => filter,
    })
}

/// What became of the log's lines; nothing where nothing is logged.
pub fn fates() -> Option<Fates> {
    LOG.get().map(Lines::fates)
}

/// Writes a last line for whoever started the program, and what waits of the log.
pub fn end(last: Option<&str>) {
    let last = last.map(|text| format!("{text}\n"));
    match (LOG.get(), last) {
        (Some(lines), last) => {
            lines.push(last.unwrap_or_default().as_bytes());
            lines.close();
        }
        (None, Some(last)) => {
            // Nobody is left who could be informed of a failure.
            let _ = io::stderr().write_all(last.as_bytes());
        }
        (None, None) => {}
    }
}

/// A descriptor of its own: the lock of [`io::stderr`] would be held as long as a reader stalls.
#[cfg(unix)]
fn stderr() -> io::Result<Output> {
    use std::os::fd::AsFd;
    let stderr = io::stderr().as_fd().try_clone_to_owned()?;
    Ok(Output::Stream(Box::new(std::fs::File::from(stderr))))
}

#[cfg(not(unix))]
fn stderr() -> io::Result<Output> {
    Ok(Output::Stream(Box::new(io::stderr())))
}

/// Where one event is written to. It comes as a whole.
struct Entry(&'static Lines);

impl Write for Entry {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! The log, to stderr. It is best effort: a line is copied into a bounded queue and written by a thread of
//! its own, so that a full disk, a closed pipe or a reader that stalls neither fails, delays nor ends
//! anything. Lines that are lost are counted.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use anyhow::{Context, anyhow};
use tidegate_domain::name::{is_unseen, visible};
use tidegate_gateway::lines::{Fates, Lines, Output};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::out;

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
    let has_colours = io::stderr().is_terminal();
    let form = match format {
        LogFormat::Json => Form::Json,
        LogFormat::Text if has_colours => Form::Coloured,
        LogFormat::Text => Form::Text,
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(has_colours)
        .log_internal_errors(false)
        .with_writer(move || Entry(lines, form));
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
    let last = last.map(|text| format!("{}\n", out::lines(text)));
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
struct Entry(&'static Lines, Form);

/// What stands in the lines beside their texts.
#[derive(Debug, Clone, Copy)]
enum Form {
    Text,
    Coloured,
    Json,
}

impl Write for Entry {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match shown(line, self.1) {
            Some(shown) => self.0.push(shown.as_bytes()),
            None => self.0.push(line),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An event on one line that sends nothing to a terminal but colours, which a log to one has; none if it is such a
/// line already.
fn shown(line: &[u8], form: Form) -> Option<String> {
    // Most lines are.
    if line.split_last().is_some_and(|(end, text)| *end == b'\n' && text.iter().all(is_plain)) {
        return None;
    }
    let text = String::from_utf8_lossy(line);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    if !text.chars().any(is_unseen) {
        return None;
    }
    let shown = match form {
        Form::Json => out::json(&text.replace('\n', " ")),
        Form::Coloured => coloured(text),
        Form::Text => visible(text),
    };
    Some(shown + "\n")
}

fn is_plain(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// A text on one line with its colours.
fn coloured(text: &str) -> String {
    const BEGIN: &str = "\u{1b}[";
    let mut parts = text.split(BEGIN);
    let mut shown = visible(parts.next().unwrap_or_default());
    for part in parts {
        match part.split_once('m') {
            Some((colour, rest)) if colour.bytes().all(|c| c.is_ascii_digit() || c == b';') => {
                shown += &format!("{BEGIN}{colour}m{}", visible(rest));
            }
            _ => shown += &visible(&format!("{BEGIN}{part}")),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_stays_on_its_line_and_sends_nothing_but_colours() {
        for (line, text) in [
            ("plain\n", None),
            ("订单 é\n", None),
            ("a\nb\n", Some("a\\nb\n")),
            ("\u{1b}[2mx\u{1b}[0m \u{1b}[2J\u{202e}\u{9b}y\n", {
                Some("\u{1b}[2mx\u{1b}[0m \\u{1b}[2J\\u{202e}\\u{9b}y\n")
            }),
            ("\u{1b}]0;title\u{7}\n", Some("\\u{1b}]0;title\\u{7}\n")),
        ] {
            let found = shown(line.as_bytes(), Form::Coloured);
            assert_eq!(found.as_deref(), text, "{}", line.escape_unicode());
        }
        let json = shown("{\"a\":\"\u{202e}\u{7f}订\"}\n".as_bytes(), Form::Json);
        let plain = shown(b"\x1b[2mx\n", Form::Text);
        assert_eq!(plain.as_deref(), Some("\\u{1b}[2mx\n"));
        assert_eq!(json.as_deref(), Some("{\"a\":\"\\u202e\\u007f订\"}\n"));
    }
}

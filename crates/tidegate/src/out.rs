//! What commands print: tables for people, JSON for programs. Both go to stdout; a reader that has
//! gone away is no fault.
//!
//! This is the one place where texts for people leave: whatever they hold, of a file, a request or the server, no
//! control character, none that turns the direction of writing and none that is invisible reaches a terminal.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::ValueEnum;
use serde_json::Value;
use tidegate_domain::name::{is_unseen, visible};

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Columns, for people.
    Table,
    /// What the server answered, for programs.
    Json,
}

/// Prints a line, or several.
pub fn say(text: impl AsRef<str>) {
    print(&lines(text.as_ref()));
}

/// Prints a value for programs.
pub fn say_json(value: &Value) {
    print(&json(&format!("{value:#}")));
}

/// Prints a text of this program as it is.
pub fn say_as_it_is(text: &str) {
    print(text);
}

fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}");
    let _ = stdout.flush();
}

/// Says something beside what a command prints: for people, on stderr.
pub fn say_aside(text: impl AsRef<str>) {
    // A reader that has gone away is no fault.
    let _ = writeln!(std::io::stderr(), "{}", lines(text.as_ref()));
}

/// Asks on stderr; the answer stands behind it.
pub fn ask(question: &str) {
    let _ = write!(std::io::stderr(), "{} ", visible(question));
}

/// Lines for people, with an escape in place of what nobody sees.
pub fn lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// A text of JSON, with JSON's escapes in place of what nobody sees. Beside line ends between its parts, such
/// characters stand only in its texts.
pub fn json(text: &str) -> String {
    if !text.chars().any(|c| is_unseen(c) && c != '\n') {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !is_unseen(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // A string takes all that is written to it.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    shown
}

/// A table.
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// As text, without a line feed at its end.
    pub fn text(&self) -> String {
        if self.rows.is_empty() {
            return "none".to_owned();
        }
        let head: Vec<String> = self.head.iter().map(|h| h.to_uppercase()).collect();
        let all: Vec<&Vec<String>> = std::iter::once(&head).chain(&self.rows).collect();
        let widths: Vec<usize> = (0..head.len())
            .map(|i| {
                let cells = all.iter().filter_map(|row| row.get(i));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        all.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Output {
    /// Prints an answer: as it is, or as a table made of it.
    pub fn print(self, answer: &Value, table: impl FnOnce(&Value) -> String) {
        match self {
            Self::Table => say(table(answer)),
            Self::Json => say_json(answer),
        }
    }
}

/// A field as a cell, on one line.
pub fn cell(value: &Value, field: &str) -> String {
    match value.get(field) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => visible(text),
        Some(other) => other.to_string(),
    }
}

/// A field as the server has it, to ask it for more by.
pub fn raw<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a field is this text, to the last character.
pub fn is(value: &Value, field: &str, text: &str) -> bool {
    value.get(field).and_then(Value::as_str) == Some(text)
}

/// A moment in milliseconds as a cell.
pub fn moment(value: &Value, field: &str) -> String {
    crate::when::shown(value.get(field).and_then(Value::as_i64))
}

/// The records of a list, under whatever name.
pub fn records<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["name", "end"]);
        assert_eq!(table.text(), "none");
        table.row(vec!["wallboard".into(), "2026".into()]);
        table.row(vec!["äöü".into(), String::new()]);
        assert_eq!(table.text(), "NAME       END\nwallboard  2026\näöü");
    }

    #[test]
    fn a_cell_sends_nothing_to_the_terminal() {
        let value = serde_json::json!({ "name": "a\u{1b}[2Jb\nc", "n": 3, "none": null });
        assert_eq!(cell(&value, "name"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(cell(&value, "n"), "3");
        assert_eq!(cell(&value, "none"), "");
    }

    #[test]
    fn lines_stay_lines_and_send_nothing_else_to_the_terminal() {
        assert_eq!(lines("a\n\u{1b}[2J\r\tb\n"), "a\n\\u{1b}[2J\\r\\tb\n");
        assert_eq!(lines("订单 é 🙂"), "订单 é 🙂");
    }

    #[test]
    fn json_is_the_same_value_with_escapes() {
        let value = serde_json::json!({ "a\u{202e}": ["\u{1b}\u{7f}\u{9b}\u{e0041}\n订"], "n": 1 });
        let text = json(&format!("{value:#}"));
        assert!(text.chars().all(|c| c == '\n' || !is_unseen(c)), "{text}");
        assert!(text.contains("\\u202e") && text.contains("\\udb40\\udc41"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}

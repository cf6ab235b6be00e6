//! What commands print: tables for people, JSON for programs. Both go to stdout; a reader that has
//! gone away is no fault.

use std::io::Write;

use clap::ValueEnum;
use serde_json::Value;

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
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{}", text.as_ref());
    let _ = stdout.flush();
}

/// Says something beside what a command prints: for people, on stderr.
pub fn say_aside(text: impl AsRef<str>) {
    // A reader that has gone away is no fault.
    let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
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
            Self::Json => say(format!("{answer:#}")),
        }
    }
}

/// A field as a cell.
pub fn cell(value: &Value, field: &str) -> String {
    match value.get(field) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => visible(text),
        Some(other) => other.to_string(),
    }
}

/// A text that stays on its line and sends nothing to the terminal.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
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
        assert_eq!(cell(&value, "name"), "a [2Jb c");
        assert_eq!(cell(&value, "n"), "3");
        assert_eq!(cell(&value, "none"), "");
    }
}

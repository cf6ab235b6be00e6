//! World files.

use std::path::Path;

use serde_saphyr::Error;
use tidegate_api::world::WorldFile;
use tidegate_control::{Change, Fate};
use tidegate_gateway::system_words;

use crate::exit::Misused;

/// Reads a world file: YAML, of which JSON is a part.
pub fn read(path: &Path) -> anyhow::Result<WorldFile> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Misused(format!("{name} cannot be read: {}", system_words(&error))))?;
    Ok(parse(&text).map_err(|fault| Misused(format!("{name}: {fault}")))?)
}

fn parse(text: &str) -> Result<WorldFile, String> {
    let is_indented_by_tab = |line: &&str| line.trim_start_matches(' ').starts_with('\t');
    serde_saphyr::from_str(text).map_err(|error| {
        match (1..).zip(text.lines()).find(|(_, line)| is_indented_by_tab(line)) {
            Some((line, _)) => format!("line {line}: a tab; YAML is indented with blanks"),
            None => sentence(error.without_snippet()),
        }
    })
}

/// What is wrong, and where, in one sentence. It quotes nothing of the file but names of keys, for values may
/// be passwords.
fn sentence(error: &Error) -> String {
    let place = error.location().map_or_else(String::new, |place| {
        format!("line {}, column {}: ", place.line(), place.column())
    });
    let what = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("there is no key {}; expected one of {}", key(field), expected.join(", "))
        }
        Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
        Error::DuplicateMappingKey { key: Some(name), .. } => {
            format!("the key {} is there twice", key(name))
        }
        Error::SerdeInvalidType { expected, .. }
        | Error::SerdeInvalidValue { expected, .. }
        | Error::SerdeInvalidLength { expected, .. } => format!("expected {}", plain(expected)),
        Error::Unexpected { expected, .. } => format!("expected {}", plain(expected)),
        Error::InvalidBooleanStrict { .. } => "expected `true` or `false`".to_owned(),
        Error::InvalidScalar { ty, .. } => format!("expected {}", plain(ty)),
        Error::NullIntoString { .. } => "expected a text; there is none".to_owned(),
        Error::Eof { .. } => "the file ends too early; expected more of it".to_owned(),
        _ => "this is no YAML; expected `key: value`, with quotes around texts that have special \
              characters"
            .to_owned(),
    };
    format!("{place}{what}")
}

/// The name of a key, if it looks like one.
fn key(name: &str) -> String {
    let looks_like_one =
        name.len() <= 32 && name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
    if looks_like_one { format!("`{name}`") } else { "of this name".to_owned() }
}

/// What serde calls the types of a world file, in words.
fn plain(expected: &str) -> &str {
    match expected {
        "a sequence" | "sequence start" => "a list, with `- ` before each of its parts",
        "string" | "a string" | "string scalar" => "a text",
        "a boolean" | "bool" | "boolean" => "true or false",
        text if text.starts_with("struct ") || text == "mapping start" => "keys and values",
        text => text,
    }
}

/// The world in a file; its faults, if it has any.
pub fn understood(path: &Path, file: WorldFile) -> anyhow::Result<tidegate_control::World> {
    Ok(file.into_world().map_err(|faults| Misused(format!("{}:\n{faults}", path.display())))?)
}

/// A change, as a line: what was done, or what would be.
pub fn line(change: &Change, dry_run: bool) -> String {
    let Change { fate, kind, name } = change;
    let done = if dry_run { fate.future() } else { fate.name() };
    format!("{done} {kind} {name}")
}

/// What becomes of a thing, by its name in an answer.
pub fn fate(name: &str) -> Option<Fate> {
    Fate::ALL.into_iter().find(|fate| fate.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_one_sentence_with_its_place_and_quotes_no_value() {
        let file = "projects:\n  - id: p\n    name: r\n    domain: {id: d, name: d}\n    users:\n";
        for (users, fault) in [
            (
                "      - {name: u, pasword: hunter2}\n",
                "there is no key `pasword`; expected one of name, password, \
                 access_key, secret_key",
            ),
            ("      hunter2\n", "expected a list, with `- ` before each of its parts"),
            ("      - hunter2\n", "expected keys and values"),
            ("      - {password: hunter2}\n", "the key `name` is missing"),
            ("      - {name: u, password: [hunter2]}\n", "expected a text"),
            ("      - {name: u, HUNTER-2: x}\n", "of this name"),
            (
                "      - {name: u}\n    workspaces:\n      - {id: w, name: w, members: [{user: u, role: admin, \
                 reviewer: hunter2}]}\n",
                "expected",
            ),
            ("      - {name: u, password: 'hunter2\n", "this is no YAML"),
            ("      - name: u\n        password: hunter2: x\n", "this is no YAML"),
        ] {
            let found = parse(&format!("{file}{users}")).err().unwrap();
            assert!(found.contains(fault), "{found}");
            assert!(!found.to_lowercase().contains("hunter"), "{found}");
            assert!(!found.contains('\n') && found.starts_with("line "), "{found}");
        }
    }
}

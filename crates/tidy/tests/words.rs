//! Plain English: words that only insiders understand are gone from the docs, and become fewer in the sources.

#![allow(clippy::unwrap_used)] // a test that fails panics

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use tidegate_tidy::files;

/// Words that have a better one: people are they or their role, a gateway is called that, and what was "told" was
/// sent, logged, shown, reported or named.
const AVOIDED: [&str; 13] = [
    "beat", "beats", "bell", "gate", "gates", "he", "him", "himself", "his", "tell", "telling",
    "tells", "told",
];

/// Sentences that must not be a whole doc comment.
const RIDDLES: [&str; 3] = ["/// Both.", "/// Of it", "/// The same."];

/// What may stand in the docs all the same: the verb for people, and quotations of the texts that callers read.
const ALLOWED: [&str; 6] = [
    "tell its operator the request id",
    "tell the operator",
    "cannot tell yet whether this call is a repeat",
    "tell the api's owner",
    "tell people",
    "tell two",
];

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphabetic()).filter(|it| !it.is_empty()).map(str::to_lowercase)
}

fn avoided(text: &str) -> usize {
    words(text).filter(|word| AVOIDED.contains(&word.as_str())).count()
}

/// The prose of a page, sentence by sentence as far as the markup has it: without code.
fn prose(text: &str) -> Vec<String> {
    let (mut found, mut is_code) = (vec![String::new()], false);
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => is_code = true,
            Event::End(TagEnd::CodeBlock) => is_code = false,
            Event::Text(text) if !is_code => found.last_mut().unwrap().push_str(&text),
            Event::SoftBreak => found.last_mut().unwrap().push(' '),
            Event::End(
                TagEnd::Paragraph | TagEnd::TableCell | TagEnd::Item | TagEnd::Heading(_),
            ) => {
                found.push(String::new());
            }
            _ => {}
        }
    }
    found
}

#[test]
fn docs_have_none_of_them() {
    let mut wrong = String::new();
    for file in files(&["md"]) {
        if file.ends_with("docs/reference/cli.md") {
            continue;
        }
        for text in prose(&std::fs::read_to_string(&file).unwrap()) {
            let allowed = ALLOWED.iter().fold(text.to_lowercase(), |text, it| text.replace(it, ""));
            if avoided(&allowed) > 0 {
                writeln!(wrong, "{}: {text}", file.display()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "words to avoid:\n{wrong}");
}

#[test]
fn sources_have_ever_fewer_of_them() {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().canonicalize().unwrap();
    for file in files(&["rs"]) {
        let file = file.canonicalize().unwrap();
        let Ok(inside) = file.strip_prefix(&crates) else { continue };
        let mut parts = inside.iter();
        let name = parts.next().unwrap().to_str().unwrap().to_owned();
        if parts.next().is_some_and(|it| it == "src") {
            let text = std::fs::read_to_string(&file).unwrap();
            let riddles: usize = RIDDLES.iter().map(|it| text.matches(it).count()).sum();
            *count.entry(name).or_default() += avoided(&text) + riddles;
        }
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/words.txt");
    let kept = std::fs::read_to_string(file).unwrap();
    let head: String =
        kept.lines().filter(|it| it.starts_with('#')).map(|it| format!("{it}\n")).collect();
    let table: String = count.iter().map(|(name, count)| format!("{name} {count}\n")).collect();
    let is_more = kept.lines().filter_map(|line| line.split_once(' ')).any(|(name, most)| {
        most.parse().is_ok_and(|most: usize| count.get(name).is_some_and(|count| *count > most))
    });
    assert!(!is_more, "more words to avoid than before:\n{table}\nbefore:\n{kept}");
    if std::env::var_os("UPDATE_TABLE").is_some() {
        std::fs::write(file, head + &table).unwrap();
    } else {
        assert!(
            kept == head + &table,
            "fewer than words.txt says: UPDATE_TABLE=1 lowers it\n{table}"
        );
    }
}

//! Every link of the documentation leads somewhere, and so does every page that the code names.

#![allow(clippy::unwrap_used)] // a test that fails panics

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use tidegate_tidy::files;

/// The links of a page, and the anchors of its headings.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

/// The anchor that GitHub gives to a heading.
fn anchor(heading: &str) -> String {
    let kept =
        heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

fn read(text: &str) -> Page {
    let (mut page, mut heading) = (Page::default(), None::<String>);
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push(dest_url.into_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                page.anchors.extend(heading.take().map(|text| anchor(&text)));
            }
            _ => {}
        }
    }
    page
}

/// Where a path leads, without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn links_and_anchors_lead_somewhere() {
    let pages: BTreeMap<PathBuf, Page> = files(&["md"])
        .into_iter()
        .map(|file| (plain(&file), read(&std::fs::read_to_string(&file).unwrap())))
        .collect();
    let mut wrong = String::new();
    for (file, page) in &pages {
        for link in &page.links {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => file.clone(),
                path => plain(&file.parent().unwrap().join(path)),
            };
            let has_anchor =
                || pages.get(&target).is_some_and(|page| page.anchors.contains(anchor));
            if !target.exists() || !anchor.is_empty() && !has_anchor() {
                writeln!(wrong, "{}: {link}", file.display()).unwrap();
            }
        }
    }
    assert!(pages.len() > 40 && wrong.is_empty(), "links that lead nowhere:\n{wrong}");
}

#[test]
fn pages_that_are_named_are_there() {
    let root = plain(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    let (mut found, mut wrong) = (0, String::new());
    for file in files(&["rs", "py", "yaml", "yml", "toml", "tpl", "conf", "sh", "cfg", ""]) {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        for (at, _) in text.match_indices("docs/") {
            let rest = &text[at..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "/-_.".contains(c)));
            let name = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
            if !name.ends_with(".md") && !name.ends_with(".json") {
                continue;
            }
            found += 1;
            if !root.join(name).exists() {
                writeln!(wrong, "{}: {name}", file.display()).unwrap();
            }
        }
    }
    assert!(found > 10 && wrong.is_empty(), "pages that are not there:\n{wrong}");
}

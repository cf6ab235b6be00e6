//! The examples of the docs are run, and the pages that list something list all of it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tidegate_domain::Timestamp;
use tidegate_feed::{ControlTime, ControlUrl, Me, Remote, RemoteSource};
use tidegate_gateway::{Clock, FIELDS, Gate, GateConfig, Reason};

use crate::support::{Folder, Http, Ran, Server, done, tidegate};

/// A file of the repository.
fn page(name: &str) -> String {
    let file = format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The contents of a page's blocks of one kind.
fn blocks<'a>(page: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("```{kind}\n");
    page.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_first_run_goes_as_its_page_says() {
    assert!(commands_run("docs/learn/first-run.md") >= 12);
}

#[test]
fn a_first_api_goes_as_its_page_says() {
    assert!(commands_run("docs/learn/first-api.md") >= 10);
}

#[test]
fn owners_and_reviewers_do_as_their_pages_say() {
    assert!(commands_run("docs/use/owner.md") >= 10);
    assert!(commands_run("docs/use/reviewer.md") >= 9);
}

#[test]
fn throttling_goes_as_its_page_says() {
    assert!(commands_run("docs/use/throttling.md") >= 9);
}

#[test]
fn backups_go_as_their_page_says() {
    assert_eq!(commands_run("docs/run/backup.md"), 3);
}

#[test]
fn the_doctor_looks_as_its_page_says() {
    assert_eq!(commands_run("docs/run/doctor.md"), 1);
}

/// Runs a page's commands in a new world, and tells how many there were.
fn commands_run(name: &str) -> usize {
    let folder = Folder::new();
    let _server = Server::dev(&folder, &[]);
    let phrase = folder.file("pass-phrase", "correct horse battery\n");
    let around = phrase.strip_suffix("/pass-phrase").unwrap();
    let page = page(name).replace("FOLDER", around);
    let mut commands = 0;
    for block in blocks(&page, "console") {
        let mut shown = String::new();
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ tidegate ") {
                let words: Vec<&str> = command.split_whitespace().collect();
                let mut command = tidegate(&words);
                command.env("TIDEGATE_DATA_DIR", folder.data());
                let ran: Ran = command.output().unwrap().into();
                shown = ran.out + &ran.err;
                commands += 1;
            } else {
                assert!(shown.contains(line), "`{line}` is not in:\n{shown}");
            }
        }
    }
    commands
}

#[test]
fn revocation_goes_as_its_page_says() {
    assert!(commands_run("docs/use/revocation.md") >= 4);
}

#[test]
fn the_page_of_revocation_lists_every_metric_of_gateways() {
    let folder = Folder::new();
    let _server = Server::dev(&folder, &["--metrics-addr", "127.0.0.1:0"]);
    let address = folder.json("server.json")["metrics"].as_str().unwrap().to_owned();
    let told = Http::new().get(&format!("{address}/metrics"));
    let text = String::from_utf8(told.body.to_vec()).unwrap();
    let mut table = String::from("\n| Metric | Kind | What it says |\n|---|---|---|\n");
    for line in text.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
        let (name, help) = line.split_once(' ').unwrap();
        let is_theirs = ["tidegate_gateway", "tidegate_revocation"];
        if is_theirs.iter().any(|prefix| name.starts_with(prefix)) {
            let kind = text.lines().find_map(|l| l.strip_prefix(&format!("# TYPE {name} ")));
            writeln!(table, "| `{name}` | {} | {help} |", kind.unwrap()).unwrap();
        }
    }
    lists("docs/use/revocation.md", "metrics", &table);
}

#[test]
fn the_world_of_the_docs_applies() {
    let folder = Folder::new();
    let page = page("docs/reference/world-file.md");
    let world = folder.file("world.yaml", blocks(&page, "yaml")[0]);
    let told = folder.done(&["apply", "-f", &world, "--dry-run"]);
    assert!(told.contains("would create member sales/rita"), "{told}");
}

#[test]
fn the_page_of_errors_lists_every_denial() {
    let mut table =
        String::from("\n| Reason | Status | Code | What it says |\n|---|---|---|---|\n");
    for reason in Reason::ALL {
        let row = reason.row();
        let (status, code, text) = (row.status.as_u16(), row.code, row.text);
        writeln!(table, "| `{}` | {status} | `{code}` | {text} |", row.name).unwrap();
    }
    lists("docs/reference/errors.md", "gate", &table);
}

#[test]
fn the_page_of_observing_lists_every_field_of_the_access_log() {
    let mut table = String::from("\n| Field | What it says |\n|---|---|\n");
    for (name, help) in FIELDS {
        writeln!(table, "| `{name}` | {help} |").unwrap();
    }
    lists("docs/run/observing.md", "fields", &table);
}

#[test]
fn the_page_of_observing_lists_every_metric() {
    lists("docs/run/observing.md", "metrics", &metrics(&gate().metrics().unwrap(), &[]));
}

#[test]
fn the_page_of_many_machines_lists_what_a_gateway_apart_has_beside() {
    let time = Arc::new(ControlTime::new(Arc::new(|| Timestamp::from_ms(0))));
    let me = Me {
        id: "g".to_owned(),
        name: "g".to_owned(),
        boot: "b".to_owned(),
        version: "0".to_owned(),
        lease: Duration::from_secs(1),
    };
    let nodes = vec![ControlUrl::parse("http://127.0.0.1:1").unwrap()];
    let patience = Duration::from_secs(1);
    let remote = Remote { me, nodes, files: None, token: None, patience };
    let source = Arc::new(RemoteSource::new(remote, time));
    let (gate, plain) = (gate(), gate().metrics().unwrap());
    let known: Vec<&str> = plain.lines().filter(|line| line.starts_with("# HELP ")).collect();
    let all = gate.metrics_with(Some(source.collector())).unwrap();
    lists("docs/run/many-machines.md", "metrics", &metrics(&all, &known));
}

#[test]
fn many_machines_are_set_up_as_their_page_says() {
    let folder = Folder::new();
    let dir = folder.word();
    let page = page("docs/run/many-machines.md").replace("/etc/tidegate", &dir);
    for block in blocks(&page, "console") {
        let mut lines = block.lines();
        let command = lines.next().unwrap().strip_prefix("$ tidegate ").unwrap();
        let words: Vec<&str> = command.split_whitespace().chain(["--dir", &dir]).collect();
        let told = done(&words);
        lines.for_each(|line| assert!(told.contains(line), "`{line}` is not in:\n{told}"));
    }
    // Only now, for the certificates they name are looked at.
    for toml in blocks(&page, "toml") {
        let file = folder.file("tidegate.toml", toml);
        assert!(done(&["config", "check", "--config", &file]).contains("is fine"), "{toml}");
    }
}

fn gate() -> Gate {
    let at = |ms| Arc::new(move || Timestamp::from_ms(ms));
    Gate::new(GateConfig::default(), Clock { now: at(0), wall: at(0) }).unwrap()
}

/// The table of the metrics in this text, but for those that are known.
fn metrics(text: &str, known: &[&str]) -> String {
    let mut table =
        String::from("\n| Metric | Kind | Labels | What it says |\n|---|---|---|---|\n");
    let lines = text.lines().filter(|line| !known.contains(line));
    for line in lines.filter_map(|line| line.strip_prefix("# HELP ")) {
        let (name, help) = line.split_once(' ').unwrap();
        let kind = text.lines().find_map(|l| l.strip_prefix(&format!("# TYPE {name} "))).unwrap();
        let ending = if kind == "counter" { "_total" } else { "" };
        let of = |l: &&str| {
            l.starts_with(&format!("{name}{ending}{{")) || l.starts_with(&format!("{name}_count{{"))
        };
        let labels = match text.lines().find(of) {
            Some(sample) => {
                let (_, labels) = sample.split_once('{').unwrap();
                let names = labels.split(',').filter_map(|label| label.split_once('='));
                names.map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            }
            // It has samples only when there is an access log, or traces.
            None if name == "tidegate_gate_records" => "`sink`, `outcome`".to_owned(),
            None => String::new(),
        };
        writeln!(table, "| `{name}{ending}` | {kind} | {labels} | {help} |").unwrap();
    }
    table
}

/// Checks that a page has this table between its two marks; or puts it there, if that is asked for.
fn lists(name: &str, mark: &str, table: &str) {
    let page = page(name);
    let (begin, end) = (format!("<!-- {mark}:begin -->"), format!("<!-- {mark}:end -->"));
    let (head, rest) = page.split_once(&begin).expect("the page has a place for the table");
    let (listed, tail) = rest.split_once(&end).expect("the table has an end");
    if std::env::var_os("UPDATE_TABLE").is_some() {
        let file = format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(file, format!("{head}{begin}\n{table}\n{end}{tail}")).unwrap();
    } else {
        assert_eq!(listed.trim(), table.trim());
    }
}

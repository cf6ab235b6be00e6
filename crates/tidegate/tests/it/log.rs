//! A log that cannot be written changes nothing but the count of its lines.

use std::fs::OpenOptions;
use std::io::pipe;
use std::process::Stdio;

use http::Method;
use serde_json::json;

use crate::support::{Folder, Http, Server, WORLD, keys};

/// More lines than a pipe and a page of memory hold.
const CALLS: usize = 700;

/// A server that logs every call, to `stderr`.
fn start(folder: &Folder, stderr: impl Into<Stdio>) -> Server {
    let world = folder.file("world.yaml", WORLD);
    let words = [["--world", &world], ["--log", "info"], ["--metrics-addr", "127.0.0.1:0"]];
    Server::dev_logging_to(stderr, folder, &words.concat())
}

/// A change is made and answered, and both sides say that they are ready.
fn works(server: &Server, http: &Http, name: &str) {
    let address = format!("{}/v1/p1/service/apps", server.control);
    let app = json!({ "name": name });
    let sent = http.send(Method::POST, &address, &[], Some(&app), Some(&keys("olaf")));
    assert_eq!(sent.status, 200, "{name}: {:?}", sent.body);
    for origin in [&server.control, &server.gateway] {
        assert_eq!(http.get(&format!("{origin}/readyz")).status, 200, "{name}");
    }
}

fn lines(http: &Http, folder: &Folder, outcome: &str) -> u64 {
    let told = folder.json("server.json");
    let address = format!("{}/metrics", told["metrics"].as_str().unwrap());
    let text = String::from_utf8(http.get(&address).body.to_vec()).unwrap();
    let name = format!("tidegate_log_lines_total{{outcome=\"{outcome}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.unwrap_or_else(|| panic!("no {name}in:\n{text}")).parse().unwrap()
}

#[test]
fn a_full_disk_behind_the_log_keeps_no_server_from_starting_and_working() {
    let folder = Folder::new();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (server, http) = (start(&folder, full), Http::new());
    works(&server, &http, "full");
    while lines(&http, &folder, "write-failed") == 0 {
        server.moment();
    }
    assert_eq!(lines(&http, &folder, "written"), 0);
    assert!(server.stop().success());
}

#[test]
fn a_reader_of_the_log_that_goes_away_is_not_missed() {
    let folder = Folder::new();
    let (reader, writer) = pipe().unwrap();
    let (server, http) = (start(&folder, writer), Http::new());
    works(&server, &http, "read");
    drop(reader);
    works(&server, &http, "unread");
    while lines(&http, &folder, "write-failed") == 0 {
        server.moment();
    }
    assert!(server.stop().success());
}

#[test]
fn a_reader_of_the_log_that_stalls_holds_nobody_up() {
    let folder = Folder::new();
    let (reader, writer) = pipe().unwrap();
    let (server, http) = (start(&folder, writer), Http::new());
    for _ in 0..CALLS {
        assert_eq!(http.get(&format!("{}/healthz", server.control)).status, 200);
    }
    works(&server, &http, "stalled");
    let written = lines(&http, &folder, "written");
    assert!(written < CALLS as u64, "{written} lines fit into the pipe");
    // Nobody waits for the reader at the end, either, beyond a few seconds.
    assert!(server.stop().success());
    drop(reader);
}

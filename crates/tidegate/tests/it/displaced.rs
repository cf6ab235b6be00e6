//! The files of the store, moved, replaced or emptied while a server works on them, or before it starts.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use http::Method;
use serde_json::json;

use crate::postgres::decide;
use crate::support::{ANYWHERE, Folder, Http, PATIENCE, Ran, Server, WORLD, keys, pause, tidegate};

/// A server on its own folder, on which something was decided.
fn scene() -> (Folder, Server, Http) {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    folder.done(&["apply", "-f", &world]);
    fs::copy(folder.data().join("tidegate.db"), folder.data().join("old.db")).unwrap();
    let server = Server::serve_with(&folder, &[("TIDEGATE_METRICS_ADDR", "127.0.0.1:0")]);
    let http = Http::new();
    decide(&server, &http);
    (folder, server, http)
}

/// Creates an app, and tells the status.
fn change(server: &Server, http: &Http, name: &str) -> u16 {
    let address = format!("{}/v1/p1/service/apps", server.control);
    http.send(Method::POST, &address, &[], Some(&json!({ "name": name })), Some(&keys("olaf")))
        .status
}

fn rename(data: &Path, from: &str, to: &str) {
    fs::rename(data.join(from), data.join(to)).unwrap();
}

/// What a command says that looks at a folder.
fn looks(folder: &Folder, words: &[&str]) -> Ran {
    let mut command = tidegate(words);
    command.env("TIDEGATE_DATA_DIR", folder.data()).envs(ANYWHERE).output().unwrap().into()
}

/// A start that is refused.
fn start(folder: &Folder) -> Ran {
    let mut command = tidegate(&["serve"]);
    command.env("TIDEGATE_DATA_DIR", folder.data()).envs(ANYWHERE);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    // One that is not refused would go on for ever.
    let deadline = Instant::now() + PATIENCE;
    while server.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            server.kill().unwrap();
        }
        pause();
    }
    server.wait_with_output().unwrap().into()
}

fn metric(folder: &Folder, http: &Http, name: &str) -> String {
    let told = folder.json("server.json");
    let told = http.get(&format!("{}/metrics", told["metrics"].as_str().unwrap())).body;
    let told = String::from_utf8(told.to_vec()).unwrap();
    let line = told.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.rsplit(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn a_server_acknowledges_nothing_on_a_store_that_was_moved_away_and_goes_on_when_it_is_back() {
    let (folder, server, http) = scene();
    rename(&folder.data(), "tidegate.db", "x.db");
    assert_eq!(change(&server, &http, "lost"), 503);
    server.logs("is not there any more: it was moved or removed");
    assert_eq!(http.get(&format!("{}/readyz", server.control)).status, 503);
    assert_eq!(metric(&folder, &http, "tidegate_store_files_displaced"), "1.0");
    rename(&folder.data(), "x.db", "tidegate.db");
    assert_eq!(change(&server, &http, "kept"), 200);
    server.logs("the files of the store are back");
    assert_eq!(http.get(&format!("{}/readyz", server.control)).status, 200);
    assert_eq!(metric(&folder, &http, "tidegate_store_files_displaced"), "0.0");
    server.stop();
    let server = Server::serve(&folder);
    assert_eq!(change(&server, &http, "kept"), 400, "it was kept, so its name is taken");
    assert_eq!(change(&server, &http, "lost"), 200, "it was not made");
}

#[test]
fn a_store_that_was_replaced_is_neither_used_nor_mixed_with_what_was_there() {
    let (folder, server, http) = scene();
    rename(&folder.data(), "old.db", "tidegate.db");
    assert_eq!(change(&server, &http, "lost"), 503);
    let doctor = looks(&folder, &["doctor"]);
    assert!(doctor.out.contains("was replaced or written while a server worked"), "{doctor:?}");
    let backup = folder.run(&["backup", &folder.path().join("a.backup").display().to_string()]);
    assert!(backup.err.contains("was replaced or written"), "{backup:?}");
    server.stop();
    let refused = start(&folder);
    assert_eq!(refused.code, Some(3));
    assert!(refused.err.contains("move ") && refused.err.contains("-wal"), "{refused:?}");
    for end in ["-wal", "-shm"] {
        fs::remove_file(folder.data().join(format!("tidegate.db{end}"))).unwrap();
    }
    // The built-in gateway remembers what was decided, and that is recorded.
    let server = Server::serve_with(&folder, &[("TIDEGATE_METRICS_ADDR", "127.0.0.1:0")]);
    server.logs("a gateway knows a revision that the store does not have");
    assert_eq!(metric(&folder, &http, "tidegate_store_setbacks_total"), "1");
    let doctor = looks(&folder, &["doctor"]);
    assert!(doctor.out.contains("went back to an earlier state"), "{doctor:?}");
}

#[test]
fn an_empty_store_beside_its_key_is_no_new_installation() {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    folder.done(&["apply", "-f", &world]);
    let file = folder.data().join("tidegate.db");
    let tables = fs::read(&file).unwrap();
    assert!(!folder.data().join("tidegate.db-wal").exists(), "everything is in the one file");
    // A database of SQLite's in which there is nothing: one page without an entry.
    let mut none = tables[..4_096].to_vec();
    none[28..32].copy_from_slice(&1_u32.to_be_bytes());
    none[100..108].copy_from_slice(&[0x0d, 0, 0, 0, 0, 0x10, 0, 0]);
    none[108..].fill(0);
    for (content, told) in
        [(vec![], "is empty, though its key"), (none, "is without tables, though its key")]
    {
        fs::write(&file, &content).unwrap();
        let refused = start(&folder);
        assert!(refused.code == Some(3) && refused.err.contains(told), "{told}: {refused:?}");
        assert_eq!(fs::metadata(&file).unwrap().len(), content.len() as u64, "nothing was begun");
        for words in [&["doctor"][..], &["config", "check"]] {
            let ran = looks(&folder, words);
            assert!(ran.out.contains(told) || ran.err.contains(told), "{words:?}: {ran:?}");
            assert_ne!(ran.code, Some(0), "{words:?}");
        }
    }
    fs::write(&file, &tables).unwrap();
    assert!(Server::serve(&folder).stop().success());
}

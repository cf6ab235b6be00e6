//! The first run: what it prints is pasted into a shell, line by line.

use std::process::Command;

use crate::support::{BINARY, Folder, Ran, Server, mode};

/// Runs a printed line the way a person would.
fn paste(line: &str) -> Ran {
    Command::new("sh").args(["-c", line]).output().unwrap().into()
}

#[test]
fn the_printed_lines_lead_from_a_denial_to_a_call_let_in_and_to_its_end() {
    let folder = Folder::new();
    let server = Server::dev(&folder, &[]);
    let lines: Vec<&String> =
        server.greeting.iter().filter(|line| line.starts_with(&format!("  {BINARY} "))).collect();
    let story = [
        (1, "X-Tidegate-Reason: no-grant"),
        (0, "applied for a grant until"),
        (0, "approved 1"),
        (0, "X-Tidegate-Grant-End: "),
        (0, "4d 0h 0m ahead"),
        (1, "X-Tidegate-Reason: expired"),
        (0, "granted until"),
        (0, "access ends at"),
        (0, "X-Tidegate-Cancelled-At: "),
        (0, "6d 2h 0m ahead"),
        (1, "X-Tidegate-Reason: cancelled"),
    ];
    assert_eq!(lines.len(), story.len(), "{lines:#?}");
    for (line, (code, words)) in lines.into_iter().zip(story) {
        let ran = paste(line);
        assert_eq!(ran.code, Some(code), "{line}: {ran:?}");
        assert!(ran.out.contains(words), "{line}: {words} is missing in {ran:?}");
        if code == 0 && line.contains(" call ") {
            assert!(ran.out.contains("HTTP 200") && ran.out.contains(r#""city":"lisbon""#));
        }
        if code == 1 {
            assert!(ran.err.contains("denied: "), "{ran:?}");
            // Its name is a header, its sentence the last line: each once.
            let all = format!("{}{}", ran.out, ran.err);
            let name = words.trim_start_matches("X-Tidegate-Reason: ");
            assert_eq!(all.matches(name).count(), 1 + ran.err.matches(name).count(), "{ran:?}");
            assert!(!ran.out.contains("error_msg"), "{ran:?}");
        }
    }
}

#[test]
fn the_backend_hears_which_app_asks_and_not_its_proof() {
    let folder = Folder::new();
    let _server = Server::dev(&folder, &[]);
    folder.done(&["grants", "authorize", "--api", "weather", "--app", "wallboard", "--for", "2d"]);
    let shown = folder.done(&["apps", "show", "wallboard", "--output", "json"]);
    let app: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let called = folder.done(&["call", "--app", "wallboard", "/weather/s%C3%A3o%20paulo?x=1"]);
    assert!(called.contains(app["id"].as_str().unwrap()), "{called}");
    assert!(called.contains("são paulo"), "{called}");
    let (key, secret) = (app["app_key"].as_str().unwrap(), app["app_secret"].as_str().unwrap());
    let by_key = folder.done(&["call", "--key", key, "--secret", secret, "/weather/oslo"]);
    assert!(by_key.contains("oslo"));
    let wrong = folder.run(&["call", "--key", key, "--secret", "wrong", "/weather/oslo"]);
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.out.contains("X-Tidegate-Reason: bad-signature"), "{wrong:?}");
    let nobody = folder.run(&["call", "/weather/oslo"]);
    assert!(nobody.out.contains("X-Tidegate-Reason: missing-signature"), "{nobody:?}");
}

#[test]
fn a_second_server_on_the_folder_is_refused_in_words() {
    let folder = Folder::new();
    let server = Server::dev(&folder, &[]);
    let ran =
        folder.run(&["dev", "--control-addr", "127.0.0.1:0", "--gateway-addr", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("another process works on the data folder"), "{ran:?}");
    assert!(!ran.out.contains("ready"));
    let taken = server.control.trim_start_matches("http://").to_owned();
    let other = Folder::new();
    let ran = other.run(&["dev", "--control-addr", &taken, "--gateway-addr", "127.0.0.1:0"]);
    assert!(ran.err.contains(&format!("the control side cannot listen on {taken}")), "{ran:?}");
}

#[test]
fn keys_are_drawn_for_each_folder_and_kept_private() {
    let (one, two) = (Folder::new(), Folder::new());
    let servers = [Server::dev(&one, &[]), Server::dev(&two, &[])];
    let logins = |folder: &Folder| folder.json("dev.json")["logins"].clone();
    assert_eq!(logins(&one).as_array().unwrap().len(), 3);
    assert_ne!(logins(&one), logins(&two));
    for file in ["dev.json", "vault.key", "operator.token", "tidegate.db"] {
        assert_eq!(mode(&one.data().join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&one.data()), 0o700);
    drop(servers);
}

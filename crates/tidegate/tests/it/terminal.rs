//! Whatever a file, a request or the server holds: no control character, none that turns the direction of writing and
//! none that is invisible reaches a terminal.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::{ANYWHERE, Folder, Ran, Server, run, tidegate};

/// One of each kind.
const NASTY: &str = "a\0\u{7}\u{8}\r\n\t\u{1b}[2J\u{1b}]0;t\u{7f}\u{9b}1m\u{ad}\u{61c}\u{200b}\u{200d}\u{200e}\u{2028}\u{202e}\u{2060}\
                     \u{2066}\u{2800}\u{3164}\u{fe0f}\u{feff}\u{fff9}\u{ffff}\u{e000}\u{1bca0}\u{e0041}\u{e0100}\u{10fffd}b";

/// What may not stand in a text for people: all of them.
fn is_raw(c: char) -> bool {
    c != '\n' && c != 'a' && c != 'b' && !(' '..='~').contains(&c) && NASTY.contains(c)
}

#[track_caller]
fn is_harmless(what: &str, ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        let raw: Vec<char> = text.chars().filter(|c| is_raw(*c)).collect();
        assert!(raw.is_empty(), "{what}: {raw:?} in {text}");
    }
}

/// An answer that has every field a command may print, each of them as bad as can be.
fn record(depth: usize) -> Value {
    let texts = [
        "name",
        "id",
        "app_type",
        "create_user",
        "description",
        "app_key",
        "app_secret",
        "manager",
        "path",
        "request_type",
        "instance_name",
        "instance_id",
        "api_status",
        "api_name",
        "api_id",
        "app_name",
        "app_id",
        "user_name",
        "approver_name",
        "comment",
        "api_apply_type",
        "api_apply_status",
        "relationship_type",
        "granted_by",
        "state",
        "version",
        "window_seconds",
        "per_api",
        "per_user",
        "per_app",
        "throttle",
        "reason",
        "now_iso",
        "error_code",
        "error_msg",
        "revision",
    ];
    let mut made: serde_json::Map<String, Value> =
        texts.iter().map(|name| ((*name).to_owned(), json!(NASTY))).collect();
    made.insert(
        "backend_config".to_owned(),
        json!({ "host": NASTY, "path": NASTY, "type": NASTY }),
    );
    if depth > 0 {
        for list in [
            "apps",
            "records",
            "instances",
            "throttles",
            "gateways",
            "notices",
            "publish_messages",
            "apis",
        ] {
            made.insert(list.to_owned(), json!([record(depth - 1)]));
        }
    }
    Value::Object(made)
}

/// A server that answers everything with this, for as long as the test runs.
fn answering(status: &str, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\nx-tidegate-grant-end: \u{202e}\u{9b}\r\n\r\n",
        body.len()
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let _ = reader.take(length).read_to_end(&mut Vec::new());
            let _ =
                stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    origin
}

/// Each command that prints what a server says.
const COMMANDS: [&[&str]; 15] = [
    &["apps", "list"],
    &["apps", "show", "x"],
    &["apps", "reset-secret", "x"],
    &["apps", "create", "x"],
    &["apis", "list"],
    &["apis", "show", "x"],
    &["apis", "rules", "x"],
    &["applications", "list"],
    &["grants", "list", "--api", "x"],
    &["grants", "list", "--app", "x"],
    &["grants", "show", "--api", "x", "--app", "x", "--instance", "APIG"],
    &["notices", "list"],
    &["throttles", "list"],
    &["throttles", "show", "x"],
    &["gateways", "list"],
];

#[test]
fn what_a_server_says_sends_nothing_to_the_terminal() {
    let folder = Folder::new();
    std::fs::create_dir(folder.data()).unwrap();
    let data = folder.word();
    folder.file("data/operator.token", "0123456789abcdef0123456789abcdef");
    for status in ["200 OK", "400 Bad Request"] {
        let origin = answering(status, record(2).to_string());
        for command in COMMANDS {
            for form in ["table", "json"] {
                let mut words = command.to_vec();
                if command[0] == "gateways" {
                    folder.file(
                        "data/server.json",
                        &json!({ "control": origin, "dev": false }).to_string(),
                    );
                    words.extend(["--data-dir", &data]);
                } else {
                    words.extend([
                        "--endpoint",
                        &origin,
                        "--access-key",
                        "K",
                        "--secret-key",
                        "S",
                        "--project",
                        "p",
                        "--workspace",
                        "w",
                    ]);
                }
                words.extend(["--output", form]);
                let what = format!("{command:?} {form} {status}");
                let ran = run(&words);
                is_harmless(&what, &ran);
                let code = if status.starts_with('2') { 0 } else { 1 };
                assert_eq!(ran.code, Some(code), "{what}: {ran:?}");
                let shown = if code == 0 { &ran.out } else { &ran.err };
                let escape = if form == "json" && code == 0 { "\\u202e" } else { "\\u{202e}" };
                assert!(shown.contains(escape), "{what}: {ran:?}");
                if form == "json" && code == 0 {
                    let value: Value = serde_json::from_str(&ran.out).unwrap();
                    assert!(value.to_string().contains('\u{202e}'), "{what}: it is the same text");
                }
                // A text of the server's makes no line of its own.
                assert!(!shown.lines().any(|line| line.starts_with('\t')), "{what}: {ran:?}");
            }
        }
        let called = run(&["call", "--key", "K", "--secret", "S", &format!("{origin}/x")]);
        is_harmless(&format!("call {status}"), &called);
        assert!(called.out.contains("X-Tidegate-Grant-End: \\u{202e}\\u{9b}"), "{called:?}");
    }
    let plain = answering("200 OK", NASTY.to_owned());
    let called = run(&["call", &format!("{plain}/x")]);
    is_harmless("call", &called);
    assert!(called.out.contains("\\u{202e}"), "{called:?}");
}

#[test]
fn what_a_file_holds_sends_nothing_to_the_terminal() {
    let folder = Folder::new();
    // JSON is YAML, too, but for characters that YAML wants as escapes.
    let world = |user: &str, host: &str, role: &str, id: &str| {
        let world = json!({ "projects": [{
            "id": id, "name": user, "domain": { "id": "d", "name": user },
            "users": [{ "name": user, "access_key": user }, { "name": user }],
            "instances": [{ "id": id, "name": user, "hosts": [host] }],
            "workspaces": [{ "id": id, "name": user, "members": [{ "user": user, "role": role }] }],
        }]});
        let escaped = |c: char| match is_raw(c) {
            true => format!("\\U{:08x}", u32::from(c)),
            false => c.to_string(),
        };
        let world: String = world.to_string().chars().map(escaped).collect();
        folder.file("world.yaml", &world)
    };
    for c in NASTY.chars().filter(|c| is_raw(*c)) {
        let bad = format!("x{c}y");
        let file = world(&bad, &bad, &bad, &bad);
        let apply = folder.run(&["apply", "-f", &file]);
        is_harmless("apply", &apply);
        assert_eq!(apply.code, Some(2), "{apply:?}");
        let escape = if c == '\t' || c == '\r' { "\\" } else { "\\u{" };
        assert!(apply.err.matches(escape).count() >= 8, "{c:?}: {apply:?}");
    }
    for name in ["\u{202e}", "\u{1b}[2J", "\u{2800}"] {
        let missing = folder.run(&["apply", "-f", &format!("{name}.yaml")]);
        is_harmless("apply", &missing);
        assert!(missing.err.contains("\\u{"), "{missing:?}");
    }
    let config = json!(NASTY).to_string().replace("\\b", "\\u0008");
    let config = folder.file("config.toml", &format!("control_addr = {config}\n{config} = 1\n"));
    for words in [&["config", "check"][..], &["serve"], &["doctor"], &["doctor", "--json"]] {
        let ran = run(&[words, &["--config", &config]].concat());
        is_harmless("config", &ran);
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_logged_sends_nothing_to_the_terminal() {
    use std::os::unix::fs::PermissionsExt;
    for (form, escape) in [("text", "\\u{202e}\\u{9b}"), ("json", "\\u202e\\u009b")] {
        let folder = Folder::new();
        let data = folder.data();
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
        // Its folder may be named as it likes.
        let file = folder.file("secret\u{202e}\u{9b}\u{1b}[2J\u{2800}", &"ab".repeat(32));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let mut variables = ANYWHERE.to_vec();
        variables
            .extend([("TIDEGATE_FEED_TOKEN_FILE", file.as_str()), ("TIDEGATE_LOG_FORMAT", form)]);
        let log = Server::serve_with(&folder, &variables).stopped();
        assert!(log.contains("is open to everybody") && log.contains(escape), "{log}");
        is_harmless("log", &Ran { code: None, out: String::new(), err: log });
    }
    let nothing =
        tidegate(&["serve"]).env("TIDEGATE_DATA_DIR", "/dev/null/\u{202e}").output().unwrap();
    is_harmless("serve", &nothing.into());
}

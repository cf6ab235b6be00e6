//! What a restart keeps: the clock, the decisions, the keys.

use http::Method;
use serde_json::json;

use crate::support::{Folder, Http, Server};

#[test]
fn a_restart_keeps_the_moved_clock_and_the_decisions() {
    let folder = Folder::new();
    let http = Http::new();
    let server = Server::dev(&folder, &[]);
    folder.done(&["grants", "authorize", "--api", "weather", "--app", "wallboard", "--for", "5d"]);
    let address = format!("{}/dev/clock", server.control);
    let moved =
        http.send(Method::POST, &address, &[], Some(&json!({"advance_seconds": 176_400})), None);
    assert_eq!(moved.status, 200);
    assert_eq!(moved.json()["advanced_seconds"], 176_400);
    for body in [json!({"advance_seconds": -1}), json!({"advance_seconds": "1"}), json!({})] {
        let refused = http.send(Method::POST, &address, &[], Some(&body), None);
        assert_eq!(refused.status, 400, "{body}");
    }
    let before = folder.json("dev.json");
    assert!(server.stop().success());
    assert!(!folder.data().join("server.json").exists());
    assert!(folder.data().join("gate.snapshot").exists(), "the gate begins with what it knew");

    let server = Server::dev(&folder, &[]);
    assert_eq!(folder.json("dev.json"), before, "same keys, same port of the backend");
    let told = http.get(&format!("{}/dev/clock", server.control)).json();
    assert_eq!(told["advanced_seconds"], 176_400);
    assert!(folder.done(&["call", "--app", "wallboard", "/weather/rome"]).contains("HTTP 200"));
    assert_eq!(folder.done(&["apis", "list"]).lines().count(), 2, "seeded once");
    server.kill();

    let server = Server::dev(&folder, &[]);
    let told = http.get(&format!("{}/dev/clock", server.control)).json();
    assert_eq!(told["advanced_seconds"], 176_400);
    folder.done(&["clock", "advance", "3d"]);
    let over = folder.run(&["call", "--app", "wallboard", "/weather/rome"]);
    assert!(over.out.contains("X-Tidegate-Reason: expired"), "{over:?}");
}

#[test]
fn a_taken_port_of_the_sample_backend_is_told() {
    let folder = Folder::new();
    assert!(Server::dev(&folder, &[]).stop().success());
    let port = u16::try_from(folder.json("dev.json")["backend_port"].as_u64().unwrap()).unwrap();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let ran =
        folder.run(&["dev", "--control-addr", "127.0.0.1:0", "--gateway-addr", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("the sample backend of this data folder lives at"), "{ran:?}");
}

#[test]
fn a_lost_key_is_told_and_not_replaced() {
    let folder = Folder::new();
    assert!(Server::dev(&folder, &[]).stop().success());
    std::fs::remove_file(folder.data().join("vault.key")).unwrap();
    let ran =
        folder.run(&["dev", "--control-addr", "127.0.0.1:0", "--gateway-addr", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("vault.key is missing"), "{ran:?}");
    assert!(!folder.data().join("vault.key").exists());
}

#[test]
fn lost_keys_of_the_sample_users_are_drawn_anew() {
    let folder = Folder::new();
    assert!(Server::dev(&folder, &[]).stop().success());
    let before = folder.json("dev.json");
    std::fs::remove_file(folder.data().join("dev.json")).unwrap();
    let _server = Server::dev(&folder, &[]);
    let after = folder.json("dev.json");
    assert_ne!(after["logins"], before["logins"]);
    assert_eq!(after["backend_port"], before["backend_port"]);
    folder.done(&["grants", "authorize", "--api", "weather", "--app", "wallboard", "--for", "2d"]);
    let called = folder.done(&["call", "--app", "wallboard", "/weather/rome"]);
    assert!(called.contains("HTTP 200"), "{called}");
    assert_eq!(folder.done(&["apps", "list"]).lines().count(), 2);
}

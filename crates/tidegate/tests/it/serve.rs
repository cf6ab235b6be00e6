//! The real server.

use http::Method;
use serde_json::json;

use crate::support::{Folder, Http, Server, WORLD, is_ok};

#[test]
fn a_server_answers_health_on_both_addresses_and_has_no_clock_to_move() {
    let folder = Folder::new();
    let server = Server::serve(&folder);
    let http = Http::new();
    for origin in [&server.control, &server.gateway] {
        for path in ["/healthz", "/readyz"] {
            assert_eq!(http.get(&format!("{origin}{path}")).status, 200, "{origin}{path}");
        }
        let clock = format!("{origin}/dev/clock");
        assert_eq!(http.get(&clock).status, 404);
        let body = json!({"advance_seconds": 1});
        let moved = http.send(Method::POST, &clock, &[], Some(&body), None);
        assert!(!is_ok(moved.status));
    }
    let moved = folder.run(&["clock", "advance", "1h"]);
    assert_eq!(moved.code, Some(2));
    assert!(moved.err.contains("no development server"), "{moved:?}");
    assert!(!folder.data().join("clock.json").exists());
    assert!(!folder.data().join("dev.json").exists());
    assert!(server.stop().success());
}

#[test]
fn a_world_is_applied_to_a_running_server_by_its_operator() {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    let server = Server::serve(&folder);
    let dry = folder.done(&["apply", "-f", &world, "--dry-run"]);
    assert!(dry.contains("would create user rita"), "{dry}");
    let done = folder.done(&["apply", "-f", &world]);
    assert_eq!(done.replace("created", "would create"), dry, "the dry run told the truth");
    assert_eq!(folder.done(&["apply", "-f", &world]), "no changes\n");
    let http = Http::new();
    let address = format!("{}/admin/world", server.control);
    let stranger = [("authorization", "Bearer 0000")];
    let refused = http.send(Method::POST, &address, &stranger, Some(&json!({})), None);
    assert_eq!(refused.status, 403);
    let apps = folder.run(&[
        "apps",
        "list",
        "--access-key",
        "OLAFKEY",
        "--secret-key",
        "olaf-secret",
        "--project",
        "p1",
    ]);
    assert_eq!((apps.code, apps.out.as_str()), (Some(0), "none\n"), "{apps:?}");
    let wrong = folder.run(&[
        "apps",
        "list",
        "--access-key",
        "OLAFKEY",
        "--secret-key",
        "rita-secret",
        "--project",
        "p1",
    ]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
}

#[test]
fn a_server_that_leaves_says_so_first_and_answers_on() {
    let folder = Folder::new();
    let server = Server::serve_with(&folder, &[("TIDEGATE_SHUTDOWN_DELAY_SECONDS", "60")]);
    let http = Http::new();
    server.signal("-TERM");
    let deadline = std::time::Instant::now() + crate::support::PATIENCE;
    for origin in [&server.control, &server.gateway] {
        while http.get(&format!("{origin}/readyz")).status != 503 {
            assert!(std::time::Instant::now() < deadline, "{origin} says that it is ready");
        }
        assert_eq!(http.get(&format!("{origin}/healthz")).status, 200);
    }
    assert_eq!(http.get(&format!("{}/orders", server.gateway)).status, 404, "still answered");
    assert!(server.stop().success(), "a second signal ends it at once");
}

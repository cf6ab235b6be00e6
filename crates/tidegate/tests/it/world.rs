//! `tidegate dev --world`: the contract of black-box tests.

use http::Method;
use serde_json::json;

use crate::support::{Folder, Http, Server, WORLD, keys};

#[test]
fn a_given_world_takes_the_place_of_the_sample() {
    let folder = Folder::new();
    let with_password = WORLD.replace("{name: rita,", "{name: rita, password: rita-pass,");
    let world = folder.file("world.yaml", &with_password);
    let server = Server::dev(&folder, &["--world", &world]);
    assert!(server.greeting.is_empty(), "only `ready` on stdout: {:?}", server.greeting);
    let http = Http::new();
    for origin in [&server.control, &server.gateway] {
        assert_eq!(http.get(&format!("{origin}/healthz")).status, 200);
        assert_eq!(http.get(&format!("{origin}/readyz")).status, 200);
    }
    let projects = format!("{}/v3/projects?name=region-1", server.control);
    let found = http.send(Method::GET, &projects, &[], None, Some(&keys("rita"))).json();
    assert_eq!(found["projects"][0]["id"], "p1");
    let login = json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": {
            "name": "rita", "password": "rita-pass", "domain": { "name": "acme" } } } },
        "scope": { "project": { "name": "region-1" } } } });
    let tokens = format!("{}/v3/auth/tokens", server.control);
    let token = http.send(Method::POST, &tokens, &[], Some(&login), None);
    assert_eq!(token.status, 201);
    assert!(token.header("x-subject-token").is_some());
    assert_eq!(folder.done(&["apps", "list", "--as", "olaf"]), "none\n");
    let stranger = folder.run(&["apps", "list", "--as", "reviewer"]);
    assert!(stranger.err.contains("knows no user `reviewer`; name one of rita, olaf, ada"));
    assert!(server.stop().success());

    let again = Server::dev(&folder, &["--world", &world]);
    assert!(again.greeting.is_empty());
}

#[test]
fn a_faulty_world_is_told_before_a_folder_is_made() {
    let folder = Folder::new();
    let world = folder.file("world.yaml", "projects: [{id: p1}]");
    let ran = folder.run(&["dev", "--world", &world]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("world.yaml"), "{ran:?}");
    assert!(!folder.data().exists());
}

//! Messages to people leave the server by a signed webhook, whenever somebody is there to take them.

use std::net::TcpListener;
use std::time::Instant;

use http::Method;
use serde_json::json;

use crate::receiver::{Receiver, SECRET};
use crate::support::{Folder, Http, PATIENCE, Server, WORLD, definition, keys, pause};

/// Rita publishes an API, and olaf's new app applies for it.
fn apply(server: &Server, http: &Http, name: &str) -> String {
    let base = format!("{}/v1/p1/service", server.control);
    let post = |path: &str, body: serde_json::Value, by: &str| {
        let sent =
            http.send(Method::POST, &format!("{base}{path}"), &[], Some(&body), Some(&keys(by)));
        assert!(matches!(sent.status, 200 | 204), "{path}: {:?}", sent.body);
        sent
    };
    let api = post("/apis", definition(name, "127.0.0.1:9"), "rita").json();
    let api = api["id"].as_str().unwrap().to_owned();
    post(&format!("/apis/{api}/instances/g1/publish"), json!({}), "rita");
    let app = post("/apps", json!({ "name": format!("app-{name}") }), "olaf").json();
    let applied = json!({
        "api_id": api, "instance_id": "g1", "app_id": app["id"],
        "apply_type": "APPLY_TYPE_APPLY", "time": "2099-01-01T00:00:00Z",
    });
    post("/apis/authorize/action", applied, "olaf");
    api
}

fn metric(http: &Http, folder: &Folder, name: &str) -> f64 {
    let address = folder.json("server.json")["metrics"].as_str().unwrap().to_owned();
    let told = http.get(&format!("{address}/metrics"));
    let text = String::from_utf8(told.body.to_vec()).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    assert_eq!(text.matches("# EOF").count(), 1, "one end");
    line.unwrap_or_else(|| panic!("no {name} in:\n{text}")).parse().unwrap()
}

#[test]
fn a_message_waits_for_its_receiver_and_reaches_him_signed() {
    let (folder, http) = (Folder::new(), Http::new());
    let world = folder.file("world.yaml", WORLD);
    folder.done(&["apply", "-f", &world]);
    let secret = folder.file("webhook.secret", &format!("{SECRET}\n"));

    // Nobody is there: an address that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = format!("http://{free}/hook?token=hush-in-the-url");
    let variables = |address| {
        [
            ("TIDEGATE_NOTIFY_WEBHOOK_URL", address),
            ("TIDEGATE_NOTIFY_WEBHOOK_SECRET_FILE", secret.as_str()),
            ("TIDEGATE_METRICS_ADDR", "127.0.0.1:0"),
            ("TIDEGATE_LOG_LEVEL", "debug"),
        ]
    };
    let server = Server::serve_with(&folder, &variables(nowhere.as_str()));
    let api = apply(&server, &http, "orders");
    let deadline = Instant::now() + PATIENCE;
    while metric(&http, &folder, "tidegate_messages_failed_total") < 1.0 {
        assert!(Instant::now() < deadline, "it is not tried");
        pause();
    }
    let log = server.stopped();
    assert!(!log.contains("hush-in-the-url") && !log.contains(SECRET), "a secret in the log");

    let receiver = Receiver::start();
    let server = Server::serve_with(&folder, &variables(receiver.address.as_str()));
    let told = receiver.wait_for("application.filed", 1);
    let body = &told[0].body;
    assert!(told[0].is_signed && body["id"] == told[0].id, "{told:?}");
    assert_eq!(body["recipient"]["name"], "rita");
    assert!(body["subject"].as_str().unwrap().starts_with(&api), "{body}");
    assert_eq!(body["data"]["until"], "2099-01-01T00:00:00Z");
    apply(&server, &http, "stock");
    assert_eq!(receiver.wait_for("application.filed", 2).len(), 2, "each once");
    while metric(&http, &folder, "tidegate_messages_waiting") > 0.0 {
        assert!(Instant::now() < deadline, "something waits for ever");
        pause();
    }
    assert_eq!(metric(&http, &folder, "tidegate_proven"), 1.0);
    assert!(server.stop().success());
}

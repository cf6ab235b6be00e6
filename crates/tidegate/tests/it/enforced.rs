//! Who was told that a change is made finds it enforced at the gate of the same process, at once,
//! however busy the gate is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http::Method;
use serde_json::json;

use crate::support::{Folder, Http, HttpClient, Keys, Server, WORLD, definition, keys};

/// How often the grant is given and given back.
const ROUNDS: usize = 200;

/// How many others call the same app's API meanwhile, without a pause.
const CALLERS: usize = 2;

#[test]
fn a_change_is_enforced_when_it_is_answered() {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    let server = Server::dev(&folder, &["--world", &world, "--log", "error"]);
    let http = Http::new();
    let base = format!("{}/v1/p1/service", server.control);
    let (rita, olaf) = (keys("rita"), keys("olaf"));
    let post = |path: &str, body: serde_json::Value, by: &Keys| {
        let sent = http.send(Method::POST, &format!("{base}{path}"), &[], Some(&body), Some(by));
        assert!(matches!(sent.status, 200 | 204), "{path}: {:?}", sent.body);
        sent
    };
    // Nothing answers at the backend: a call that is let in fails there, one that is denied does not
    // get so far.
    let api = post("/apis", definition("orders", "127.0.0.1:9"), &rita).json();
    let api = api["id"].as_str().unwrap();
    post(&format!("/apis/{api}/instances/g1/publish"), json!({}), &rita);
    let app = post("/apps", json!({ "name": "shop" }), &olaf).json();
    let text = |field: &str| app[field].as_str().unwrap().to_owned();
    let (id, of_app) = (text("id"), Keys { access: text("app_key"), secret: text("app_secret") });
    let call = format!("{}/orders", server.gateway);

    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (call, of_app) = (call.clone(), of_app.clone());
            let (stop, calls) = (Arc::clone(&stop), Arc::clone(&calls));
            http.spawn(async move {
                let client = HttpClient::new();
                while !stop.load(Ordering::Relaxed) {
                    let sent = client.send(Method::GET, &call, &[], None, Some(&of_app)).await;
                    let status = sent.unwrap().status;
                    assert!(matches!(status, 403 | 502), "{status}");
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let act = |kind: &str, by: &Keys| {
        let body = json!({
            "api_id": api, "instance_id": "g1", "app_id": id,
            "apply_type": format!("APPLY_TYPE_{kind}"), "time": "2099-01-01T00:00:00Z",
        });
        post("/apis/authorize/action", body, by);
        http.send(Method::GET, &call, &[], None, Some(&of_app)).status
    };
    for round in 0..ROUNDS {
        assert_eq!(
            act("AUTHORIZE", &rita),
            502,
            "round {round}: granted, so it reaches the backend"
        );
        assert_eq!(act("APP_CANCEL_AUTHORIZE", &olaf), 403, "round {round}: given back, so denied");
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        http.block_on(caller).unwrap();
    }
    let calls = calls.load(Ordering::Relaxed);
    assert!(calls > ROUNDS as u64, "only {calls} calls of others, which is no fire");
}

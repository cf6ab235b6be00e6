//! SIGKILL of the whole server while decisions arrive over HTTP: what was acknowledged to a client is
//! there after the restart, on the control side and at the gate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::support::{
    Dice, Folder, Http, HttpClient, Keys, Server, WORLD, definition, keys, unix_now,
};

/// How often the server is killed.
const KILLS: u32 = 100;

/// How many clients decide at the same time, each for one app.
const CLIENTS: usize = 4;

/// The end each app was last acknowledged to have, in milliseconds.
type Ends = Arc<Mutex<BTreeMap<String, i64>>>;

struct App {
    id: String,
    keys: Keys,
}

#[test]
fn what_was_acknowledged_over_http_survives_kills() {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    let words = ["--world", world.as_str(), "--log", "error"];
    let http = Http::new();
    let mut dice = Dice(0x6761_7465);
    let ends = Ends::default();
    let (mut acknowledged, mut server) = (0, Server::dev(&folder, &words));
    let (api, apps) = furnish(&http, &server);
    for round in 0..KILLS {
        acknowledged += decide_and_kill(&http, server, &api, &apps, &ends, &mut dice, round);
        server = Server::dev(&folder, &words);
        verify(&http, &server, &api, &apps, &ends);
    }
    assert!(acknowledged > KILLS as usize, "only {acknowledged} decisions were acknowledged");
    let told = http.get(&format!("{}/dev/clock", server.control)).json();
    assert_eq!(told["advanced_seconds"], i64::from(KILLS), "every acknowledged second was kept");
    eprintln!("{KILLS} kills of the server, {acknowledged} acknowledged decisions");
}

/// An API and apps, as their people would make them.
fn furnish(http: &Http, server: &Server) -> (String, Vec<App>) {
    let base = format!("{}/v1/p1/service", server.control);
    let (rita, olaf) = (keys("rita"), keys("olaf"));
    let orders = definition("orders", "127.0.0.1:9");
    let made = http.send(Method::POST, &format!("{base}/apis"), &[], Some(&orders), Some(&rita));
    assert_eq!(made.status, 200, "{:?}", made.body);
    let api = made.json()["id"].as_str().unwrap().to_owned();
    let publish = format!("{base}/apis/{api}/instances/g1/publish");
    assert_eq!(http.send(Method::POST, &publish, &[], Some(&json!({})), Some(&rita)).status, 204);
    let apps = (0..CLIENTS).map(|i| {
        let body = json!({ "name": format!("app-{i}") });
        let made = http.send(Method::POST, &format!("{base}/apps"), &[], Some(&body), Some(&olaf));
        let app = made.json();
        let text = |field: &str| app[field].as_str().unwrap().to_owned();
        App { id: text("id"), keys: Keys { access: text("app_key"), secret: text("app_secret") } }
    });
    (api, apps.collect())
}

/// Lets clients decide until the server is killed, and tells how many decisions were acknowledged.
fn decide_and_kill(
    http: &Http,
    server: Server,
    api: &str,
    apps: &[App],
    ends: &Ends,
    dice: &mut Dice,
    round: u32,
) -> usize {
    let moved = http.send(
        Method::POST,
        &format!("{}/dev/clock", server.control),
        &[],
        Some(&json!({ "advance_seconds": 1 })),
        None,
    );
    assert_eq!(moved.status, 200);
    let (heard, mut hearing) = tokio::sync::mpsc::unbounded_channel();
    let mut clients = Vec::new();
    for app in apps {
        let (address, api, app) = (server.control.clone(), api.to_owned(), app.id.clone());
        let (ends, heard) = (Arc::clone(ends), heard.clone());
        let client = decide(address, api, app, ends, heard, i64::from(round));
        clients.push(http.spawn(client));
    }
    drop(heard);
    let wanted = 1 + usize::try_from(dice.below(20)).unwrap();
    let pause = Duration::from_micros(dice.below(5_000));
    let mut count = 0;
    http.block_on(async {
        while count < wanted && hearing.recv().await.is_some() {
            count += 1;
        }
        // Die in the midst of what goes on meanwhile.
        tokio::time::sleep(pause).await;
    });
    server.kill();
    http.block_on(async {
        while hearing.recv().await.is_some() {
            count += 1;
        }
        for client in clients {
            client.await.unwrap();
        }
    });
    count
}

/// Extends one app's grant again and again, over one connection, until that breaks.
async fn decide(
    control: String,
    api: String,
    app: String,
    ends: Ends,
    heard: tokio::sync::mpsc::UnboundedSender<()>,
    round: i64,
) {
    let client = HttpClient::new();
    let address = format!("{control}/v1/p1/service/apis/authorize/action");
    let reviewer = keys("rita");
    let first_hour = unix_now() / 3_600 + 24 + round * 10_000;
    for hour in first_hour.. {
        let end = jiff::Timestamp::from_second(hour * 3_600).unwrap().to_string();
        let body = json!({
            "api_id": api, "instance_id": "g1", "app_id": app,
            "apply_type": "APPLY_TYPE_AUTHORIZE", "time": end,
        });
        let sent = client.send(Method::POST, &address, &[], Some(&body), Some(&reviewer));
        let Ok(answer) = sent.await else { return };
        assert_eq!(answer.status, 204, "{:?}", answer.body);
        assert!(answer.header("x-tidegate-revision").is_some());
        ends.lock().unwrap().insert(app.clone(), hour * 3_600_000);
        let _ = heard.send(());
    }
}

fn verify(http: &Http, server: &Server, api: &str, apps: &[App], ends: &Ends) {
    let address = format!("{}/v1/p1/service/authorize/apis/{api}?limit=100", server.control);
    let listed = http.send(Method::GET, &address, &[], None, Some(&keys("rita"))).json();
    let ends = ends.lock().unwrap();
    for (app, end) in ends.iter() {
        let records = listed["records"].as_array().unwrap();
        let kept = records.iter().find(|record| record["app_id"] == app.as_str());
        let kept = kept.and_then(|record| record["api_using_time"].as_i64());
        assert!(kept >= Some(*end), "{app} was granted until {end}, and now {kept:?}");
    }
    for app in apps {
        let call = format!("{}/orders", server.gateway);
        let answer = http.send(Method::GET, &call, &[], None, Some(&app.keys));
        let reason = answer.header("x-tidegate-reason");
        // Nobody answers at the backend, so being let in shows as that.
        let expected = if ends.contains_key(&app.id) { "backend-unreachable" } else { "no-grant" };
        let is_expected = reason == Some(expected) || reason == Some("backend-unreachable");
        assert!(is_expected, "{reason:?} instead of {expected}");
    }
}

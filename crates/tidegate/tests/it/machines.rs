//! One control side and gateways in processes of their own, as on machines of their own.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::support::{Folder, Http, Keys, PATIENCE, Server, WORLD, definition, keys, run};

/// Short, so that a test sees it end.
const LEASE: Duration = Duration::from_secs(5);

/// A control side with an API and an app, and no grant yet.
struct Scene {
    folder: Folder,
    feed: String,
    http: Http,
    api: String,
    app: String,
    keys: Keys,
}

/// The variables of the control side, whose feed stays where it is when it comes back.
fn control(folder: &Folder, feed: &str) -> Server {
    Server::start(&["control"], folder, &[("TIDEGATE_FEED_ADDR", feed)])
}

/// A gateway that follows it, with its token.
fn gateway(folder: &Folder, scene: &Scene) -> Server {
    let lease = LEASE.as_secs().to_string();
    let token = scene.folder.data().join("feed.token");
    let variables = [
        ("TIDEGATE_GATEWAY_LEASE_SECONDS", lease.as_str()),
        ("TIDEGATE_LOG_LEVEL", "warn"),
        ("TIDEGATE_FEED_TOKEN_FILE", token.to_str().unwrap()),
    ];
    let feed = format!("http://{}", scene.feed);
    Server::start(&["gateway", "--control", &feed], folder, &variables)
}

impl Scene {
    fn start() -> (Self, Server) {
        let folder = Folder::new();
        let world = folder.file("world.yaml", WORLD);
        folder.done(&["apply", "-f", &world]);
        let server = control(&folder, "127.0.0.1:0");
        assert!(server.gateway.is_empty(), "it has no gateway");
        server.wait_for(&server.control);
        let feed = folder.json("server.json")["feed"].as_str().unwrap().to_owned();
        let http = Http::new();
        let mut scene = Self {
            folder,
            feed,
            http,
            api: String::new(),
            app: String::new(),
            keys: keys("nobody"),
        };
        // Nothing answers at the backend: a call that is let in fails there, and one that is denied does
        // not get so far.
        let api = scene.post(&server, "/apis", &definition("orders", "127.0.0.1:9"), "rita");
        scene.api = text(&api, "id");
        let publish = format!("/apis/{}/instances/g1/publish", scene.api);
        scene.post(&server, &publish, &json!({}), "rita");
        let app = scene.post(&server, "/apps", &json!({ "name": "shop" }), "olaf");
        scene.app = text(&app, "id");
        scene.keys = Keys { access: text(&app, "app_key"), secret: text(&app, "app_secret") };
        (scene, server)
    }

    fn post(&self, server: &Server, path: &str, body: &Value, by: &str) -> Value {
        let address = format!("{}/v1/p1/service{path}", server.control);
        let sent = self.http.send(Method::POST, &address, &[], Some(body), Some(&keys(by)));
        assert!(matches!(sent.status, 200 | 204), "{path}: {:?}", sent.body);
        serde_json::from_slice(&sent.body).unwrap_or_default()
    }

    fn act(&self, server: &Server, kind: &str, by: &str) {
        let body = json!({
            "api_id": self.api, "instance_id": "g1", "app_id": self.app,
            "apply_type": format!("APPLY_TYPE_{kind}"), "time": "2099-01-01T00:00:00Z",
        });
        self.post(server, "/apis/authorize/action", &body, by);
    }

    /// What a gateway says to a call: `admitted`, or the reason it denies it for.
    fn says(&self, gateway: &Server) -> String {
        let call = format!("{}/orders", gateway.gateway);
        let answer = self.http.send(Method::GET, &call, &[], None, Some(&self.keys));
        match answer.header("x-tidegate-reason") {
            Some(reason) if answer.status != 502 => reason.to_owned(),
            _ => {
                assert_eq!(answer.status, 502, "{:?}", answer.body);
                "admitted".to_owned()
            }
        }
    }

    /// Calls until a gateway says this.
    fn until(&self, gateway: &Server, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let says = self.says(gateway);
            if says == what {
                return;
            }
            assert!(Instant::now() < deadline, "it says {says} and not {what}");
            gateway.moment();
        }
    }

    fn until_all(&self, gateways: &[&Server], what: &str) {
        gateways.iter().for_each(|gateway| self.until(gateway, what));
    }

    fn is_ready(&self, gateway: &Server) -> (u16, String) {
        let told = self.http.get(&format!("{}/readyz", gateway.gateway));
        (told.status, String::from_utf8(told.body.to_vec()).unwrap())
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap().to_owned()
}

#[test]
fn two_gateways_enforce_what_one_control_side_grants() {
    let (scene, server) = Scene::start();
    let (one, two) = (Folder::new(), Folder::new());
    let first = gateway(&one, &scene);
    let second = gateway(&two, &scene);
    let both = [&first, &second];
    scene.until_all(&both, "no-grant");
    scene.act(&server, "AUTHORIZE", "rita");
    scene.until_all(&both, "admitted");
    scene.act(&server, "APP_CANCEL_AUTHORIZE", "olaf");
    scene.until_all(&both, "cancelled");
    scene.act(&server, "AUTHORIZE", "rita");
    scene.until_all(&both, "admitted");

    // Without the control side calls go on, until the lease is over.
    let killed = Instant::now();
    server.kill();
    assert_eq!(both.map(|gateway| scene.says(gateway)), ["admitted", "admitted"]);
    for gateway in both {
        let mut called = killed.elapsed();
        while scene.says(gateway) == "admitted" {
            assert!(called < LEASE, "a call was let in after {called:?}");
            gateway.moment();
            called = killed.elapsed();
        }
        scene.until(gateway, "lease-lapsed");
    }
    assert_eq!(scene.is_ready(&first), (503, "lease-lapsed".to_owned()));

    // It comes back, and they go on.
    let server = control(&scene.folder, &scene.feed);
    scene.until_all(&both, "admitted");
    assert_eq!(scene.is_ready(&first).0, 200);

    // A gateway keeps its id, and begins with what it knew.
    let id = std::fs::read_to_string(one.data().join("gateway.id")).unwrap();
    assert!(first.stop().success());
    assert!(one.data().join("gate.snapshot").exists());
    for secret in ["tidegate.db", "vault.key", "operator.token", "feed.token"] {
        assert!(!one.data().join(secret).exists(), "{secret} is the control side's");
    }
    let first = gateway(&one, &scene);
    scene.until(&first, "admitted");
    assert_eq!(std::fs::read_to_string(one.data().join("gateway.id")).unwrap(), id);
    assert!(first.stop().success() && second.stop().success() && server.stop().success());
}

#[test]
fn a_gateway_without_the_token_is_refused_by_name_and_denies_everything() {
    let (scene, server) = Scene::start();
    let folder = Folder::new();
    let feed = format!("http://{}", scene.feed);
    let stranger = Server::start(&["gateway", "--control", &feed], &folder, &[]);
    stranger.logs("401 Unauthorized");
    stranger.logs("set feed_token_file");
    assert_eq!(scene.is_ready(&stranger).0, 503);
    assert_eq!(scene.says(&stranger), "not-ready");
    assert!(
        scene.folder.done(&["gateways", "list"]).lines().count() <= 1,
        "it is not written down"
    );
    assert!(stranger.stop().success() && server.stop().success());
    // A file that is named must be there, and hold a token.
    for (text, what) in [(None, "there is no file"), (Some("secret"), "64 hex digits")] {
        let file = folder.data().join("another.token");
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let mut command = crate::support::tidegate(&["gateway", "--control", &feed]);
        command.env("TIDEGATE_DATA_DIR", folder.data()).env("TIDEGATE_FEED_TOKEN_FILE", &file);
        let ran: crate::support::Ran = command.output().unwrap().into();
        assert!(
            ran.code != Some(0) && ran.err.contains(what) && !ran.err.contains("secret"),
            "{ran:?}"
        );
    }
}

/// Incident 17: a process that was stopped for longer than its lease wakes up and knows nothing.
#[cfg(target_os = "linux")]
#[test]
fn a_gateway_that_was_stopped_denies_until_it_has_heard_again() {
    let (scene, server) = Scene::start();
    let folder = Folder::new();
    let gateway = gateway(&folder, &scene);
    scene.act(&server, "AUTHORIZE", "rita");
    scene.until(&gateway, "admitted");
    // Both are stopped, so that only the gateway's own clock can tell it what it missed.
    gateway.freeze();
    server.freeze();
    let (stopped, call) = (Instant::now(), format!("{}/orders", gateway.gateway));
    let waiting = scene.http.spawn({
        let (call, keys) = (call.clone(), scene.keys.clone());
        async move {
            let client = crate::support::HttpClient::new();
            let sent = client.send(Method::GET, &call, &[], None, Some(&keys)).await.unwrap();
            sent.header("x-tidegate-reason").unwrap_or_default().to_owned()
        }
    });
    let idle = std::sync::mpsc::channel::<()>();
    let _ = idle.1.recv_timeout(LEASE);
    assert!(stopped.elapsed() >= LEASE);
    gateway.signal("-CONT");
    assert_eq!(scene.http.block_on(waiting).unwrap(), "lease-lapsed");
    server.signal("-CONT");
    scene.until(&gateway, "admitted");
}

#[test]
fn the_first_two_machines_have_certificates_in_two_commands() {
    let folder = Folder::new();
    let dir = folder.file("certs", "");
    std::fs::remove_file(&dir).unwrap();
    let told = crate::support::done(&[
        "certs",
        "--dir",
        &dir,
        "--control",
        "127.0.0.1,control.example",
        "--gateway",
        "gw-1",
    ]);
    assert!(told.contains("authority: ") && told.contains("gateway: "), "{told}");
    let file = |name: &str| format!("{dir}/{name}");
    let ca = file("ca.pem");
    let (of_control, of_gateway) = (file("127.0.0.1"), file("gw-1"));
    let named = |prefix: &str| [format!("{prefix}.pem"), format!("{prefix}.key")];
    let [cert, key] = named(&of_control);
    // A feed that is open to a network does not start without them.
    let open = [("TIDEGATE_FEED_ADDR", "0.0.0.0:0")];
    let mut bare = crate::support::tidegate(&["control"]);
    let bare: crate::support::Ran = bare.envs(open).output().unwrap().into();
    assert_eq!(bare.code, Some(2));
    assert!(bare.err.contains("the feed tells secrets"), "{bare:?}");

    let variables = [
        ("TIDEGATE_FEED_ADDR", "127.0.0.1:0"),
        ("TIDEGATE_FEED_CA", ca.as_str()),
        ("TIDEGATE_FEED_CERT", cert.as_str()),
        ("TIDEGATE_FEED_KEY", key.as_str()),
    ];
    let server = Server::start(&["control"], &folder, &variables);
    let feed = folder.json("server.json")["feed"].as_str().unwrap().to_owned();
    let at_gateway = Folder::new();
    let [cert, key] = named(&of_gateway);
    let variables = [
        ("TIDEGATE_CONTROL_URLS", format!("https://{feed}")),
        ("TIDEGATE_FEED_CA", ca.clone()),
        ("TIDEGATE_FEED_CERT", cert),
        ("TIDEGATE_FEED_KEY", key),
        ("TIDEGATE_METRICS_ADDR", "127.0.0.1:0".to_owned()),
    ];
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let gateway = Server::start(&["gateway"], &at_gateway, &variables);
    gateway.wait_for(&gateway.gateway);
    let metrics = at_gateway.json("server.json")["metrics"].as_str().unwrap().to_owned();
    let told = Http::new().get(&format!("{metrics}/metrics"));
    let told = String::from_utf8(told.body.to_vec()).unwrap();
    for part in ["tidegate_gate_feed_node{", "tidegate_gate_clock_ahead_milliseconds", "# EOF"] {
        assert!(told.contains(part), "{part} is missing in {told}");
    }
    assert!(gateway.stop().success() && server.stop().success());
    let nobody = run(&["certs", "--dir", &dir]);
    assert_eq!(nobody.code, Some(2));
    assert!(nobody.err.contains("name a machine"), "{nobody:?}");
}

/// E5: a data folder that was copied with the gateway's id in it.
#[test]
fn a_copied_gateway_is_refused_by_name_and_one_that_stops_is_not_awaited() {
    let (scene, server) = Scene::start();
    let (one, two) = (Folder::new(), Folder::new());
    let first = gateway(&one, &scene);
    scene.until(&first, "no-grant");
    std::fs::create_dir(two.data()).unwrap();
    std::fs::copy(one.data().join("gateway.id"), two.data().join("gateway.id")).unwrap();
    let copy = gateway(&two, &scene);
    copy.logs("409 Conflict");
    copy.logs("its data folder was copied");
    server.logs("a gateway is refused");
    assert_eq!(scene.says(&copy), "not-ready");
    assert!(copy.stop().success());
    // It stops in order, so a change is enforced long before its lease would be over.
    scene.act(&server, "AUTHORIZE", "rita");
    scene.until(&first, "admitted");
    assert!(first.stop().success());
    let listed = scene.folder.done(&["gateways", "list"]);
    let deadline = Instant::now() + LEASE;
    let mut now = listed.clone();
    while !now.contains("lapsed") {
        assert!(Instant::now() < deadline, "{listed}\n{now}");
        now = scene.folder.done(&["gateways", "list"]);
    }
    assert!(server.stop().success());
}

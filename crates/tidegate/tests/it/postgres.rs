//! The server with its store on PostgreSQL, and a store that moves there and back.

use http::Method;
use serde_json::json;
use tidegate_testkit::postgres::{PASSWORD, database};

use crate::support::{Folder, Http, Keys, Ran, Server, WORLD, definition, keys, run, tidegate};

/// Runs a command on a folder whose store is elsewhere.
fn on(folder: &Folder, database: &str, words: &[&str]) -> Ran {
    let mut command = tidegate(words);
    command.env("TIDEGATE_DATA_DIR", folder.data()).env("TIDEGATE_DATABASE", database);
    command.output().unwrap().into()
}

/// What was decided, for one app: who he is, and how to ask for his call and his grants.
pub struct Decided {
    pub api: String,
    pub app: Keys,
}

/// Publishes an API, makes an app and grants.
pub fn decide(server: &Server, http: &Http) -> Decided {
    let base = format!("{}/v1/p1/service", server.control);
    let post = |path: &str, body: serde_json::Value, by: &str| {
        let address = format!("{base}{path}");
        let sent = http.send(Method::POST, &address, &[], Some(&body), Some(&keys(by)));
        assert!(matches!(sent.status, 200 | 204), "{path}: {:?}", sent.body);
        sent
    };
    let api = post("/apis", definition("orders", "127.0.0.1:9"), "rita").json();
    let api = api["id"].as_str().unwrap().to_owned();
    post(&format!("/apis/{api}/instances/g1/publish"), json!({}), "rita");
    let app = post("/apps", json!({ "name": "shop" }), "olaf").json();
    let text = |field: &str| app[field].as_str().unwrap().to_owned();
    let grant = json!({
        "api_id": api, "instance_id": "g1", "app_id": text("id"),
        "apply_type": "APPLY_TYPE_AUTHORIZE", "time": "2099-01-01T00:00:00Z",
    });
    post("/apis/authorize/action", grant, "rita");
    Decided { api, app: Keys { access: text("app_key"), secret: text("app_secret") } }
}

/// The control side knows the API, and the gate lets the app in: nothing answers at the backend, so
/// a call that is let in fails there.
pub fn is_known(server: &Server, http: &Http, decided: &Decided) {
    let api = format!("{}/v1/p1/service/apis/{}", server.control, decided.api);
    let shown = http.send(Method::GET, &api, &[], None, Some(&keys("rita")));
    assert_eq!(shown.json()["name"], "orders");
    let call = format!("{}/orders", server.gateway);
    let call = |keys: &Keys| http.send(Method::GET, &call, &[], None, Some(keys)).status;
    assert_eq!(call(&decided.app), 502, "let in");
    let stranger = Keys { access: decided.app.access.clone(), secret: "wrong".to_owned() };
    assert_eq!(call(&stranger), 401, "the secret was opened with the same key");
}

/// What PostgreSQL says beside its answers is for those who ask for details.
#[test]
fn notices_of_postgresql_are_no_news() {
    let (folder, url) = (Folder::new(), database());
    let start = |level: &str| {
        let on = [("TIDEGATE_DATABASE", url.as_str()), ("TIDEGATE_LOG_LEVEL", level)];
        Server::serve_with(&folder, &on).stopped()
    };
    let notice = "already exists, skipping";
    // The first start makes the tables.
    for level in ["info", "info", "info,tidegate_gateway=debug"] {
        let log = start(level);
        assert!(!log.contains(notice) && !log.contains("sqlx"), "{level}: {log}");
    }
    assert!(start("debug,sqlx::query=off").contains(notice), "who asks for details gets them");
}

#[test]
fn a_world_on_postgresql_outlives_its_server() {
    let (folder, url, http) = (Folder::new(), database(), Http::new());
    let world = folder.file("world.yaml", WORLD);
    let applied = on(&folder, &url, &["apply", "-f", &world]);
    assert!(applied.out.contains("created workspace w1"), "{applied:?}");
    let again = on(&folder, &url, &["apply", "-f", &world]);
    assert_eq!(again.out, "no changes\n", "{again:?}");

    let variables = [("TIDEGATE_DATABASE", url.as_str()), ("TIDEGATE_LOG_LEVEL", "trace")];
    let server = Server::serve_with(&folder, &variables);
    let decided = decide(&server, &http);
    is_known(&server, &http, &decided);
    assert!(!folder.data().join("tidegate.db").exists(), "nothing is in the folder");
    server.logs("listening");
    assert!(!server.log().contains(PASSWORD), "a secret in the log");
    server.kill();
    let server = Server::serve_with(&folder, &variables);
    is_known(&server, &http, &decided);
    assert!(server.stop().success());

    std::fs::remove_file(folder.data().join("vault.key")).unwrap();
    let refused = on(&folder, &url, &["serve"]);
    assert_eq!(refused.code, Some(3));
    assert!(refused.err.contains("vault.key is missing"), "{refused:?}");
    assert!(!folder.data().join("vault.key").exists(), "no new key is made");
}

/// Two servers on one database: whoever takes away at one hears of the gateway of the other.
#[test]
fn what_is_taken_away_is_waited_for_at_every_server() {
    let (one, two, url, http) = (Folder::new(), Folder::new(), database(), Http::new());
    let world = one.file("world.yaml", WORLD);
    let applied = on(&one, &url, &["apply", "-f", &world]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    std::fs::create_dir_all(two.data()).unwrap();
    std::fs::copy(one.data().join("vault.key"), two.data().join("vault.key")).unwrap();
    let variables = [("TIDEGATE_DATABASE", url.as_str())];
    let (first, second) =
        (Server::serve_with(&one, &variables), Server::serve_with(&two, &variables));
    let decided = decide(&first, &http);
    let app = http.send(
        Method::GET,
        &format!("{}/v1/p1/service/apps", first.control),
        &[],
        None,
        Some(&keys("olaf")),
    );
    let app = app.json()["apps"][0]["id"].as_str().unwrap().to_owned();
    let act = |kind: &str, by: &str, seconds: &str| {
        let body = json!({
            "api_id": decided.api, "instance_id": "g1", "app_id": app,
            "apply_type": format!("APPLY_TYPE_{kind}"), "time": "2099-01-01T00:00:00Z",
        });
        let address = format!("{}/v1/p1/service/apis/authorize/action", first.control);
        let wait = [("x-tidegate-wait", "enforced"), ("x-tidegate-wait-seconds", seconds)];
        let sent = http.send(Method::POST, &address, &wait, Some(&body), Some(&keys(by)));
        assert_eq!(sent.status, 204, "{:?}", sent.body);
        sent
    };
    let call = format!("{}/orders", second.gateway);
    let call = || http.send(Method::GET, &call, &[], None, Some(&decided.app)).status;
    for _ in 0..3 {
        let given = act("AUTHORIZE", "rita", "60");
        assert_eq!((given.header("x-tidegate-enforced"), call()), (Some("true"), 502));
        let taken = act("APP_CANCEL_AUTHORIZE", "olaf", "60");
        assert_eq!((taken.header("x-tidegate-enforced"), call()), (Some("true"), 403));
    }

    act("AUTHORIZE", "rita", "60");
    // It stands still, with its lease, and lets in what it knows when it goes on.
    second.signal("-STOP");
    let taken = act("APP_CANCEL_AUTHORIZE", "olaf", "1");
    assert_eq!(taken.header("x-tidegate-enforced"), Some("false"));
    let id = std::fs::read_to_string(two.data().join("gateway.id")).unwrap();
    assert_eq!(taken.header("x-tidegate-awaited"), Some(&*format!("own-{}", &id[..6])));
    let listed = one.done(&["gateways", "list"]);
    assert!(listed.contains("behind") && listed.contains("current"), "{listed}");
    let early = one.run(&["gateways", "forget", id.trim()]);
    assert!(early.code == Some(1) && early.err.contains("gateway-holds-lease"), "{early:?}");
    second.signal("-CONT");
    act("AUTHORIZE", "rita", "60");
    let taken = act("APP_CANCEL_AUTHORIZE", "olaf", "60");
    assert_eq!((taken.header("x-tidegate-enforced"), call()), (Some("true"), 403));
}

#[test]
fn a_database_that_cannot_be_used_is_told_without_its_password() {
    let folder = Folder::new();
    for (url, code, part) in [
        ("postgres://u:sEcret@localhost/w?host=/nowhere", 3, "cannot be reached at /nowhere"),
        ("postgres://u:sEcret@127.0.0.1:1/w", 3, "cannot be reached at 127.0.0.1:1, database w"),
        ("postgres://u:sEcret@h:sEcret/w", 2, "cannot be understood"),
        ("mysql://u:sEcret@h/w", 2, "is no URL of PostgreSQL"),
    ] {
        let world = folder.file("world.yaml", WORLD);
        for words in [&["serve"][..], &["apply", "-f", &world]] {
            let ran = on(&folder, url, words);
            assert_eq!(ran.code, Some(code), "{ran:?}");
            assert!(ran.err.contains(part), "{ran:?}");
            assert!(!ran.err.contains("sEcret") && !ran.out.contains("sEcret"), "{ran:?}");
        }
    }
}

#[test]
fn a_store_moves_to_postgresql_and_back() {
    let (folder, url, http) = (Folder::new(), database(), Http::new());
    let world = folder.file("world.yaml", WORLD);
    folder.done(&["apply", "-f", &world]);
    let server = Server::serve(&folder);
    let decided = decide(&server, &http);
    let file = format!("sqlite:{}", folder.data().join("tidegate.db").display());
    let copy = |from: &str, to: &str| run(&["store", "copy", "--from", from, "--to", to]);
    let busy = copy(&file, &url);
    assert!(busy.code == Some(3) && busy.err.contains("in use by another process"), "{busy:?}");
    assert!(server.stop().success());

    let there = copy(&file, &url);
    assert_eq!(there.code, Some(0), "{there:?}");
    assert!(there.out.contains("        3 users\n") && there.out.contains("sha256"), "{there:?}");
    let twice = copy(&file, &url);
    assert!(twice.code == Some(3) && twice.err.contains("the target is not empty"), "{twice:?}");

    std::fs::remove_file(folder.data().join("tidegate.db")).unwrap();
    let absent = copy(&file, &database());
    assert!(absent.code == Some(2) && absent.err.contains("there is no store"), "{absent:?}");
    let server = Server::serve_with(&folder, &[("TIDEGATE_DATABASE", &url)]);
    is_known(&server, &http, &decided);
    assert!(server.stop().success());

    let back = copy(&url, &file);
    assert_eq!((back.code, back.out), (Some(0), there.out), "the same rows and digest");
    let server = Server::serve(&folder);
    is_known(&server, &http, &decided);
    for ran in [busy.err, twice.err, copy("postgres:/x:sEcret", &file).err] {
        assert!(!ran.contains(PASSWORD) && !ran.contains("sEcret"), "{ran}");
    }
}

//! Several servers on one PostgreSQL: what one decides the others enforce, and whatever dies, what was
//! acknowledged stays and what is done once is done once.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use tidegate_testkit::postgres::{Server as Postgres, database};

use crate::receiver::{Receiver, SECRET};
use crate::support::{
    FAKETIME, Folder, Http, Keys, PATIENCE, Reply, Server, WORLD, definition, keys, pause, tidegate,
};

/// A world on a database, with an API and apps, and servers on it.
struct Site {
    url: String,
    http: Http,
    /// The first server's folder; the others get its key.
    folder: Folder,
    api: String,
    apps: Vec<(String, Keys)>,
}

impl Site {
    /// A world with one published API and so many apps of olaf's.
    fn new(url: String, apps: usize) -> Self {
        let (folder, http) = (Folder::new(), Http::new());
        let world = folder.file("world.yaml", WORLD);
        let mut apply = tidegate(&["apply", "-f", &world]);
        apply.env("TIDEGATE_DATA_DIR", folder.data()).env("TIDEGATE_DATABASE", &url);
        assert!(apply.output().unwrap().status.success());
        let mut site = Self { url, http, folder, api: String::new(), apps: Vec::new() };
        let server = site.first(&[]);
        let made = site.post(&server, "/apis", definition("orders", "127.0.0.1:9"), "rita");
        site.api = made.json()["id"].as_str().unwrap().to_owned();
        let publish = format!("/apis/{}/instances/g1/publish", site.api);
        site.post(&server, &publish, json!({}), "rita");
        for number in 0..apps {
            let app = json!({ "name": format!("app-{number}") });
            let app = site.post(&server, "/apps", app, "olaf").json();
            let text = |field: &str| app[field].as_str().unwrap().to_owned();
            let keys = Keys { access: text("app_key"), secret: text("app_secret") };
            site.apps.push((text("id"), keys));
        }
        assert!(server.stop().success());
        site
    }

    fn variables<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [&[("TIDEGATE_DATABASE", self.url.as_str())], more].concat()
    }

    /// A server on the first folder.
    fn first(&self, more: &[(&str, &str)]) -> Server {
        Server::serve_with(&self.folder, &self.variables(more))
    }

    /// A server on a folder of its own, with the same key.
    fn another(&self, more: &[(&str, &str)]) -> (Folder, Server) {
        let folder = Folder::new();
        std::fs::create_dir_all(folder.data()).unwrap();
        let key = |folder: &Folder| folder.data().join("vault.key");
        std::fs::copy(key(&self.folder), key(&folder)).unwrap();
        let server = Server::serve_with(&folder, &self.variables(more));
        (folder, server)
    }

    fn ask(&self, server: &Server, path: &str, body: &Value, by: &str) -> Reply {
        let address = format!("{}/v1/p1/service{path}", server.control);
        self.http.send(Method::POST, &address, &[], Some(body), Some(&keys(by)))
    }

    fn post(&self, server: &Server, path: &str, body: Value, by: &str) -> Reply {
        let sent = self.ask(server, path, &body, by);
        assert!(matches!(sent.status, 200 | 204), "{path}: {} {:?}", sent.status, sent.body);
        sent
    }

    /// One of the five actions, for one app.
    fn act(&self, server: &Server, app: usize, kind: &str, time: &str) -> Reply {
        let body = json!({
            "api_id": self.api, "instance_id": "g1", "app_id": self.apps[app].0,
            "apply_type": format!("APPLY_TYPE_{kind}"), "time": time,
        });
        let by = if kind == "APP_CANCEL_AUTHORIZE" { "olaf" } else { "rita" };
        self.ask(server, "/apis/authorize/action", &body, by)
    }

    fn grant(&self, server: &Server, app: usize, time: &str) -> Reply {
        self.act(server, app, "AUTHORIZE", time)
    }

    /// How the gateway answers an app. Nothing is at the backend: who is let in gets 502.
    fn call(&self, server: &Server, app: usize) -> u16 {
        let call = format!("{}/orders", server.gateway);
        self.http.send(Method::GET, &call, &[], None, Some(&self.apps[app].1)).status
    }

    /// Waits for an answer of the gateway, and tells how long that took.
    fn until(&self, server: &Server, app: usize, status: u16) -> Duration {
        let begun = Instant::now();
        while self.call(server, app) != status {
            assert!(begun.elapsed() < PATIENCE, "app {app} is never answered {status}");
        }
        begun.elapsed()
    }

    /// The end of each app's grant, in milliseconds, as a server tells it.
    fn ends(&self, server: &Server) -> BTreeMap<String, i64> {
        let address =
            format!("{}/v1/p1/service/authorize/apis/{}?limit=100", server.control, self.api);
        let listed = self.http.send(Method::GET, &address, &[], None, Some(&keys("rita"))).json();
        let records = listed.as_object().unwrap().values().find_map(Value::as_array).unwrap();
        let end = |record: &Value| {
            let app = record["app_id"].as_str().unwrap().to_owned();
            (app, record["api_using_time"].as_i64().unwrap())
        };
        records.iter().map(end).collect()
    }
}

fn reason(reply: &Reply) -> &str {
    reply.header("x-tidegate-reason").unwrap_or_default()
}

#[test]
fn what_one_server_decides_another_enforces() {
    let site = Site::new(database(), 2);
    let one = site.first(&[]);
    let (_folder, two) = site.another(&[]);
    let mut taken = Vec::new();
    for round in 0..5 {
        assert_eq!(site.grant(&one, 0, "2099-01-01T00:00:00Z").status, 204);
        taken.push(site.until(&two, 0, 502));
        let back = site.act(&two, 0, "APP_CANCEL_AUTHORIZE", "");
        assert_eq!(back.status, 204, "round {round}: {:?}", back.body);
        taken.push(site.until(&one, 0, 403));
    }
    taken.sort_unstable();
    eprintln!("from an answer at one to the gate of another: {taken:?}");
    assert!(one.stop().success() && two.stop().success());
}

/// E5: a second server on a copy of the first one's folder, gateway id included. What its gateway acknowledged
/// would be taken for what the first one's enforces.
#[test]
fn the_gateway_of_a_server_on_a_copied_folder_is_refused_until_the_first_has_stopped() {
    let site = Site::new(database(), 1);
    let first = site.first(&[]);
    assert_eq!(site.grant(&first, 0, "2099-01-01T00:00:00Z").status, 204);
    site.until(&first, 0, 502);
    let folder = Folder::new();
    std::fs::create_dir_all(folder.data()).unwrap();
    for name in ["vault.key", "gateway.id"] {
        std::fs::copy(site.folder.data().join(name), folder.data().join(name)).unwrap();
    }
    let copy = Server::start(&["serve"], &folder, &site.variables(&[]));
    copy.wait_for(&copy.control);
    copy.logs("a gateway is refused");
    copy.logs("another gateway asks under this id");
    assert_ne!(site.http.get(&format!("{}/readyz", copy.gateway)).status, 200);
    assert_eq!(site.call(&copy, 0), 503, "{}", copy.log());
    // Its control side works, and the first one's gateway enforces what it decides.
    assert_eq!(site.act(&copy, 0, "APP_CANCEL_AUTHORIZE", "").status, 204);
    site.until(&first, 0, 403);
    assert!(!first.log().contains("a gateway is refused"), "{}", first.log());
    assert!(first.stop().success());
    copy.wait_for(&copy.gateway);
    assert!(copy.stop().success());
}

#[test]
fn batches_in_opposite_order_at_two_servers_all_succeed() {
    let site = Site::new(database(), 12);
    let one = site.first(&[]);
    let (_folder, two) = site.another(&[]);
    let path = format!("/apis/{}/instances/g1/authorize", site.api);
    let ids: Vec<&str> = site.apps.iter().map(|(id, _)| id.as_str()).collect();
    let backwards: Vec<&str> = ids.iter().rev().copied().collect();
    let client = crate::support::HttpClient::new();
    let send = |server: &Server, apps: &[&str], year: u32| {
        let address = format!("{}/v1/p1/service{path}", server.control);
        let body = json!({ "app_ids": apps, "time": format!("{year}-01-01T00:00:00Z") });
        let (client, rita) = (client.clone(), keys("rita"));
        site.http.spawn(async move {
            let sent = client.send(Method::POST, &address, &[], Some(&body), Some(&rita));
            sent.await.unwrap()
        })
    };
    for round in 0..8 {
        let year = 2100 + round;
        let sent = [send(&one, &ids, year), send(&two, &backwards, year)];
        for sent in sent {
            let reply = site.http.block_on(sent).unwrap();
            assert_eq!(reply.status, 204, "{:?}", reply.body);
        }
    }
    assert!(one.stop().success() && two.stop().success());
}

/// Which of the servers says last that it is on duty.
fn on_duty(servers: &[&Server]) -> usize {
    let begun = Instant::now();
    loop {
        if let Some(found) = servers.iter().position(|server| server.log().contains("on duty")) {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "nobody is on duty");
        pause();
    }
}

#[test]
fn when_the_server_on_duty_is_killed_another_delivers_every_message_once() {
    let receiver = Receiver::start();
    let site = Site::new(database(), 6);
    let webhook = [
        ("TIDEGATE_NOTIFY_WEBHOOK_URL", receiver.address.as_str()),
        ("TIDEGATE_NOTIFY_WEBHOOK_SECRET", SECRET),
    ];
    let one = site.first(&webhook);
    let (_a, two) = site.another(&webhook);
    let (_b, three) = site.another(&webhook);
    let first = on_duty(&[&one, &two, &three]);
    let mut servers = vec![one, two, three];
    let holder = servers.remove(first);
    for app in 0..3 {
        assert_eq!(site.grant(&servers[0], app, "2099-01-01T00:00:00Z").status, 204);
    }
    receiver.wait_for("grant.granted", 1);
    for app in 3..6 {
        assert_eq!(site.grant(&servers[1], app, "2099-01-01T00:00:00Z").status, 204);
    }
    holder.kill();
    let killed = Instant::now();
    on_duty(&[&servers[0], &servers[1]]);
    eprintln!("the duty was taken over after {:?}", killed.elapsed());
    let of_grants = receiver.wait_for("grant.granted", 6);
    let ids: BTreeMap<&str, usize> = of_grants.iter().fold(BTreeMap::new(), |mut ids, told| {
        *ids.entry(told.id.as_str()).or_default() += 1;
        ids
    });
    assert_eq!(ids.len(), 6, "each grant has one message, by its id");
    let repeated = of_grants.len() - ids.len();
    eprintln!("{} messages, {repeated} of them sent again after the kill", ids.len());
    assert!(of_grants.iter().all(|told| told.is_signed), "every message is signed");
    for server in servers {
        assert!(server.stop().success());
    }
}

/// Grants until told to stop; tells the ends that were acknowledged, and how the others were answered.
fn decide_while(
    site: &Site,
    server: &Server,
    mut go_on: impl FnMut(usize, usize) -> bool,
) -> (BTreeMap<String, u32>, BTreeMap<String, usize>) {
    let (mut acknowledged, mut refused) = (BTreeMap::new(), BTreeMap::<String, usize>::new());
    let mut year = 2100;
    let mut done = 0;
    while go_on(done, refused.values().sum()) {
        year += 1;
        let app = (year as usize) % site.apps.len();
        let reply = site.grant(server, app, &format!("{year}-01-01T00:00:00Z"));
        match reply.status {
            204 => {
                done += 1;
                acknowledged.insert(site.apps[app].0.clone(), year);
            }
            503 => *refused.entry(reason(&reply).to_owned()).or_default() += 1,
            other => panic!("{other} {:?}", reply.body),
        }
    }
    (acknowledged, refused)
}

/// What was acknowledged is there, or something later that was not.
fn verify(site: &Site, server: &Server, acknowledged: &BTreeMap<String, u32>) {
    let ends = site.ends(server);
    for (app, year) in acknowledged {
        let end = ends.get(app).unwrap_or_else(|| panic!("the grant of {app} is lost: {ends:?}"));
        let asked: jiff::Timestamp = format!("{year}-01-01T00:00:00Z").parse().unwrap();
        assert!(*end >= asked.as_millisecond(), "{app} ends {end}, acknowledged was {year}");
    }
}

#[test]
fn servers_outlive_a_postgresql_that_is_killed() {
    let postgres = Postgres::start();
    let site = Site::new(postgres.url(), 4);
    let one = site.first(&[]);
    let (_folder, two) = site.another(&[]);
    let mut killed = false;
    let (acknowledged, refused) = decide_while(&site, &one, |done, refused| {
        if done == 10 && !killed {
            killed = true;
            postgres.kill();
        }
        refused == 0
    });
    assert!(refused.contains_key("unavailable") || refused.contains_key("outcome-unknown"));
    assert!(!is_ready(&site, &one), "it does not say that it can work");
    postgres.resume();
    let deadline = Instant::now() + PATIENCE;
    while site.http.get(&format!("{}/readyz", two.control)).status != 200 {
        assert!(Instant::now() < deadline, "it does not become ready again");
        pause();
    }
    verify(&site, &two, &acknowledged);
    let again = site.grant(&two, 0, "2999-01-01T00:00:00Z");
    assert_eq!(again.status, 204, "{:?}", again.body);
    assert!(one.stop().success() && two.stop().success());
}

/// Does the server say that it can work?
fn is_ready(site: &Site, server: &Server) -> bool {
    site.http.get(&format!("{}/readyz", server.control)).status == 200
}

#[test]
fn what_was_acknowledged_is_on_the_standby_that_takes_over() {
    let primary = Postgres::start();
    let folder = Folder::new();
    let address = folder.file("unused", "").replace("unused", "active");
    let lead = |to: &Path| {
        let _ = std::fs::remove_file(&address);
        std::os::unix::fs::symlink(to, &address).unwrap();
    };
    lead(primary.folder());
    let site = Site::new(Postgres::url_through(Path::new(&address)), 4);
    let standby = primary.standby();
    let one = site.first(&[]);
    let (_folder, two) = site.another(&[]);
    let mut failed_over = false;
    let (acknowledged, refused) = decide_while(&site, &one, |done, _| {
        if done == 10 && !failed_over {
            failed_over = true;
            primary.kill();
            standby.promote();
            lead(standby.folder());
        }
        done < 20
    });
    eprintln!("during the failover: {refused:?}");
    verify(&site, &two, &acknowledged);
    assert!(site.ends(&one) == site.ends(&two));
    assert!(one.stop().success() && two.stop().success());
}

#[test]
fn a_server_whose_clock_is_off_decides_nothing_until_it_agrees_again() {
    assert!(Path::new(FAKETIME).exists(), "faketime is missing: apt-get install faketime");
    let site = Site::new(database(), 2);
    let one = site.first(&[]);
    let folder = Folder::new();
    let shift = folder.file("shift", "+0\n");
    let (_folder, off) = site.another(&[
        ("LD_PRELOAD", FAKETIME),
        ("FAKETIME_TIMESTAMP_FILE", &shift),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]);
    assert_eq!(site.grant(&off, 0, "2098-01-01T00:00:00Z").status, 204);
    let ready = |server: &Server| site.http.get(&format!("{}/readyz", server.control));
    // Within the window of a signature, or the caller's clock would be told to be wrong instead.
    for (shown, by) in [("+10m\n", "ahead"), ("-10m\n", "behind")] {
        std::fs::write(&shift, shown).unwrap();
        let refused = site.grant(&off, 0, "2099-01-01T00:00:00Z");
        assert_eq!((refused.status, reason(&refused)), (503, "clock-off"), "{by}");
        assert_eq!(refused.json()["error_code"], "DLM.4695");
        let unready = ready(&off);
        assert_eq!((unready.status, &unready.json()["reason"]), (503, &json!("clock")));
    }
    std::fs::write(&shift, "+1h\n").unwrap();
    assert_eq!(ready(&off).status, 503);
    let by_other = site.grant(&one, 1, "2098-01-01T00:00:00Z");
    assert_eq!(by_other.status, 204, "the other one goes on: {:?}", by_other.body);
    assert_eq!(ready(&one).status, 200, "its decision time was not taken along");

    std::fs::write(&shift, "+0\n").unwrap();
    let deadline = Instant::now() + PATIENCE;
    while ready(&off).status != 200 {
        assert!(Instant::now() < deadline, "it does not recover");
    }
    let again = site.grant(&off, 0, "2099-01-01T00:00:00Z");
    assert_eq!(again.status, 204, "{:?}", again.body);
    assert!(one.stop().success() && off.stop().success());
}

#[test]
fn the_connection_to_postgresql_is_proven() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _postgres = Postgres::start_with_tls(port, &certificate, &key);
    let folder = Folder::new();
    let ours = folder.file("ours.pem", &certificate);
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let other = folder.file("other.pem", &other.cert.pem());
    let world = folder.file("world.yaml", WORLD);
    for (host, authority, good) in
        [("localhost", &ours, true), ("localhost", &other, false), ("127.0.0.1", &ours, false)]
    {
        let url = format!(
            "postgres://tidegate@{host}:{port}/world?sslmode=verify-full&sslrootcert={authority}"
        );
        let mut apply = tidegate(&["apply", "-f", &world]);
        apply.env("TIDEGATE_DATA_DIR", folder.data()).env("TIDEGATE_DATABASE", &url);
        let out = apply.output().unwrap();
        let told = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.success(), good, "{host} {authority}: {told}");
        let why = match host {
            "localhost" => "its certificate is of an authority that is not trusted",
            _ => "its certificate is for another name than the one in the URL",
        };
        assert!(good || told.contains(why), "{told}");
    }
}

//! How the gateway treats an API's calls, set by its people and met by its callers.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use tidegate_sign::{Payload, Secret, SignedRequest, Target, sign};

use crate::support::{Folder, Http, Reply, Server, unix_now};

const CALL: [&str; 4] = ["call", "--app", "wallboard", "/weather/lisbon"];

/// A development server whose app may call its API.
fn granted(folder: &Folder) -> Server {
    let server = Server::dev(folder, &["--log", "error"]);
    folder.done(&["grants", "authorize", "--api", "weather", "--app", "wallboard", "--for", "3d"]);
    server
}

#[test]
fn a_policy_is_made_bound_met_and_taken_away() {
    let folder = Folder::new();
    let _server = granted(&folder);
    let set = ["throttles", "set", "slow", "--window", "1h", "--per-api", "9", "--per-app", "2"];
    let told = folder.done(&set);
    assert!(told.contains("window       3600 s") && told.contains("per app      2"), "{told}");
    let told = folder.done(&["apis", "rules", "weather", "--throttle", "slow"]);
    assert!(told.contains("throttle            slow"), "{told}");
    assert!(folder.done(&["throttles", "list"]).contains("weather"));
    folder.done(&CALL);
    folder.done(&CALL);
    let denied = folder.run(&CALL);
    assert_eq!(denied.code, Some(1));
    for part in ["HTTP 429", "X-Tidegate-Reason: throttled", "Retry-After: 3", "2 calls per app"] {
        let all = format!("{}{}", denied.out, denied.err);
        assert!(all.contains(part), "`{part}` is not in {denied:?}");
    }

    let in_use = folder.run(&["throttles", "delete", "slow"]);
    assert!(in_use.err.contains("throttle-in-use"), "{in_use:?}");
    folder.done(&["throttles", "set", "slow", "--window", "1h", "--per-app", "3"]);
    folder.done(&CALL);
    assert!(folder.run(&CALL).out.contains("throttled"));
    folder.done(&["apis", "rules", "weather", "--no-throttle"]);
    folder.done(&CALL);
    assert_eq!(folder.done(&["throttles", "delete", "slow"]), "deleted\n");
    assert_eq!(folder.done(&["throttles", "list"]), "none\n");
}

#[test]
fn rules_are_changed_one_at_a_time_and_shown_whole() {
    let folder = Folder::new();
    let _server = Server::dev(&folder, &["--log", "error"]);
    let rules = |words: &[&str]| folder.done(&[&["apis", "rules", "weather"], words].concat());
    let plain = rules(&[]);
    for part in ["throttle            -", "nonce               off", "retries             0"] {
        assert!(plain.contains(part), "{plain}");
    }
    rules(&["--retries", "2", "--total-timeout", "5000", "--backend", "127.0.0.1:9"]);
    let told = rules(&["--upgrade", "on"]);
    for part in [
        "retries             2",
        "total timeout ms    5000",
        "upgrade             on",
        "more backends       127.0.0.1:9",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let back = ["--retries", "0", "--total-timeout", "0", "--backend", "", "--upgrade", "off"];
    assert_eq!(rules(&back), plain);
    let wrong = folder.run(&["apis", "rules", "weather", "--retries", "4"]);
    assert!(wrong.err.contains("`retries` is 4; allowed: 0 to 3"), "{wrong:?}");
    let of_owner = folder.run(&["apis", "rules", "weather", "--nonce", "on", "--as", "owner"]);
    assert!(of_owner.err.contains("not-reviewer"), "{of_owner:?}");
}

/// A call of the sample app, dated so many seconds from now.
fn call_dated(server: &Server, app: &Value, ahead: i64, nonce: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let authority = server.gateway.strip_prefix("http://").unwrap();
    headers.insert("host", HeaderValue::from_str(authority).unwrap());
    headers.insert("x-sdk-nonce", HeaderValue::from_str(nonce).unwrap());
    let target = Target::parse("/weather/lisbon").unwrap();
    let request = SignedRequest { method: "GET", target: &target, headers: &headers, host: None };
    let text = |field: &str| app[field].as_str().unwrap();
    let secret = Secret::new(text("app_secret"));
    let date = unix_now() + ahead;
    let added = sign(&request, Payload::Bytes(b""), text("app_key"), &secret, date).unwrap();
    headers.extend(added);
    headers
}

fn send(http: &Http, server: &Server, call: &HeaderMap) -> Reply {
    let names = ["host", "x-sdk-nonce", "x-sdk-date", "authorization"];
    let headers = names.map(|name| (name, call[name].to_str().unwrap()));
    http.send(Method::GET, &format!("{}/weather/lisbon", server.gateway), &headers, None, None)
}

#[test]
fn a_call_with_a_nonce_is_let_through_once() {
    let folder = Folder::new();
    let server = granted(&folder);
    folder.done(&["apis", "rules", "weather", "--nonce", "on"]);
    assert!(folder.run(&CALL).out.contains("X-Tidegate-Reason: nonce-required"));
    let json = ["apps", "show", "wallboard", "--as", "owner", "--output", "json"];
    let app: Value = serde_json::from_str(&folder.done(&json)).unwrap();

    let http = Http::new();
    let reason = |reply: &Reply| reply.header("x-tidegate-reason").map(str::to_owned);
    // A call of just now could be a repeat from before the start; one dated a minute ahead cannot, as
    // soon as a second has passed.
    let fenced = send(&http, &server, &call_dated(&server, &app, -60, "0123456789abcdef"));
    assert_eq!((fenced.status, reason(&fenced).as_deref()), (503, Some("replay-fence")));
    assert!(fenced.header("retry-after").is_some());
    let (call, first) = loop {
        let call = call_dated(&server, &app, 59, "0123456789abcdef");
        let reply = send(&http, &server, &call);
        if reason(&reply).as_deref() != Some("replay-fence") {
            break (call, reply);
        }
        http.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
    };
    assert_eq!(first.status, 200, "{:?}", first.body);
    let again = send(&http, &server, &call);
    assert_eq!((again.status, reason(&again).as_deref()), (403, Some("replayed")));
}

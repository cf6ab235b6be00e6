//! The check service of the real program: there when it is asked for, and not otherwise.

use http::Method;

use crate::support::{Folder, Http, Server};

#[test]
fn other_proxies_ask_where_the_server_is_told_to_listen() {
    let folder = Folder::new();
    let addresses = ["--check-addr", "127.0.0.1:0", "--ext-authz-addr", "127.0.0.1:0"];
    let server = Server::dev(&folder, &addresses);
    let told = folder.json("server.json");
    let check = told["check"].as_str().unwrap();
    assert!(told["ext_authz"].is_string());
    let http = Http::new();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(http.get(&format!("{check}{path}")).status, 200);
    }
    let of_call = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-uri", "/weather/lisbon"),
        ("x-forwarded-host", "api.example.com"),
    ];
    let ask = |headers: &[(&'static str, &str)]| {
        let answer = http.send(Method::GET, &format!("{check}/check"), headers, None, None);
        let reason = answer.header("x-tidegate-reason").unwrap().to_owned();
        (answer.status, reason)
    };
    assert_eq!(ask(&of_call), (401, "missing-signature".to_owned()));
    assert_eq!(ask(&of_call[..2]), (403, "bad-request".to_owned()));
    assert!(server.stop().success());

    let server = Server::dev(&folder, &[]);
    let told = folder.json("server.json");
    assert!(told.get("check").is_none() && told.get("ext_authz").is_none(), "off by default");
    assert!(server.stop().success());
}

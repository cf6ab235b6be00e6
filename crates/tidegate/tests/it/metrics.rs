//! What Prometheus reads: verdicts are counted by name, on a port of their own.

use serde_json::Value;

use crate::support::{Folder, Http, Server};

#[test]
fn verdicts_are_counted_by_their_names() {
    let folder = Folder::new();
    let server = Server::dev(&folder, &["--metrics-addr", "127.0.0.1:0"]);
    let address = match &folder.json("server.json")["metrics"] {
        Value::String(address) => address.clone(),
        other => panic!("no address of the metrics: {other}"),
    };
    let http = Http::new();
    for path in ["/nowhere", "/weather/lisbon", "/weather/rome"] {
        http.get(&format!("{}{path}", server.gateway));
    }
    let told = http.get(&format!("{address}/metrics"));
    assert!(told.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = String::from_utf8(told.body.to_vec()).unwrap();
    for line in [
        r#"tidegate_gate_calls_total{verdict="admitted"} 0"#,
        r#"tidegate_gate_calls_total{verdict="no-route"} 1"#,
        r#"tidegate_gate_calls_total{verdict="missing-signature"} 2"#,
        r#"tidegate_gate_known{kind="api"} 1"#,
        "tidegate_gate_ready 1",
        r#"tidegate_gate_check_seconds_count{kind="call"} 3"#,
        r#"tidegate_gate_backend_seconds_count{kind="call"} 0"#,
        "tidegate_revocation_bound_seconds 301.3",
        r#"tidegate_gateways{state="lapsed"} 0"#,
        r#"tidegate_connections{listener="metrics"} 1"#,
        r#"tidegate_connections_shed_total{listener="control"} 0"#,
        r#"tidegate_connections_refused_total{listener="gateway"} 0"#,
        "# EOF",
    ] {
        assert!(text.lines().any(|l| l == line), "`{line}` is missing in:\n{text}");
    }
    assert_eq!(http.get(&format!("{}/metrics", server.gateway)).status, 404, "a port of its own");
}

//! What the real program tells of calls: the access log, the traces; and what no output ever tells.

use std::time::Instant;

use http::Method;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};

use crate::recorder::Recorder;
use crate::support::{Folder, Http, Keys, PATIENCE, Server, WORLD, definition, keys, pause};

/// A server with a granted app, that tells all it can tell.
struct Scene {
    folder: Folder,
    server: Server,
    http: Http,
    app: Keys,
    id: String,
    backend: Recorder,
    collector: Recorder,
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

impl Scene {
    fn start() -> Self {
        let backend = Recorder::start("x-canary: CANARY-answer-header", "CANARY-answer-body");
        let collector = Recorder::start("content-type: application/x-protobuf", "");
        let folder = Folder::new();
        let world = folder.file("world.yaml", WORLD);
        let log = folder.file("access.log", "");
        let endpoint = format!("http://{}", collector.address);
        let server = Server::dev(
            &folder,
            &[
                ["--world", &world],
                ["--access-log", &log],
                ["--otlp-endpoint", &endpoint],
                ["--metrics-addr", "127.0.0.1:0"],
                ["--check-addr", "127.0.0.1:0"],
                ["--log", "info,tidegate=trace,tidegate_gateway=trace,tidegate_api=trace"],
            ]
            .concat(),
        );
        let http = Http::new();
        let (rita, olaf) = (keys("rita"), keys("olaf"));
        let post = |path: &str, body: Value, by: &Keys| {
            let address = format!("{}/v1/p1/service{path}", server.control);
            let sent = http.send(Method::POST, &address, &[], Some(&body), Some(by));
            assert!(matches!(sent.status, 200 | 204), "{path}: {:?}", sent.body);
            sent
        };
        let mut definition = definition("orders", &backend.address.to_string());
        definition["request_type"] = "REQUEST_TYPE_POST".into();
        definition["backend_config"]["type"] = "REQUEST_TYPE_POST".into();
        let api = post("/apis", definition, &rita).json();
        let api = api["id"].as_str().unwrap();
        post(&format!("/apis/{api}/instances/g1/publish"), json!({}), &rita);
        let app = post("/apps", json!({ "name": "shop" }), &olaf).json();
        let text = |field: &str| app[field].as_str().unwrap().to_owned();
        let grant = json!({
            "api_id": api, "instance_id": "g1", "app_id": text("id"),
            "apply_type": "APPLY_TYPE_AUTHORIZE", "time": "2099-01-01T00:00:00Z",
        });
        post("/apis/authorize/action", grant, &rita);
        let id = text("id");
        let app = Keys { access: text("app_key"), secret: text("app_secret") };
        Self { folder, server, http, app, id, backend, collector }
    }

    /// Calls, and tells the status.
    fn call(&self, query: &str, headers: &[(&'static str, &str)], keys: Option<&Keys>) -> u16 {
        let address = format!("{}/orders{query}", self.server.gateway);
        let body = json!({ "card": "CANARY-body" });
        self.http.send(Method::POST, &address, headers, Some(&body), keys).status
    }

    /// Ends the server. Tells its log, its access log, and the spans it sent.
    fn end(self) -> (String, Vec<Value>, Vec<Span>, String) {
        let log = self.server.stopped();
        let file = self.folder.data().parent().unwrap().join("access.log");
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut raw = String::new();
        let mut spans = Vec::new();
        for sent in self.collector.requests() {
            assert!(sent.head.starts_with("POST /v1/traces HTTP/1.1"), "{}", sent.head);
            assert_eq!(sent.header("content-type"), Some("application/x-protobuf"));
            raw.push_str(&String::from_utf8_lossy(&sent.body));
            let message = ExportTraceServiceRequest::decode(sent.body.as_slice()).unwrap();
            for resource in message.resource_spans {
                let of = resource.resource.unwrap().attributes;
                let name = of.iter().find(|pair| pair.key == "service.name").unwrap();
                assert_eq!(string(name.value.as_ref().unwrap().value.as_ref()), "tidegate");
                spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        (log, lines, spans, text + &raw)
    }
}

fn string(value: Option<&Any>) -> String {
    match value {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    }
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    let pair = span.attributes.iter().find(|pair| pair.key == name)?;
    Some(string(pair.value.as_ref()?.value.as_ref()))
}

#[test]
fn a_call_is_a_span_between_its_callers_and_its_backends() {
    let scene = Scene::start();
    assert_eq!(scene.call("", &[("traceparent", PARENT)], Some(&scene.app)), 200);
    let unkept = PARENT.replace("-01", "-00");
    assert_eq!(scene.call("", &[("traceparent", &unkept)], Some(&scene.app)), 200);
    assert_eq!(scene.call("", &[], None), 401);
    let app = scene.id.clone();
    let backend = scene.backend.requests();
    let (_, lines, spans, _) = scene.end();

    let [call, denied] = spans.as_slice() else { panic!("{} spans", spans.len()) };
    assert_eq!(hex(&call.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&call.parent_span_id), "b7ad6b7169203331");
    let (trace, span) = (hex(&call.trace_id), hex(&call.span_id));
    assert_eq!(backend[0].header("traceparent"), Some(format!("00-{trace}-{span}-01").as_str()));
    assert!(backend[1].header("traceparent").unwrap().ends_with("-00"));
    assert_eq!(call.name, "POST orders");
    for (name, wanted) in [
        ("http.request.method", "POST"),
        ("url.path", "/orders"),
        ("http.response.status_code", "200"),
        ("network.peer.address", "127.0.0.1"),
        ("tidegate.verdict", "admitted"),
        ("tidegate.app", &app),
    ] {
        assert_eq!(attribute(call, name).as_deref(), Some(wanted), "{name}");
    }
    let events: Vec<_> = call.events.iter().map(|e| (e.name.as_str(), e.time_unix_nano)).collect();
    let [("decided", decided), ("answered", answered)] = events[..] else { panic!("{events:?}") };
    assert!(call.start_time_unix_nano <= decided && decided <= answered);
    assert!(answered <= call.end_time_unix_nano);

    assert_eq!(denied.parent_span_id, Vec::<u8>::new(), "it begins a trace");
    assert_eq!(attribute(denied, "error.type").as_deref(), Some("missing-signature"));
    assert_eq!(attribute(denied, "tidegate.request_id").unwrap(), hex(&denied.trace_id));
    assert_eq!(lines[2]["trace_id"], hex(&denied.trace_id).as_str());
    assert_eq!(lines.len(), 3, "the access log has them all");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn no_output_tells_a_secret() {
    let scene = Scene::start();
    let headers: Vec<(&'static str, &str)> = [
        "x-auth-token",
        "x-security-token",
        "cookie",
        "x-api-key",
        "proxy-authorization",
        "x-sdk-nonce",
        "user-agent",
        "accept",
        "referer",
        "tracestate",
        "x-tidegate-app",
        "x-forwarded-for",
        "x-request-id",
        "content-type",
        "origin",
    ]
    .map(|name| (name, "CANARY-header"))
    .to_vec();
    let query = "?CANARY-name=CANARY-value&token=CANARY-token";
    let forged = Keys { access: scene.app.access.clone(), secret: "CANARY-secret".to_owned() };
    let nobody = Keys { access: "CANARY-key".to_owned(), secret: "CANARY-secret".to_owned() };
    assert_eq!(scene.call(query, &headers, Some(&scene.app)), 200);
    assert_eq!(scene.call(query, &headers, Some(&forged)), 401);
    assert_eq!(scene.call(query, &headers, Some(&nobody)), 401);
    assert_eq!(scene.call(query, &headers, None), 401);
    let authorization = [("authorization", "Bearer CANARY-bearer")];
    assert_eq!(scene.call(query, &authorization, None), 401);
    assert_eq!(scene.call("?a=%CANARY", &headers, None), 400, "a malformed address");
    let told = scene.folder.json("server.json");
    let uri = format!("/orders{query}");
    let asked = [
        ("x-forwarded-method", "POST"),
        ("x-forwarded-uri", uri.as_str()),
        ("x-forwarded-host", "CANARY-host"),
        ("authorization", "SDK-HMAC-SHA256 Access=CANARY, SignedHeaders=host, Signature=CANARY"),
    ];
    let check = format!("{}/check", told["check"].as_str().unwrap());
    assert_eq!(scene.http.send(Method::POST, &check, &asked, None, None).status, 401);
    let metrics = format!("{}/metrics", told["metrics"].as_str().unwrap());
    let metrics = String::from_utf8(scene.http.get(&metrics).body.to_vec()).unwrap();

    let backend = scene.backend.requests();
    let secret = scene.app.secret.clone();
    let (log, lines, spans, told) = scene.end();
    assert_eq!((lines.len(), spans.len()), (7, 7), "each was told of");
    assert!(backend[0].head.contains("CANARY-value"), "they are there to be found");
    assert!(log.contains("stopped"));
    let signature = backend[0].header("authorization");
    assert_eq!(signature, None);
    for (output, text) in [("log", log), ("records", told), ("metrics", metrics)] {
        for canary in ["CANARY", &secret, "Signature=", "SDK-HMAC-SHA256"] {
            let at = text.find(canary);
            assert_eq!(
                at,
                None,
                "{canary} in the {output}: {:?}",
                at.map(|at| { text.get(at.saturating_sub(200)..at + 100) })
            );
        }
    }
}

#[test]
fn a_log_that_cannot_be_opened_is_told_at_the_start() {
    let folder = Folder::new();
    let told = folder.run(&[
        "dev",
        "--access-log",
        "/nowhere/log",
        "--control-addr",
        "127.0.0.1:0",
        "--gateway-addr",
        "127.0.0.1:0",
    ]);
    assert!(told.err.contains("cannot open the access log /nowhere/log"), "{told:?}");
}

#[test]
fn a_collector_that_is_away_harms_no_call() {
    let scene = Scene::start();
    let Scene { folder, server, http, app, collector, backend, id: _ } = scene;
    drop(collector);
    let address = format!("{}/orders", server.gateway);
    let sent = http.send(Method::POST, &address, &[], Some(&json!({})), Some(&app));
    assert_eq!(sent.status, 200);
    let metrics = format!("{}/metrics", folder.json("server.json")["metrics"].as_str().unwrap());
    let lost = "tidegate_gate_records_total{sink=\"traces\",outcome=\"send-failed\"} 1";
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = String::from_utf8(http.get(&metrics).body.to_vec()).unwrap();
        if text.contains(lost) {
            break;
        }
        assert!(Instant::now() < deadline, "{text}");
        pause();
    }
    drop(backend);
    assert!(server.stopped().contains("traces cannot be sent"));
}

//! What the gate tells of its calls: the access log, the statistics, the places in traces.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_gateway::feed::Batch;
use tidegate_gateway::{
    AccessLog, ConnectionFigures, Counts, FIELDS, Limits, Listener, Listeners, Share, Telling,
    Terms, Workers,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::asking::{Raw, Services, Way};
use crate::world::{Answer, KEY, SECRET, World, exchange, limits, signing_app, until};

/// A world whose gate keeps an access log.
struct Logged {
    world: World,
    log: Arc<AccessLog>,
    folder: TempDir,
}

impl Logged {
    async fn start() -> Self {
        Self::with(limits(), None).await
    }

    async fn with(limits: Limits, traces: Option<Share>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(AccessLog::open(&folder.path().join("log"), Share::ALL).unwrap());
        let telling = Telling { sinks: vec![Arc::clone(&log) as _], traces, pairs: 0 };
        Self { world: World::telling(limits, telling).await, log, folder }
    }

    /// Ends the log and reads it.
    fn lines(&self) -> Vec<Value> {
        self.log.close();
        lines(&self.folder.path().join("log"))
    }

    /// Waits until so many calls are over.
    async fn over(&self, calls: usize) {
        let file = self.folder.path().join("log");
        until(|| lines(&file).len() >= calls).await;
    }
}

fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Checks some fields of a line.
#[track_caller]
fn says(line: &Value, wanted: &Value) {
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&line[name], value, "{name} in {line}");
    }
}

fn id(answer: &Answer) -> &str {
    answer.header("x-request-id").unwrap()
}

#[tokio::test]
async fn every_call_leaves_one_line_that_says_who_what_and_how_it_went() {
    let logged = Logged::start().await;
    let world = &logged.world;
    let rival = signing_app("rival", "ak-rival", "sk-rival");
    world.tell(Batch { apps: vec![rival], ..Batch::default() }).await;
    world.publish(world.api("open", AuthType::None, Method::Get, "/open", "/o")).await;
    world.publication("open", Status::Stopped).await;

    let calls = [
        (
            world.call("GET", "/orders/7?token=hidden&b=2").send().await,
            json!({"verdict": "admitted", "status": 200, "app": "app", "claimed_app": null,
                   "api": "get", "api_name": "get", "instance": "APIG", "method": "GET",
                   "path": "/orders/7", "query_parameters": 2, "bytes_in": 0, "bytes_out": 5,
                   "grant_end": "2026-01-02T04:00:00.000Z", "aborted": null, "kind": "call",
                   "protocol": "HTTP/1.1", "fault": null, "trace_id": null}),
        ),
        (
            world.call("POST", "/orders/7/").body("12345678").send().await,
            json!({"verdict": "admitted", "path": "/orders/7/", "bytes_in": 8, "bytes_out": 5}),
        ),
        (
            world.call("POST", "/orders/7").body("12345678").declared().send().await,
            json!({"verdict": "admitted", "bytes_in": 8, "read_us": 0}),
        ),
        (
            world.call("GET", "/orders/7").by("ak-rival", "sk-rival").send().await,
            json!({"verdict": "no-grant", "app": "rival", "claimed_app": null, "api": "get",
                   "status": 403, "grant_end": null, "instance": "APIG", "backend_us": 0}),
        ),
        (
            world.call("GET", "/orders/7").by(KEY, "forged").send().await,
            json!({"verdict": "bad-signature", "app": null, "claimed_app": "app", "api": "get"}),
        ),
        (
            world.call("GET", "/orders/7").by("nobody", SECRET).send().await,
            json!({"verdict": "unknown-key", "app": null, "claimed_app": null, "api": "get"}),
        ),
        (
            world.call("GET", "/open").send_plain().await,
            json!({"verdict": "stopped", "app": null, "api": "open"}),
        ),
        (
            world.call("GET", "/nowhere").send().await,
            json!({"verdict": "no-route", "api": null, "path": "/nowhere", "claimed_app": null}),
        ),
        (
            world.call("GET", "/orders/%zz").send_plain().await,
            json!({"verdict": "bad-request", "api": null, "path": null, "method": "GET"}),
        ),
    ];
    let lines = logged.lines();
    assert_eq!(lines.len(), calls.len());
    for ((answer, wanted), line) in calls.iter().zip(&lines) {
        says(line, wanted);
        says(line, &json!({"request_id": id(answer), "status": answer.status}));
        let revision = answer.header("x-tidegate-revision").map(|r| r.parse::<u64>().unwrap());
        assert_eq!(line["revision"].as_u64(), revision);
        let names: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        let mut fields = FIELDS.map(|(name, _)| name);
        fields.sort_unstable();
        assert_eq!(names, fields);
        let us = |name: &str| line[name].as_u64().unwrap();
        let parts = us("read_us") + us("check_us") + us("backend_us") + us("transfer_us");
        assert!(parts <= us("total_us") + 5, "{line}");
        assert!(line["time"].as_str().unwrap().starts_with("2026-01-02T0"));
        assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    }
}

#[tokio::test]
async fn what_another_proxy_asks_about_leaves_a_line_too() {
    let logged = Logged::start().await;
    let services = Services::of(&logged.world.gate).await;
    let call = Raw::of(&logged.world.call("POST", "/orders/7?a=1").body("1234").bytes());
    assert_eq!(services.ask(&call, Way::Check, true).await.status, 200);
    assert_eq!(services.ask(&call, Way::Envoy, false).await.status, 403);
    services.check(&call, true).await.unwrap();
    let lines = logged.lines();
    assert_eq!(lines.len(), 3);
    let admitted = json!({"kind": "check", "verdict": "admitted", "app": "app", "path": "/orders/7",
                          "query_parameters": 1, "bytes_in": 4, "bytes_out": 0, "status": 200,
                          "protocol": null, "backend_us": 0});
    says(&lines[0], &admitted);
    says(&lines[1], &json!({"verdict": "body-not-covered", "status": 403, "api": "post"}));
    says(&lines[2], &admitted);
    let text = logged.world.gate.metrics().unwrap();
    for line in [
        "tidegate_gate_check_seconds_count{kind=\"check\"} 3",
        "tidegate_gate_total_seconds_count{kind=\"check\"} 3",
        "tidegate_gate_check_seconds_count{kind=\"call\"} 0",
        "tidegate_gate_records_total{sink=\"access_log\",outcome=\"written\"} 3",
    ] {
        assert!(text.lines().any(|l| l == line), "`{line}` is missing in:\n{text}");
    }
}

#[tokio::test]
async fn a_call_that_is_broken_off_says_by_whom() {
    let logged = Logged::start().await;
    let world = &logged.world;
    world.publish(world.api("wait", AuthType::None, Method::Get, "/wait", "/wait")).await;
    // The caller leaves while the backend thinks.
    let mut caller = TcpStream::connect(world.address).await.unwrap();
    caller.write_all(&world.call("GET", "/wait").plain_bytes()).await.unwrap();
    until(|| world.backend.waiting.load(Ordering::SeqCst) == 1).await;
    assert!(world.gate.metrics().unwrap().contains("tidegate_gate_calls_in_flight 1\n"));
    // A mere end of sending would say that the answer is waited for.
    caller.set_zero_linger().unwrap();
    drop(caller);
    logged.over(1).await;

    // The backend leaves within its answer.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut api = world.api("torn", AuthType::None, Method::Get, "/torn", "/");
    api.backend.authority = listener.local_addr().unwrap().to_string();
    world.publish(api).await;
    let backend = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 16];
        stream.read_exact(&mut head).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345").await.unwrap();
    };
    let torn = async {
        let mut caller = TcpStream::connect(world.address).await.unwrap();
        caller.write_all(&world.call("GET", "/torn").plain_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = caller.read_to_end(&mut answer).await;
        assert!(answer.ends_with(b"12345"));
    };
    tokio::join!(backend, torn);
    logged.over(2).await;

    // The caller leaves within the answer.
    world.publish(world.api("echo", AuthType::None, Method::Post, "/echo", "/echo")).await;
    let mut caller = TcpStream::connect(world.address).await.unwrap();
    let call = world.call("POST", "/echo").body(vec![b'x'; 20_000_000]).plain_bytes();
    caller.write_all(&call).await.unwrap();
    caller.read_exact(&mut [0; 1000]).await.unwrap();
    drop(caller);
    logged.over(3).await;

    let lines = logged.lines();
    says(
        &lines[0],
        &json!({"verdict": "admitted", "status": null, "aborted": "caller", "bytes_out": 0,
                "path": "/wait", "api": "wait"}),
    );
    says(
        &lines[1],
        &json!({"verdict": "admitted", "status": 200, "aborted": "backend", "bytes_out": 5}),
    );
    says(&lines[2], &json!({"verdict": "admitted", "aborted": "caller", "bytes_in": 20_000_000}));
    let sent = lines[2]["bytes_out"].as_u64().unwrap();
    assert!((1_000 - 500..20_000_000).contains(&sent), "{sent}");
    let text = world.gate.metrics().unwrap();
    assert!(text.contains("tidegate_gate_calls_aborted_total{by=\"caller\"} 2\n"));
    assert!(text.contains("tidegate_gate_calls_aborted_total{by=\"backend\"} 1\n"));
    assert!(text.contains("tidegate_gate_calls_in_flight 0\n"));
}

#[tokio::test]
async fn a_backend_that_fails_is_told_of_with_its_fault() {
    let logged = Logged::start().await;
    let world = &logged.world;
    let mut api = world.api("down", AuthType::None, Method::Get, "/down", "/");
    api.backend.authority = "127.0.0.1:1".to_owned();
    world.publish(api).await;
    world.call("GET", "/down").send_plain().await.denied("backend-unreachable");
    let lines = logged.lines();
    says(&lines[0], &json!({"verdict": "backend-unreachable", "api": "down", "status": 502}));
    assert!(lines[0]["fault"].as_str().unwrap().contains("onnect"), "{}", lines[0]);
}

#[tokio::test]
async fn questions_about_health_are_no_calls() {
    let logged = Logged::start().await;
    assert_eq!(
        exchange(logged.world.address, b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.status,
        200
    );
    assert_eq!(logged.lines(), Vec::<Value>::new());
    assert!(logged.world.gate.metrics().unwrap().contains("calls_in_flight 0\n"));
}

#[tokio::test]
async fn a_log_that_is_renamed_goes_on_in_a_new_file() {
    let logged = Logged::start().await;
    let (file, old) = (logged.folder.path().join("log"), logged.folder.path().join("log.1"));
    logged.world.call("GET", "/orders/1").send().await.allowed();
    logged.over(1).await;
    std::fs::rename(&file, &old).unwrap();
    logged.world.call("GET", "/orders/2").send().await.allowed();
    logged.over(1).await;
    says(&lines(&old)[0], &json!({"path": "/orders/1"}));
    says(&lines(&file)[0], &json!({"path": "/orders/2"}));
    assert_eq!(lines(&old).len(), 1);
    logged.log.close();
    assert!(AccessLog::open(Path::new("/nowhere/log"), Share::ALL).is_err());
}

#[tokio::test]
async fn the_gates_span_is_the_parent_of_the_backends() {
    let logged = Logged::with(limits(), Share::new(0.0)).await;
    let world = &logged.world;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let call = world.call("GET", "/orders/7").unsigned("traceparent", parent);
    call.unsigned("tracestate", "a=1").send().await.allowed();
    let seen = world.backend.last();
    let sent = seen.header("traceparent").unwrap();
    assert!(sent.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && sent.ends_with("-01"));
    assert!(!sent.contains("b7ad6b7169203331"));
    assert_eq!(seen.header("tracestate"), Some("a=1"));
    // Without a trace of its own the call's id is the trace, and is not kept.
    let answer = world.call("GET", "/orders/7").unsigned("tracestate", "a=1").send().await;
    let seen = world.backend.last();
    let sent = seen.header("traceparent").unwrap().to_owned();
    assert!(sent.starts_with(&format!("00-{}-", id(&answer))) && sent.ends_with("-00"), "{sent}");
    assert_eq!(seen.header("tracestate"), None);
    // It may be signed; then the gate's own still takes its place, after the check.
    world.call("GET", "/orders/7").header("traceparent", parent).send().await.allowed();
    assert!(!world.backend.last().header("traceparent").unwrap().contains("b7ad6b7169203331"));
    let lines = logged.lines();
    assert_eq!(lines[0]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(lines[1]["trace_id"], lines[1]["request_id"]);
}

#[tokio::test]
async fn without_traces_the_callers_goes_through_as_it_came() {
    let world = World::start().await;
    world.call("GET", "/orders/7").unsigned("traceparent", "mine").send().await.allowed();
    assert_eq!(world.backend.last().header("traceparent"), Some("mine"));
    world.call("GET", "/orders/7").send().await.allowed();
    assert_eq!(world.backend.last().header("traceparent"), None);
}

#[tokio::test]
async fn calls_are_counted_by_api_and_app_and_what_has_no_row_is_counted_too() {
    let telling = Telling { pairs: 2, sinks: Vec::new(), traces: None };
    let world = World::telling(limits(), telling).await;
    for _ in 0..3 {
        world.call("GET", "/orders/7").send().await.allowed();
    }
    world.set_now(crate::world::NOON + crate::world::HOUR);
    world.call("GET", "/orders/7").send().await.denied("expired");
    world.call("GET", "/nowhere").send().await.denied("no-route");
    world.call("POST", "/orders/7").body("12345").send().await.denied("expired");
    let seen = std::cell::RefCell::new(world.gate.statistics());
    // The last call may not be over yet when its answer is there.
    until(|| {
        let more = world.gate.statistics();
        seen.borrow_mut().other.calls += more.other.calls;
        seen.borrow_mut().other.illegal += more.other.illegal;
        seen.borrow().rows.len() == 2 && seen.borrow().other.calls == 1
    })
    .await;
    let mut rows = seen.into_inner().rows;
    rows.sort_by_key(|row| row.counts.calls);
    let [nowhere, orders] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((&nowhere.api, &nowhere.app, nowhere.counts.illegal), (&None, &None, 1));
    assert_eq!(orders.api.as_ref().unwrap().as_str(), "get");
    assert_eq!(orders.app.as_ref().unwrap().as_str(), "app");
    let Counts { calls, legal, illegal, succeeded, failed, bytes_out, .. } = orders.counts;
    assert_eq!([calls, legal, illegal, succeeded, failed], [4, 3, 1, 3, 0]);
    assert!(bytes_out > 15 && orders.counts.total_us >= orders.counts.succeeded_us);
    // What was taken is gone, and its rows are free again.
    assert_eq!(world.gate.statistics(), tidegate_gateway::Statistics::default());
    world.call("POST", "/orders/7").send().await.denied("expired");
    until(|| world.gate.statistics().rows.len() == 1).await;
}

#[tokio::test]
async fn connections_are_counted_while_they_are_open() {
    let world = World::bare(limits()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let gate = world.gate.clone();
    let listeners = Listeners::default();
    assert_eq!(listeners.served().count(), 0, "nothing is served yet");
    let open = listeners.of(Listener::Gateway).clone();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let counted = open.clone();
    let served = tokio::spawn(async move {
        let workers = Workers::start(NonZeroUsize::MIN).unwrap();
        let limits = Limits { connections: 1, ..gate.limits().clone() };
        let terms = Terms::new(&limits, None, counted);
        let of_thread = || {
            let service = gate.service();
            move |caller| service.of(caller)
        };
        workers.serve(listener, of_thread, &terms, stopped).await.unwrap()
    });
    let figures = |open, shed| ConnectionFigures { open, shed, refused: 0 };
    let quiet = TcpStream::connect(address).await.unwrap();
    until(|| open.count() == 1).await;
    // There is room for one: the next closes the one before, which is quiet.
    let caller = TcpStream::connect(address).await.unwrap();
    until(|| open.figures() == Some(figures(1, 1))).await;
    assert_eq!(listeners.served().collect::<Vec<_>>(), [(Listener::Gateway, figures(1, 1))]);
    drop((quiet, caller));
    until(|| open.count() == 0).await;
    stop.send(true).unwrap();
    assert_eq!(served.await.unwrap(), 0, "nobody was cut off");
}

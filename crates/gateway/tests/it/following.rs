//! The gate and its control side: not heard yet, silent, late, or another one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use tidegate_gateway::feed::{Batch, Source};
use tidegate_gateway::{Caller, Clock, Gate, GateConfig, Limits, Reason, Use};

use crate::world::{Log, NOON, World, at, limits, signing_app, until};

fn gate(limits: Limits) -> Gate {
    let clock = Clock { now: Arc::new(|| at(NOON)), wall: Arc::new(|| at(NOON)) };
    Gate::new(GateConfig { limits, ..GateConfig::default() }, clock).unwrap()
}

const CALLER: Caller = Caller {
    address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1),
    is_secure: false,
    usage: Use::NONE,
};

/// The reason for which a call is denied. No socket is in play, so time may stand still.
async fn reason(gate: &Gate) -> String {
    let request = Request::get("/x").header("host", "h").body(Empty::<Bytes>::new()).unwrap();
    let answer = gate.service().of(CALLER).answer(request).await;
    answer.headers()["x-tidegate-reason"].to_str().unwrap().to_owned()
}

async fn probe(gate: &Gate, path: &str) -> u16 {
    let request = Request::get(path).header("host", "h").body(Empty::<Bytes>::new()).unwrap();
    gate.service().of(CALLER).answer(request).await.status().as_u16()
}

fn follow(gate: &Gate, log: &Arc<Log>) {
    let (gate, source) = (gate.clone(), Arc::clone(log) as Arc<dyn Source>);
    tokio::spawn(async move { gate.follow(source, std::future::pending()).await });
}

#[tokio::test(start_paused = true)]
async fn a_gate_decides_as_long_as_its_lease_lasts_and_not_a_moment_longer() {
    let gate = gate(Limits { lease: Duration::from_secs(300), ..Limits::default() });
    assert_eq!(reason(&gate).await, "not-ready");
    assert_eq!((probe(&gate, "/healthz").await, probe(&gate, "/readyz").await), (200, 503));

    let log = Arc::new(Log::default());
    follow(&gate, &log);
    until(|| gate.revision().is_some()).await;
    assert_eq!(reason(&gate).await, "no-route");
    assert_eq!(probe(&gate, "/readyz").await, 200);

    // An hour of answers keeps it alive.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(reason(&gate).await, "no-route");

    log.is_down.store(true, Ordering::SeqCst);
    // The boot-time clock goes on in a test, too, but never as far as this.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let age = gate.status().age.unwrap();
    let left = Duration::from_secs(300) - age;
    tokio::time::sleep(left - Duration::from_millis(1)).await;
    assert_eq!(reason(&gate).await, "no-route");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(reason(&gate).await, "lease-lapsed");
    assert_eq!(gate.status().ready, Err(Reason::LeaseLapsed));
    assert_eq!(probe(&gate, "/readyz").await, 503);

    // However long it was away, it is noticed soon when it is back.
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    log.is_down.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(reason(&gate).await, "no-route");
}

#[tokio::test(start_paused = true)]
async fn failed_polls_become_rarer_but_never_stop() {
    let gate = gate(Limits::default());
    let log = Arc::new(Log::default());
    log.is_down.store(true, Ordering::SeqCst);
    follow(&gate, &log);
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    let polls = log.polls.load(Ordering::SeqCst);
    assert!((100..110).contains(&polls), "{polls}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_bell_costs_a_poll_and_no_more() {
    let gate = gate(Limits::default());
    let log = Arc::new(Deaf(Log::default()));
    let source = Arc::clone(&log) as Arc<dyn Source>;
    let following = gate.clone();
    tokio::spawn(async move { following.follow(source, std::future::pending()).await });
    until(|| gate.revision() == Some(0)).await;
    log.0.push(Batch { apps: vec![signing_app("a", "k", "s")], ..Batch::default() });
    tokio::time::sleep(Duration::from_millis(1_001)).await;
    assert_eq!(gate.revision(), Some(1));
}

/// A source whose bell never rings.
struct Deaf(Log);

#[async_trait::async_trait]
impl Source for Deaf {
    async fn changes(&self, since: u64) -> Result<Batch, tidegate_gateway::feed::SourceError> {
        self.0.changes(since).await
    }

    async fn bell(&self, _: u64) {
        std::future::pending::<()>().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_lags_behind_renews_no_lease() {
    let gate = gate(Limits::default());
    let log = Arc::new(Log::default());
    log.push(Batch { apps: vec![signing_app("a", "k", "s")], ..Batch::default() });
    log.push(Batch::default());
    follow(&gate, &log);
    until(|| gate.revision() == Some(2)).await;
    log.restore("", vec![Batch::default()]);
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert_eq!(gate.revision(), Some(2), "what is known is not forgotten");
    assert_eq!(reason(&gate).await, "lease-lapsed");
}

/// The store goes back to an earlier state and on from there: under the same name, with as many revisions,
/// which are others. Nothing of what was lost is left, and no lease is renewed before that.
#[tokio::test(start_paused = true)]
async fn two_histories_of_one_name_are_never_merged() {
    let gate = gate(limits());
    let log = Arc::new(Log::default());
    let step = |id: &str| Batch { apps: vec![signing_app(id, id, "s")], ..Batch::default() };
    log.restore("e", vec![step("kept"), step("lost"), step("lost-too")]);
    follow(&gate, &log);
    until(|| gate.revision() == Some(3)).await;
    for (steps, apps) in [(1, 1), (3, 3), (5, 5)] {
        let before = gate.counters().histories;
        let new = (0..steps).map(|n| step(&format!("new-{n}"))).collect();
        log.restore("e", new);
        until(|| gate.counters().histories > before && gate.revision() == Some(steps)).await;
        assert_eq!(gate.status().sizes.apps, apps, "of one history alone");
        assert_eq!(gate.counters().histories, before + 1);
    }
    assert_eq!(gate.counters().polls_failed, 0);
}

#[tokio::test]
async fn another_history_is_learnt_from_its_beginning() {
    let world = World::start().await;
    world.call("GET", "/orders/7").send().await.allowed();
    // A restored store: other revisions, and the grant is not in it.
    let app = signing_app("app", crate::world::KEY, crate::world::SECRET);
    let api = world.api(
        "get",
        tidegate_domain::AuthType::App,
        tidegate_domain::api::Method::Get,
        "/orders/{id}",
        "/o",
    );
    let publication = tidegate_gateway::FeedPublication {
        api: api.id.clone(),
        instance: crate::world::apig(),
        status: tidegate_domain::publication::Status::Published,
        published_at: None,
    };
    let first = Batch {
        apps: vec![app],
        apis: vec![api],
        publications: vec![publication],
        ..Batch::default()
    };
    let mut steps = vec![first];
    steps.resize_with(40, Batch::default);
    world.log.restore("f", steps);
    until(|| world.gate.status().epoch.as_deref() == Some("f")).await;
    assert_eq!(world.gate.revision(), Some(40));
    world.call("GET", "/orders/7").send().await.denied("no-grant");
}

#[tokio::test(start_paused = true)]
async fn following_ends_when_it_is_told_to() {
    let gate = gate(Limits::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let source: Arc<dyn Source> = Arc::new(Log::default());
    let following = tokio::spawn({
        let gate = gate.clone();
        async move { gate.follow(source, async { drop(stopped.await) }).await }
    });
    until(|| gate.revision().is_some()).await;
    stop.send(()).unwrap();
    following.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_lease_counts_from_the_sending_of_the_poll() {
    let gate = gate(Limits::default());
    let following = gate.clone();
    let source: Arc<dyn Source> = Arc::new(Slow(Log::default()));
    tokio::spawn(async move { following.follow(source, std::future::pending()).await });
    // What was committed while the answer was on its way may be missing from it.
    tokio::time::sleep(Duration::from_millis(9_000)).await;
    until(|| gate.revision().is_some()).await;
    assert!(gate.status().age.unwrap() >= Duration::from_secs(9));
}

/// A source whose answers take long.
struct Slow(Log);

#[async_trait::async_trait]
impl Source for Slow {
    async fn changes(&self, since: u64) -> Result<Batch, tidegate_gateway::feed::SourceError> {
        let answer = self.0.changes(since).await;
        tokio::time::sleep(Duration::from_secs(9)).await;
        answer
    }

    async fn bell(&self, since: u64) {
        self.0.bell(since).await;
    }
}

//! Tenants are apart: for every pair of them, every kind of route and every kind of denial, no call, no
//! credential and no byte of one reaches a backend or a line of the log of the other.
//!
//! Every tenant has an API for each kind and denial. Every other tenant has an open API on the same path, and
//! paths made of placeholders only, so that whatever were let go by one would be taken by another.
//!
//! Each call is made in every [`Way`]: to the gateway, and by a proxy that asks about it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{Cut, CutCause, Key};
use tidegate_domain::{AppKind, AuthType, DomainId, HostName, InstanceId, Timestamp};
use tidegate_gateway::feed::{
    Batch, FeedApi, FeedApp, FeedInstance, FeedPublication, FeedStanding, FeedToken, Rules,
};
use tidegate_gateway::{GateConfig, Record, Sink, Telling};
use tidegate_sign::{Secret, sha256};
use tokio::net::TcpStream;

use crate::asking::{self, Raw, Services};
use crate::world::{
    Answer, Call, HOUR, NOON, Stub, World, api_id, app_id, at, exchange, grant, limits, project,
    until,
};

/// A tenant: an account, a project, an instance, and a host that leads there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tenant {
    name: &'static str,
    account: &'static str,
    project: &'static str,
    instance: &'static str,
    /// What the instance names; nothing for the one that serves all other hosts.
    hosts: &'static [&'static str],
    /// What its callers say.
    host: &'static str,
}

/// Two accounts with two projects each, instances of the same id, and two instances of one project. `p` is
/// the project that the world of these tests makes the default one.
const TENANTS: [Tenant; 5] = [
    Tenant {
        name: "t0",
        account: "acme",
        project: "p",
        instance: "APIG",
        hosts: &[],
        host: "anything.example",
    },
    Tenant {
        name: "t1",
        account: "acme",
        project: "q",
        instance: "APIG",
        hosts: &["one.example"],
        host: "one.example:8443",
    },
    Tenant {
        name: "t2",
        account: "acme",
        project: "q",
        instance: "main",
        hosts: &["two.example", "2.example"],
        host: "Two.Example.",
    },
    Tenant {
        name: "t3",
        account: "evil",
        project: "r",
        instance: "APIG",
        hosts: &["three.example"],
        host: "three.example",
    },
    Tenant {
        name: "t4",
        account: "evil",
        project: "s",
        instance: "main",
        hosts: &["four.example"],
        host: "four.example",
    },
];

/// What a call is denied for, and what it looks like.
const DENIALS: [&str; 18] = [
    "missing-signature",
    "malformed-signature",
    "bad-signature",
    "unknown-key",
    "clock-skew",
    "host-not-signed",
    "nonce-required",
    "no-grant",
    "pending",
    "not-yet",
    "expired",
    "cancelled",
    "stopped",
    "body-mismatch",
    "body-too-large",
    "missing-token",
    "invalid-token",
    "throttled",
];

/// How an API asks for proof, by the name of a kind of route.
const AUTHS: [(&str, AuthType); 3] =
    [("app", AuthType::App), ("iam", AuthType::Iam), ("open", AuthType::None)];

/// One API of a tenant, whose calls are denied for one reason.
#[derive(Debug, Clone, Copy)]
struct Case {
    kind: &'static str,
    auth: AuthType,
    /// Is its last segment a placeholder?
    is_placeholder: bool,
    denial: &'static str,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for (kind, auth) in AUTHS {
            for denial in DENIALS {
                let is_possible = match denial {
                    "missing-token" | "invalid-token" => auth == AuthType::Iam,
                    "no-grant" | "pending" | "not-yet" | "expired" | "cancelled" => {
                        auth != AuthType::None
                    }
                    "stopped" | "throttled" => true,
                    _ => auth == AuthType::App,
                };
                for is_placeholder in [false, true] {
                    if is_possible {
                        all.push(Self { kind, auth, is_placeholder, denial });
                    }
                }
            }
        }
        all
    }

    fn reason(&self) -> &'static str {
        if self.denial == "host-not-signed" { "malformed-signature" } else { self.denial }
    }

    fn method(&self) -> Method {
        if self.denial.starts_with("body-") { Method::Post } else { Method::Get }
    }

    fn name(&self, of: Tenant) -> String {
        let shape = if self.is_placeholder { "any" } else { "exact" };
        format!("{}-{}-{shape}-{}", of.name, self.kind, self.denial)
    }

    /// The path, as its author writes it or as it is called.
    fn path(&self, of: Tenant, is_called: bool) -> String {
        let last = match (self.is_placeholder, is_called) {
            (false, _) => self.denial.to_owned(),
            (true, false) => "{id}".to_owned(),
            (true, true) => "7".to_owned(),
        };
        format!("/{}-{}-{}/{last}", of.name, self.kind, self.denial)
    }

    fn status(&self) -> Status {
        match self.denial {
            "stopped" => Status::Stopped,

            _ => Status::Published,
        }
    }

    /// What the tenant's own app holds.
    fn standing(&self, of: Tenant) -> Option<FeedStanding> {
        let app = match self.auth {
            AuthType::App => format!("{}-app", of.name),
            AuthType::Iam => format!("{}-iam", of.account),
            AuthType::None => return None,
        };
        let cut = Some(Cut { at: at(NOON), cause: CutCause::Reviewer });
        let (held, applied_until) = match self.denial {
            "no-grant" => return None,
            "pending" => (None, Some(Timestamp::MAX)),
            "not-yet" => (Some(grant(NOON + HOUR, NOON + 2 * HOUR, None)), None),
            "expired" => (Some(grant(NOON - 2 * HOUR, NOON, None)), None),
            "cancelled" => (Some(grant(NOON - HOUR, NOON + HOUR, cut)), None),
            _ => (Some(grant(NOON - HOUR, NOON + HOUR, None)), None),
        };
        Some(FeedStanding {
            key: Key {
                api: api_id(&self.name(of)),
                instance: InstanceId::parse(of.instance).unwrap(),
                app: app_id(&app),
            },
            grant: held,
            paused_from: None,
            applied_until,
            shutdown_at: None,
        })
    }

    /// A call of the tenant's own app or user that is denied, sent to a host.
    fn call(&self, world: &World, of: Tenant, host: &str) -> (Call, bool) {
        let call = world.call(self.method().as_str(), &self.path(of, true)).at(host);
        let call = call.by(&key(of), &secret(of));
        match (self.auth, self.denial) {
            (AuthType::App, "missing-signature") | (AuthType::Iam, "missing-token") => {
                (call, false)
            }
            (AuthType::App, "malformed-signature") => {
                let torn = format!("SDK-HMAC-SHA256 Access={}, SignedHeaders=", key(of));
                (call.header("authorization", torn), false)
            }
            (AuthType::App, "bad-signature") => (call.by(&key(of), "forged"), true),
            (AuthType::App, "unknown-key") => (call.by("nobodys-key", &secret(of)), true),
            (AuthType::App, "clock-skew") => (call.dated(NOON / 1000 - 86_400), true),
            (AuthType::App, "host-not-signed") => (call.only_date_signed(), true),
            (AuthType::App, "body-mismatch") => {
                (call.body("signed").declared().tampered("tamper"), true)
            }
            (AuthType::App, "body-too-large") => (call.body([b'x'; 2 * LARGEST]), true),
            (AuthType::App, _) => (call, true),
            (AuthType::Iam, "invalid-token") => {
                (call.header("x-auth-token", "made-up-token"), false)
            }
            (AuthType::Iam, _) => (call.header("x-auth-token", token(of)), false),
            // What nobody asked for.
            (AuthType::None, _) => (call.header("x-auth-token", token(of)), true),
        }
    }
}

fn key(of: Tenant) -> String {
    format!("ak-{}-key", of.name)
}

fn secret(of: Tenant) -> String {
    format!("sk-{}-secret", of.name)
}

fn token(of: Tenant) -> String {
    format!("token-of-{}", of.name)
}

fn bytes((call, is_signed): (Call, bool)) -> Vec<u8> {
    if is_signed { call.bytes() } else { call.plain_bytes() }
}

/// How a call is made, beside HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Http2,
    ForwardAuth,
    ExtAuthz,
}

/// What came of a call.
#[derive(Debug)]
struct Outcome {
    reason: Option<String>,
    /// All that was said.
    said: String,
}

impl Outcome {
    fn of(headers: &HeaderMap, said: String) -> Self {
        let reason = headers.get("x-tidegate-reason");
        Self { reason: reason.map(|reason| reason.to_str().unwrap().to_owned()), said }
    }
}

/// Words of all credentials.
const PROOF: [&str; 7] =
    ["ak-", "sk-", "token-of", "made-up", "SDK-HMAC-SHA256 Access", "Signature", "nobodys-key"];

/// What a line of the log says of whose a call is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    api: Option<String>,
    app: Option<String>,
    claimed_app: Option<String>,
    all: String,
}

#[derive(Debug, Default)]
struct Lines(Mutex<Vec<Line>>);

impl Sink for Lines {
    fn tell(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(Line {
            api: record.api.map(str::to_owned),
            app: record.app.map(str::to_owned),
            claimed_app: record.claimed_app.map(str::to_owned),
            all: format!("{record:?}"),
        });
    }
}

/// All tenants on one gateway, a backend for each.
struct Site {
    world: World,
    backends: Vec<Stub>,
    lines: Arc<Lines>,
    services: Services,
    http2: SendRequest<Full<Bytes>>,
    /// How many calls were sent.
    calls: AtomicUsize,
}

impl Site {
    async fn start() -> Self {
        let lines = Arc::new(Lines::default());
        let telling = Telling { sinks: vec![Arc::clone(&lines) as _], traces: None, pairs: 0 };
        let mut limits = limits();
        (limits.buffered_body, limits.buffered_total) = (LARGEST as u32, 1 << 20);
        let world = World::of(GateConfig { limits, telling, ..GateConfig::default() }).await;
        let mut backends = Vec::new();
        for _ in TENANTS {
            backends.push(Stub::with(None).await);
        }
        let services = Services::of(&world.gate).await;
        let stream = TcpStream::connect(world.address).await.unwrap();
        let (http2, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let calls = AtomicUsize::new(0);
        let site = Self { world, backends, lines, services, http2, calls };
        site.world.tell(site.all()).await;
        // Their quota is one call, which is used up here.
        for case in Case::all().into_iter().filter(|case| case.denial == "throttled") {
            for tenant in TENANTS {
                let call = bytes(case.call(&site.world, tenant, tenant.host));
                exchange(site.world.address, &call).await.allowed();
                site.line().await;
            }
        }
        site
    }

    fn all(&self) -> Batch {
        let mut all = Batch::default();
        for (tenant, backend) in TENANTS.into_iter().zip(&self.backends) {
            let hosts = tenant.hosts.iter().map(|host| HostName::parse(host).unwrap());
            all.instances.push(FeedInstance {
                project: project(tenant.project),
                id: InstanceId::parse(tenant.instance).unwrap(),
                hosts: hosts.collect(),
            });
            all.apps.push(app(tenant, AppKind::App));
            all.apps.push(app(tenant, AppKind::Iam));
            all.tokens.push(FeedToken {
                hash: sha256(token(tenant).as_bytes()),
                user: tidegate_domain::UserId::parse("u").unwrap(),
                domain: DomainId::parse(tenant.account).unwrap(),
                project: project(tenant.project),
                expires_at: at(NOON + HOUR),
            });
            let mut publish = |name: String, auth, method, path: &str, status, rules| {
                let api = self.api(tenant, backend, &name, auth, method, path, rules);
                all.publications.push(FeedPublication {
                    api: api.id.clone(),
                    instance: InstanceId::parse(tenant.instance).unwrap(),
                    status,
                    published_at: Some(at(NOON - HOUR)),
                });
                all.apis.push(api);
            };
            for case in Case::all() {
                let (name, path) = (case.name(tenant), case.path(tenant, false));
                let rules = Rules {
                    nonce: case.denial == "nonce-required",
                    require_signed_host: case.denial == "host-not-signed",
                    throttle: (case.denial == "throttled").then(|| {
                        tidegate_gateway::feed::Throttle {
                            name: "one".to_owned(),
                            window_ms: 3_600_000,
                            per_api: Some(1),
                            per_user: None,
                            per_app: None,
                        }
                    }),
                    ..Rules::default()
                };
                publish(name, case.auth, case.method(), &path, case.status(), rules);
                all.standings.extend(case.standing(tenant));
                // What would take the calls of the others.
                for other in TENANTS.into_iter().filter(|other| *other != tenant) {
                    let name = format!("{}-takes-{}", tenant.name, case.name(other));
                    let path = case.path(other, false);
                    let open = (AuthType::None, case.method(), Status::Published);
                    publish(name, open.0, open.1, &path, open.2, Rules::default());
                }
            }
            for (n, path) in ["/{x}", "/{x}/{y}", "/{x}/{y}/{z}"].into_iter().enumerate() {
                for method in [Method::Get, Method::Post] {
                    let name = format!("{}-takes-all-{n}-{}", tenant.name, method.as_str());
                    let auth = AuthType::None;
                    publish(name, auth, method, path, Status::Published, Rules::default());
                }
            }
        }
        all
    }

    #[allow(clippy::too_many_arguments)] // all that APIs differ in here
    fn api(
        &self,
        tenant: Tenant,
        backend: &Stub,
        name: &str,
        auth: AuthType,
        method: Method,
        path: &str,
        rules: Rules,
    ) -> FeedApi {
        let mut api = self.world.api(name, auth, method, path, "/b");
        api.backend.authority = backend.address.to_string();
        FeedApi {
            project: project(tenant.project),
            domain: DomainId::parse(tenant.account).unwrap(),
            rules,
            ..api
        }
    }

    fn seen(&self) -> Vec<usize> {
        self.backends.iter().map(Stub::calls).collect()
    }

    /// Does what went to a backend hold any credential?
    fn holds_proof(&self, of: usize) -> Option<String> {
        let seen = format!("{:?}", self.backends[of].last());
        PROOF.iter().any(|word| seen.contains(word)).then_some(seen)
    }

    /// Makes a call in another way.
    async fn ask(&self, way: Way, call: &Raw) -> Outcome {
        match way {
            Way::Http2 => {
                let address = format!("http://{}{}", call.host, call.target);
                let mut request = Request::builder().method(call.method.as_str()).uri(address);
                for (name, value) in &call.headers {
                    request = request.header(name.as_str(), value.as_slice());
                }
                let request = request.body(Full::from(call.body.clone())).unwrap();
                let answer = self.http2.clone().send_request(request).await.unwrap();
                let headers = answer.headers().clone();
                drop(answer.into_body().collect().await);
                Outcome::of(&headers, format!("{headers:?}"))
            }
            Way::ForwardAuth => {
                let answer = self.services.ask(call, asking::Way::Check, true).await;
                Outcome::of(&answer.headers, format!("{:?}", answer.headers))
            }
            Way::ExtAuthz => {
                let verdict = self.services.check(call, true).await.unwrap();
                Outcome { reason: verdict.reason(), said: format!("{:?}", verdict.ok) }
            }
        }
    }

    /// Makes a call to the host of tenant `at` in every way: the same comes of it in each, for the same tenant.
    async fn ask_all(&self, call: &[u8], at: usize, about: &str) -> (Answer, Line) {
        let answer = exchange(self.world.address, call).await;
        let reason = answer.header("x-tidegate-reason");
        let line = self.line().await;
        let raw = Raw::of(call);
        for way in [Way::Http2, Way::ForwardAuth, Way::ExtAuthz] {
            let is_left_out = match way {
                // A body that turns out at its end to be another one has begun to stream to its backend.
                Way::Http2 => reason == Some("body-mismatch"),
                // What is too large to be asked about is refused before it is known whose it is.
                Way::ForwardAuth | Way::ExtAuthz => raw.body.len() > LARGEST,
            };
            if is_left_out {
                continue;
            }
            let mut expected = self.seen();
            let outcome = self.ask(way, &raw).await;
            assert_eq!(outcome.reason.as_deref(), reason, "{about}, {way:?}");
            let has_proof = PROOF.iter().any(|word| outcome.said.contains(word));
            assert!(!has_proof, "{about}, {way:?}: {outcome:?}");
            let again = self.line().await;
            // Whether it is proved who calls may turn out only with the last byte of a body.
            let who = |line: &Line| line.app.clone().or(line.claimed_app.clone());
            assert_eq!(who(&again), who(&line), "{about}, {way:?}: {again:?}");
            assert_eq!(again.api, line.api, "{about}, {way:?}");
            if way == Way::Http2 && reason.is_none() {
                expected[at] += 1;
                assert_eq!(self.holds_proof(at), None, "{about}, {way:?}");
            }
            assert_eq!(self.seen(), expected, "{about}, {way:?}");
        }
        (answer, line)
    }

    /// The line of the call that was sent last. It comes when the call is over, which may be after its
    /// caller has the answer.
    async fn line(&self) -> Line {
        let count = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        until(|| self.lines.0.lock().unwrap().len() == count).await;
        self.lines.0.lock().unwrap().last().cloned().expect("every call leaves a line")
    }
}

fn app(of: Tenant, kind: AppKind) -> FeedApp {
    let (id, is_iam) = match kind {
        AppKind::App => (format!("{}-app", of.name), false),
        AppKind::Iam => (format!("{}-iam", of.account), true),
    };
    FeedApp {
        id: app_id(&id),
        domain: DomainId::parse(of.account).unwrap(),
        project: project(of.project),
        kind,
        key: if is_iam { String::new() } else { key(of) },
        secret: (!is_iam).then(|| Secret::new(secret(of))),
    }
}

/// Is this the name of something of the tenant's, or its account's?
fn is_of(name: Option<&str>, tenant: Tenant) -> bool {
    let begins = [format!("{}-", tenant.name), format!("{}-iam", tenant.account)];
    name.is_none_or(|name| begins.iter().any(|begin| name.starts_with(begin.as_str())))
}

/// The largest body that is held, in bytes.
const LARGEST: usize = 1_024;

/// HTTP/1.1 and the others.
const WAYS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_one_tenant_reaches_another() {
    let site = Site::start().await;
    let (mut cases, mut calls) = (0, 0);
    for case in Case::all() {
        for (own, tenant) in TENANTS.into_iter().enumerate() {
            // At home it is denied, and no API takes it: not those of others, not the open ones at home.
            let call = bytes(case.call(&site.world, tenant, tenant.host));
            let before = site.seen();
            let about = format!("{case:?} of {tenant:?}");
            let (answer, line) = site.ask_all(&call, own, &about).await;
            answer.denied(case.reason());
            assert_eq!(site.seen(), before, "{about}");
            for name in [&line.api, &line.app, &line.claimed_app] {
                assert!(is_of(name.as_deref(), tenant), "{about}: {line:?}");
            }
            calls += WAYS;
            for (n, other) in TENANTS.into_iter().enumerate().filter(|(n, _)| *n != own) {
                let about = format!("{case:?} of {tenant:?} at {other:?}");
                // The same call at the other's host: it is that tenant's, and brings no proof along.
                let mut expected = site.seen();
                let call = bytes(case.call(&site.world, tenant, other.host));
                let (answer, line) = site.ask_all(&call, n, &about).await;
                answer.allowed();
                // By HTTP/1.1 and HTTP/2.
                expected[n] += 2;
                assert_eq!(site.seen(), expected, "{about}");
                assert_eq!(site.holds_proof(n), None, "{about}");
                assert!(line.app.is_none() && line.claimed_app.is_none(), "{about} {line:?}");
                assert!(is_of(line.api.as_deref(), other), "{about} {line:?}");
                assert!(!line.all.contains(&format!("\"{}-app", tenant.name)), "{about}");
                // The other's app and user at this tenant's host, with proofs that are good at home.
                let mut expected = site.seen();
                let call = site.world.call(case.method().as_str(), &case.path(tenant, true));
                let call = call.at(tenant.host).by(&key(other), &secret(other));
                let call = call.header("x-auth-token", token(other));
                let (answer, line) = site.ask_all(&call.bytes(), own, &about).await;
                // Users of one account stand behind its one IAM app, whatever their project.
                let is_theirs = case.auth == AuthType::Iam
                    && case.denial.ends_with("-token")
                    && other.account == tenant.account;
                if is_theirs {
                    answer.allowed();
                    expected[own] += 2;
                    assert_eq!(site.holds_proof(own), None, "{about}");
                } else {
                    assert!(answer.header("x-tidegate-reason").is_some(), "{about} {answer:?}");
                }
                assert_eq!(site.seen(), expected, "{about}");
                assert!(is_of(line.api.as_deref(), tenant), "{about} {line:?}");
                if other.account != tenant.account {
                    assert!(line.app.is_none() && line.claimed_app.is_none(), "{about}");
                    let unknown = match (case.auth, case.denial) {
                        (AuthType::App, _) => "unknown-key",
                        (AuthType::Iam, _) => "invalid-token",
                        (AuthType::None, denial) => denial,
                    };
                    answer.denied(unknown);
                }
                cases += 1;
                calls += 2 * WAYS;
            }
        }
    }
    println!("{cases} cases, {calls} calls, nothing of one tenant reached another");
    assert_eq!(cases, TENANTS.len() * (TENANTS.len() - 1) * Case::all().len());
}

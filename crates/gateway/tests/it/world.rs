//! A world for stories: a source in memory, a gate on a free port, a backend that tells what it saw,
//! and callers that sign.

use std::convert::Infallible;
use std::net::SocketAddr;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{Cut, Key};
use tidegate_domain::{
    ApiId, AppId, AppKind, AuthType, DomainId, Grant, InstanceId, ProjectId, Timestamp, UserId,
};
use tidegate_gateway::feed::{
    Backend, Batch, FeedApi, FeedApp, FeedPublication, FeedStanding, FeedToken, Rules, Source,
    SourceError,
};
use tidegate_gateway::{
    Acceptor, AnyBody, Clock, Gate, GateConfig, Limits, Networks, Telling, serve_tls,
};
use tidegate_sign::{Payload, Secret, SignedRequest, Target, sha256, sign};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot, watch};

pub const KEY: &str = "ak-demo-0001";
pub const SECRET: &str = "sk-demo-0001";
/// 2026-01-02T03:00:00Z.
pub const NOON: i64 = 1_767_322_800_000;
pub const HOUR: i64 = 3_600_000;

pub fn api_id(text: &str) -> ApiId {
    ApiId::parse(text).unwrap()
}

pub fn app_id(text: &str) -> AppId {
    AppId::parse(text).unwrap()
}

pub fn project(text: &str) -> ProjectId {
    ProjectId::parse(text).unwrap()
}

pub fn apig() -> InstanceId {
    InstanceId::shared()
}

pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms)
}

pub fn grant(since: i64, until: i64, cut: Option<Cut>) -> Grant {
    Grant { since: at(since), until: at(until), by: UserId::parse("reviewer").unwrap(), cut }
}

pub fn standing(api: &str, app: &str, grant: Option<Grant>) -> FeedStanding {
    FeedStanding {
        key: Key { api: api_id(api), instance: apig(), app: app_id(app) },
        grant,
        paused_from: None,
        applied_until: None,
        shutdown_at: None,
    }
}

pub fn signing_app(id: &str, key: &str, secret: &str) -> FeedApp {
    FeedApp {
        id: app_id(id),
        domain: DomainId::parse("acme").unwrap(),
        project: ProjectId::parse("p").unwrap(),
        kind: AppKind::App,
        key: key.to_owned(),
        secret: Some(Secret::new(secret)),
    }
}

pub fn iam_app(id: &str, account: &str) -> FeedApp {
    FeedApp {
        id: app_id(id),
        domain: DomainId::parse(account).unwrap(),
        project: ProjectId::parse("p").unwrap(),
        kind: AppKind::Iam,
        key: String::new(),
        secret: None,
    }
}

pub fn token(text: &str, account: &str, expires_at: i64) -> FeedToken {
    FeedToken {
        hash: sha256(text.as_bytes()),
        user: UserId::parse("u").unwrap(),
        domain: DomainId::parse(account).unwrap(),
        project: ProjectId::parse("p").unwrap(),
        expires_at: at(expires_at),
    }
}

/// A source that keeps a log in memory.
#[derive(Default)]
pub struct Log {
    steps: Mutex<Vec<Batch>>,
    epoch: Mutex<String>,
    /// Tells one history from another.
    salt: AtomicUsize,
    bell: Notify,
    pub is_down: AtomicBool,
    pub polls: AtomicUsize,
}

impl Log {
    /// One more revision. A second step about the same thing replaces the first.
    pub fn push(&self, step: Batch) -> u64 {
        let mut steps = self.steps.lock().unwrap();
        steps.push(step);
        self.bell.notify_waiters();
        steps.len() as u64
    }

    /// Another history, that begins with this. It has stamps, unless it has no name.
    pub fn restore(&self, epoch: &str, steps: Vec<Batch>) {
        if !epoch.is_empty() {
            self.salt.fetch_add(1, Ordering::SeqCst);
        }
        *self.steps.lock().unwrap() = steps;
        *self.epoch.lock().unwrap() = epoch.to_owned();
        self.bell.notify_waiters();
    }

    fn stamp(&self, revision: u64, head: u64) -> String {
        match self.salt.load(Ordering::SeqCst) {
            0 => String::new(),
            _ if revision > head => String::new(),
            salt => format!("{salt}-{revision}"),
        }
    }
}

#[async_trait]
impl Source for Log {
    async fn changes(&self, since: u64) -> Result<Batch, SourceError> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return Err(SourceError("down".to_owned()));
        }
        let steps = self.steps.lock().unwrap();
        let mut all = Batch {
            epoch: self.epoch.lock().unwrap().clone(),
            head: steps.len() as u64,
            // As if it had been told before anything else.
            default_project: Some(project("p")),
            stamp: self.stamp(steps.len() as u64, steps.len() as u64),
            since_stamp: self.stamp(since, steps.len() as u64),
            ..Batch::default()
        };
        // Later states come later and replace earlier ones, as they would in a store.
        for step in steps.iter().skip(usize::try_from(since).unwrap()) {
            all.apps.extend(step.apps.clone());
            all.apps_deleted.extend(step.apps_deleted.clone());
            all.apis.extend(step.apis.clone());
            all.apis_deleted.extend(step.apis_deleted.clone());
            all.publications.extend(step.publications.clone());
            all.standings.extend(step.standings.clone());
            all.tokens.extend(step.tokens.clone());
            all.instances.extend(step.instances.clone());
            all.default_project = step.default_project.clone().or(all.default_project);
        }
        Ok(all)
    }

    async fn stamp_of(&self, revision: u64) -> Result<String, SourceError> {
        Ok(self.stamp(revision, self.steps.lock().unwrap().len() as u64))
    }

    async fn bell(&self, since: u64) {
        let rung = self.bell.notified();
        if self.steps.lock().unwrap().len() as u64 == since {
            rung.await;
        }
    }
}

/// What the backend saw.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub version: http::Version,
    pub address: String,
    pub headers: HeaderMap,
    /// The body, if all of it arrived.
    pub body: Option<Bytes>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} twice");
        value.to_str().ok()
    }
}

/// A backend on a free port.
pub struct Stub {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    /// How many calls wait at `/wait`, and what lets them go on.
    pub waiting: Arc<AtomicUsize>,
    pub release: watch::Sender<bool>,
    _stop: oneshot::Sender<()>,
}

impl Stub {
    async fn start() -> Self {
        Self::with(None).await
    }

    /// One that is reached over TLS, if there is an acceptor.
    pub async fn with(tls: Option<Acceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let waiting = Arc::new(AtomicUsize::new(0));
        let (release, released) = watch::channel(false);
        let service = {
            let (seen, waiting) = (Arc::clone(&seen), Arc::clone(&waiting));
            service_fn(move |request: Request<Incoming>| {
                let (seen, waiting) = (Arc::clone(&seen), Arc::clone(&waiting));
                let released = released.clone();
                async move { Ok::<_, Infallible>(answer(request, &seen, &waiting, released).await) }
            })
        };
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let limits = Limits::default();
            let stopped = async { drop(stopped.await) };
            // Not for long: a test that ends takes its backend along.
            tokio::select! {
                _ = serve_tls(listener, tls, |_| service.clone(), &limits, std::future::pending()) => {}
                () = stopped => {}
            }
        });
        Self { address, seen, waiting, release, _stop: stop }
    }

    pub fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().cloned().expect("the backend was called")
    }

    pub fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

fn text(text: impl Into<Bytes>) -> AnyBody {
    AnyBody::Whole(http_body_util::Full::new(text.into()))
}

async fn answer(
    request: Request<Incoming>,
    seen: &Mutex<Vec<Seen>>,
    waiting: &AtomicUsize,
    mut released: watch::Receiver<bool>,
) -> Response<AnyBody> {
    let (parts, body) = request.into_parts();
    let address = parts.uri.to_string();
    let body = body.collect().await.ok().map(|body| body.to_bytes());
    seen.lock().unwrap().push(Seen {
        method: parts.method.to_string(),
        version: parts.version,
        address: address.clone(),
        headers: parts.headers,
        body: body.clone(),
    });
    let builder = Response::builder();
    match parts.uri.path() {
        "/wait" => {
            waiting.fetch_add(1, Ordering::SeqCst);
            drop(released.wait_for(|released| *released).await);
            Response::new(text("waited"))
        }
        "/redirect" => {
            let builder = builder.status(302).header("location", "http://127.0.0.1:1/");
            builder.body(text("")).unwrap()
        }
        "/spoof" => builder
            .header("x-tidegate-grant-end", "never")
            .header("x_tidegate_revision", "0")
            .header("x-request-id", "mine")
            .header("connection", "x-inner")
            .header("x-inner", "1")
            .header("x-result", "1")
            .body(text("spoofed"))
            .unwrap(),
        "/echo" => Response::new(text(body.unwrap_or_default())),
        _ => Response::new(text("hello")),
    }
}

/// A gate, its source, its backend and its clock.
pub struct World {
    pub gate: Gate,
    pub log: Arc<Log>,
    pub backend: Stub,
    pub address: SocketAddr,
    pub now: Arc<AtomicI64>,
    pub wall: Arc<AtomicI64>,
    pub stop: Option<oneshot::Sender<()>>,
    pub served: Option<tokio::task::JoinHandle<usize>>,
}

/// Limits for tests: nothing waits for a timer that a bell could ring.
pub fn limits() -> Limits {
    Limits { poll_gap: Duration::ZERO, ..Limits::default() }
}

impl World {
    /// A gate that knows an app with a grant for `GET` and `POST /orders/{id}` from now on for an
    /// hour.
    pub async fn start() -> Self {
        Self::with(limits()).await
    }

    pub async fn with(limits: Limits) -> Self {
        Self::telling(limits, Telling::default()).await
    }

    /// The same, and it tells of its calls.
    pub async fn telling(limits: Limits, telling: Telling) -> Self {
        let world = Self::of(GateConfig { limits, telling, ..GateConfig::default() }).await;
        world.tell(Batch { apps: vec![signing_app("app", KEY, SECRET)], ..Batch::default() }).await;
        for (id, method) in [("get", Method::Get), ("post", Method::Post)] {
            world.publish(world.api(id, AuthType::App, method, "/orders/{id}", "/o/{id}")).await;
            world.grant(id, "app", Some(grant(NOON, NOON + HOUR, None))).await;
        }
        world
    }

    /// A gate that knows an empty history.
    pub async fn bare(limits: Limits) -> Self {
        Self::of(GateConfig { limits, ..GateConfig::default() }).await
    }

    /// The same, set up in another way. Backends of tests are on loopback.
    pub async fn of(mut config: GateConfig) -> Self {
        config.backends.networks = Networks::with_loopback();
        Self::strict(config).await
    }

    /// The same, exactly as it is set up.
    pub async fn strict(config: GateConfig) -> Self {
        let limits = config.limits.clone();
        let now = Arc::new(AtomicI64::new(NOON));
        let wall = Arc::new(AtomicI64::new(NOON));
        let read = |clock: &Arc<AtomicI64>| {
            let clock = Arc::clone(clock);
            Arc::new(move || at(clock.load(Ordering::SeqCst)))
        };
        let clock = Clock { now: read(&now), wall: read(&wall) };
        let gate = Gate::new(config, clock).unwrap();
        let log = Arc::new(Log::default());
        log.restore("e", Vec::new());
        let source: Arc<dyn Source> = Arc::clone(&log) as _;
        {
            let gate = gate.clone();
            tokio::spawn(async move { gate.follow(source, std::future::pending()).await });
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (service, tls) = (gate.service(), gate.tls());
        let served = tokio::spawn(async move {
            let shutdown = async { drop(stopped.await) };
            serve_tls(listener, tls, |caller| service.of(caller), &limits, shutdown).await
        });
        let world = Self {
            gate,
            log,
            backend: Stub::start().await,
            address,
            now,
            wall,
            stop: Some(stop),
            served: Some(served),
        };
        until(|| world.gate.revision() == Some(0)).await;
        world
    }

    /// Another address of the gate, where every call goes by hyper.
    pub async fn by_hyper(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (gate, service) = (self.gate.clone(), self.gate.service());
        tokio::spawn(async move {
            let of = |caller| service.of(caller).service();
            serve_tls(listener, gate.tls(), of, gate.limits(), std::future::pending()).await
        });
        address
    }

    /// Something changes, and the gate hears of it.
    pub async fn tell(&self, step: Batch) {
        let revision = self.log.push(step);
        until(|| self.gate.revision() == Some(revision)).await;
    }

    pub fn api(
        &self,
        id: &str,
        auth: AuthType,
        method: Method,
        path: &str,
        backend_path: &str,
    ) -> FeedApi {
        FeedApi {
            id: api_id(id),
            project: ProjectId::parse("p").unwrap(),
            domain: DomainId::parse("acme").unwrap(),
            name: id.to_owned(),
            auth,
            method,
            path: path.to_owned(),
            backend: Backend {
                https: false,
                authority: self.backend.address.to_string(),
                method,
                path: backend_path.to_owned(),
                timeout_ms: None,
                moved: Vec::new(),
                constants: Vec::new(),
                numbers: Vec::new(),
            },
            rules: Rules::default(),
        }
    }

    pub async fn publish(&self, api: FeedApi) {
        let id = api.id.clone();
        self.tell(Batch { apis: vec![api], ..Batch::default() }).await;
        self.publication(id.as_str(), Status::Published).await;
    }

    pub async fn publication(&self, api: &str, status: Status) {
        self.publication_of(api, status, NOON).await;
    }

    /// The same, of an API that was last published at this moment.
    pub async fn publication_of(&self, api: &str, status: Status, published_at: i64) {
        let publication = FeedPublication {
            api: api_id(api),
            instance: apig(),
            status,
            published_at: Some(at(published_at)),
        };
        self.tell(Batch { publications: vec![publication], ..Batch::default() }).await;
    }

    pub async fn grant(&self, api: &str, app: &str, grant: Option<Grant>) {
        self.standing(standing(api, app, grant)).await;
    }

    pub async fn standing(&self, standing: FeedStanding) {
        self.tell(Batch { standings: vec![standing], ..Batch::default() }).await;
    }

    pub fn set_now(&self, ms: i64) {
        self.now.store(ms, Ordering::SeqCst);
    }

    /// A call of the world's app.
    pub fn call(&self, method: &str, target: &str) -> Call {
        Call {
            method: method.to_owned(),
            target: target.to_owned(),
            host: self.address.to_string(),
            address: self.address,
            headers: Vec::new(),
            unsigned: Vec::new(),
            body: Vec::new(),
            sent: None,
            key: KEY.to_owned(),
            secret: SECRET.to_owned(),
            date: self.wall.load(Ordering::SeqCst) / 1000,
            is_unsigned: false,
            only_date: false,
        }
    }

    /// The gate's answer to bytes as they are.
    pub async fn raw(&self, bytes: &[u8]) -> Answer {
        exchange(self.address, bytes).await
    }
}

/// A call in the making.
pub struct Call {
    method: String,
    target: String,
    host: String,
    address: SocketAddr,
    headers: Vec<(String, Vec<u8>)>,
    unsigned: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    sent: Option<Vec<u8>>,
    key: String,
    secret: String,
    date: i64,
    is_unsigned: bool,
    only_date: bool,
}

impl Call {
    /// For a host by this name.
    pub fn at(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    /// A header that is signed.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// A header that is added after signing.
    pub fn unsigned(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.unsigned.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Declares the body's hash in the head.
    pub fn declared(self) -> Self {
        let hash: String = sha256(&self.body).iter().map(|b| format!("{b:02x}")).collect();
        self.header("x-sdk-content-sha256", hash)
    }

    /// Another body than the one that is signed.
    pub fn tampered(mut self, body: impl AsRef<[u8]>) -> Self {
        self.sent = Some(body.as_ref().to_vec());
        self
    }

    pub fn payload_unsigned(mut self) -> Self {
        self.is_unsigned = true;
        self
    }

    /// Signs nothing but the date, as the vendor's Go signer does, and without blanks behind the commas.
    pub fn only_date_signed(mut self) -> Self {
        self.only_date = true;
        self
    }

    pub fn by(mut self, key: &str, secret: &str) -> Self {
        (self.key, self.secret) = (key.to_owned(), secret.to_owned());
        self
    }

    pub fn dated(mut self, unix_seconds: i64) -> Self {
        self.date = unix_seconds;
        self
    }

    /// The headers that signing adds.
    pub fn signature(&self) -> HeaderMap {
        let target = Target::parse_odd(&self.target).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_str(&self.host).unwrap());
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        let request =
            SignedRequest { method: &self.method, target: &target, headers: &headers, host: None };
        if self.only_date {
            return self.signature_of_date(&target);
        }
        let payload = if self.is_unsigned { Payload::Unsigned } else { Payload::Bytes(&self.body) };
        let secret = Secret::new(self.secret.clone());
        sign(&request, payload, &self.key, &secret, self.date).unwrap()
    }

    fn signature_of_date(&self, target: &Target) -> HeaderMap {
        let date = tidegate_sign::format_sdk_date(self.date);
        let mut headers = HeaderMap::new();
        headers.insert("x-sdk-date", HeaderValue::from_str(&date).unwrap());
        let request = SignedRequest { method: &self.method, target, headers: &headers, host: None };
        let body = tidegate_sign::hex(&sha256(&self.body));
        let canonical = tidegate_sign::canonical_request(&request, &["x-sdk-date"], &body).unwrap();
        let text = tidegate_sign::string_to_sign(&date, &canonical);
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, self.secret.as_bytes());
        let signature = tidegate_sign::hex(aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref());
        let value = format!(
            "SDK-HMAC-SHA256 Access={},SignedHeaders=x-sdk-date,Signature={signature}",
            self.key
        );
        headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
        headers
    }

    /// The signed call, as it goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        self.write(&self.signature())
    }

    /// The call without a signature.
    pub fn plain_bytes(&self) -> Vec<u8> {
        self.write(&HeaderMap::new())
    }

    fn write(&self, added: &HeaderMap) -> Vec<u8> {
        let mut bytes =
            format!("{} {} HTTP/1.1\r\nhost: {}\r\n", self.method, self.target, self.host)
                .into_bytes();
        let added = added.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let own = self.headers.iter().chain(&self.unsigned);
        for (name, value) in own.map(|(n, v)| (n.as_str(), v.as_slice())).chain(added) {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        let body = self.sent.as_ref().unwrap_or(&self.body);
        if !body.is_empty() {
            bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        bytes
    }

    /// Signs, calls, and tells the answer.
    pub async fn send(self) -> Answer {
        exchange(self.address, &self.bytes()).await
    }

    /// Calls without a signature.
    pub async fn send_plain(self) -> Answer {
        exchange(self.address, &self.plain_bytes()).await
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Did the gate close the connection?
    pub closes: bool,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn allowed(&self) -> &Self {
        assert_eq!(self.status, 200, "{:?} {}", self.headers, self.text());
        assert!(self.header("x-tidegate-reason").is_none());
        self
    }

    /// Checks the whole form of a denial.
    #[track_caller]
    pub fn denied(&self, reason: &str) -> &Self {
        let text = self.text();
        assert_eq!(self.header("x-tidegate-reason"), Some(reason), "{} {text}", self.status);
        let row = tidegate_gateway::Reason::ALL
            .into_iter()
            .map(tidegate_gateway::Reason::row)
            .find(|row| row.name == reason)
            .expect("a name of the table");
        assert_eq!(self.status, row.status.as_u16());
        assert_eq!(self.header("content-type"), Some("application/json;charset=UTF-8"));
        let id = self.header("x-request-id").expect("every answer has an id");
        assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = format!(r#"{{"error_code":"{}","error_msg":""#, row.code);
        assert!(text.starts_with(&code), "{text}");
        assert!(text.ends_with(&format!(r#","request_id":"{id}"}}"#)), "{text}");
        self
    }
}

/// Sends bytes on a new connection and reads one answer.
pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    // Both at once: a long body may be answered before it is sent.
    let written = async { drop(writer.write_all(bytes).await) };
    let (answer, ()) = tokio::join!(read_answer(&mut reader), written);
    answer
}

pub async fn read_answer(reader: &mut (impl AsyncReadExt + Unpin)) -> Answer {
    let answer = tokio::time::timeout(Duration::from_secs(20), read_one(reader)).await;
    answer.expect("an answer comes")
}

async fn read_one(reader: &mut (impl AsyncReadExt + Unpin)) -> Answer {
    let mut bytes = Vec::new();
    let head_len = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        let read = reader.read_buf(&mut bytes).await.unwrap_or(0);
        assert!(read > 0, "no answer: {:?}", String::from_utf8_lossy(&bytes));
    };
    let head = String::from_utf8_lossy(&bytes[..head_len]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    let mut body = bytes.split_off(head_len);
    if let Some(length) = headers.get("content-length") {
        let length: usize = length.to_str().unwrap().parse().unwrap();
        while body.len() < length {
            let read = reader.read_buf(&mut body).await.unwrap_or(0);
            assert!(read > 0, "the answer broke off");
        }
    }
    let closes = headers.get("connection").is_some_and(|value| value == "close");
    Answer { status, headers, body, closes }
}

/// Waits until something is true that will be.
pub async fn until(condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), met).await.expect("it comes true");
}

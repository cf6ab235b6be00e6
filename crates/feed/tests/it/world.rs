//! A control side in memory, a gate that follows it over sockets, and a network that can be spoilt.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_domain::{AppId, AppKind, DomainId, ProjectId, Timestamp};
use tidegate_feed::{
    Admission, ControlTime, ControlUrl, Everything, Feed, FeedFigures, FeedToken, Heard,
    HeardError, Me, Provider, Remote, RemoteSource, Times,
};
use tidegate_gateway::{
    Acceptor, Batch, FeedApp, Gate, GateConfig, Limits, Source, SourceError, serve_tls,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};

pub const DAWN: i64 = 1_800_000_000_000;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn app(id: &str) -> FeedApp {
    FeedApp {
        id: AppId::parse(id).unwrap(),
        domain: DomainId::parse("d").unwrap(),
        project: ProjectId::parse("p").unwrap(),
        kind: AppKind::App,
        key: id.to_owned(),
        secret: None,
    }
}

/// Short enough for a stamp.
fn digest(apps: &[String]) -> u64 {
    let bytes = apps.iter().flat_map(|id| id.bytes().chain([0]));
    bytes.fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
}

/// A node's log: an app a revision.
#[derive(Default)]
pub struct Log {
    epoch: Mutex<String>,
    apps: Mutex<Vec<String>>,
    bell: Notify,
    pub heard: Mutex<Vec<Heard>>,
    pub is_unproven: AtomicBool,
    pub is_down: AtomicBool,
    /// It reads an earlier state than the store has, and knows.
    pub is_behind: AtomicBool,
    /// How far its clock is moved.
    pub moved_ms: AtomicI64,
}

impl Log {
    pub fn new(epoch: &str, apps: &[&str]) -> Arc<Self> {
        let log = Self::default();
        *log.epoch.lock().unwrap() = epoch.to_owned();
        *log.apps.lock().unwrap() = apps.iter().map(|id| (*id).to_owned()).collect();
        Arc::new(log)
    }

    pub fn push(&self, id: &str) -> u64 {
        let mut apps = self.apps.lock().unwrap();
        apps.push(id.to_owned());
        self.bell.notify_waiters();
        apps.len() as u64
    }

    pub fn restore(&self, epoch: &str, apps: &[&str]) {
        *self.epoch.lock().unwrap() = epoch.to_owned();
        *self.apps.lock().unwrap() = apps.iter().map(|id| (*id).to_owned()).collect();
        self.bell.notify_waiters();
    }

    /// Histories that begin alike have the same stamps until they part.
    fn stamp(&self, revision: u64) -> String {
        let (epoch, apps) = (self.epoch.lock().unwrap(), self.apps.lock().unwrap());
        let first = apps.get(..usize::try_from(revision).unwrap());
        first.map_or_else(String::new, |apps| format!("{epoch}:{}", digest(apps)))
    }

    /// What the last question said was enforced.
    pub fn enforced(&self) -> Option<u64> {
        self.heard.lock().unwrap().last().and_then(|heard| heard.enforced)
    }
}

#[async_trait]
impl Source for Log {
    async fn changes(&self, since: u64) -> Result<Batch, SourceError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(SourceError("the store is away".to_owned()));
        }
        let since_stamp = self.stamp(since);
        let head = self.apps.lock().unwrap().len() as u64;
        let stamp = self.stamp(head);
        let apps = self.apps.lock().unwrap();
        let new = apps.iter().skip(usize::try_from(since).unwrap());
        Ok(Batch {
            epoch: self.epoch.lock().unwrap().clone(),
            head: apps.len() as u64,
            apps: new.map(|id| app(id)).collect(),
            stamp,
            since_stamp,
            ..Batch::default()
        })
    }

    async fn bell(&self, since: u64) {
        let rung = self.bell.notified();
        if self.apps.lock().unwrap().len() as u64 == since {
            rung.await;
        }
    }

    async fn stamp_of(&self, revision: u64) -> Result<String, SourceError> {
        Ok(self.stamp(revision))
    }

    fn proof_age(&self) -> Option<Duration> {
        (!self.is_unproven.load(Ordering::SeqCst)).then_some(Duration::ZERO)
    }
}

#[async_trait]
impl Provider for Log {
    async fn heard(&self, heard: Heard, _: Weak<()>) -> Result<(), HeardError> {
        if self.is_behind.load(Ordering::SeqCst) {
            return Err(SourceError("an earlier state was read".to_owned()).into());
        }
        self.heard.lock().unwrap().push(heard);
        Ok(())
    }

    async fn everything(&self) -> Result<Box<dyn Everything>, SourceError> {
        let Batch { epoch, head, stamp, apps, .. } = self.changes(0).await?;
        let part = |apps| {
            let (epoch, stamp) = (epoch.clone(), stamp.clone());
            Batch { epoch, head, stamp, apps, ..Batch::default() }
        };
        let mut parts = vec![part(Vec::new())];
        parts.extend(apps.into_iter().map(|app| part(vec![app])));
        Ok(Box::new(InParts(parts.into_iter())))
    }

    fn times(&self) -> Times {
        let now = Timestamp::from_ms(DAWN + self.moved_ms.load(Ordering::SeqCst));
        Times { now, wall: now }
    }
}

/// One part for each app.
struct InParts(std::vec::IntoIter<Batch>);

#[async_trait]
impl Everything for InParts {
    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        Ok(self.0.next())
    }
}

/// A node that listens; it ends when this is dropped.
pub struct Node {
    pub address: SocketAddr,
    pub figures: Arc<FeedFigures>,
    _stop: oneshot::Sender<()>,
}

impl Node {
    pub async fn start(log: &Arc<Log>) -> Self {
        Self::start_with(log, None).await
    }

    pub async fn start_with(log: &Arc<Log>, tls: Option<Acceptor>) -> Self {
        let admission = if tls.is_some() { Admission::Certificate } else { Admission::Token };
        Self::admitting(log, tls, admission(token("a"))).await
    }

    /// A node that answers whoever asks, as none is: what it says without a token is not sealed.
    pub async fn open(log: &Arc<Log>) -> Self {
        Self::admitting(log, None, Admission::Certificate(token("c"))).await
    }

    async fn admitting(log: &Arc<Log>, tls: Option<Acceptor>, admission: Admission) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let feed = Feed::new(Arc::clone(log) as Arc<dyn Provider>, admission);
        let figures = Arc::clone(feed.figures());
        let (stop, stopped) = oneshot::channel::<()>();
        let limits = Limits { drain: Duration::from_millis(1), ..Limits::default() };
        tokio::spawn(async move {
            let until = async { drop(stopped.await) };
            serve_tls(listener, tls, |caller| feed.service(caller.usage), &limits, until).await;
        });
        Self { address, figures, _stop: stop }
    }

    /// How many questions were refused for a reason.
    pub fn refused(&self, reason: &str) -> u64 {
        self.figures.refusals().counts().find(|(name, _)| *name == reason).unwrap().1
    }
}

/// What a network does with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Way {
    /// Carries them.
    Open = 0,
    /// Swallows them and says nothing: a half-open connection.
    Hole = 1,
    /// Breaks connections off once an answer has begun.
    Cut = 2,
}

/// A network between a gateway and a node, that can be spoilt for connections that are there.
pub struct Network {
    pub address: SocketAddr,
    way: Arc<AtomicU8>,
}

impl Network {
    pub async fn to(node: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = Arc::new(AtomicU8::new(0));
        let of_all = Arc::clone(&way);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let way = Arc::clone(&of_all);
                tokio::spawn(async move {
                    let far = TcpStream::connect(node).await.unwrap();
                    let ((a, b), (c, d)) = (near.into_split(), far.into_split());
                    tokio::select! {
                        () = carry(a, d, &way, false) => {}
                        () = carry(c, b, &way, true) => {}
                    }
                });
            }
        });
        Self { address, way }
    }

    pub fn set(&self, way: Way) {
        self.way.store(way as u8, Ordering::SeqCst);
    }
}

async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    way: &AtomicU8,
    is_answer: bool,
) {
    let mut buffer = [0; 4_096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        match way.load(Ordering::SeqCst) {
            1 => std::future::pending().await,
            2 if is_answer => {
                let _ = to.write_all(&buffer[..read / 2]).await;
                return;
            }
            _ => {}
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// A gate that follows over sockets.
pub struct Follower {
    pub gate: Gate,
    pub source: Arc<RemoteSource>,
    _stop: oneshot::Sender<()>,
}

pub fn me() -> Me {
    Me {
        id: "0011223344556677".to_owned(),
        name: "gate one".to_owned(),
        boot: "b1".to_owned(),
        version: "0.1.0".to_owned(),
        lease: Duration::from_secs(300),
    }
}

/// The token of these digits; that of nodes and followers is of `a`.
pub fn token(digit: &str) -> FeedToken {
    FeedToken::parse(&digit.repeat(64)).unwrap()
}

pub fn url(scheme: &str, address: SocketAddr) -> ControlUrl {
    ControlUrl::parse(&format!("{scheme}://{address}")).unwrap()
}

pub fn remote(nodes: &[SocketAddr]) -> Remote {
    Remote {
        me: me(),
        nodes: nodes.iter().map(|address| url("http", *address)).collect(),
        files: None,
        token: Some(token("a")),
        patience: Duration::from_millis(500),
    }
}

impl Follower {
    pub fn of(nodes: &[SocketAddr]) -> Self {
        Self::with(remote(nodes), quick())
    }

    pub fn with(remote: Remote, limits: Limits) -> Self {
        let time = Arc::new(ControlTime::new(Arc::new(|| Timestamp::from_ms(DAWN))));
        let config = GateConfig { limits, ..GateConfig::default() };
        let gate = Gate::new(config, time.clock()).unwrap();
        let source = Arc::new(RemoteSource::new(remote, time));
        let (stop, stopped) = oneshot::channel::<()>();
        let (following, of) = (gate.clone(), Arc::clone(&source) as Arc<dyn Source>);
        tokio::spawn(async move { following.follow(of, async { drop(stopped.await) }).await });
        Self { gate, source, _stop: stop }
    }

    pub async fn reached(&self, revision: u64) {
        tokio::time::timeout(PATIENCE, self.gate.reached(revision)).await.expect("it follows");
    }

    pub fn is_ready(&self) -> bool {
        self.gate.status().ready.is_ok()
    }
}

/// Limits under which a failure shows soon.
pub fn quick() -> Limits {
    Limits {
        poll: Duration::from_millis(200),
        poll_timeout: Duration::from_secs(2),
        poll_backoff: Duration::from_millis(200),
        ..Limits::default()
    }
}

/// Waits until something is true.
pub async fn until(mut is_so: impl FnMut() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("it becomes so");
}

//! The gate: how it is set up, and the handles that the composition holds.

use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::sync::watch;

use crate::account::Watched;
use crate::backend::{BackendConfig, BackendCounters, Backends, Dialer};
use crate::caller::Caller;
use crate::check::{Admitted, Question, check};
use crate::denial::{Denial, Reason};
use crate::feed::{Poll, Source};
use crate::held::HeldBodies;
use crate::index::{Digest, Serves, Sizes};
use crate::lease::Lease;
use crate::limits::{BadLimits, Limits};
use crate::nonce::Nonces;
use crate::request_id::RequestIds;
use crate::rewound::Rewound;
use crate::server::{self, Accepted, Answers, Speaks};
use crate::snapshot::{SnapshotFile, SnapshotStatus};
use crate::state::{Clock, Polls, Server, State};
use crate::telemetry::{CallLines, Pairs, Share, Sink, Statistics, Tally};
use crate::throttle::Throttles;
use crate::tls::{Acceptor, TlsCounters, TlsError, TlsFiles};
use crate::{BoxError, follower, proxy, straight};

/// How a gate is set up.
#[derive(Debug, Clone, Default)]
pub struct GateConfig {
    /// The instances it serves.
    pub serves: Serves,
    /// Its limits.
    pub limits: Limits,
    /// How it may reach backends.
    pub backends: BackendConfig,
    /// Its certificate, if its callers use TLS.
    pub tls: Option<TlsFiles>,
    /// What it tells of calls.
    pub telling: Telling,
}

/// What a gate tells of the calls it has answered.
#[derive(Debug, Clone)]
pub struct Telling {
    /// Who hears of every call.
    pub sinks: Vec<Arc<dyn Sink>>,
    /// Do calls get a place in a trace? Of those that bring none, this share is kept.
    pub traces: Option<Share>,
    /// For how many pairs of API and app calls are counted; 0: they are not.
    pub pairs: usize,
}

impl Default for Telling {
    /// Lines in the ordinary log, and nothing else.
    fn default() -> Self {
        Self { sinks: vec![Arc::new(CallLines::default())], traces: None, pairs: 0 }
    }
}

/// Why a gate cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Its limits contradict each other.
    #[error(transparent)]
    Limits(#[from] BadLimits),
    /// TLS towards backends cannot be set up.
    #[error("TLS towards backends cannot be set up: {0}")]
    Tls(String),
    /// The gate's own certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] TlsError),
}

/// The gate. Clones are handles to the same gate.
#[derive(Clone)]
pub struct Gate(pub(crate) Arc<State>);

impl Gate {
    /// A gate that knows nothing yet, and so denies everything as not ready.
    pub fn new(config: GateConfig, clock: Clock) -> Result<Self, SetupError> {
        let GateConfig { serves, limits, backends, tls, telling } = config;
        limits.check()?;
        let dialer = Arc::new(Dialer::new(&backends).map_err(SetupError::Tls)?);
        let tls = tls.map(|files| Acceptor::load(files, &limits)).transpose()?;
        Ok(Self(Arc::new(State {
            throttles: Throttles::new(limits.throttle_counters),
            nonces: Nonces::new(&limits, (clock.wall)()),
            clock,
            serves: Arc::new(serves),
            index: ArcSwapOption::empty(),
            revisions: watch::Sender::new(0),
            ids: RequestIds::new(),
            tally: Tally::new(),
            pairs: (telling.pairs > 0).then(|| Pairs::new(telling.pairs)),
            sinks: telling.sinks,
            traces: telling.traces,
            lease: Lease::new(limits.lease),
            closing: watch::Sender::new(false),
            leaving: AtomicBool::new(false),
            dialer,
            tls,
            meeting: Mutex::new(None),
            snapshot: OnceLock::new(),
            digest_mismatches: AtomicU64::new(0),
            polls: Polls::default(),
            held_bodies: HeldBodies::new(&limits),
            limits,
        })))
    }

    /// Keeps what it knows in this file, and begins with what is in it. To be said before it follows,
    /// and once.
    pub fn keep_in(&self, file: SnapshotFile) {
        // Said again, it changes nothing.
        let _ = self.0.snapshot.set(Arc::new(file));
    }

    /// Writes the snapshot now: at the end of an orderly life.
    pub async fn save_snapshot(&self) {
        self.0.save_snapshot().await;
    }

    /// Follows a source until `shutdown`. A gate follows one source.
    pub async fn follow(&self, source: Arc<dyn Source>, shutdown: impl Future<Output = ()> + Send) {
        follower::follow(&self.0, &*source, shutdown).await;
    }

    /// What answers calls, for [`serve`](crate::serve). It has connections to the backends of its
    /// own: make one for each thread.
    pub fn service(&self) -> GateService {
        let backends = Backends::new(Arc::clone(&self.0.dialer), &self.0.limits);
        let backends = Arc::new(backends);
        GateService { gate: self.clone(), backends }
    }

    /// May this call go on? For callers that forward it themselves: a call that may is counted.
    pub fn check(&self, question: &Question<'_>) -> Result<Admitted, Denial> {
        let index = self.0.ready()?;
        let admitted = check(&index, self.0.limits.clock_skew_seconds, question)?;
        self.0.limit(&index, &admitted, question.headers)?;
        Ok(admitted)
    }

    /// The revision the gate decides at; none when it knows nothing yet.
    pub fn revision(&self) -> Option<u64> {
        self.0.revision()
    }

    /// Where the gate stands: as it says of itself when it asks for nothing new.
    pub fn stands(&self) -> Poll {
        self.0.stands()
    }

    /// Returns once the gate decides at `revision` or a later one.
    pub async fn reached(&self, revision: u64) {
        // The sender lives as long as the gate, so waiting cannot fail.
        let _ = self.0.revisions.subscribe().wait_for(|now| *now >= revision).await;
    }

    /// Says from now on that it is not ready, and goes on answering calls: for a while before the end,
    /// so that a load balancer sends it no new ones.
    pub fn leave(&self) {
        self.0.leaving.store(true, Ordering::Release);
    }

    /// Ends all WebSockets, and returns when they have. No new one begins.
    pub async fn end_websockets(&self) {
        self.0.closing.send_replace(true);
        self.0.closing.closed().await;
    }

    /// Takes what was counted per API and app since this was asked last, or since the gate was made.
    pub fn statistics(&self) -> Statistics {
        self.0.pairs.as_ref().map(Pairs::take).unwrap_or_default()
    }

    /// What its callers' TLS is made with, for [`serve_tls`](crate::serve_tls); none without TLS.
    pub fn tls(&self) -> Option<Acceptor> {
        self.0.tls.clone()
    }

    /// The limits it was set up with.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// How the gate is.
    pub fn status(&self) -> Status {
        let index = self.0.index.load();
        Status {
            ready: self.0.ready().map(|_| ()).map_err(|denial| denial.reason),
            epoch: index.as_ref().map(|index| index.epoch().to_owned()),
            revision: index.as_ref().map(|index| index.revision()),
            age: self.0.lease.age(),
            websockets: self.0.closing.receiver_count(),
            sizes: index.as_ref().map(|index| index.sizes()).unwrap_or_default(),
            digest: index.as_ref().map(|index| index.digest()),
            snapshot: self.0.snapshot.get().and_then(|file| file.status()),
        }
    }

    /// How many calls were admitted, and how many were denied for each reason.
    pub fn counters(&self) -> Counters {
        let tally = &self.0.tally;
        let denied = |reason| (reason, tally.verdicts(Err(reason)));
        Counters {
            admitted: tally.verdicts(Ok(())),
            backends: self.0.dialer.counters(),
            tls: self.0.tls.as_ref().map(Acceptor::counters).unwrap_or_default(),
            denied: Reason::ALL.into_iter().map(denied).collect(),
            digest_mismatches: self.0.digest_mismatches.load(Ordering::Relaxed),
            polls_answered: self.0.polls.answered.load(Ordering::Relaxed),
            polls_failed: self.0.polls.failed.load(Ordering::Relaxed),
            resyncs: self.0.polls.resyncs.load(Ordering::Relaxed),
            histories: self.0.polls.histories.load(Ordering::Relaxed),
        }
    }
}

/// How a gate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Does it decide? If not, why.
    pub ready: Result<(), Reason>,
    /// The history it follows.
    pub epoch: Option<String>,
    /// The revision it decides at.
    pub revision: Option<u64>,
    /// How old what it knows is: how long ago it sent the last poll that was answered.
    pub age: Option<Duration>,
    /// How many WebSockets are open.
    pub websockets: usize,
    /// How much it knows.
    pub sizes: Sizes,
    /// The digest of all it knows, but for tokens: gates that say the same know the same.
    pub digest: Option<Digest>,
    /// The snapshot file, if there is one.
    pub snapshot: Option<SnapshotStatus>,
}

/// What a gate has done since it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters {
    /// Calls that were admitted and answered by a backend.
    pub admitted: u64,
    /// What has happened at the backends' side.
    pub backends: BackendCounters,
    /// What has happened at its TLS; nothing without TLS.
    pub tls: TlsCounters,
    /// How often it held something else than the control side told.
    pub digest_mismatches: u64,
    /// How often the control side answered what had changed.
    pub polls_answered: u64,
    /// How often it did not.
    pub polls_failed: u64,
    /// How often all had to be learnt anew, for the control side had another history.
    pub resyncs: u64,
    /// How often the control side turned out not to have what was known here.
    pub histories: u64,
    /// Calls that were denied, by reason; every reason is listed.
    pub denied: Vec<(Reason, u64)>,
}

/// The gate as it answers calls, with connections to the backends of its own.
pub struct GateService {
    gate: Gate,
    backends: Arc<Backends>,
}

impl GateService {
    /// What answers the calls of one connection.
    pub fn of(&self, caller: Caller) -> Connected {
        let gate = Arc::clone(&self.gate.0);
        Connected(Arc::new(Server {
            gate,
            backends: Arc::clone(&self.backends),
            origin: (&caller).into(),
            caller,
        }))
    }
}

/// The gate as it answers the calls of one connection.
#[derive(Clone)]
pub struct Connected(Arc<Server>);

impl Connected {
    /// Answers one call.
    pub async fn answer<B>(self, request: Request<B>) -> Response<Watched>
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + Unpin + 'static,
        B::Error: Into<crate::BoxError>,
    {
        proxy::handle(self.0, request).await
    }

    /// The same, for [`serve`](crate::serve), with every call by hyper. The connection itself can be
    /// served, too: then plain calls go straight. A connection makes room for one call and uses it for
    /// all, which a boxed future would not allow.
    pub fn service(self) -> impl Answers {
        service_fn(move |request: Request<Incoming>| {
            let server = Arc::clone(&self.0);
            async move { Ok::<_, Infallible>(proxy::handle(server, request).await) }
        })
    }
}

impl Speaks for Connected {
    async fn speak(self, connection: Accepted) -> Result<(), BoxError> {
        let (opened, stopped, protocols) = connection.open(false).await?;
        let Some((stream, version)) = opened else { return Ok(()) };
        let mut rest = Rewound::from(stream);
        let mut version = version;
        if version == Version::HTTP_11 {
            let straight = straight::converse(&self.0, rest.stream, stopped.clone());
            let Some(left) = straight.await else { return Ok(()) };
            version = server::version(server::says_http2(left.first()) == Some(true));
            rest = left;
        }
        // Rare and large: kept apart, so that it makes no connection's state larger.
        let server = Arc::clone(&self.0);
        let refuse = Arc::new(move |denial: &Denial| straight::refused(&server, denial));
        let answered = protocols.answer(rest, version, self.service(), refuse, stopped);
        Ok(Box::pin(answered).await?)
    }
}

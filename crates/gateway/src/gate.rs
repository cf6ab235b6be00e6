//! The gate: configuration, state and the handles the composition holds.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use tidegate_domain::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;

use crate::backend::Backends;
use crate::body::AnyBody;
use crate::check::{Admitted, Question, check};
use crate::compare::Meeting;
use crate::denial::{Denial, Reason};
use crate::feed::Source;
use crate::index::{Digest, Index, Serves, Sizes};
use crate::lease::Lease;
use crate::limits::{BadLimits, Limits};
use crate::metrics::Timings;
use crate::snapshot::{SnapshotFile, SnapshotStatus};
use crate::{follower, proxy};

/// How a gate is set up.
#[derive(Debug, Clone, Default)]
pub struct GateConfig {
    /// The instances it serves.
    pub serves: Serves,
    /// Its limits.
    pub limits: Limits,
}

/// Why a gate cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Its limits contradict each other.
    #[error(transparent)]
    Limits(#[from] BadLimits),
    /// The TLS library does not take its settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// The two times of the gate. Read once per call, at the edge.
#[derive(Clone)]
pub struct Clock {
    /// The decision time, which never goes backwards: what is granted is measured by it.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The wall clock: how old a signature is, is measured by it.
    pub wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// The gate. Clones are handles to the same gate.
#[derive(Clone)]
pub struct Gate(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    serves: Arc<Serves>,
    pub(crate) index: ArcSwapOption<Index>,
    /// Tells the revision of every new index.
    pub(crate) revisions: watch::Sender<u64>,
    pub(crate) lease: Lease,
    /// An index that is to be brought to the gate's revision.
    pub(crate) meeting: Mutex<Option<Meeting>>,
    snapshot: OnceLock<Arc<SnapshotFile>>,
    digest_mismatches: AtomicU64,
    pub(crate) backends: Backends,
    /// Room for held bodies, in KiB.
    pub(crate) held_bodies: Arc<Semaphore>,
    timings: Timings,
    admitted: AtomicU64,
    denied: [AtomicU64; Reason::ALL.len()],
}

impl Gate {
    /// A gate that knows nothing yet, and so denies everything as not ready.
    pub fn new(config: GateConfig, clock: Clock) -> Result<Self, SetupError> {
        let GateConfig { serves, limits } = config;
        limits.check()?;
        let held = usize::try_from(limits.buffered_total / 1024).unwrap_or(0);
        Ok(Self(Arc::new(Inner {
            clock,
            serves: Arc::new(serves),
            index: ArcSwapOption::empty(),
            revisions: watch::Sender::new(0),
            timings: Timings::new(),
            lease: Lease::new(limits.lease),
            meeting: Mutex::new(None),
            snapshot: OnceLock::new(),
            digest_mismatches: AtomicU64::new(0),
            backends: Backends::new(&limits).map_err(|error| SetupError::Tls(error.to_string()))?,
            held_bodies: Arc::new(Semaphore::new(held)),
            admitted: AtomicU64::new(0),
            denied: [const { AtomicU64::new(0) }; Reason::ALL.len()],
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

    /// The service that answers calls, for [`serve`](crate::serve).
    pub fn service(&self) -> GateService {
        GateService(self.clone())
    }

    /// Answers one call.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<AnyBody>
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + Unpin + 'static,
        B::Error: Into<crate::BoxError>,
    {
        proxy::handle(&self.0, request).await
    }

    /// May this call go on? For callers that forward it themselves.
    pub fn check(&self, question: &Question<'_>) -> Result<Admitted, Denial> {
        let index = self.0.ready()?;
        check(&index, self.0.limits.clock_skew_seconds, question)
    }

    /// The revision the gate decides at; none when it knows nothing yet.
    pub fn revision(&self) -> Option<u64> {
        self.0.revision()
    }

    /// Returns once the gate decides at `revision` or a later one.
    pub async fn reached(&self, revision: u64) {
        // The sender lives as long as the gate, so waiting cannot fail.
        let _ = self.0.revisions.subscribe().wait_for(|now| *now >= revision).await;
    }

    pub(crate) fn timings(&self) -> &Timings {
        &self.0.timings
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
            sizes: index.as_ref().map(|index| index.sizes()).unwrap_or_default(),
            digest: index.as_ref().map(|index| index.digest()),
            snapshot: self.0.snapshot.get().and_then(|file| file.status()),
        }
    }

    /// How many calls were admitted, and how many were denied for each reason.
    pub fn counters(&self) -> Counters {
        Counters {
            admitted: self.0.admitted.load(Ordering::Relaxed),
            digest_mismatches: self.0.digest_mismatches.load(Ordering::Relaxed),
            denied: Reason::ALL
                .into_iter()
                .zip(&self.0.denied)
                .map(|(reason, count)| (reason, count.load(Ordering::Relaxed)))
                .collect(),
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
    /// How long ago it sent the last poll that was answered.
    pub age: Option<Duration>,
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
    /// How often it held something else than the control side told.
    pub digest_mismatches: u64,
    /// Calls that were denied, by reason; every reason is listed.
    pub denied: Vec<(Reason, u64)>,
}

impl Inner {
    pub(crate) fn empty_index(&self) -> Index {
        Index::empty(Arc::clone(&self.serves), self.limits.calls_per_api)
    }

    pub(crate) fn revision(&self) -> Option<u64> {
        self.index.load().as_ref().map(|index| index.revision())
    }

    /// The index, if the gate may decide by it.
    pub(crate) fn ready(&self) -> Result<Arc<Index>, Denial> {
        let index = self.index.load_full().ok_or(Reason::NotReady)?;
        if self.lease.holds() { Ok(index) } else { Err(Reason::LeaseLapsed.into()) }
    }

    /// What the snapshot tells, if it is believed.
    pub(crate) async fn load_snapshot(&self) -> Option<Arc<Index>> {
        let file = Arc::clone(self.snapshot.get()?);
        let (serves, calls) = (Arc::clone(&self.serves), self.limits.calls_per_api);
        match spawn_blocking(move || file.load(&serves, calls)).await {
            Ok(Ok(Some(index))) => {
                let (revision, grants) = (index.revision(), index.sizes().grants);
                tracing::info!(revision, grants, "begins with the snapshot");
                Some(Arc::new(index))
            }
            Ok(Ok(None)) => None,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the snapshot is not believed; learning all anew");
                None
            }
            Err(error) => {
                tracing::error!(%error, "the snapshot cannot be read; learning all anew");
                None
            }
        }
    }

    /// Writes the snapshot, if there is something new to keep.
    pub(crate) async fn save_snapshot(&self) {
        let (Some(file), Some(index)) = (self.snapshot.get(), self.index.load_full()) else {
            return;
        };
        let file = Arc::clone(file);
        match spawn_blocking(move || file.save(&index)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the snapshot cannot be written"),
            Err(error) => tracing::error!(%error, "the snapshot cannot be written"),
        }
    }

    pub(crate) fn count_mismatch(&self) {
        self.digest_mismatches.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_time(&self, check: Duration, backend: Option<Duration>) {
        self.timings.observe(check, backend);
    }

    pub(crate) fn count_admitted(&self) {
        self.admitted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_denied(&self, reason: Reason) {
        if let Some(count) = self.denied.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The gate as a service of hyper's.
#[derive(Clone)]
pub struct GateService(Gate);

impl Service<Request<Incoming>> for GateService {
    type Response = Response<AnyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let gate = self.0.clone();
        Box::pin(async move { Ok(gate.handle(request).await) })
    }
}

//! What a gateway knows and counts, shared by all that answers its calls and follows the control side.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::request;
use tidegate_domain::Timestamp;
use tidegate_sign::Payload;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::backend::{Backends, Dialer};
use crate::caller::Caller;
use crate::check::Question;
use crate::denial::{Denial, Reason};
use crate::feed::Poll;
use crate::headers::{Origin, Strict};
use crate::held::HeldBodies;
use crate::index::{Index, Serves};
use crate::lease::Lease;
use crate::limits::Limits;
use crate::nonce::Nonces;
use crate::reconcile::Meeting;
use crate::request_id::RequestIds;
use crate::snapshot::SnapshotFile;
use crate::telemetry::{Pairs, Share, Sink, Tally};
use crate::throttle::Throttles;
use crate::tls::Acceptor;

/// The two times of the gate. Read once per call, at the edge.
#[derive(Clone)]
pub struct Clock {
    /// The decision time, which never goes backwards: what is granted is measured by it.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The wall clock: how old a signature is, is measured by it. Of a gate that follows from another
    /// machine, both are the control side's, so that its own clock decides nothing.
    pub wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// The state of a gateway.
pub(crate) struct State {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) serves: Arc<Serves>,
    pub(crate) index: ArcSwapOption<Index>,
    /// Tells the revision of every new index.
    pub(crate) revisions: watch::Sender<u64>,
    pub(crate) lease: Lease,
    pub(crate) throttles: Throttles,
    pub(crate) nonces: Nonces,
    /// Tells WebSockets that the gate ends; each one listens.
    pub(crate) closing: watch::Sender<bool>,
    /// Is it about to stop? Then it says that it is not ready, and goes on answering calls.
    pub(crate) leaving: AtomicBool,
    /// An index that is to be brought to the gate's revision.
    pub(crate) meeting: Mutex<Option<Meeting>>,
    pub(crate) snapshot: OnceLock<Arc<SnapshotFile>>,
    pub(crate) digest_mismatches: AtomicU64,
    pub(crate) polls: Polls,
    /// Room for held bodies.
    pub(crate) held_bodies: HeldBodies,
    pub(crate) ids: RequestIds,
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) tls: Option<Acceptor>,
    pub(crate) tally: Tally,
    pub(crate) pairs: Option<Pairs>,
    pub(crate) sinks: Vec<Arc<dyn Sink>>,
    pub(crate) traces: Option<Share>,
}

/// What came of the polls.
#[derive(Debug, Default)]
pub(crate) struct Polls {
    pub(crate) answered: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) resyncs: AtomicU64,
    pub(crate) histories: AtomicU64,
}

impl State {
    pub(crate) fn empty_index(&self) -> Index {
        Index::empty(Arc::clone(&self.serves), self.limits.calls_per_api)
    }

    pub(crate) fn revision(&self) -> Option<u64> {
        self.index.load().as_ref().map(|index| index.revision())
    }

    /// A poll for what comes after what the gate knows.
    pub(crate) fn stands(&self) -> Poll {
        self.index.load().as_ref().map_or_else(Poll::default, |index| Poll {
            since: index.revision(),
            stamp: index.stamp().to_owned(),
            epoch: index.epoch().to_owned(),
            enforced: Some(index.revision()),
            enforced_stamp: index.stamp().to_owned(),
            wait: Duration::ZERO,
        })
    }

    /// What is asked of a call that came just now.
    pub(crate) fn question<'q>(
        &self,
        parts: &'q request::Parts,
        strict: &'q Strict,
        payload: Payload<'q>,
    ) -> Question<'q> {
        Question {
            method: parts.method.as_str(),
            target: &strict.target,
            headers: &parts.headers,
            host: strict.host.as_deref(),
            payload,
            wall: (self.clock.wall)(),
            now: (self.clock.now)(),
        }
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
                tracing::warn!(%error, "the snapshot file cannot be used: learning everything from the control side");
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

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn pairs(&self) -> Option<&Pairs> {
        self.pairs.as_ref()
    }

    pub(crate) fn sinks(&self) -> &[Arc<dyn Sink>] {
        &self.sinks
    }

    pub(crate) fn traces(&self) -> Option<Share> {
        self.traces
    }
}

/// What a connection's calls are answered with.
pub(crate) struct Server {
    pub(crate) gate: Arc<State>,
    pub(crate) backends: Arc<Backends>,
    pub(crate) caller: Caller,
    pub(crate) origin: Origin,
}

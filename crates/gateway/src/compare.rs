//! Comparing: now and then the gate asks for everything and looks whether that is what it holds.
//!
//! The gate follows changes, so a change it was never told of would be missing for ever. A second
//! index, made of all there is, is brought to the same revision by the same answer that brings the
//! gate's own one there; then both must hold the same. Following goes on meanwhile.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tidegate_domain::Timestamp;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use crate::feed::{Poll, Source, SourceError};
use crate::index::{Applied, Digest, Index};
use crate::reconcile::{Meeting, Then};
use crate::state::State;

/// Compares now and then, for ever.
pub(crate) async fn compare(gate: &State, source: &dyn Source) {
    loop {
        sleep(gate.limits.compare).await;
        if gate.ready().is_err() {
            continue;
        }
        if let Err(error) = once(gate, source).await {
            tracing::warn!(%error, "the index could not be compared with all there is");
        }
    }
}

async fn once(gate: &State, source: &dyn Source) -> Result<(), SourceError> {
    let fault = |what: &str| SourceError(what.to_owned());
    let poll = Poll { since: 0, wait: Duration::ZERO, ..gate.stands() };
    let asked = timeout(gate.limits.lease, source.poll(&poll)).await;
    let batch = asked.map_err(|_| fault("no answer in time"))??.batch;
    let empty = gate.empty_index();
    let made = spawn_blocking(move || {
        let told = Digest::of(&batch, empty.serves());
        match empty.apply(0, batch) {
            Applied::Newer(index) => Some((Arc::from(index), told)),
            Applied::Unchanged | Applied::Behind | Applied::StartOver => None,
        }
    });
    let made = made.await.map_err(|error| SourceError(error.to_string()))?;
    let (fresh, told): (Arc<Index>, Digest) = made.ok_or_else(|| fault("nothing was told"))?;

    let (send, met) = oneshot::channel();
    meet(gate, Meeting { fresh: Arc::clone(&fresh), then: Then::Compare(send) });
    let (own, other) = met.await.map_err(|_| fault("no answer that brought both together"))?;
    let now = (gate.clock.now)();
    let same = {
        let other = Arc::clone(&other);
        spawn_blocking(move || fresh.digest() == told && holds_the_same(&own, &other, now))
    };
    if same.await.map_err(|error| SourceError(error.to_string()))? {
        tracing::debug!(revision = other.revision(), digest = %other.digest(), "all is as told");
        return Ok(());
    }
    gate.count_mismatch();
    tracing::error!(
        revision = other.revision(),
        digest = %other.digest(),
        "the index did not hold what the control side tells; it is replaced"
    );
    meet(gate, Meeting { fresh: other, then: Then::Adopt });
    Ok(())
}

fn meet(gate: &State, meeting: Meeting) {
    *gate.meeting.lock().unwrap_or_else(PoisonError::into_inner) = Some(meeting);
}

/// Both at the same revision: do they hold the same? Looks at everything, and at the sums that were
/// kept. Tokens that are over do not count.
fn holds_the_same(own: &Index, other: &Index, now: Timestamp) -> bool {
    own.revision() == other.revision()
        && own.digest() == other.digest()
        && own.counted() == own.digest()
        && other.counted() == other.digest()
        && own.tokens_digest(now) == other.tokens_digest(now)
}

//! Following the control side: ask for changes, apply, publish, wait for a bell or the timer.
//!
//! Level, not edge: every poll asks for what is true now, so no lost bell and no failed poll loses
//! a change. Nothing ends the loop but the order to stop; while the source is silent the gate goes on
//! deciding until its lease is over.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::feed::{Source, SourceError};
use crate::gate::Inner;
use crate::index::{Applied, Index};

/// Old tokens are looked for when this many have been added since the last look.
const TOKENS_PER_LOOK: usize = 1_024;

/// Follows `source` until `shutdown`.
pub(crate) async fn follow(gate: &Inner, source: &dyn Source, shutdown: impl Future<Output = ()>) {
    let mut follower = Follower { gate, source, start_over: false, failures: 0, tokens_at_look: 0 };
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = follower.turn() => {}
            () = &mut shutdown => return,
        }
    }
}

struct Follower<'a> {
    gate: &'a Inner,
    source: &'a dyn Source,
    /// The history has changed: what is known must be learnt anew.
    start_over: bool,
    failures: u32,
    tokens_at_look: usize,
}

/// What a poll led to.
enum Outcome {
    /// The gate knows all there was to know when it asked.
    UpToDate,
    /// Ask again at once, from 0.
    StartOver,
    /// Nothing was learnt.
    Failed(SourceError),
}

impl Follower<'_> {
    /// One poll, and the wait after it.
    async fn turn(&mut self) {
        let limits = &self.gate.limits;
        let asked_at = Instant::now();
        match self.poll(asked_at).await {
            Outcome::UpToDate => {
                if self.failures > 0 {
                    tracing::info!("the control side answers again");
                }
                self.failures = 0;
                let revision = self.gate.revision().unwrap_or(0);
                tokio::select! {
                    () = self.source.bell(revision) => sleep_until(asked_at + limits.poll_gap).await,
                    () = sleep(limits.poll) => {}
                }
            }
            Outcome::StartOver => self.start_over = true,
            Outcome::Failed(error) => {
                let age = self.gate.lease.age();
                tracing::warn!(%error, ?age, "the control side does not answer");
                let pause = limits
                    .poll
                    .saturating_mul(2_u32.saturating_pow(self.failures))
                    .min(limits.poll_backoff);
                self.failures = self.failures.saturating_add(1);
                sleep(pause).await;
            }
        }
    }

    async fn poll(&mut self, asked_at: Instant) -> Outcome {
        let limits = &self.gate.limits;
        let known = self.gate.index.load_full();
        let since = match &known {
            Some(index) if !self.start_over => index.revision(),
            _ => 0,
        };
        let batch = match timeout(limits.poll_timeout, self.source.changes(since)).await {
            Ok(Ok(batch)) => batch,
            Ok(Err(error)) => return Outcome::Failed(error),
            Err(_) => return Outcome::Failed(SourceError("no answer in time".to_owned())),
        };
        let applied = match &known {
            Some(index) => index.apply(since, batch),
            None => self.gate.empty_index().apply(since, batch),
        };
        match applied {
            Applied::Newer(index) => {
                let index = self.prune(*index);
                tracing::debug!(revision = index.revision(), "the index is newer");
                let revision = index.revision();
                self.gate.index.store(Some(Arc::new(index)));
                self.gate.revisions.send_replace(revision);
            }
            Applied::Unchanged => {}
            // Its answer proves nothing about what was committed since, so it renews no lease.
            Applied::Behind => {
                return Outcome::Failed(SourceError("it lags behind what is known".to_owned()));
            }
            Applied::StartOver => {
                tracing::warn!("the control side has another history; starting over");
                return Outcome::StartOver;
            }
        }
        self.start_over = false;
        self.gate.lease.renew(asked_at);
        Outcome::UpToDate
    }

    fn prune(&mut self, index: Index) -> Index {
        let tokens = index.sizes().tokens;
        if tokens < self.tokens_at_look.saturating_add(TOKENS_PER_LOOK) {
            return index;
        }
        let index = index.without_old_tokens((self.gate.clock.now)());
        // At least doubling keeps the cost of looking in proportion.
        self.tokens_at_look = index.sizes().tokens.saturating_mul(2);
        index
    }
}

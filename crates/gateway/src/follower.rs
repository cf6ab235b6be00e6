//! Following the control side: ask for changes, apply, publish, ask again. A poll is answered when
//! something changes, or after a while.
//!
//! Beside it the gate keeps its snapshot and compares itself with all there is.
//!
//! Level, not edge: every poll asks for what is true now, so no lost bell and no failed poll loses
//! a change. Nothing ends the loop but the order to stop; while the source is silent the gate goes on
//! deciding until its lease is over.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::compare;
use crate::feed::{Answer, Batch, Poll, Source, SourceError};
use crate::index::{Applied, Index};
use crate::reconcile::{Meeting, Then};
use crate::state::State;

/// Old tokens are looked for when this many have been added since the last look.
const TOKENS_PER_LOOK: usize = 1_024;

/// A batch with more than this is applied on a thread of its own, so that calls need not wait.
const QUICK: usize = 256;

/// Follows `source` until `shutdown`.
pub(crate) async fn follow(gate: &State, source: &dyn Source, shutdown: impl Future<Output = ()>) {
    tokio::select! {
        () = follow_changes(gate, source) => {}
        () = compare::compare(gate, source) => {}
        () = keep_snapshot(gate) => {}
        () = shutdown => {}
    }
}

async fn follow_changes(gate: &State, source: &dyn Source) {
    let loaded = gate.load_snapshot().await;
    let mut follower = Follower {
        gate,
        source,
        loaded,
        next: None,
        may_wait: false,
        start_over: false,
        failures: 0,
        tokens_at_look: 0,
    };
    loop {
        follower.turn().await;
    }
}

/// Writes the snapshot when something has changed, but not too often.
async fn keep_snapshot(gate: &State) {
    let mut revisions = gate.revisions.subscribe();
    // The sender lives as long as the gate.
    while revisions.changed().await.is_ok() {
        gate.save_snapshot().await;
        sleep(gate.limits.snapshot).await;
    }
}

struct Follower<'a> {
    gate: &'a State,
    source: &'a dyn Source,
    /// What the snapshot told, until an answer shows what became of it.
    loaded: Option<Arc<Index>>,
    /// Not before is the next poll.
    next: Option<Instant>,
    /// All there was to know is known, so an answer may wait for something new.
    may_wait: bool,
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
    /// One poll, and the wait before the next try if it failed.
    async fn turn(&mut self) {
        let limits = &self.gate.limits;
        let over = Instant::now();
        if let Some(next) = self.next {
            sleep_until(next).await;
        }
        self.next = Some(Instant::now() + limits.poll_gap);
        let wait = if self.may_wait { limits.poll } else { Duration::ZERO };
        let outcome = self.poll(wait.saturating_sub(over.elapsed())).await;
        self.may_wait = matches!(outcome, Outcome::UpToDate);
        let polls = &self.gate.polls;
        match outcome {
            Outcome::UpToDate => {
                polls.answered.fetch_add(1, Ordering::Relaxed);
                if self.failures > 0 {
                    tracing::info!("the control side answers again");
                }
                self.failures = 0;
            }
            Outcome::StartOver => {
                polls.resyncs.fetch_add(1, Ordering::Relaxed);
                self.start_over = true;
            }
            Outcome::Failed(error) => {
                polls.failed.fetch_add(1, Ordering::Relaxed);
                let age_seconds = self.gate.lease.age().map(|age| age.as_secs_f64());
                tracing::warn!(%error, age_seconds, "the control side does not answer");
                let pause = limits
                    .poll
                    .saturating_mul(2_u32.saturating_pow(self.failures))
                    .min(limits.poll_backoff);
                self.failures = self.failures.saturating_add(1);
                sleep(pause).await;
            }
        }
    }

    async fn poll(&mut self, wait: Duration) -> Outcome {
        let known = self.gate.index.load_full().or_else(|| self.loaded.clone());
        let meeting = self.meeting(known.as_deref());
        let from = match &meeting {
            Some(meeting) => Some(&meeting.fresh),
            None => known.as_ref().filter(|_| !self.start_over),
        };
        let (since, stamp) = from.map(|index| (index.revision(), index.stamp().to_owned())).unzip();
        let poll = Poll {
            since: since.unwrap_or_default(),
            stamp: stamp.unwrap_or_default(),
            epoch: known.as_ref().map_or_else(String::new, |known| known.epoch().to_owned()),
            wait,
            ..self.gate.stands()
        };
        let answer = match timeout(self.patience(&poll), self.source.poll(&poll)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Outcome::Failed(error),
            Err(_) => return Outcome::Failed(SourceError("no answer in time".to_owned())),
        };
        let Answer { batch, since, asked, age } = answer;
        if since > 0 && !poll.is_continued_by(&batch) {
            return self.another_history(&poll, &batch);
        }
        let head = batch.head;
        if since < poll.since {
            self.gate.polls.resyncs.fetch_add(1, Ordering::Relaxed);
            tracing::warn!("the control side tells everything anew");
        }
        let of_meeting = meeting.map(|meeting| (meeting, batch.clone()));
        let index = known.clone().unwrap_or_else(|| Arc::new(self.gate.empty_index()));
        let mut index = match apply(index, since, batch).await {
            Ok(Applied::Newer(index)) => Arc::new(self.prune(*index)),
            Ok(Applied::Unchanged) => known.unwrap_or_else(|| Arc::new(self.gate.empty_index())),
            // Its answer proves nothing about what was committed since, so it renews no lease.
            Ok(Applied::Behind) => {
                return Outcome::Failed(SourceError("it lags behind what is known".to_owned()));
            }
            Ok(Applied::StartOver) => {
                let said = Batch { head, ..Batch::default() };
                return self.another_history(&poll, &said);
            }
            Err(error) => return Outcome::Failed(error),
        };
        if let Some((meeting, batch)) = of_meeting
            && since > 0
        {
            index = meet(meeting, index, since, batch).await;
        }
        self.publish(index);
        self.start_over = false;
        if self.gate.lease.age().is_none() {
            // Nothing was let through before, so this is when the nonces begin.
            self.gate.nonces.begin((self.gate.clock.wall)());
        }
        self.gate.lease.renew(asked, age);
        Outcome::UpToDate
    }

    /// The control side does not have what is known here: it went back to an earlier state, or is another
    /// one. Its answer renews no lease; everything is asked for anew, and takes the place of what is known.
    fn another_history(&mut self, poll: &Poll, batch: &Batch) -> Outcome {
        self.gate.polls.histories.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            known = poll.since,
            epoch = poll.epoch,
            head = batch.head,
            head_epoch = batch.epoch,
            "the history of the control side is not the one that is known here; learning everything anew"
        );
        self.loaded = None;
        *self.gate.meeting.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Outcome::StartOver
    }

    /// The index that waits to be brought to the gate's revision, once that has come so far: what is asked
    /// from must be part of both.
    fn meeting(&self, known: Option<&Index>) -> Option<Meeting> {
        let mut waiting = self.gate.meeting.lock().unwrap_or_else(PoisonError::into_inner);
        let revision = known.filter(|_| !self.start_over)?.revision();
        let is_due = waiting.as_ref().is_some_and(|it| it.fresh.revision() <= revision);
        if is_due { waiting.take() } else { None }
    }

    /// How long an answer may take. To tell everything takes as long as it takes, but after the lease
    /// it would come too late.
    fn patience(&self, poll: &Poll) -> Duration {
        let limits = &self.gate.limits;
        if poll.since == 0 { limits.lease } else { limits.poll_timeout + poll.wait }
    }

    fn publish(&mut self, index: Arc<Index>) {
        self.loaded = None;
        let revision = index.revision();
        let is_same = |known: &Arc<Index>| Arc::ptr_eq(known, &index);
        if self.gate.index.load().as_ref().is_some_and(is_same) {
            return;
        }
        tracing::debug!(revision, "the index is newer");
        self.gate.index.store(Some(index));
        self.gate.revisions.send_replace(revision);
    }

    fn prune(&mut self, index: Index) -> Index {
        let tokens = index.token_count();
        if tokens < self.tokens_at_look.saturating_add(TOKENS_PER_LOOK) {
            return index;
        }
        let index = index.without_old_tokens((self.gate.clock.now)());
        // At least doubling keeps the cost of looking in proportion.
        self.tokens_at_look = index.token_count().saturating_mul(2);
        index
    }
}

/// The index after a batch. Much of it, or removals, which look everywhere, do not hold up calls.
async fn apply(index: Arc<Index>, since: u64, batch: Batch) -> Result<Applied, SourceError> {
    let size = batch.standings.len() + batch.apps.len() + batch.apis.len();
    let looks_everywhere = !batch.apps_deleted.is_empty() || !batch.apis_deleted.is_empty();
    if size <= QUICK && !looks_everywhere {
        return Ok(index.apply(since, batch));
    }
    let applied = spawn_blocking(move || index.apply(since, batch)).await;
    applied.map_err(|error| SourceError(error.to_string()))
}

/// Brings a fresh index to the gate's revision, and gives the one to go on with.
async fn meet(meeting: Meeting, own: Arc<Index>, since: u64, batch: Batch) -> Arc<Index> {
    let Meeting { fresh, then } = meeting;
    let fresh = match apply(Arc::clone(&fresh), since, batch).await {
        Ok(Applied::Newer(index)) => Arc::from(index),
        Ok(Applied::Unchanged) => fresh,
        // They do not meet; the next comparison may.
        Ok(Applied::Behind | Applied::StartOver) | Err(_) => return own,
    };
    match then {
        Then::Compare(send) => {
            // Nobody may be waiting any more.
            let _ = send.send((Arc::clone(&own), fresh));
            own
        }
        Then::Adopt => fresh,
    }
}

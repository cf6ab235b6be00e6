//! The delivery of messages, while this node is on duty. A receiver that is away, slow or confused holds
//! up nothing but itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tidegate_control::{DutyTask, Error, Letter, OnDuty, Round, StoreError, Tried, Waiting};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Core;
use crate::clock::Clock;
use crate::notify::Webhook;

/// How often it looks by itself.
const TICK: Duration = Duration::from_secs(1);

/// How long it waits after a round in which nothing was taken, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How many messages are on their way at a time.
const AT_ONCE: usize = 8;

/// How often what waits is counted.
const COUNT: Duration = Duration::from_secs(5);

/// What became of messages, for the metrics.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// Messages that wait.
    pub waiting: AtomicU64,
    /// When the oldest of them was left, in milliseconds since the epoch; 0 when none waits.
    pub oldest_ms: AtomicI64,
    /// Messages this node has delivered.
    pub delivered: AtomicU64,
    /// Its tries in vain.
    pub failed: AtomicU64,
    /// Messages it has given up.
    pub given_up: AtomicU64,
}

impl Deliveries {
    fn add(&self, round: Round) {
        self.delivered.fetch_add(round.delivered, Ordering::Relaxed);
        self.failed.fetch_add(round.failed, Ordering::Relaxed);
        self.given_up.fetch_add(round.given_up, Ordering::Relaxed);
    }

    fn see(&self, waiting: Waiting) {
        self.waiting.store(waiting.count, Ordering::Relaxed);
        let oldest = waiting.oldest.map_or(0, |at| at.as_ms());
        self.oldest_ms.store(oldest, Ordering::Relaxed);
    }
}

/// Delivers until it is aborted. Without a webhook, only what is too old is forgotten.
pub async fn run(core: Core, clock: Arc<Clock>, webhook: Option<Webhook>, counts: Arc<Deliveries>) {
    let webhook = webhook.map(Arc::new);
    let (mut pause, mut count_at) = (PAUSES.0, Instant::now());
    loop {
        if count_at <= Instant::now() {
            count_at = Instant::now() + COUNT;
            if let Ok(waiting) = core.control.waiting().await {
                counts.see(waiting);
            }
        }
        match round(&core, &clock, webhook.as_ref()).await {
            Ok(Some(round)) => {
                counts.add(round);
                if round.delivered == 0 && round.failed > 0 {
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                } else {
                    pause = PAUSES.0;
                }
                continue;
            }
            Ok(None) | Err(Error::Store(StoreError::DutyLost)) => {}
            Err(error) => tracing::debug!(%error, "messages cannot be delivered"),
        }
        sleep(TICK).await;
    }
}

/// Tries the oldest messages; none when there is nothing to do, or it is not for this node to do.
async fn round(
    core: &Core,
    clock: &Clock,
    webhook: Option<&Arc<Webhook>>,
) -> Result<Option<Round>, Error> {
    let control = &core.control;
    let Some(webhook) = webhook else {
        // Another node may deliver: what is too old for that, too, is forgotten by who keeps time.
        let Some(on_duty) = control.take_duty(DutyTask::Schedule).await? else { return Ok(None) };
        let dropped = control.drop_undeliverable(&on_duty, clock.now()).await?;
        if dropped > 0 {
            tracing::info!(dropped, "forgot old messages, for there is nobody to deliver them to");
        }
        return Ok(None);
    };
    let Some(on_duty) = control.take_duty(DutyTask::Deliver).await? else { return Ok(None) };
    let letters = control.letters(clock.now()).await?;
    if letters.is_empty() {
        return Ok(None);
    }
    let round = deliver(core, &on_duty, webhook, letters, clock).await?;
    if round.given_up > 0 {
        tracing::error!(count = round.given_up, "messages were given up; see the journal");
    }
    Ok(Some(round))
}

async fn deliver(
    core: &Core,
    on_duty: &OnDuty,
    webhook: &Arc<Webhook>,
    letters: Vec<Letter>,
    clock: &Clock,
) -> Result<Round, Error> {
    let (mut tried, mut sending) = (Vec::with_capacity(letters.len()), JoinSet::new());
    for letter in letters.iter().cloned() {
        if sending.len() >= AT_ONCE {
            tried.extend(sending.join_next().await.and_then(Result::ok));
        }
        let webhook = Arc::clone(webhook);
        sending.spawn(async move {
            let sent = webhook.send(&letter).await;
            if let Err(error) = &sent {
                tracing::warn!(id = letter.id, error = format!("{error:#}"), "not delivered");
            }
            Tried { id: letter.message.id, taken: sent.is_ok() }
        });
    }
    while let Some(done) = sending.join_next().await {
        tried.extend(done);
    }
    core.control.tried(on_duty, &letters, &tried, clock.now()).await
}

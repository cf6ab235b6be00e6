//! The delivery of messages, while this node is on duty. A receiver that is away, slow or confused holds
//! up nothing but itself.

use std::collections::HashSet;
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

/// How long it sends nothing after messages came back of which none was taken, at first and at most.
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
    let mut count_at = Instant::now();
    let mut delivery = webhook.map(Delivery::new);
    loop {
        if count_at <= Instant::now() {
            count_at = Instant::now() + COUNT;
            if let Ok(waiting) = core.control.waiting().await {
                counts.see(waiting);
            }
        }
        let done = match &mut delivery {
            Some(delivery) => delivery.turn(&core, &clock, &counts).await,
            None => forget(&core, &clock).await,
        };
        match done {
            Ok(()) | Err(Error::Store(StoreError::DutyLost)) => {}
            Err(error) => tracing::debug!(%error, "messages cannot be delivered"),
        }
        match &mut delivery {
            Some(delivery) => delivery.wait().await,
            None => sleep(TICK).await,
        }
    }
}

/// Forgets messages that are too old, for there is nobody to deliver them to. Another node may deliver: what is
/// too old for that, too, is forgotten by who keeps time.
async fn forget(core: &Core, clock: &Clock) -> Result<(), Error> {
    let Some(on_duty) = core.control.take_duty(DutyTask::Schedule).await? else { return Ok(()) };
    let dropped = core.control.drop_undeliverable(&on_duty, clock.now()).await?;
    if dropped > 0 {
        tracing::info!(dropped, "forgot old messages, for there is nobody to deliver them to");
    }
    Ok(())
}

/// What is on its way to a webhook. Each message goes by itself: one whose receiver is slow keeps a place,
/// and nobody waits for it.
struct Delivery {
    webhook: Arc<Webhook>,
    sending: JoinSet<(Letter, bool)>,
    /// What is on its way, or has come back and is not kept yet.
    under_way: HashSet<String>,
    back: Vec<(Letter, bool)>,
    /// How long it waits after a turn in which nothing was taken, and until when it does.
    pause: Duration,
    rests_until: Option<Instant>,
}

impl Delivery {
    fn new(webhook: Webhook) -> Self {
        Self {
            webhook: Arc::new(webhook),
            sending: JoinSet::new(),
            under_way: HashSet::new(),
            back: Vec::new(),
            pause: PAUSES.0,
            rests_until: None,
        }
    }

    /// Keeps what became of messages, and sends the oldest ones that wait; nothing when that is not for
    /// this node to do.
    async fn turn(&mut self, core: &Core, clock: &Clock, counts: &Deliveries) -> Result<(), Error> {
        let control = &core.control;
        let Some(on_duty) = control.take_duty(DutyTask::Deliver).await? else {
            self.back.clear();
            return Ok(());
        };
        if !self.back.is_empty() {
            let round = self.keep(core, &on_duty, clock).await?;
            counts.add(round);
            if round.given_up > 0 {
                tracing::error!(count = round.given_up, "messages were given up; see the journal");
            }
        }
        let rests = self.rests_until.is_some_and(|until| Instant::now() < until);
        if rests || self.sending.len() >= AT_ONCE {
            return Ok(());
        }
        for letter in control.letters(clock.now()).await? {
            if self.sending.len() >= AT_ONCE {
                break;
            }
            if self.under_way.insert(letter.id.clone()) {
                self.send(letter);
            }
        }
        Ok(())
    }

    async fn keep(&mut self, core: &Core, on_duty: &OnDuty, clock: &Clock) -> Result<Round, Error> {
        let back = std::mem::take(&mut self.back);
        let tried =
            back.iter().map(|(letter, taken)| Tried { id: letter.id.clone(), taken: *taken });
        let tried: Vec<Tried> = tried.collect();
        let letters: Vec<Letter> = back.into_iter().map(|(letter, _)| letter).collect();
        let kept = core.control.tried(on_duty, &letters, &tried, clock.now()).await;
        // If it was not kept they are sent once more, under the same ids.
        for tried in &tried {
            self.under_way.remove(&tried.id);
        }
        let round = kept?;
        if round.delivered == 0 {
            self.rests_until = Some(Instant::now() + self.pause);
            self.pause = (self.pause * 2).min(PAUSES.1);
        } else {
            (self.rests_until, self.pause) = (None, PAUSES.0);
        }
        Ok(round)
    }

    fn send(&mut self, letter: Letter) {
        let webhook = Arc::clone(&self.webhook);
        self.sending.spawn(async move {
            let sent = webhook.send(&letter).await;
            if let Err(error) = &sent {
                tracing::warn!(id = letter.id, error = format!("{error:#}"), "not delivered");
            }
            (letter, sent.is_ok())
        });
    }

    /// Returns when one has come back, with all that have, or after a while.
    async fn wait(&mut self) {
        tokio::select! {
            Some(done) = self.sending.join_next() => self.back.extend(done),
            () = sleep(TICK) => {}
        }
        while let Some(done) = self.sending.try_join_next() {
            self.back.extend(done);
        }
        if self.sending.is_empty() && self.back.is_empty() {
            self.under_way.clear();
        }
    }
}

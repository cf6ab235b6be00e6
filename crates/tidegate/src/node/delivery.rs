//! The delivery of messages, while this node is on duty. A receiver that is away, slow or confused holds
//! up nothing but itself.

mod rest;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tidegate_control::{DutyTask, Error, Letter, OnDuty, Round, StoreError, Tried, Waiting};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::rest::Rest;
use super::Core;
use crate::clock::Clock;
use crate::notify::Webhook;

/// How often it looks by itself.
const TICK: Duration = Duration::from_secs(1);

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
    rest: Rest,
}

impl Delivery {
    fn new(webhook: Webhook) -> Self {
        Self {
            webhook: Arc::new(webhook),
            sending: JoinSet::new(),
            under_way: HashSet::new(),
            back: Vec::new(),
            rest: Rest::default(),
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
        if self.rest.goes_on(Instant::now()) || self.sending.len() >= AT_ONCE {
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
        self.rest.note(&tried, Instant::now());
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

#[cfg(test)]
mod tests {
    use tidegate_control::MessageId;
    use tidegate_domain::{Timestamp, UserId};
    use tidegate_store::{Message, Revision};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::watch;

    use super::*;

    fn letter(name: &str) -> Letter {
        let message = Message {
            id: MessageId { revision: Revision(1), ordinal: 0 },
            name: name.to_owned(),
            tries: 0,
            at: Timestamp::from_ms(0),
            recipient: UserId::parse("u").unwrap(),
            what: "notice.sent".to_owned(),
            subject: "a/i/p".to_owned(),
            details: "{}".to_owned(),
        };
        Letter { id: name.to_owned(), message, recipient: "rita".to_owned() }
    }

    /// A receiver that takes the message `slow` once it is told to, and every other one at once.
    async fn receiver(released: watch::Receiver<bool>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut released = released.clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                        stream.read_buf(&mut head).await.unwrap();
                    }
                    if String::from_utf8_lossy(&head).contains("webhook-id: slow") {
                        drop(released.wait_for(|released| *released).await);
                    }
                    let taken =
                        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    let _ = stream.write_all(taken).await;
                });
            }
        });
        address
    }

    /// E10: one slow message delays no other.
    #[tokio::test]
    async fn a_message_whose_receiver_is_slow_is_overtaken_by_all_others() {
        let (release, released) = watch::channel(false);
        let address = receiver(released).await;
        let webhook = Webhook::new(&address, "a secret of some length").unwrap();
        let mut delivery = Delivery::new(webhook);
        for name in ["slow", "a", "b", "c"] {
            delivery.send(letter(name));
        }
        while delivery.back.len() < 3 {
            delivery.wait().await;
        }
        let mut names: Vec<_> = delivery.back.iter().map(|(letter, _)| letter.id.clone()).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(delivery.back.iter().all(|(_, taken)| *taken));
        release.send(true).unwrap();
        while delivery.back.len() < 4 {
            delivery.wait().await;
        }
        let (last, taken) = delivery.back.last().unwrap();
        assert!(last.id == "slow" && *taken);
    }
}

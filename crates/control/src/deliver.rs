//! The outbox: what leaves it, and what becomes of it. The delivering itself happens outside, and of
//! no transaction.

use serde_json::json;
use tidegate_domain::Timestamp;
use tidegate_domain::time::HOUR_MS;
use tidegate_store::{Message, Waiting};

use crate::control::Control;
use crate::duty::OnDuty;
use crate::error::Result;
use crate::turn::{self, Turn};

/// How many messages leave at a time.
pub const PER_ROUND: u64 = 32;

/// How long a message is tried, since it was left. So the outbox never grows by more than what is
/// said in that time, and with nobody to deliver to it holds no more than that either.
const GIVE_UP_MS: i64 = 72 * HOUR_MS;

/// How long the first pause between two tries is; each is twice the one before.
const FIRST_PAUSE_MS: i64 = 5_000;

/// The longest pause.
const LONGEST_PAUSE_MS: i64 = HOUR_MS;

/// A message on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Which one it is, the same at every try, and of no other message of any store.
    pub id: String,
    /// The message.
    pub message: Message,
    /// The name of whom it is for.
    pub recipient: String,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which message: the id of its letter.
    pub id: String,
    /// Was it taken?
    pub taken: bool,
}

/// What became of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    /// Messages that were delivered.
    pub delivered: u64,
    /// Tries in vain.
    pub failed: u64,
    /// Messages that will not be tried any more.
    pub given_up: u64,
}

impl Control {
    /// The messages that may be tried by `now`, oldest first.
    pub async fn letters(&self, now: Timestamp) -> Result<Vec<Letter>> {
        let mut view = self.view().await?;
        let epoch = view.head().await?.epoch;
        let mut letters = Vec::new();
        for message in view.outbox_due(now, PER_ROUND).await? {
            let recipient = view.user(&message.recipient).await?;
            letters.push(Letter {
                id: name_of(&message, &epoch),
                recipient: recipient.map(|user| user.name).unwrap_or_default(),
                message,
            });
        }
        Ok(letters)
    }

    /// What waits to be delivered.
    pub async fn waiting(&self) -> Result<Waiting> {
        Ok(self.view().await?.outbox_waiting().await?)
    }

    /// Keeps what became of tries: what was taken is forgotten, the rest put off, or given up when it
    /// was tried long enough.
    pub async fn tried(
        &self,
        on_duty: &OnDuty,
        letters: &[Letter],
        tried: &[Tried],
        now: Timestamp,
    ) -> Result<Round> {
        turn::whole(|| self.tried_once(on_duty, letters, tried, now)).await
    }

    async fn tried_once(
        &self,
        on_duty: &OnDuty,
        letters: &[Letter],
        tried: &[Tried],
        now: Timestamp,
    ) -> Result<Round> {
        let mut turn = Turn::begin_on_duty(self, on_duty, now).await?;
        let mut round = Round::default();
        for letter in letters {
            let message = &letter.message;
            let Some(tried) = tried.iter().find(|tried| tried.id == letter.id) else { continue };
            if tried.taken {
                round.delivered += 1;
                turn.outbox_remove(message).await?;
                continue;
            }
            round.failed += 1;
            if turn.now >= message.at.plus_ms(GIVE_UP_MS) {
                round.given_up += 1;
                let details = json!({ "message": letter.id, "what": message.what });
                turn.record("message.given-up", &message.subject, details).await?;
                turn.outbox_remove(message).await?;
            } else {
                let next = turn.now.plus_ms(pause_ms(message.tries));
                turn.outbox_put_off(message, next).await?;
            }
        }
        self.commit(turn).await?;
        Ok(round)
    }

    /// Forgets messages nobody is there to deliver, when they are as old as those that are given up.
    /// Tells how many, and whether there are more.
    pub async fn drop_undeliverable(&self, on_duty: &OnDuty, now: Timestamp) -> Result<u64> {
        let is_old = |message: &Message, now: Timestamp| now >= message.at.plus_ms(GIVE_UP_MS);
        let oldest = self.waiting().await?.oldest;
        if oldest.is_none_or(|at| now < at.plus_ms(GIVE_UP_MS)) {
            return Ok(0);
        }
        let mut turn = Turn::begin_on_duty(self, on_duty, now).await?;
        let now = turn.now;
        let mut dropped = 0;
        for message in turn.outbox(PER_ROUND * 10).await? {
            if is_old(&message, now) {
                turn.outbox_remove(&message).await?;
                dropped += 1;
            }
        }
        self.commit(turn).await?;
        Ok(dropped)
    }
}

/// What a message is known by. One that a node of an earlier version left has no name of its own.
fn name_of(message: &Message, epoch: &str) -> String {
    match message.name.as_str() {
        "" => format!("{epoch}-{}-{}", message.id.revision, message.id.ordinal),
        name => name.to_owned(),
    }
}

/// The pause after so many tries before this one.
fn pause_ms(tries: u32) -> i64 {
    FIRST_PAUSE_MS.saturating_mul(1_i64 << tries.min(20)).min(LONGEST_PAUSE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_get_longer_and_not_too_long() {
        let pauses = [0, 1, 2, 9, 10, u32::MAX].map(pause_ms);
        assert_eq!(pauses, [5_000, 10_000, 20_000, 2_560_000, 3_600_000, 3_600_000]);
    }
}

//! The scheduler's work: records what time has brought about. The gate needs none of it, for it
//! compares moments; a scheduler that is late or dead extends nobody's access.

use tidegate_domain::standing;
use tidegate_domain::{ApiId, InstanceId, Key, Timestamp};
use tidegate_store::Due;

use crate::duty::OnDuty;
use crate::error::Result;
use crate::turn::{self, Turn};
use crate::{Control, keep, publication_record};

/// How much one turn records at most, so that no writer waits long for it.
const PER_TURN: u64 = 200;

/// What a tick has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// How many publications and standings were brought up to date.
    pub count: usize,
    /// Is there more to do at once?
    pub more: bool,
}

impl Control {
    /// Records what time has brought about by `now`; takes no turn when there is nothing to record.
    pub async fn settle(&self, on_duty: &OnDuty, now: Timestamp) -> Result<Settled> {
        if self.view().await?.due(now, 1).await?.is_empty() {
            return Ok(Settled { count: 0, more: false });
        }
        turn::whole(|| self.settle_once(on_duty, now)).await
    }

    async fn settle_once(&self, on_duty: &OnDuty, now: Timestamp) -> Result<Settled> {
        let mut turn = Turn::begin_on_duty(self, on_duty, now).await?;
        let now = turn.now;
        let due = turn.due(now, PER_TURN).await?;
        let count = due.len();
        for item in due {
            match item {
                Due::Publication(api, instance) => publication(&mut turn, &api, &instance).await?,
                Due::Standing(key) => standing(&mut turn, &key).await?,
            }
        }
        self.commit(turn).await?;
        Ok(Settled { count, more: count as u64 >= PER_TURN })
    }

    /// Forgets tokens that have ended by `now`.
    pub async fn drop_ended_tokens(&self, on_duty: &OnDuty, now: Timestamp) -> Result<u64> {
        turn::whole(|| self.drop_ended_tokens_once(on_duty, now)).await
    }

    async fn drop_ended_tokens_once(&self, on_duty: &OnDuty, now: Timestamp) -> Result<u64> {
        let mut turn = Turn::begin_on_duty(self, on_duty, now).await?;
        let now = turn.now;
        let dropped = turn.drop_tokens(now).await?;
        if dropped > 0 {
            self.commit(turn).await?;
        }
        Ok(dropped)
    }
}

async fn publication(turn: &mut Turn<'_>, api: &ApiId, instance: &InstanceId) -> Result<()> {
    if let Some(api) = turn.api(api).await? {
        publication_record::settled(turn, &api, instance).await?;
    }
    Ok(())
}

async fn standing(turn: &mut Turn<'_>, key: &Key) -> Result<()> {
    let api = turn.api(&key.api).await?;
    let record = turn.app(&key.app).await?;
    let standing = turn.standing(key).await?;
    let (Some(api), Some(record), Some(standing)) = (api, record, standing) else {
        return Ok(());
    };
    let events = standing::settle(&standing, turn.now);
    keep::standing(turn, &api, &record, standing, events).await?;
    let publication = publication_record::load(turn, &api, &key.instance).await?;
    publication_record::app_released(turn, &api, publication).await
}

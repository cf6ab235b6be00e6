//! The scheduler: records what time has brought about, by a timer and by the bell. Nobody's access
//! depends on it.

use std::sync::Arc;
use std::time::Duration;

use tidegate_store::Revision;
use tokio::time::{Instant, sleep};

use super::Core;
use crate::clock::Clock;

/// How often it looks by itself.
const TICK: Duration = Duration::from_secs(1);

/// How long after a bell it looks, so that a burst of commands costs one look.
const AFTER_BELL: Duration = Duration::from_millis(100);

/// How often tokens that have ended are forgotten.
const TOKENS: Duration = Duration::from_secs(3_600);

/// Runs until it is aborted.
pub async fn run(core: Core, clock: Arc<Clock>) {
    let mut tokens_at = Instant::now();
    loop {
        let heard = match settle(&core, &clock).await {
            Ok(revision) => revision,
            Err(error) => {
                tracing::error!(%error, "what time has brought about cannot be recorded");
                sleep(TICK).await;
                continue;
            }
        };
        if tokens_at <= Instant::now() {
            tokens_at = Instant::now() + TOKENS;
            if let Err(error) = core.control.drop_ended_tokens(clock.now()).await {
                tracing::error!(%error, "ended tokens cannot be forgotten");
            }
        }
        tokio::select! {
            () = sleep(TICK) => {}
            () = core.control.bell().heard_after(heard) => sleep(AFTER_BELL).await,
        }
    }
}

/// Records all there is to record, and tells the revision after it.
async fn settle(core: &Core, clock: &Clock) -> Result<Revision, tidegate_control::Error> {
    loop {
        let settled = core.control.settle(clock.now()).await?;
        if settled.count > 0 {
            tracing::debug!(count = settled.count, "recorded what time has brought about");
        }
        if !settled.more {
            let mut view = core.store.view().await?;
            return Ok(view.head().await?.revision);
        }
    }
}

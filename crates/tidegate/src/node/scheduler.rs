//! The scheduler: records what time has brought about and leaves reminders, by a timer and by the bell,
//! while this node is on duty. Nobody's access depends on it.

use std::sync::Arc;
use std::time::Duration;

use tidegate_control::{DutyTask, Error, OnDuty, StoreError};
use tidegate_store::Revision;
use tokio::time::{Instant, sleep, timeout};

use super::Core;
use crate::clock::Clock;

/// How often it looks by itself, and keeps the duty.
const TICK: Duration = Duration::from_secs(1);

/// How long after a bell it looks, so that a burst of commands costs one look.
const AFTER_BELL: Duration = Duration::from_millis(100);

/// How often tokens that have ended are forgotten.
const TOKENS: Duration = Duration::from_secs(3_600);

/// How long the end of a node waits to hand the duty over.
const HAND_OVER: Duration = Duration::from_secs(1);

/// Runs until it is aborted.
pub async fn run(core: Core, clock: Arc<Clock>) {
    let (mut tokens_at, mut duty) = (Instant::now(), None);
    loop {
        let heard = match round(&core, &clock, &mut tokens_at, &mut duty).await {
            Ok(revision) => revision,
            Err(Error::Store(StoreError::DutyLost)) => {
                tracing::info!("another node has taken the duty over");
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "what time has brought about cannot be recorded");
                // A node that can keep no change must not hold up those that can.
                if let Some(on_duty) = duty.take() {
                    tracing::warn!("gave up the duty");
                    if let Ok(Err(error)) =
                        timeout(HAND_OVER, core.control.leave_duty(&on_duty)).await
                    {
                        tracing::debug!(%error, "the duty was not handed over");
                    }
                }
                sleep(TICK).await;
                continue;
            }
        };
        tokio::select! {
            () = sleep(TICK) => {}
            () = core.control.bell().heard_after(heard) => sleep(AFTER_BELL).await,
        }
    }
}

/// Does all there is to do, if it is for this node to do, and tells the revision it looked at.
async fn round(
    core: &Core,
    clock: &Clock,
    tokens_at: &mut Instant,
    duty: &mut Option<OnDuty>,
) -> Result<Revision, Error> {
    let control = &core.control;
    loop {
        let head = control.head().await?.revision;
        let taken = control.take_duty(DutyTask::Schedule).await?;
        if taken.is_some() && *duty != taken {
            tracing::info!("on duty");
        }
        duty.clone_from(&taken);
        let Some(on_duty) = taken else { return Ok(head) };
        let settled = control.settle(&on_duty, clock.now()).await?;
        if settled.count > 0 {
            tracing::debug!(count = settled.count, "recorded what time has brought about");
        }
        let more = control.remind(&on_duty, clock.now()).await?;
        if *tokens_at <= Instant::now() {
            control.drop_ended_tokens(&on_duty, clock.now()).await?;
            *tokens_at = Instant::now() + TOKENS;
        }
        if !settled.more && !more {
            return Ok(head);
        }
    }
}

/// Lets another node have the duty at once.
pub async fn hand_over(core: &Core) {
    let control = &core.control;
    let handed = async {
        for task in [DutyTask::Schedule, DutyTask::Deliver] {
            // Whose it is, is asked by taking it.
            match control.take_duty(task).await? {
                Some(OnDuty::ALONE) | None => {}
                Some(on_duty) => control.leave_duty(&on_duty).await?,
            }
        }
        Ok::<_, Error>(())
    };
    if let Ok(Err(error)) = timeout(HAND_OVER, handed).await {
        tracing::debug!(%error, "the duty was not handed over");
    }
}

//! The duty: what must not be done by every node is done by the one that has it. Who dies on duty is
//! relieved within seconds, and nothing he still tries counts.

use std::time::Duration;

use tidegate_store::{Duty, DutyTask};

use crate::control::Control;
use crate::error::Result;

/// How long a node has the duty since it last took it, by the store's clock.
pub const DUTY_MS: i64 = 4_000;

/// How long a kept change proves that the next one can be kept, too.
const PROOF: Duration = Duration::from_secs(2);

/// A node's right to do what is done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDuty(pub(crate) Option<Duty>);

impl OnDuty {
    /// That of a node which is alone on its store.
    pub const ALONE: Self = Self(None);
}

impl Control {
    /// Makes sure that changes can be kept: one was of late, or one that changes nothing is now.
    pub async fn changes_can_be_kept(&self) -> Result<()> {
        Ok(self.store.prove_writes(PROOF).await?)
    }

    /// Takes the duty, or keeps it; none while another node has it. A node that can keep no change
    /// does neither, so that it ends with that ability.
    pub async fn take_duty(&self, task: DutyTask) -> Result<Option<OnDuty>> {
        match self.store.peers() {
            None => Ok(Some(OnDuty::ALONE)),
            Some(peers) => {
                self.changes_can_be_kept().await?;
                let duty = peers.take_duty(task, &self.node, DUTY_MS).await?;
                Ok(duty.map(|duty| OnDuty(Some(duty))))
            }
        }
    }

    /// Lets another node have the duty at once.
    pub async fn leave_duty(&self, on_duty: &OnDuty) -> Result<()> {
        match (self.store.peers(), &on_duty.0) {
            (Some(peers), Some(duty)) => Ok(peers.leave_duty(duty).await?),
            (None, _) | (_, None) => Ok(()),
        }
    }
}

//! The heartbeat by which a node proves that it speaks for the store.

use std::time::Duration;

use crate::control::Control;
use crate::error::{Error, Result, Unproven};
use crate::proof::Proof;

impl Control {
    /// How long ago this node last proved that it speaks for the store: the sending of the last
    /// beat that was committed and found the clocks agreeing. None if there was none. A node that is
    /// alone on its store needs no proof, so its age is nothing.
    pub fn proof_age(&self) -> Option<Duration> {
        if self.clock_is_right().is_err() {
            return None;
        }
        match &self.proof {
            None => Some(Duration::ZERO),
            Some(proof) => proof.age(),
        }
    }

    /// May this node decide?
    pub fn proven(&self) -> Result<(), Unproven> {
        self.proof.as_ref().map_or(Ok(()), Proof::check)?;
        self.clock_is_right()
    }

    fn clock_is_right(&self) -> Result<(), Unproven> {
        self.clock.as_ref().map_or(Ok(()), |clock| clock.check())
    }

    /// Renews the proof, and looks again at a clock that was not right.
    pub async fn beat(&self) -> Result<()> {
        if let Some(clock) = self.clock.as_ref().filter(|clock| clock.wants_a_look()) {
            let head = self.store.view().await?.head().await?;
            clock.learn(&head);
            clock.check()?;
        }
        let (Some(proof), Some(peers)) = (&self.proof, self.store.peers()) else { return Ok(()) };
        let sent = proof.sent();
        let store = peers.beat(&self.node).await?;
        proof.answered(sent, store).map_err(Error::Unproven)
    }
}

//! What nodes on one store hear of each other's commits.

use tidegate_store::{Ears, Revision, StoreError};
use tokio::sync::watch;

use crate::bell::raise;
use crate::control::Control;
use crate::error::Result;

/// What a node hears of the others.
pub struct Neighbours(Box<dyn Ears>);

impl Control {
    /// Passes this node's bell on to the others, for ever: one message for all that was committed
    /// while the one before was on its way. Ends at once on a store that passes nothing on.
    pub async fn pass_on(&self, passed: &mut Revision) -> Result<()> {
        let Some(peers) = self.store.peers().filter(|peers| peers.hear()) else { return Ok(()) };
        loop {
            let revision = other_than(&self.bell.own, *passed).await;
            peers.ring(revision).await?;
            *passed = revision;
        }
    }

    /// Begins to listen to the other nodes; none on a store that passes nothing on. What was committed
    /// before is made heard.
    pub async fn listen(&self) -> Result<Option<Neighbours>> {
        let Some(peers) = self.store.peers().filter(|peers| peers.hear()) else { return Ok(None) };
        let ears = peers.listen().await?;
        // Not raised but set: another server may have taken over that knows less.
        self.bell.heard.send_replace(self.head().await?.revision);
        Ok(Some(Neighbours(ears)))
    }

    /// Rings for the others, until they may have been missed.
    pub async fn hear(&self, mut neighbours: Neighbours) -> Result<(), StoreError> {
        while let Some(revision) = neighbours.0.hear().await? {
            // Earlier than what was heard: it was overtaken, or the store went back.
            if revision < *self.bell.heard.borrow()
                && let Err(error) = self.head().await
            {
                tracing::debug!(%error, "whether the store went back is not known");
            }
            raise(&self.bell.heard, revision);
        }
        Ok(())
    }
}

/// A revision that is another one: a later one, or an earlier one of another history.
async fn other_than(of: &watch::Sender<Revision>, last: Revision) -> Revision {
    let mut ears = of.subscribe();
    let heard = ears.wait_for(|revision| *revision != last).await;
    heard.map_or(last, |revision| *revision)
}

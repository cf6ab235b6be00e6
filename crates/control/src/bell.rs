//! The bell: wakes whoever follows the log after a commit, of this node or of another on the same store.
//! A sleeper who misses it loses nothing, for he also looks by himself now and then.

use tidegate_store::{Ears, Revision, StoreError};
use tokio::sync::watch;

use crate::Control;
use crate::error::Result;

/// Rings with the revision of the last commit.
#[derive(Debug)]
pub struct Bell {
    /// The last revision that was committed anywhere, as far as is known.
    heard: watch::Sender<Revision>,
    /// The last one that was committed here.
    own: watch::Sender<Revision>,
}

impl Default for Bell {
    fn default() -> Self {
        Self { heard: watch::Sender::new(Revision(0)), own: watch::Sender::new(Revision(0)) }
    }
}

impl Bell {
    pub(crate) fn ring(&self, revision: Revision) {
        raise(&self.own, revision);
        raise(&self.heard, revision);
    }

    /// The history is another one: revisions of before mean nothing any more.
    pub(crate) fn start_over(&self) {
        self.own.send_replace(Revision(0));
        self.heard.send_replace(Revision(0));
    }

    /// Returns once a revision after `since` is committed.
    pub async fn heard_after(&self, since: Revision) {
        after(&self.heard, since).await;
    }
}

fn raise(to: &watch::Sender<Revision>, revision: Revision) {
    to.send_if_modified(|last| {
        let newer = revision > *last;
        if newer {
            *last = revision;
        }
        newer
    });
}

async fn after(of: &watch::Sender<Revision>, since: Revision) {
    // The sender lives as long as the bell, so waiting cannot fail.
    let _ = of.subscribe().wait_for(|revision| *revision > since).await;
}

/// A revision that is another one: a later one, or an earlier one of another history.
async fn other_than(of: &watch::Sender<Revision>, last: Revision) -> Revision {
    let mut ears = of.subscribe();
    let heard = ears.wait_for(|revision| *revision != last).await;
    heard.map_or(last, |revision| *revision)
}

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

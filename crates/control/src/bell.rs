//! The bell: wakes whoever follows the log after a commit. A sleeper who misses it loses nothing,
//! for he also looks by himself now and then.

use tidegate_store::Revision;
use tokio::sync::watch;

/// Rings with the revision of the last commit.
#[derive(Debug)]
pub struct Bell(watch::Sender<Revision>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(Revision(0)))
    }
}

impl Bell {
    pub(crate) fn ring(&self, revision: Revision) {
        self.0.send_if_modified(|last| {
            let newer = revision > *last;
            if newer {
                *last = revision;
            }
            newer
        });
    }

    /// Returns once a revision after `since` is committed.
    pub async fn heard_after(&self, since: Revision) {
        let mut ears = self.0.subscribe();
        // The sender lives as long as the bell, so waiting cannot fail.
        let _ = ears.wait_for(|revision| *revision > since).await;
    }
}

//! The bell: wakes whoever follows the log after a commit, of this node or of another on the same store.
//! A sleeper who misses it loses nothing, for he also looks by himself now and then.

use tidegate_store::Revision;
use tokio::sync::watch;

/// Rings with the revision of the last commit.
#[derive(Debug)]
pub struct Bell {
    /// The last revision that was committed anywhere, as far as is known.
    pub(crate) heard: watch::Sender<Revision>,
    /// The last one that was committed here.
    pub(crate) own: watch::Sender<Revision>,
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

pub(crate) fn raise(to: &watch::Sender<Revision>, revision: Revision) {
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

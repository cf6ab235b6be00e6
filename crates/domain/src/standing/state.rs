//! What is known of one (API, instance, app).

use crate::admission::Held;
use crate::application::{Application, ApplicationKind};
use crate::grant::{Grant, Key};
use crate::notice::Notice;
use crate::time::Timestamp;

/// All that is known of one (API, instance, app).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it is about.
    pub key: Key,
    /// The live grant, or the last one.
    pub grant: Option<Grant>,
    /// The application that waits, if one does.
    pub application: Option<Application>,
    /// The notice of the reviewer's cancellation, while it runs.
    pub cancellation: Option<Notice>,
    /// The notice of the API's stop or unpublish, while it runs.
    pub shutdown: Option<Notice>,
    /// From when on the app's side agreed to do without an API that is being stopped or unpublished.
    pub paused_from: Option<Timestamp>,
}

impl Standing {
    /// Nothing known yet.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            grant: None,
            application: None,
            cancellation: None,
            shutdown: None,
            paused_from: None,
        }
    }

    /// The grant, if it is live at `now`.
    pub fn live_grant(&self, now: Timestamp) -> Option<&Grant> {
        self.grant.as_ref().filter(|grant| grant.is_live(now))
    }

    /// Does the app still count on the API at `now`: has it a live grant that it did not agree to
    /// do without?
    pub fn counts_on_api(&self, now: Timestamp) -> bool {
        self.live_grant(now).is_some() && self.paused_from.is_none_or(|from| now < from)
    }

    /// What the gate needs to know of it.
    pub fn held(&self) -> Held {
        let waits = self.application.as_ref();
        Held {
            grant: self.grant.as_ref().map(Grant::term),
            paused_from: self.paused_from,
            applied_until: waits
                .filter(|a| a.kind == ApplicationKind::Apply)
                .map(|a| a.until.unwrap_or(Timestamp::MAX)),
            shutdown_at: self.shutdown.as_ref().map(Notice::takes_effect),
        }
    }
}

//! The publication: one API's life on one instance.

mod decide;

pub use decide::{Command, Facts, decide};

use crate::application::Application;
use crate::id::{ApiId, InstanceId};
pub use crate::status::Status;
use crate::time::Timestamp;

/// One API's life on one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The API.
    pub api: ApiId,
    /// The instance.
    pub instance: InstanceId,
    /// Its state.
    pub status: Status,
    /// When it was last published; the retention period counts from here.
    pub published_at: Option<Timestamp>,
    /// The application to publish or recover that waits, if one does.
    pub application: Option<Application>,
}

impl Publication {
    /// An API that was never published on the instance.
    pub fn new(api: ApiId, instance: InstanceId) -> Self {
        Self { api, instance, status: Status::Created, published_at: None, application: None }
    }
}

/// What happened to a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was published.
    Published,
    /// Somebody asked that it be published or recovered.
    Applied(Application),
    /// The application got its verdict.
    ApplicationClosed(Application),
    /// The reviewer refused to publish it.
    PublishRejected,
    /// The request to publish or recover was withdrawn, or to recover refused.
    BackTo(Status),
    /// A stop is announced.
    StopAnnounced {
        /// When at the latest.
        at: Timestamp,
    },
    /// It stopped.
    Stopped,
    /// An unpublish is announced.
    UnpublishAnnounced {
        /// When at the latest.
        at: Timestamp,
    },
    /// It went offline.
    Unpublished,
    /// The announced stop or unpublish was withdrawn.
    ShutdownWithdrawn,
    /// It answers again.
    Recovered,
}

/// The publication after `event`, which happened at `now`.
#[must_use]
pub fn evolve(mut publication: Publication, event: &Event, now: Timestamp) -> Publication {
    match event {
        Event::Published => {
            publication.status = Status::Published;
            publication.published_at = Some(now);
        }
        Event::Applied(application) => {
            publication.status = match publication.status {
                Status::Stopped => Status::RecoverPending,
                _ => Status::PublishPending,
            };
            publication.application = Some(application.clone());
        }
        Event::ApplicationClosed(_) => publication.application = None,
        Event::PublishRejected => publication.status = Status::PublishRejected,
        Event::BackTo(status) => publication.status = *status,
        Event::StopAnnounced { at } => publication.status = Status::Stopping { at: *at },
        Event::Stopped => publication.status = Status::Stopped,
        Event::UnpublishAnnounced { at } => publication.status = Status::Unpublishing { at: *at },
        Event::Unpublished => publication.status = Status::Offline,
        Event::ShutdownWithdrawn | Event::Recovered => publication.status = Status::Published,
    }
    publication
}

/// What time alone has brought about by `now`.
pub fn settle(publication: &Publication, now: Timestamp) -> Option<Event> {
    match publication.status {
        Status::Stopping { at } if at <= now => Some(Event::Stopped),
        Status::Unpublishing { at } if at <= now => Some(Event::Unpublished),
        _ => None,
    }
}

//! The state of an API on an instance.

use crate::time::Timestamp;

/// The state of an API on an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Never published here.
    Created,
    /// Somebody asked that it be published.
    PublishPending,
    /// The reviewer refused to publish it.
    PublishRejected,
    /// It answers.
    Published,
    /// It answers until this moment, or until no app counts on it; then it stops.
    Stopping {
        /// When it stops at the latest.
        at: Timestamp,
    },
    /// It does not answer; grants are kept.
    Stopped,
    /// It does not answer, and somebody asked that it do again.
    RecoverPending,
    /// It answers until this moment, or until no app counts on it; then it goes, and its grants too.
    Unpublishing {
        /// When it goes at the latest.
        at: Timestamp,
    },
    /// It was published here once.
    Offline,
}

impl Status {
    /// Every state; those that announce an end announce `at`.
    pub const fn each(at: Timestamp) -> [Self; 9] {
        [
            Self::Created,
            Self::PublishPending,
            Self::PublishRejected,
            Self::Published,
            Self::Stopping { at },
            Self::Stopped,
            Self::RecoverPending,
            Self::Unpublishing { at },
            Self::Offline,
        ]
    }

    /// The state at `now`: an announced end that has come is an end.
    #[must_use]
    pub fn as_of(self, now: Timestamp) -> Self {
        match self {
            Self::Stopping { at } if at <= now => Self::Stopped,
            Self::Unpublishing { at } if at <= now => Self::Offline,
            other => other,
        }
    }

    /// Does the API answer calls?
    pub const fn answers(self) -> bool {
        matches!(self, Self::Published | Self::Stopping { .. } | Self::Unpublishing { .. })
    }

    /// Does the API keep the grants it has?
    pub const fn keeps_grants(self) -> bool {
        match self {
            Self::Published | Self::Stopping { .. } | Self::Stopped | Self::RecoverPending => true,
            Self::Created
            | Self::PublishPending
            | Self::PublishRejected
            | Self::Unpublishing { .. }
            | Self::Offline => false,
        }
    }

    /// May the API's definition be changed?
    pub const fn allows_edit(self) -> bool {
        match self {
            Self::Created | Self::PublishRejected | Self::Stopped | Self::Offline => true,
            Self::PublishPending
            | Self::Published
            | Self::Stopping { .. }
            | Self::RecoverPending
            | Self::Unpublishing { .. } => false,
        }
    }

    /// May the API be deleted?
    pub const fn allows_delete(self) -> bool {
        matches!(self, Self::Created | Self::PublishRejected | Self::Offline)
    }

    /// Does the API occupy its method and path on the instance?
    pub const fn holds_route(self) -> bool {
        self.answers() || matches!(self, Self::Stopped | Self::RecoverPending)
    }

    /// The state's name in the journal and in messages. A name that was given out stays what it is.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::PublishPending => "publish_pending",
            Self::PublishRejected => "publish_rejected",
            Self::Published => "published",
            Self::Stopping { .. } => "stopping",
            Self::Stopped => "stopped",
            Self::RecoverPending => "recover_pending",
            Self::Unpublishing { .. } => "unpublishing",
            Self::Offline => "offline",
        }
    }

    /// The state in words, for a refusal.
    pub const fn words(&self) -> &'static str {
        match self {
            Self::Created => "not yet published",
            Self::PublishPending => "waiting for the review of its publication",
            Self::PublishRejected => "refused publication",
            Self::Published => "published",
            Self::Stopping { .. } => "about to stop",
            Self::Stopped => "stopped",
            Self::RecoverPending => "waiting for the review of its recovery",
            Self::Unpublishing { .. } => "about to go offline",
            Self::Offline => "offline",
        }
    }
}

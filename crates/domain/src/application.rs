//! Applications: requests that wait for a reviewer's verdict.

use crate::id::{ApiId, AppId, ApplicationId, InstanceId, UserId};
use crate::time::Timestamp;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApplicationKind {
    /// A grant for an app.
    Apply,
    /// A later end of an app's grant.
    Renew,
    /// That an API be published.
    Publish,
    /// That a stopped API be called again.
    Recover,
}

/// A request that waits for a reviewer's verdict, or has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// What is asked for.
    pub kind: ApplicationKind,
    /// The API it is about.
    pub api: ApiId,
    /// The instance it is about.
    pub instance: InstanceId,
    /// The app it is about; none for publish and recover.
    pub app: Option<AppId>,
    /// Who asks.
    pub applicant: UserId,
    /// The end asked for, on the hour; none for publish and recover.
    pub until: Option<Timestamp>,
    /// When it was filed.
    pub opened_at: Timestamp,
    /// How it ended; none while it waits.
    pub verdict: Option<Verdict>,
}

/// How an application ended. Each ends exactly once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// In which way.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// By whom; none when time or another decision settled it.
    pub by: Option<UserId>,
    /// Why, in the reviewer's words.
    pub comment: Option<String>,
}

/// The four ways an application ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The reviewer agreed, or granted of his own accord.
    Passed,
    /// The reviewer refused.
    Rejected,
    /// The applicant took it back.
    Withdrawn,
    /// It lost its meaning.
    Void(VoidCause),
}

impl Outcome {
    /// The outcome's name in the journal and in messages. A name that was given out stays what it is.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Void(VoidCause::EndPassed) => "void.end_passed",
            Self::Void(VoidCause::GrantEnded) => "void.grant_ended",
            Self::Void(VoidCause::Cancelled) => "void.cancelled",
            Self::Void(VoidCause::GivenBack) => "void.given_back",
            Self::Void(VoidCause::Unpublished) => "void.unpublished",
        }
    }
}

/// Why an application lost its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VoidCause {
    /// The end asked for passed before a verdict.
    EndPassed,
    /// The grant it would have renewed ended.
    GrantEnded,
    /// The reviewer announced the end of the grant it would have renewed.
    Cancelled,
    /// The app's side gave back what it asked to renew, or the app was deleted.
    GivenBack,
    /// The API was unpublished.
    Unpublished,
}

impl Application {
    /// Does it still wait for a verdict?
    pub const fn is_pending(&self) -> bool {
        self.verdict.is_none()
    }

    /// This application with its verdict.
    #[must_use]
    pub fn closed(mut self, verdict: Verdict) -> Self {
        self.verdict = Some(verdict);
        self
    }

    /// This application, made void at `at`.
    #[must_use]
    pub fn void(self, cause: VoidCause, at: Timestamp) -> Self {
        self.closed(Verdict { outcome: Outcome::Void(cause), at, by: None, comment: None })
    }
}

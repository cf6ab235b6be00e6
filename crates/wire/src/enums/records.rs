//! Grants, applications and notices.

use tidegate_domain::standing::Relationship;
use tidegate_domain::{
    Application, ApplicationKind, Notice, NoticeKind, NoticeOutcome, Outcome, Refusal,
};

use super::texts;
use crate::text::none_of;

texts! {
    /// In which state the two lists of grants show a standing.
    RelationshipType {
        /// Applied for, not decided.
        LinkWaitingCheck = "LINK_WAITING_CHECK",
        /// Granted.
        Linked = "LINKED",
        /// Granted, and about to end.
        OfflineWaitingCheck = "OFFLINE_WAITING_CHECK",
        /// Granted, and a later end is asked for.
        RenewWaitingCheck = "RENEW_WAITING_CHECK",
    }
}

impl From<Relationship> for RelationshipType {
    fn from(relationship: Relationship) -> Self {
        match relationship {
            Relationship::Applied => Self::LinkWaitingCheck,
            Relationship::Linked => Self::Linked,
            Relationship::Ending => Self::OfflineWaitingCheck,
            Relationship::Renewing => Self::RenewWaitingCheck,
        }
    }
}

texts! {
    /// The state of an application or a notice.
    ApplyStatus {
        /// An application waits for the reviewer.
        PendingApproval = "STATUS_TYPE_PENDING_APPROVAL",
        /// An application ended without access.
        Rejected = "STATUS_TYPE_REJECTED",
        /// A notice waits for the app's side.
        PendingCheck = "STATUS_TYPE_PENDING_CHECK",
        /// A notice is confirmed and takes effect at its time.
        PendingExecute = "STATUS_TYPE_PENDING_EXECUTE",
        /// A notice ended because the app's side wanted it to.
        SynchronousExecute = "STATUS_TYPE_SYNCHRONOUS_EXECUTE",
        /// A notice's deadline passed without an answer.
        ForcedCancel = "STATUS_TYPE_FORCED_CANCEL",
        /// An application was agreed to, or a confirmed notice took effect at its time.
        Passed = "STATUS_TYPE_PASSED",
    }
}

impl ApplyStatus {
    /// The state of an application; none when the vendor's lists do not show it.
    pub fn of_application(application: &Application) -> Option<Self> {
        let Some(verdict) = &application.verdict else {
            return Some(Self::PendingApproval);
        };
        match verdict.outcome {
            Outcome::Passed => Some(Self::Passed),
            Outcome::Rejected => Some(Self::Rejected),
            // The vendor has no word for an application that lost its meaning. It ended without
            // access, and a client that waits for an end must see one: so it is shown as rejected,
            // with the cause as its comment.
            Outcome::Void(_) => Some(Self::Rejected),
            // Nor has it one for a withdrawn application, and this one nobody waits for.
            Outcome::Withdrawn => None,
        }
    }

    /// The state of a notice; none when the vendor's lists do not show it.
    pub fn of_notice(notice: &Notice) -> Option<Self> {
        let Some(closed) = &notice.closed else {
            return Some(match notice.scheduled {
                None => Self::PendingCheck,
                Some(_) => Self::PendingExecute,
            });
        };
        match closed.outcome {
            NoticeOutcome::Confirmed | NoticeOutcome::Released => Some(Self::SynchronousExecute),
            NoticeOutcome::Executed => Some(Self::Passed),
            NoticeOutcome::Forced => Some(Self::ForcedCancel),
            NoticeOutcome::Withdrawn => None,
        }
    }
}

texts! {
    /// What a record of an application or a notice is about.
    ApplyType {
        /// To publish an API.
        Publish = "APPLY_TYPE_PUBLISH",
        /// A grant by the reviewer.
        Authorize = "APPLY_TYPE_AUTHORIZE",
        /// A grant, asked for by the app's owner.
        Apply = "APPLY_TYPE_APPLY",
        /// A later end, asked for by the app's owner.
        Renew = "APPLY_TYPE_RENEW",
        /// To stop an API.
        Stop = "APPLY_TYPE_STOP",
        /// To let a stopped API answer again.
        Recover = "APPLY_TYPE_RECOVER",
        /// The end of a grant, by the reviewer.
        ApiCancelAuthorize = "APPLY_TYPE_API_CANCEL_AUTHORIZE",
        /// The end of a grant, by the app's owner.
        AppCancelAuthorize = "APPLY_TYPE_APP_CANCEL_AUTHORIZE",
        /// To take an API offline.
        Offline = "APPLY_TYPE_OFFLINE",
    }
}

impl From<ApplicationKind> for ApplyType {
    fn from(kind: ApplicationKind) -> Self {
        match kind {
            ApplicationKind::Apply => Self::Apply,
            ApplicationKind::Renew => Self::Renew,
            ApplicationKind::Publish => Self::Publish,
            ApplicationKind::Recover => Self::Recover,
        }
    }
}

impl From<NoticeKind> for ApplyType {
    fn from(kind: NoticeKind) -> Self {
        match kind {
            NoticeKind::Cancel => Self::ApiCancelAuthorize,
            NoticeKind::Stop => Self::Stop,
            NoticeKind::Unpublish => Self::Offline,
        }
    }
}

texts! {
    /// What a caller wants to happen to a grant.
    ActionKind {
        /// The reviewer grants or extends.
        Authorize = "APPLY_TYPE_AUTHORIZE",
        /// The app's owner asks for a grant.
        Apply = "APPLY_TYPE_APPLY",
        /// The app's owner asks for a later end.
        Renew = "APPLY_TYPE_RENEW",
        /// The reviewer announces the end.
        Cancel = "APPLY_TYPE_API_CANCEL_AUTHORIZE",
        /// The app's owner gives the grant back.
        GiveBack = "APPLY_TYPE_APP_CANCEL_AUTHORIZE",
    }
}

/// Which applications the caller wants listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum QueryType {
    /// 0: addressed to him and pending.
    #[default]
    ToDecide,
    /// 1: addressed to him and decided.
    Decided,
    /// 2: filed by him as an API's developer: publish, recover.
    SentAsDeveloper,
    /// 3: filed by him as a caller of APIs: apply, renew.
    SentAsCaller,
}

impl QueryType {
    /// The value of `query_type`; 0 when it is absent or blank.
    pub fn parse(text: Option<&str>) -> Result<Self, Refusal> {
        match text {
            None | Some("" | "0") => Ok(Self::ToDecide),
            Some("1") => Ok(Self::Decided),
            Some("2") => Ok(Self::SentAsDeveloper),
            Some("3") => Ok(Self::SentAsCaller),
            Some(other) => Err(none_of("query_type", &["0", "1", "2", "3"], other)),
        }
    }
}

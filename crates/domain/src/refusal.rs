//! Refusals: the ways the control side says no.
//!
//! They have an order. A command is checked for its form, then for the existence of what it names,
//! then for the caller's rights, then against the state, then against the time; the first thing
//! that does not hold is the answer. So a stranger never learns the state of what he has no right
//! to, and a late approval is told that it came late and not that its time is wrong.

use crate::application::{ApplicationKind, Verdict};
use crate::id::{AppId, InstanceId};
use crate::notice::Closed;
use crate::people::Task;
use crate::status::Status;
use crate::time::Timestamp;

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Apps of a workspace.
    Apps,
    /// APIs of a workspace.
    Apis,
    /// Applications of a user that wait for a verdict.
    WaitingApplications,
    /// Tokens of a user that have not ended.
    Tokens,
}

impl Counted {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Apps, Self::Apis, Self::WaitingApplications, Self::Tokens];

    /// The key of the configuration that says how many there may be.
    pub const fn setting(self) -> &'static str {
        match self {
            Self::Apps => "quotas.apps",
            Self::Apis => "quotas.apis",
            Self::WaitingApplications => "quotas.waiting_applications",
            Self::Tokens => "quotas.tokens",
        }
    }

    /// The kind in words, in the plural.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Apps => "apps of a workspace",
            Self::Apis => "APIs of a workspace",
            Self::WaitingApplications => "waiting applications of a user",
            Self::Tokens => "tokens of a user",
        }
    }
}

/// Why the control side says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    // Form.
    /// The body or a parameter cannot be read.
    #[error("{what}")]
    Malformed {
        /// What is wrong and what would be right, in words for the caller.
        what: String,
    },
    /// A field that this call needs is missing.
    #[error("the field `{field}` is missing")]
    FieldMissing {
        /// The field's name on the wire.
        field: &'static str,
    },
    /// More items than one call may name.
    #[error("one call may name at most {max} {what}")]
    TooMany {
        /// The items, in the plural.
        what: &'static str,
        /// How many are allowed.
        max: usize,
    },
    /// The call exists in the other edition only.
    #[error("this call exists in the EXCLUSIVE edition only; name an instance other than APIG")]
    ExclusiveOnly,
    /// The end asked for lies beyond the last one there is.
    #[error("the time lies beyond the year 9999")]
    EndTooFar,

    // Existence.
    /// No such workspace for this caller.
    #[error("the workspace does not exist")]
    WorkspaceUnknown,
    /// The project that a call names is not the one the caller's credentials are bound to.
    #[error("the project does not exist")]
    ProjectUnknown,
    /// No such catalog in the caller's workspace.
    #[error("the catalog {id} does not exist")]
    CatalogUnknown {
        /// The id that was given.
        id: String,
    },
    /// No such API for this caller.
    #[error("the API does not exist")]
    ApiUnknown,
    /// One of the APIs to delete does not exist for this caller.
    #[error("an API to delete does not exist")]
    ApiToDeleteUnknown,
    /// No such app for this caller.
    #[error("the app {app} does not exist")]
    AppUnknown {
        /// The id that was asked for.
        app: String,
    },
    /// No such instance for this caller.
    #[error("the instance does not exist")]
    InstanceUnknown,
    /// No such instance for this caller, in the call that shows one.
    #[error("the instance does not exist")]
    InstanceToShowUnknown,
    /// No such application for this caller.
    #[error("the application does not exist")]
    ApplicationUnknown,
    /// No such notice for this caller.
    #[error("the notice does not exist")]
    NoticeUnknown,
    /// No such throttling policy in the caller's workspace.
    #[error("the throttling policy {name} does not exist")]
    ThrottleUnknown {
        /// The name that was given.
        name: String,
    },
    /// The reviewer an API names is not on the workspace's list of reviewers.
    #[error("`{name}` is not on the workspace's list of reviewers")]
    ReviewerUnknown {
        /// The name that was given.
        name: String,
    },

    // Rights.
    /// The caller's role in the workspace does not cover the task.
    #[error("your role in this workspace does not cover this")]
    RoleTooLow {
        /// The task he set out to do.
        task: Task,
    },
    /// Only the API's reviewer may do this.
    #[error("only the API's reviewer may do this")]
    NotReviewer,
    /// Only the app's owner may do this.
    #[error("only the app's owner may do this")]
    NotAppOwner,
    /// Only the app's owner or an admin of its workspace may answer a notice.
    #[error("only the app's owner or an admin of the app's workspace may answer this notice")]
    NotAddressee,
    /// Only who filed an application may withdraw it.
    #[error("only the applicant may withdraw an application")]
    NotApplicant,

    // State.
    /// The app cannot prove itself in the way the API asks for.
    #[error("an app of this type cannot call an API with this authentication")]
    KindMismatch,
    /// The API is not published on the instance.
    #[error("the API is not published on this instance")]
    NotPublished,
    /// The app already has a live grant.
    #[error("the app {app} already has a grant until {until}; renew it to extend it")]
    AlreadyGranted {
        /// The app.
        app: AppId,
        /// When that grant ends.
        until: Timestamp,
    },
    /// An application of this app already waits.
    #[error("an application of this app already waits for the reviewer")]
    AlreadyApplied {
        /// What it asks for.
        kind: ApplicationKind,
    },
    /// The app has no live grant.
    #[error("the app has no live grant of this API on this instance")]
    NoGrant,
    /// A notice runs, so the grant cannot be extended and no second notice can be sent.
    #[error(
        "a notice runs: access of the app {app} ends at {at}; the reviewer may withdraw the notice"
    )]
    NoticeRunning {
        /// The app.
        app: AppId,
        /// When access ends.
        at: Timestamp,
    },
    /// The application has its verdict.
    #[error("the application is already decided")]
    AlreadyDecided {
        /// How, when and by whom.
        verdict: Verdict,
    },
    /// The notice has ended.
    #[error("the notice has already ended")]
    NoticeEnded {
        /// How, when and by whom.
        closed: Closed,
    },
    /// The API's state on the instance does not allow the action.
    #[error("this action is illegal while the API is {}", status.words())]
    IllegalAction {
        /// The state.
        status: Status,
    },
    /// Another API answers the same method and path at the same hosts.
    #[error("Api path already exist: {by} has this method and the path {path} on {instance}")]
    RouteTaken {
        /// The API, in words for the caller.
        by: String,
        /// Its path.
        path: String,
        /// The instance it is published on.
        instance: InstanceId,
    },
    /// The instance names no hosts, and calls to hosts that nobody names are another project's.
    #[error(
        "calls to hosts that no instance names belong to another project; name hosts for the instance \
         {instance} in the world file"
    )]
    HostsNeeded {
        /// The instance.
        instance: InstanceId,
    },
    /// The API is published somewhere and must be stopped before it is changed.
    #[error("the API is published; stop it on every instance before you change it")]
    EditWhilePublished,
    /// The API was published and not taken offline, so it cannot be deleted.
    #[error("only an API that is offline or was never published can be deleted")]
    DeleteWhilePublished,
    /// The app has live grants or pending applications.
    #[error("the app still has {count} live grants; give them back first, or force the deletion")]
    AppInUse {
        /// How many.
        count: usize,
    },
    /// The name is taken in this workspace.
    #[error("the name is already taken in this workspace")]
    NameTaken,
    /// An IAM app has a fixed name and no secret.
    #[error("an IAM app bears the account's name and has no secret; it cannot be changed")]
    IamAppFixed,
    /// APIs are bound to the throttling policy.
    #[error("{count} APIs are bound to the throttling policy; one is {api}")]
    ThrottleInUse {
        /// How many.
        count: u64,
        /// The name of one of them.
        api: String,
    },
    /// The workspace has as many throttling policies as it may have.
    #[error("a workspace has at most {max} throttling policies")]
    ThrottlesFull {
        /// How many that is.
        max: u32,
    },
    /// The workspace, or the caller, has as many of these as they may have.
    #[error("at most {max} {} are allowed", counted.words())]
    QuotaReached {
        /// What there are too many of.
        counted: Counted,
        /// How many there may be.
        max: u32,
    },
    /// A nonce is asked for where no signature could cover it.
    #[error("only an API whose callers sign can ask for a nonce")]
    NonceUnsigned,
    /// A rule needs a proof that the API does not ask for.
    #[error("the rule `{rule}` needs a proof that callers of this API do not bring")]
    RuleUnsuited {
        /// The rule's name on the wire.
        rule: &'static str,
    },
    /// The secret was reset less than a minute ago.
    #[error("the secret was reset less than a minute ago; wait and try again")]
    ResetTooSoon,

    // Time.
    /// The end asked for, after rounding down to the hour, is not in the future.
    #[error("the end, rounded down to the hour, is {end}, which has passed")]
    EndPassed {
        /// The end after rounding.
        end: Timestamp,
    },
    /// The end asked for is not later than the grant's.
    #[error("validity can only grow: the grant of the app {app} already lasts until {until}")]
    EndShrinks {
        /// The app.
        app: AppId,
        /// When its grant ends.
        until: Timestamp,
    },
    /// The end of access leaves the app less than it is promised.
    #[error("too early: access may end at {earliest} at the earliest")]
    NoticeTooShort {
        /// The earliest whole hour that would do.
        earliest: Timestamp,
    },
    /// The moment chosen on confirming a notice is not in the future.
    #[error("the time chosen has passed; choose a later one, or let access end now")]
    ConfirmPassed,
    /// The moment chosen on confirming a notice lies after its deadline.
    #[error("access ends at {deadline} at the latest; a notice can only be brought forward")]
    ConfirmTooLate {
        /// The notice's deadline.
        deadline: Timestamp,
    },
}

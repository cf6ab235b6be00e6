//! Refusals in words: what is wrong, and what to do.

use tidegate_domain::people::Task;
use tidegate_domain::refusal::Counted;
use tidegate_domain::{
    ApplicationKind, NoticeOutcome, Outcome, Refusal, Timestamp, UserId, VoidCause,
};

/// A refusal in one or two short sentences.
pub(super) fn text(refusal: &Refusal, name_of: &dyn Fn(&UserId) -> Option<String>) -> String {
    match refusal {
        Refusal::Malformed { what } => sentence(what),
        Refusal::FieldMissing { field } => {
            format!("The field `{field}` is missing or empty. This call needs it.")
        }
        Refusal::TooMany { what, max } => {
            format!("One call may name at most {max} {what}. Split it into several calls.")
        }
        Refusal::ExclusiveOnly => "This call exists in the EXCLUSIVE edition only. Name an \
             instance other than APIG, or grant to one app at a time."
            .into(),

        Refusal::WorkspaceUnknown => "The workspace does not exist, or you are no member of it. \
             Check the header `workspace`."
            .into(),
        Refusal::ProjectUnknown => {
            "The project does not exist, or your credentials are not for it. \
             Check the project id in the path and in the header `X-Project-Id`."
                .into()
        }
        Refusal::CatalogUnknown { id } => {
            format!("The catalog {id} does not exist in this workspace. Use the root, `0`.")
        }
        Refusal::ApiUnknown => "The API does not exist, or cannot be seen from this workspace. \
             Check its id and the header `workspace`."
            .into(),
        Refusal::ApiToDeleteUnknown => "An API to delete does not exist in this workspace. \
             Nothing was deleted; leave it out and try again."
            .into(),
        Refusal::AppUnknown { app } => format!(
            "The app {app} does not exist, or cannot be seen from this workspace. Check its id and \
             the header `workspace`."
        ),
        Refusal::InstanceUnknown | Refusal::InstanceToShowUnknown => {
            "The instance does not exist in this project. Look up its id in the list of instances."
                .into()
        }
        Refusal::ApplicationUnknown => "The application does not exist, or is not addressed to \
             you. Look up its id in the list of applications."
            .into(),
        Refusal::NoticeUnknown => "The message does not exist, or is not addressed to you. Look \
             up its id in the list of messages."
            .into(),
        Refusal::ReviewerUnknown { name } => format!(
            "`{name}` is not on the workspace's list of reviewers. An admin can add him; then name \
             him as `manager`."
        ),
        Refusal::ThrottleUnknown { name } => format!(
            "The throttling policy {name} does not exist in this workspace. Make it first, or look \
             up its name in the list of policies."
        ),

        Refusal::RoleTooLow { task } => format!(
            "Your role in this workspace does not let you {}. Ask an admin of the workspace.",
            task_words(*task)
        ),
        Refusal::NotReviewer => "Only the API's reviewer may do this. Ask the person named as the \
             API's `manager`; to get access, apply for a grant."
            .into(),
        Refusal::NotAppOwner => "Only the app's owner may do this, or, to delete it, an admin of \
             the app's workspace. Ask the person named as the app's `create_user`."
            .into(),
        Refusal::NotAddressee => "Only the app's owner or an admin of the app's workspace may \
             answer this message. The API's side may withdraw it instead."
            .into(),
        Refusal::NotApplicant => {
            "Only the applicant may withdraw an application. A reviewer can reject it.".into()
        }

        Refusal::KindMismatch => "An app of this type cannot call this API: an API with auth_type \
             APP takes APP apps, one with IAM takes IAM apps. Choose another app."
            .into(),
        Refusal::NotPublished => {
            "The API is not published on this instance. Publish it there first.".into()
        }
        Refusal::AlreadyGranted { app, until } => {
            format!("The app {app} already has a grant until {until}. To extend it, renew it.")
        }
        Refusal::AlreadyApplied { kind } => format!(
            "An application to {} already waits for the reviewer. Wait for the verdict, or \
             withdraw it first.",
            application_words(*kind)
        ),
        Refusal::NoGrant => "The app has no live grant of this API on this instance. To get one, \
             apply for it."
            .into(),
        Refusal::NoticeRunning { app, at } => format!(
            "An end of access is announced: access of the app {app} ends at {at}. Nothing can be \
             extended or announced again unless the reviewer withdraws it."
        ),
        Refusal::AlreadyDecided { verdict } => format!(
            "The application is closed: {} {}. To ask again, file a new one.",
            outcome_words(verdict.outcome),
            when_and_who(verdict.at, verdict.by.as_ref(), name_of)
        ),
        Refusal::NoticeEnded { closed } => format!(
            "The message is closed: {} {}. There is nothing left to answer.",
            notice_words(closed.outcome),
            when_and_who(closed.at, closed.by.as_ref(), name_of)
        ),
        Refusal::IllegalAction { status } => format!(
            "This action is illegal while the API is {} on this instance. Look up the API's state \
             in its publish-info.",
            status.words()
        ),
        Refusal::RouteTaken { by, path, instance } => format!(
            "Api path already exist: {by} has this method and the path {path} on the instance \
             {instance}, which is reached by the same hosts. Change one of them, or name hosts of \
             its own for the instance in the world file."
        ),
        Refusal::HostsNeeded { instance } => format!(
            "Calls to hosts that no instance names belong to another project. Name hosts for the \
             instance {instance} in the world file (`hosts: [\"api.example.com\"]`), apply it, and \
             try again."
        ),
        Refusal::EditWhilePublished => {
            "The API is published. Stop it on every instance before you change it.".into()
        }
        Refusal::DeleteWhilePublished => "Only an API that is offline on every instance, or was \
             never published, can be deleted. Unpublish it first."
            .into(),
        Refusal::AppInUse { count } => format!(
            "The app still has {count} live {}. Give {} back, or force the deletion.",
            if *count == 1 { "grant" } else { "grants" },
            if *count == 1 { "it" } else { "them" }
        ),
        Refusal::NameTaken => "The name is already taken in this workspace. Choose another.".into(),
        Refusal::IamAppFixed => {
            "An IAM app bears the account's name and has no secret, so neither \
             can be changed. There is one per project."
                .into()
        }
        Refusal::ResetTooSoon => {
            "The secret was reset less than a minute ago. Wait a minute and try again.".into()
        }
        Refusal::ThrottleInUse { count, api } => format!(
            "The throttling policy still limits {}. Give them another policy, or none, before you \
             delete it.",
            match count {
                1 => format!("the API {api}"),
                count => format!("{count} APIs, among them {api}"),
            }
        ),
        Refusal::ThrottlesFull { max } => format!(
            "The workspace has {max} throttling policies, which is as many as it may have. Delete \
             one that is not used, or bind APIs to one that is there."
        ),
        Refusal::RuleUnsuited { rule } => format!(
            "The rule {rule} needs a proof that callers of this API do not bring: \
             require_signed_host needs auth_type APP, forward_credentials APP or IAM. Take the rule \
             back, or change the auth_type."
        ),
        Refusal::QuotaReached { counted, max } => format!(
            "There are {max} {} already, which is as many as there may be. {}, or ask the operator \
             for a larger {}.",
            counted.words(),
            room_words(*counted),
            counted.setting()
        ),
        Refusal::NonceUnsigned => "Only an API with auth_type APP can ask for a nonce: without a \
             signature, nothing covers it. Take the rule back, or let callers sign."
            .into(),

        Refusal::EndPassed { end } => format!(
            "The end, rounded down to the hour, is {end}, which has passed. Choose a later whole \
             hour."
        ),
        Refusal::EndTooFar => {
            "The time lies beyond the year 9999. Choose 9999-12-31T23:00:00Z at the latest.".into()
        }
        Refusal::EndShrinks { app, until } => format!(
            "Validity can only grow: the grant of the app {app} already lasts until {until}. \
             Choose a later whole hour."
        ),
        Refusal::NoticeTooShort { earliest } => format!(
            "The time leaves the app's side too little notice. Access may end at {earliest} at the \
             earliest."
        ),
        Refusal::ConfirmPassed => {
            "The time has passed. Choose a later one, or let access end now.".into()
        }
        Refusal::ConfirmTooLate { deadline } => format!(
            "Access ends at {deadline} at the latest; an answer can only bring it forward. Choose \
             an earlier whole hour."
        ),
    }
}

/// `what` with a capital letter and a full stop.
fn sentence(what: &str) -> String {
    let mut chars = what.chars();
    let mut text: String =
        chars.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    text.push_str(chars.as_str());
    if !text.ends_with(['.', '…']) {
        text.push('.');
    }
    text
}

/// How a caller makes room.
fn room_words(counted: Counted) -> &'static str {
    match counted {
        Counted::Apps => "Delete one that is not used",
        Counted::Apis => "Delete one that is offline",
        Counted::WaitingApplications => "Wait for a verdict, or withdraw one",
        Counted::Tokens => "Use one you have, which is good for a day",
    }
}

const fn task_words(task: Task) -> &'static str {
    match task {
        Task::Edit => "create, change or delete APIs, apps and throttling policies",
        Task::Operate => "publish APIs, bind them to throttling policies or act on grants",
        Task::Review => "decide applications",
        Task::ResetSecret => "reset an app's secret",
        Task::ListReviewers => "read the list of reviewers",
        Task::Query => "read this",
    }
}

const fn application_words(kind: ApplicationKind) -> &'static str {
    match kind {
        ApplicationKind::Apply => "get a grant",
        ApplicationKind::Renew => "renew the grant",
        ApplicationKind::Publish => "publish the API",
        ApplicationKind::Recover => "recover the API",
    }
}

const fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "it was passed",
        Outcome::Rejected => "it was rejected",
        Outcome::Withdrawn => "it was withdrawn",
        Outcome::Void(cause) => void_words(cause),
    }
}

/// Why an application lost its meaning, in words.
pub(crate) const fn void_words(cause: VoidCause) -> &'static str {
    match cause {
        VoidCause::EndPassed => "the end asked for passed before a verdict",
        VoidCause::GrantEnded => "the grant to renew ended before a verdict",
        VoidCause::Cancelled => "the reviewer announced the end of the grant to renew",
        VoidCause::GivenBack => "the app's side gave the grant back",
        VoidCause::Unpublished => "the API was unpublished",
    }
}

const fn notice_words(outcome: NoticeOutcome) -> &'static str {
    match outcome {
        NoticeOutcome::Confirmed => "it was confirmed",
        NoticeOutcome::Executed => "it was carried out",
        NoticeOutcome::Forced => "its deadline passed without an answer",
        NoticeOutcome::Released => "the access it was about had already ended",
        NoticeOutcome::Withdrawn => "it was withdrawn",
    }
}

fn when_and_who(
    at: Timestamp,
    by: Option<&UserId>,
    name_of: &dyn Fn(&UserId) -> Option<String>,
) -> String {
    match by {
        None => format!("at {at}"),
        Some(user) => {
            let name = name_of(user).unwrap_or_else(|| user.to_string());
            format!("at {at} by {name}")
        }
    }
}

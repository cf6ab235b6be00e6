//! Codes, names and places of refusals.

use tidegate_domain::Refusal;

/// The places of refusals in the order of checks: the first that does not hold is the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// Can the call be read?
    Form,
    /// Does what it names exist for this caller?
    Existence,
    /// May he do this?
    Rights,
    /// Does the state allow it?
    State,
    /// Does the time?
    Time,
}

impl Rung {
    /// All, in order.
    pub const ALL: [Self; 5] = [Self::Form, Self::Existence, Self::Rights, Self::State, Self::Time];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Existence => "existence",
            Self::Rights => "rights",
            Self::State => "state",
            Self::Time => "time",
        }
    }
}

/// One line of the table.
pub(super) struct Line {
    pub(super) code: &'static str,
    pub(super) reason: &'static str,
    pub(super) rung: Rung,
}

/// The line of a refusal. Codes outside DLM.46xx and DLM.47xx are the vendor's; the others are ours, grouped by
/// place. A code that was given out stays what it is.
pub(super) const fn line(refusal: &Refusal) -> Line {
    use Rung::{Existence, Form, Rights, State, Time};
    let (rung, code, reason) = match refusal {
        Refusal::Malformed { .. } => (Form, "DLM.4600", "malformed"),
        Refusal::FieldMissing { .. } => (Form, "DLM.4601", "field-missing"),
        Refusal::TooMany { .. } => (Form, "DLM.4602", "too-many"),
        Refusal::ExclusiveOnly => (Form, "DLM.4603", "exclusive-only"),

        Refusal::WorkspaceUnknown => (Existence, "DLM.4001", "workspace-unknown"),
        Refusal::ProjectUnknown => (Existence, "DLM.4628", "project-unknown"),
        Refusal::CatalogUnknown { .. } => (Existence, "DLM.4205", "catalog-unknown"),
        Refusal::ApiUnknown => (Existence, "DLM.4018", "api-unknown"),
        Refusal::ApiToDeleteUnknown => (Existence, "DLM.4197", "api-to-delete-unknown"),
        Refusal::AppUnknown { .. } => (Existence, "DLM.4063", "app-unknown"),
        Refusal::InstanceUnknown => (Existence, "DLM.4215", "instance-unknown"),
        Refusal::InstanceToShowUnknown => (Existence, "DLM.4292", "instance-to-show-unknown"),
        Refusal::ApplicationUnknown => (Existence, "DLM.4620", "application-unknown"),
        Refusal::NoticeUnknown => (Existence, "DLM.4621", "notice-unknown"),
        Refusal::ReviewerUnknown { .. } => (Existence, "DLM.4622", "reviewer-unknown"),
        Refusal::ThrottleUnknown { .. } => (Existence, "DLM.4623", "throttle-unknown"),

        Refusal::RoleTooLow { .. } => (Rights, "DLM.4640", "role-too-low"),
        Refusal::NotReviewer => (Rights, "DLM.4641", "not-reviewer"),
        Refusal::NotAppOwner => (Rights, "DLM.4642", "not-app-owner"),
        Refusal::NotAddressee => (Rights, "DLM.4643", "not-addressee"),
        Refusal::NotApplicant => (Rights, "DLM.4644", "not-applicant"),

        Refusal::IllegalAction { .. } => (State, "DLM.4182", "illegal-action"),
        Refusal::KindMismatch => (State, "DLM.4660", "kind-mismatch"),
        Refusal::NotPublished => (State, "DLM.4661", "not-published"),
        Refusal::AlreadyGranted { .. } => (State, "DLM.4662", "already-granted"),
        Refusal::AlreadyApplied { .. } => (State, "DLM.4663", "already-applied"),
        Refusal::NoGrant => (State, "DLM.4664", "no-grant"),
        Refusal::NoticeRunning { .. } => (State, "DLM.4665", "notice-running"),
        Refusal::AlreadyDecided { .. } => (State, "DLM.4666", "already-decided"),
        Refusal::NoticeEnded { .. } => (State, "DLM.4667", "notice-ended"),
        Refusal::RouteTaken { .. } => (State, "DLM.4668", "route-taken"),
        Refusal::EditWhilePublished => (State, "DLM.4669", "edit-while-published"),
        Refusal::DeleteWhilePublished => (State, "DLM.4670", "delete-while-published"),
        Refusal::AppInUse { .. } => (State, "DLM.4671", "app-in-use"),
        Refusal::NameTaken => (State, "DLM.4672", "name-taken"),
        Refusal::IamAppFixed => (State, "DLM.4673", "iam-app-fixed"),
        Refusal::ResetTooSoon => (State, "DLM.4674", "reset-too-soon"),
        Refusal::ThrottleInUse { .. } => (State, "DLM.4675", "throttle-in-use"),
        Refusal::ThrottlesFull { .. } => (State, "DLM.4676", "throttles-full"),
        Refusal::QuotaReached { .. } => (State, "DLM.4700", "quota-reached"),
        Refusal::NonceUnsigned => (State, "DLM.4677", "nonce-unsigned"),
        Refusal::HostsNeeded { .. } => (State, "DLM.4678", "hosts-needed"),
        Refusal::RuleUnsuited { .. } => (State, "DLM.4679", "rule-unsuited"),

        Refusal::EndPassed { .. } => (Time, "DLM.4680", "end-passed"),
        Refusal::EndTooFar => (Time, "DLM.4681", "end-too-far"),
        Refusal::EndShrinks { .. } => (Time, "DLM.4682", "end-shrinks"),
        Refusal::NoticeTooShort { .. } => (Time, "DLM.4683", "notice-too-short"),
        Refusal::ConfirmPassed => (Time, "DLM.4684", "confirm-passed"),
        Refusal::ConfirmTooLate { .. } => (Time, "DLM.4685", "confirm-too-late"),
    };
    Line { code, reason, rung }
}

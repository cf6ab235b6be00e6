//! The commands callers give, one for each thing that can be done, and what they bring.

use tidegate_domain::api::Method;
use tidegate_domain::standing::Choice;
use tidegate_domain::{
    ApiId, AppId, AppKind, ApplicationId, AuthType, InstanceId, NoticeId, Quota, Rules,
    ThrottleName, Timestamp, Visibility,
};
use tidegate_store::Revision;

use crate::app_shown::AppShown;

/// What a caller wants.
#[derive(Debug, Clone)]
pub enum Command {
    /// One of the five actions on one app's right to call one API.
    Grant {
        /// The API.
        api: ApiId,
        /// The instance.
        instance: InstanceId,
        /// The app.
        app: AppId,
        /// Which action.
        action: GrantAction,
    },
    /// Grant an API to many apps, or extend their grants: all or none.
    AuthorizeMany {
        /// The API.
        api: ApiId,
        /// The instance.
        instance: InstanceId,
        /// The apps; repeats count once.
        apps: Vec<AppId>,
        /// The end of validity.
        until: Option<Timestamp>,
    },
    /// Decide applications, all alike: all or none.
    Decide {
        /// The applications.
        applications: Vec<ApplicationId>,
        /// Does the reviewer agree?
        pass: bool,
        /// Why, in his words.
        comment: Option<String>,
    },
    /// Take an application back.
    WithdrawApplication(ApplicationId),
    /// Answer a notice.
    ConfirmNotice {
        /// The notice.
        notice: NoticeId,
        /// When it shall take effect.
        choice: Choice,
    },
    /// Take a notice back; of a stop or unpublish, for all apps at once.
    WithdrawNotice(NoticeId),
    /// Make an app.
    CreateApp {
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
        /// How it proves who it is.
        kind: AppKind,
    },
    /// Rename or describe an app.
    UpdateApp {
        /// The app.
        app: AppId,
        /// Its new name, if it gets one.
        name: Option<String>,
        /// Its new description, if it gets one.
        description: Option<String>,
    },
    /// Delete an app.
    DeleteApp {
        /// The app.
        app: AppId,
        /// Give back what grants it has?
        force: bool,
    },
    /// Make a new secret for an app; the old one is worthless from then on.
    ResetSecret(AppId),
    /// Make an API.
    CreateApi(ApiDraft),
    /// Change an API.
    UpdateApi {
        /// The API.
        api: ApiId,
        /// What it shall be.
        draft: ApiDraft,
    },
    /// Give an API to another reviewer.
    TransferApi {
        /// The API.
        api: ApiId,
        /// The name of the reviewer it gets.
        to: String,
    },
    /// Change how the gate treats an API's calls.
    SetRules {
        /// The API.
        api: ApiId,
        /// All of its rules.
        rules: Rules,
    },
    /// Make or change a throttling policy.
    SetThrottle {
        /// Its name.
        throttle: ThrottleName,
        /// What it allows.
        quota: Quota,
    },
    /// Delete a throttling policy.
    DeleteThrottle(ThrottleName),
    /// Delete APIs: all or none.
    DeleteApis(Vec<ApiId>),
    /// Publish an API on an instance.
    Publish {
        /// The API.
        api: ApiId,
        /// The instance.
        instance: InstanceId,
    },
    /// Stop, recover or unpublish an API on an instance.
    ActOnApi {
        /// The API.
        api: ApiId,
        /// The instance.
        instance: InstanceId,
        /// Which action.
        action: ApiAction,
    },
}

impl Command {
    /// May it take away, or announce the end of, what a gateway lets in?
    pub fn takes_away(&self) -> bool {
        match self {
            Self::Grant { action, .. } => match action {
                GrantAction::Cancel(_) | GrantAction::GiveBack => true,
                GrantAction::Authorize(_) | GrantAction::Apply(_) | GrantAction::Renew(_) => false,
            },
            Self::ActOnApi { action, .. } => match action {
                ApiAction::Stop(_) | ApiAction::Unpublish(_) => true,
                ApiAction::Recover => false,
            },
            Self::ConfirmNotice { .. }
            | Self::DeleteApp { .. }
            | Self::ResetSecret(_)
            | Self::UpdateApi { .. }
            | Self::SetRules { .. }
            | Self::SetThrottle { .. }
            | Self::DeleteApis(_) => true,
            Self::AuthorizeMany { .. }
            | Self::Decide { .. }
            | Self::WithdrawApplication(_)
            | Self::WithdrawNotice(_)
            | Self::CreateApp { .. }
            | Self::UpdateApp { .. }
            | Self::CreateApi(_)
            | Self::TransferApi { .. }
            | Self::DeleteThrottle(_)
            | Self::Publish { .. } => false,
        }
    }
}

/// The five actions on one app's right to call one API. Times are as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantAction {
    /// The reviewer grants or extends.
    Authorize(Option<Timestamp>),
    /// The owner applies.
    Apply(Option<Timestamp>),
    /// The owner asks for a later end.
    Renew(Option<Timestamp>),
    /// The reviewer announces the end.
    Cancel(Option<Timestamp>),
    /// The owner gives back.
    GiveBack,
}

/// What can be done to a published API. Times are as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiAction {
    /// Stop it; grants are kept.
    Stop(Option<Timestamp>),
    /// Take it offline; grants go.
    Unpublish(Option<Timestamp>),
    /// Let it answer again.
    Recover,
}

/// An API as its author wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiDraft {
    /// Its name.
    pub name: String,
    /// What it offers.
    pub description: String,
    /// What it asks of its callers.
    pub auth: AuthType,
    /// The method it is called with.
    pub method: Method,
    /// The path it is called at.
    pub path: String,
    /// From where it can be seen.
    pub visibility: Visibility,
    /// Its reviewer's name.
    pub manager: String,
    /// Hours after publishing in which no stop may take effect.
    pub retention_hours: u32,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The whole definition, as JSON of the wire's shape.
    pub definition: String,
}

/// What a command brought.
#[derive(Clone)]
pub enum Outcome {
    /// It is done; there is nothing to tell.
    Done,
    /// An app as it is now, with the names of people, and its secret if the caller may see it. All of
    /// it is known before the commit: nothing that can fail comes after it.
    App(Box<AppShown>),
    /// A new API.
    Api(ApiId),
}

/// A command that was carried out.
#[derive(Clone)]
pub struct Receipt {
    /// The revision that holds it.
    pub revision: Revision,
    /// What it brought.
    pub outcome: Outcome,
}

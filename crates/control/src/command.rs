//! The commands callers give, one for each thing that can be done.

use tidegate_domain::api::Method;
use tidegate_domain::standing::Choice;
use tidegate_domain::{
    ApiId, App, AppId, AppKind, ApplicationId, AuthType, InstanceId, NoticeId, Refusal, Timestamp,
    Visibility,
};
use tidegate_sign::Secret;
use tidegate_store::Revision;

use crate::caller::Caller;
use crate::error::Result;
use crate::turn::Turn;
use crate::{apis, apps, grants, publications, verdicts};

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
    /// An app as it is now, with its secret if the caller may see it.
    App(Box<App>, Option<Secret>),
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

pub(crate) async fn dispatch(
    turn: &mut Turn<'_>,
    caller: &Caller,
    command: Command,
) -> Result<Outcome> {
    check_form(&command)?;
    match command {
        Command::Grant { api, instance, app, action } => {
            grants::act(turn, caller, &api, &instance, &app, action).await
        }
        Command::AuthorizeMany { api, instance, apps, until } => {
            grants::authorize_many(turn, caller, &api, &instance, apps, until).await
        }
        Command::Decide { applications, pass, comment } => {
            verdicts::decide(turn, caller, applications, pass, comment).await
        }
        Command::WithdrawApplication(id) => verdicts::withdraw(turn, caller, &id).await,
        Command::ConfirmNotice { notice, choice } => {
            verdicts::confirm(turn, caller, &notice, choice).await
        }
        Command::WithdrawNotice(id) => verdicts::withdraw_notice(turn, caller, &id).await,
        Command::CreateApp { name, description, kind } => {
            apps::create(turn, caller, name, description, kind).await
        }
        Command::UpdateApp { app, name, description } => {
            apps::update(turn, caller, &app, name, description).await
        }
        Command::DeleteApp { app, force } => apps::delete(turn, caller, &app, force).await,
        Command::ResetSecret(app) => apps::reset_secret(turn, caller, &app).await,
        Command::CreateApi(draft) => apis::create(turn, caller, draft).await,
        Command::UpdateApi { api, draft } => apis::update(turn, caller, &api, draft).await,
        Command::DeleteApis(ids) => apis::delete(turn, caller, ids).await,
        Command::Publish { api, instance } => {
            publications::publish(turn, caller, &api, &instance).await
        }
        Command::ActOnApi { api, instance, action } => {
            publications::act(turn, caller, &api, &instance, action).await
        }
    }
}

/// Form comes before all else, so that a malformed command is told the same whoever sends it.
fn check_form(command: &Command) -> Result<(), Refusal> {
    use tidegate_domain::limits::{BATCH_APIS, BATCH_APPLICATIONS, BATCH_APPS};
    match command {
        Command::Grant { action, .. } => match action {
            GrantAction::Authorize(time)
            | GrantAction::Apply(time)
            | GrantAction::Renew(time)
            | GrantAction::Cancel(time) => check_time(*time),
            GrantAction::GiveBack => Ok(()),
        },
        Command::AuthorizeMany { apps, until, instance, .. } => {
            check_time(*until)?;
            check_many(apps.len(), "apps", "app_ids", BATCH_APPS)?;
            if instance.is_shared() { Err(Refusal::ExclusiveOnly) } else { Ok(()) }
        }
        Command::Decide { applications, .. } => {
            check_many(applications.len(), "applications", "apply_ids", BATCH_APPLICATIONS)
        }
        Command::DeleteApis(ids) => check_many(ids.len(), "APIs", "api ids", BATCH_APIS),
        Command::WithdrawApplication(_)
        | Command::ConfirmNotice { .. }
        | Command::WithdrawNotice(_)
        | Command::CreateApp { .. }
        | Command::UpdateApp { .. }
        | Command::DeleteApp { .. }
        | Command::ResetSecret(_)
        | Command::CreateApi(_)
        | Command::UpdateApi { .. }
        | Command::Publish { .. }
        | Command::ActOnApi { .. } => Ok(()),
    }
}

fn check_time(time: Option<Timestamp>) -> Result<(), Refusal> {
    match time {
        None => Err(Refusal::FieldMissing { field: "time" }),
        Some(time) if time.is_beyond_horizon() => Err(Refusal::EndTooFar),
        Some(_) => Ok(()),
    }
}

fn check_many(
    count: usize,
    what: &'static str,
    field: &'static str,
    max: usize,
) -> Result<(), Refusal> {
    match count {
        0 => Err(Refusal::FieldMissing { field }),
        n if n > max => Err(Refusal::TooMany { what, max }),
        _ => Ok(()),
    }
}

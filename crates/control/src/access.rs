//! What a caller can see, and what he may do there. Looked up in the same transaction or view that
//! uses the answer. What he cannot see does not exist for him.

use tidegate_domain::{
    Api, ApiId, AppId, AppKind, Instance, InstanceId, Key, ProjectId, Refusal, Role, Task, UserId,
    Visibility, WorkspaceId,
};
use tidegate_store::{AppRecord, Member, View};

use crate::caller::Caller;
use crate::error::Result;
use crate::{Edition, Settings};

/// A caller's place in a workspace.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub user: UserId,
    pub project: ProjectId,
    pub workspace: WorkspaceId,
    pub role: Role,
    /// Is he on the workspace's list of reviewers?
    pub is_listed_reviewer: bool,
    pub edition: Option<Edition>,
}

impl Seat {
    /// Refuses what the role does not cover.
    pub fn must(&self, task: Task) -> Result<(), Refusal> {
        if self.role.may(task) { Ok(()) } else { Err(Refusal::RoleTooLow { task }) }
    }

    /// Is he the reviewer of this API?
    pub fn reviews(&self, api: &Api) -> bool {
        self.is_listed_reviewer && api.manager == self.user && api.workspace == self.workspace
    }

    /// Does he own this app?
    pub fn owns(&self, record: &AppRecord) -> bool {
        record.app.owner == self.user && self.sees_app(record)
    }

    /// May he answer notices for this app?
    pub fn answers_for(&self, record: &AppRecord) -> bool {
        self.owns(record) || (self.role == Role::Admin && record.app.workspace == self.workspace)
    }

    /// May they see what this app holds? An IAM app is seen everywhere in its project, but it
    /// stands for all users of the account: only its own workspace and its owner look into it.
    pub fn looks_into(&self, record: &AppRecord) -> bool {
        self.owns(record) || record.app.workspace == self.workspace
    }

    /// Is this app one of his workspace's? An IAM app is in every workspace of its project.
    pub fn sees_app(&self, record: &AppRecord) -> bool {
        match record.app.kind {
            AppKind::App => record.app.workspace == self.workspace,
            AppKind::Iam => record.app.project == self.project,
        }
    }
}

/// The caller's place in the workspace he names, or in his only one.
pub(crate) async fn seat(view: &mut dyn View, caller: &Caller, settings: Settings) -> Result<Seat> {
    let workspace = match &caller.workspace {
        Some(id) => view.workspace(id).await?.filter(|w| w.project == caller.project),
        None => only_workspace(view, caller).await?,
    };
    let workspace = workspace.ok_or(Refusal::WorkspaceUnknown)?;
    let member = view.member(&workspace.id, &caller.user).await?;
    let member = member.ok_or(Refusal::WorkspaceUnknown)?;
    let is_listed_reviewer = is_listed_reviewer(&member, settings);
    Ok(Seat {
        user: caller.user.clone(),
        project: caller.project.clone(),
        workspace: workspace.id,
        role: member.role,
        is_listed_reviewer,
        edition: caller.edition,
    })
}

/// May this member review, as far as the workspace's list tells?
pub(crate) fn is_listed_reviewer(member: &Member, settings: Settings) -> bool {
    let by_role = settings.admin_is_reviewer && member.role == Role::Admin;
    (member.is_reviewer || by_role) && member.role.may(Task::Review)
}

async fn only_workspace(
    view: &mut dyn View,
    caller: &Caller,
) -> Result<Option<tidegate_store::Workspace>> {
    let mut found = None;
    for workspace in view.workspaces(&caller.project).await? {
        if view.member(&workspace.id, &caller.user).await?.is_some() {
            if found.is_some() {
                return Err(Refusal::FieldMissing { field: "workspace" }.into());
            }
            found = Some(workspace);
        }
    }
    Ok(found)
}

/// An API of the caller's workspace.
pub(crate) async fn own_api(view: &mut dyn View, seat: &Seat, id: &ApiId) -> Result<Api> {
    let api = view.api(id).await?.filter(|api| api.workspace == seat.workspace);
    Ok(api.ok_or(Refusal::ApiUnknown)?)
}

/// An API the caller can see from his workspace, and so apply for.
pub(crate) async fn visible_api(view: &mut dyn View, seat: &Seat, id: &ApiId) -> Result<Api> {
    let api = view.api(id).await?.ok_or(Refusal::ApiUnknown)?;
    let visible = api.workspace == seat.workspace
        || match api.visibility {
            Visibility::Workspace => false,
            Visibility::Project => api.project == seat.project,
            Visibility::Domain => same_account(view, &api.project, &seat.project).await?,
        };
    if visible { Ok(api) } else { Err(Refusal::ApiUnknown.into()) }
}

async fn same_account(view: &mut dyn View, one: &ProjectId, other: &ProjectId) -> Result<bool> {
    let one = view.project(one).await?.map(|project| project.domain);
    let other = view.project(other).await?.map(|project| project.domain);
    Ok(one.is_some() && one == other)
}

/// An app of the caller's workspace.
pub(crate) async fn own_app(view: &mut dyn View, seat: &Seat, id: &AppId) -> Result<AppRecord> {
    let record = view.app(id).await?.filter(|record| seat.sees_app(record));
    record.ok_or_else(|| app_unknown(id))
}

/// An app whose grants the caller may see.
pub(crate) async fn open_app(view: &mut dyn View, seat: &Seat, id: &AppId) -> Result<AppRecord> {
    let record = own_app(view, seat, id).await?;
    if seat.looks_into(&record) { Ok(record) } else { Err(Refusal::NotAppOwner.into()) }
}

/// An app a reviewer can see: one of his workspace, or one that asked for or had this API.
pub(crate) async fn app_for_reviewer(
    view: &mut dyn View,
    seat: &Seat,
    key: &Key,
) -> Result<AppRecord> {
    let record = view.app(&key.app).await?;
    let is_concerned = view.standing(key).await?.is_some();
    seen_by_reviewer(seat, record, is_concerned).ok_or_else(|| app_unknown(&key.app))
}

/// The app, if a reviewer can see it. Is it concerned, having asked for or had the API?
pub(crate) fn seen_by_reviewer(
    seat: &Seat,
    record: Option<AppRecord>,
    is_concerned: bool,
) -> Option<AppRecord> {
    record.filter(|record| is_concerned || seat.sees_app(record))
}

pub(crate) fn app_unknown(id: &AppId) -> crate::Error {
    Refusal::AppUnknown { app: id.to_string() }.into()
}

/// An instance of `project`, if the caller's edition knows it.
pub(crate) async fn instance(
    view: &mut dyn View,
    seat: &Seat,
    project: &ProjectId,
    id: &InstanceId,
) -> Result<Instance> {
    if seat.edition.is_some_and(|edition| !edition.knows(id)) {
        return Err(Refusal::InstanceUnknown.into());
    }
    Ok(view.instance(project, id).await?.ok_or(Refusal::InstanceUnknown)?)
}

//! APIs: made, changed, deleted.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_domain::refusal::Counted;
use tidegate_domain::{Api, ApiId, Refusal, Role, Rules, Task, UserId};
use tidegate_store::{ApiFilter, ListedBy, Paging};

use crate::access::{self, Seat};
use crate::caller::Caller;
use crate::command::{ApiDraft, Outcome};
use crate::error::Result;
use crate::hosts;
use crate::ids::DrawnId;
use crate::turn::Turn;
use crate::{difference, publication_record, publications};

/// Makes an API.
pub(crate) async fn create(
    turn: &mut Turn<'_>,
    caller: &Caller,
    draft: ApiDraft,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    seat.must(Task::Edit)?;
    let manager = reviewer(turn, &seat, &draft.manager).await?;
    must_be_free(turn, &seat, &draft.name, None).await?;
    let (workspace, one) = (Some(seat.workspace.clone()), Paging { offset: 0, limit: 1 });
    let filter = ApiFilter { workspace, ..ApiFilter::default() };
    let count = turn.apis(&filter, one).await?.total;
    turn.settings.quotas.must_have_room(Counted::Apis, count)?;
    let id = ApiId::draw()?;
    let now = turn.now;
    let api = Api {
        id: id.clone(),
        project: seat.project.clone(),
        workspace: seat.workspace.clone(),
        name: String::new(),
        description: String::new(),
        auth: draft.auth,
        method: draft.method,
        path: String::new(),
        visibility: draft.visibility,
        manager: manager.clone(),
        created_by: seat.user.clone(),
        created_at: now,
        updated_at: now,
        retention_hours: 0,
        tags: Vec::new(),
        definition: String::new(),
        rules: Rules::default(),
    };
    let api = drafted(api, draft, manager);
    turn.put_api(&api).await?;
    turn.record("api.created", &id, json!({ "name": api.name, "path": api.path })).await?;
    Ok(Outcome::Api(id))
}

/// Changes an API that is published nowhere.
pub(crate) async fn update(
    turn: &mut Turn<'_>,
    caller: &Caller,
    id: &ApiId,
    draft: ApiDraft,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let api = access::own_api(turn.view(), &seat, id).await?;
    seat.must(Task::Edit)?;
    let manager = reviewer(turn, &seat, &draft.manager).await?;
    must_be_free(turn, &seat, &draft.name, Some(id)).await?;
    let publications = turn.publications(id).await?;
    publications::must_allow_edit(&publications, turn.now)?;
    // Who was granted the API trusts its reviewer for where calls go: nobody else changes that.
    if !seat.reviews(&api) {
        must_be_held_by_nobody(turn, id).await?;
    }
    // A stopped API keeps its grants and its route: what they were given for must not change.
    let keeps_grants = publications.iter().any(|p| p.status.as_of(turn.now).keeps_grants());
    if keeps_grants && draft.auth != api.auth {
        return Err(Refusal::EditWhilePublished.into());
    }
    api.rules.must_suit(draft.auth)?;
    let before = api.clone();
    let mut api = drafted(api, draft, manager);
    api.updated_at = turn.now;
    turn.put_api(&api).await?;
    for publication in &publications {
        must_keep_route(turn, &seat, &api, publication).await?;
    }
    let details =
        json!({ "name": api.name, "path": api.path, "changed": difference::of(&before, &api) });
    turn.record("api.updated", id, details).await?;
    handed_over(turn, &before, &api).await?;
    Ok(Outcome::Done)
}

/// Gives an API to another reviewer, in whatever state it is. For its reviewer, and for an admin of its
/// workspace, so that an API whose reviewer has left is not lost.
pub(crate) async fn transfer(
    turn: &mut Turn<'_>,
    caller: &Caller,
    id: &ApiId,
    to: &str,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let before = access::own_api(turn.view(), &seat, id).await?;
    seat.must(Task::Operate)?;
    if !seat.reviews(&before) && seat.role != Role::Admin {
        return Err(Refusal::NotReviewer.into());
    }
    let manager = reviewer(turn, &seat, to).await?;
    if manager == before.manager {
        return Ok(Outcome::Done);
    }
    let api = Api { manager, updated_at: turn.now, ..before.clone() };
    turn.put_api(&api).await?;
    handed_over(turn, &before, &api).await?;
    Ok(Outcome::Done)
}

/// Records that an API has another reviewer, and leaves a message for both.
async fn handed_over(turn: &mut Turn<'_>, before: &Api, api: &Api) -> Result<()> {
    if before.manager == api.manager {
        return Ok(());
    }
    let details = json!({ "old": before.manager.as_str(), "new": api.manager.as_str() });
    turn.record("api.transferred", &api.id, details.clone()).await?;
    for reviewer in [&before.manager, &api.manager] {
        turn.tell(reviewer, "api.transferred", &api.id, details.clone()).await?;
    }
    Ok(())
}

/// Refuses all but its reviewer while an app has a live grant of the API, or has applied for one.
pub(crate) async fn must_be_held_by_nobody(turn: &mut Turn<'_>, id: &ApiId) -> Result<()> {
    let (now, first) = (turn.now, Paging { offset: 0, limit: 1 });
    let held = turn.listed(&ListedBy::Api(id.clone()), now, first).await?;
    if held.items.is_empty() { Ok(()) } else { Err(Refusal::NotReviewer.into()) }
}

/// A stopped API holds its route while it is changed, so the new one must be free.
async fn must_keep_route(
    turn: &mut Turn<'_>,
    seat: &Seat,
    api: &Api,
    publication: &tidegate_domain::Publication,
) -> Result<()> {
    if !publication.status.as_of(turn.now).holds_route() {
        return Ok(());
    }
    match hosts::route_refused(turn, seat, api, &publication.instance).await? {
        Some(refusal @ Refusal::RouteTaken { .. }) => Err(refusal.into()),
        Some(_) | None => Ok(()),
    }
}

/// Deletes APIs that are offline or were never published: all or none.
pub(crate) async fn delete(
    turn: &mut Turn<'_>,
    caller: &Caller,
    ids: Vec<ApiId>,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let mut apis = Vec::with_capacity(ids.len());
    for id in ids.into_iter().collect::<BTreeSet<_>>() {
        let api = access::own_api(turn.view(), &seat, &id).await;
        apis.push(api.map_err(|error| match error {
            crate::Error::Refused(Refusal::ApiUnknown) => Refusal::ApiToDeleteUnknown.into(),
            other => other,
        })?);
    }
    seat.must(Task::Edit)?;
    for api in apis {
        for publication in turn.publications(&api.id).await? {
            publication_record::settled(turn, &api, &publication.instance).await?;
        }
        let publications = turn.publications(&api.id).await?;
        publications::must_allow_delete(&publications, turn.now)?;
        turn.delete_api(&api.id).await?;
        turn.record("api.deleted", &api.id, json!({ "name": api.name })).await?;
    }
    Ok(Outcome::Done)
}

fn drafted(api: Api, draft: ApiDraft, manager: UserId) -> Api {
    Api {
        name: draft.name,
        description: draft.description,
        auth: draft.auth,
        method: draft.method,
        path: draft.path,
        visibility: draft.visibility,
        manager,
        retention_hours: draft.retention_hours,
        tags: draft.tags,
        definition: draft.definition,
        ..api
    }
}

/// The user called `name`, if he is on the workspace's list of reviewers.
async fn reviewer(turn: &mut Turn<'_>, seat: &Seat, name: &str) -> Result<UserId> {
    let unknown = || Refusal::ReviewerUnknown { name: name.to_owned() };
    let user = turn.user_of_project(&seat.project, name).await?.ok_or_else(unknown)?;
    let member = turn.member(&seat.workspace, &user.id).await?.ok_or_else(unknown)?;
    if access::is_listed_reviewer(&member, turn.settings) {
        Ok(user.id)
    } else {
        Err(unknown().into())
    }
}

async fn must_be_free(
    turn: &mut Turn<'_>,
    seat: &Seat,
    name: &str,
    but: Option<&ApiId>,
) -> Result<()> {
    let named = turn.api_named(&seat.workspace, name).await?;
    if named.is_some_and(|other| Some(&other.id) != but) {
        Err(Refusal::NameTaken.into())
    } else {
        Ok(())
    }
}

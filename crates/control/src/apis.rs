//! APIs: made, changed, deleted.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_domain::{Api, ApiId, Refusal, Rules, Task, UserId};
use tidegate_store::{ApiFilter, Paging};

use crate::access::{self, Seat};
use crate::caller::Caller;
use crate::command::{ApiDraft, Outcome};
use crate::error::Result;
use crate::ids::DrawnId;
use crate::publications;
use crate::turn::Turn;

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
    // A stopped API keeps its grants and its route: what they were given for must not change.
    let keeps_grants = publications.iter().any(|p| p.status.as_of(turn.now).keeps_grants());
    if keeps_grants && draft.auth != api.auth {
        return Err(Refusal::EditWhilePublished.into());
    }
    api.rules.must_suit(draft.auth)?;
    let mut api = drafted(api, draft, manager);
    api.updated_at = turn.now;
    turn.put_api(&api).await?;
    for publication in &publications {
        must_keep_route(turn, &api, publication).await?;
    }
    turn.record("api.updated", id, json!({ "name": api.name, "path": api.path })).await?;
    Ok(Outcome::Done)
}

/// A stopped API holds its route while it is changed, so the new one must be free.
async fn must_keep_route(
    turn: &mut Turn<'_>,
    api: &Api,
    publication: &tidegate_domain::Publication,
) -> Result<()> {
    if !publication.status.as_of(turn.now).holds_route() {
        return Ok(());
    }
    let taken = publications::route_taken(turn, api, &publication.instance).await?;
    if taken { Err(Refusal::RouteTaken.into()) } else { Ok(()) }
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
            publications::settled(turn, &api, &publication.instance).await?;
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
    let filter = ApiFilter {
        workspace: Some(seat.workspace.clone()),
        name: Some(name.to_owned()),
        ..ApiFilter::default()
    };
    let page = turn.apis(&filter, Paging::ALL).await?;
    let taken = page.items.iter().any(|other| other.name == name && Some(&other.id) != but);
    if taken { Err(Refusal::NameTaken.into()) } else { Ok(()) }
}

//! The default project: the one that serves calls to hosts which no instance names.

use serde_json::json;
use tidegate_domain::{Api, InstanceId, ProjectId};

use crate::error::Result;
use crate::turn::Turn;

/// The API is published on an instance: if that names no hosts, its project is the default one from now on.
pub(crate) async fn published(turn: &mut Turn<'_>, api: &Api, instance: &InstanceId) -> Result<()> {
    let instance = turn.instance(&api.project, instance).await?;
    let names_hosts = instance.is_some_and(|instance| instance.names_hosts());
    if names_hosts || turn.default_project().await?.as_ref() == Some(&api.project) {
        return Ok(());
    }
    turn.put_default_project(&api.project).await?;
    turn.record("project.made-default", &api.project, json!({})).await
}

/// Is this the default project, or would it be if it published there?
pub(crate) async fn may_be_default(turn: &mut Turn<'_>, project: &ProjectId) -> Result<bool> {
    match turn.default_project().await? {
        Some(other) if other != *project => Ok(!holds_unnamed(turn, &other).await?),
        Some(_) | None => Ok(true),
    }
}

/// Does a project hold a route on an instance that names no hosts?
pub(crate) async fn holds_unnamed(turn: &mut Turn<'_>, project: &ProjectId) -> Result<bool> {
    let now = turn.now;
    for instance in turn.instances(project).await? {
        if !instance.names_hosts()
            && turn.publication_holding_route(project, &instance.id, now).await?.is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

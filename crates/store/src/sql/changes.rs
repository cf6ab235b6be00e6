//! What changed after a revision.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use tidegate_domain::{
    Api, ApiId, AppId, InstanceId, Key, ProjectId, Publication, Standing, Throttle,
};

use super::access::{Row, Stored, by_key, clamped, one, readable};
use super::cells::Cells;
use super::history::stamp_of;
use super::lists::{api_is_there, app_is_there};
use super::pool::SqlTransaction;
use super::tables::{
    apis, apps, default_project, instances, projects, publications, standings, throttles, tokens,
};
use crate::denied::Denied;
use crate::{AppRecord, Changes, Damaged, Head, Result, Revision, Token, UnreadableApi};

/// The rows that are later than a revision. In the order of revisions, so that the index that finds them also
/// sorts them: in the order of keys, engines would rather go through the whole table.
macro_rules! later {
    ($table:ident, $since:expr) => {
        by_key(
            $table::Entity::find()
                .filter($table::Column::Revision.gt($since.column()))
                .order_by_asc($table::Column::Revision),
        )
    };
}

pub async fn changes(tx: &SqlTransaction, head: &Head, since: Revision) -> Result<Changes> {
    // Most questions of a gateway are this one.
    if since == head.revision {
        return Ok(Changes { since_stamp: head.stamp.clone(), ..nothing(head) });
    }
    let mut changes = all_but_standings(tx, head, since).await?;
    add_standings(tx, living(later!(standings, since)), &mut changes).await?;
    changes.since_stamp = stamp_of(tx, head, since).await?.unwrap_or_default();
    Ok(changes)
}

pub async fn everything(
    tx: &SqlTransaction,
    head: &Head,
    after: Option<&Key>,
    limit: u64,
) -> Result<Changes> {
    let mut changes = match after {
        None => all_but_standings(tx, head, Revision(0)).await?,
        Some(_) => nothing(head),
    };
    let mut next = living(by_key(standings::Entity::find()));
    if let Some(Key { api, instance, app }) = after {
        let key = [standings::Column::Api, standings::Column::Instance, standings::Column::App];
        let key = Expr::tuple(key.map(|column| Expr::col((standings::Entity, column))));
        let after = [api.as_str(), instance.as_str(), app.as_str()].map(Expr::value);
        next = next.filter(key.gt(Expr::tuple(after)));
    }
    add_standings(tx, next.limit(clamped(limit)), &mut changes).await?;
    Ok(changes)
}

/// A grant that cannot be read is none.
async fn add_standings(
    tx: &SqlTransaction,
    query: Select<standings::Entity>,
    changes: &mut Changes,
) -> Result<()> {
    let (found, damaged) = readable::<Standing>(tx, query.all(tx).await?).await?;
    changes.standings = found;
    if damaged.is_empty() {
        return Ok(());
    }
    for (row, what) in damaged {
        let cells = Cells::of(standings::Entity, &[&row.api, &row.instance, &row.app]);
        changes.damaged.push(what);
        changes.standings.push(Standing::new(Key {
            api: cells.text("api", &row.api)?,
            instance: cells.text("instance", &row.instance)?,
            app: cells.text("app", &row.app)?,
        }));
    }
    // The last one says where the next part begins.
    changes.standings.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(())
}

fn nothing(head: &Head) -> Changes {
    Changes {
        epoch: head.epoch.clone(),
        head: head.revision,
        stamp: head.stamp.clone(),
        ..Changes::default()
    }
}

/// Those whose app and API are still there. What belongs to a deleted one goes with it: that it was
/// deleted says all.
fn living(query: Select<standings::Entity>) -> Select<standings::Entity> {
    query
        .filter(api_is_there((standings::Entity, standings::Column::Api)))
        .filter(app_is_there((standings::Entity, standings::Column::App)))
}

async fn all_but_standings(tx: &SqlTransaction, head: &Head, since: Revision) -> Result<Changes> {
    let mut changes = nothing(head);
    let damaged = &mut changes.damaged;
    changes.projects = sound(tx, later!(projects, since), damaged).await?;
    changes.instances = sound(tx, later!(instances, since), damaged).await?;
    changes.default_project = default_project_after(tx, since, damaged).await?;
    let (revoked, good) = split(later!(tokens, since).all(tx).await?, |row| row.revoked);
    let (found, bad_tokens) = readable::<Token>(tx, good).await?;
    damaged.extend(bad_tokens.into_iter().map(|(_, what)| what));
    changes.tokens = found;
    if since > Revision(0) {
        // A hash that cannot be read is no token's.
        changes.tokens_revoked = revoked.iter().filter_map(|row| row.hash().ok()).collect();
    }

    let (gone_apps, living) = split(later!(apps, since).all(tx).await?, |row| row.deleted);
    let (found, bad_apps) = readable::<AppRecord>(tx, living).await?;
    changes.apps = found;
    let (gone_apis, living) = split(later!(apis, since).all(tx).await?, |row| row.deleted);
    let (found, bad_apis) = readable::<Api>(tx, living).await?;
    changes.apis = found;
    let is_living = api_is_there((publications::Entity, publications::Column::Api));
    let rows = later!(publications, since).filter(is_living).all(tx).await?;
    let (found, bad_publications) = readable::<Publication>(tx, rows).await?;
    changes.publications = found;

    if since > Revision(0) {
        let apps = gone_apps.iter().filter_map(|row| AppId::parse(&row.id).ok());
        changes.apps_deleted = apps.collect();
        let apis = gone_apis.iter().filter_map(|row| ApiId::parse(&row.id).ok());
        changes.apis_deleted = apis.collect();
    }
    let mut denied = Denied::default();
    for (row, what) in bad_apps {
        denied.app(&row.id, row.unreadable(), what);
    }
    for (row, what) in bad_apis {
        denied.api(&row.id, row.unreadable(), what);
    }
    for (row, what) in bad_publications {
        let api = apis::Entity::find_by_id(&row.api).one(tx).await?;
        denied.api(&row.api, api.and_then(|api| api.unreadable()), what);
        denied.published_at(&row.api, InstanceId::parse(&row.instance).ok());
    }
    for (id, what) in throttles_of(tx, &mut changes).await? {
        let api = changes.apis.iter().find(|api| api.id.as_str() == id);
        denied.api(&id, api.map(UnreadableApi::from), what);
    }
    denied.leave_out(&mut changes, since);
    Ok(changes)
}

/// The project that serves hosts which no instance names, if it changed. One that cannot be read is none:
/// calls to those hosts are denied.
async fn default_project_after(
    tx: &SqlTransaction,
    since: Revision,
    damaged: &mut Vec<Damaged>,
) -> Result<Option<ProjectId>> {
    let row = later!(default_project, since).one(tx).await?;
    match row.map(default_project::Model::read).transpose() {
        Ok(project) => Ok(project),
        Err(error) => {
            damaged.push(error.into_damaged()?);
            Ok(None)
        }
    }
}

/// What all rows hold that make sense.
async fn sound<T: Stored>(
    tx: &SqlTransaction,
    query: Select<T::Entity>,
    damaged: &mut Vec<Damaged>,
) -> Result<Vec<T>>
where
    Row<T>: Clone + Sync,
{
    let (found, bad) = readable(tx, query.all(tx).await?).await?;
    damaged.extend(bad.into_iter().map(|(_, what)| what));
    Ok(found)
}

/// Adds the throttling policies that the APIs among the changes are bound to, by workspace and name;
/// returns the APIs whose policy cannot be read.
async fn throttles_of(
    tx: &SqlTransaction,
    changes: &mut Changes,
) -> Result<Vec<(String, Damaged)>> {
    let (mut found, mut bad) = (BTreeMap::new(), Vec::new());
    for api in &changes.apis {
        let Some((workspace, name)) = api.throttle() else { continue };
        let key = (workspace.clone(), name.clone());
        if found.contains_key(&key) {
            continue;
        }
        let row = throttles::Entity::find_by_id((workspace.to_string(), name.to_string()));
        match one::<Throttle>(tx, row).await {
            Ok(Some(throttle)) => drop(found.insert(key, throttle)),
            Ok(None) => {
                let (table, column, id) = ("apis", "throttle", api.id.to_string());
                bad.push((id.clone(), Damaged { table, column, id }));
            }
            Err(error) => bad.push((api.id.to_string(), error.into_damaged()?)),
        }
    }
    changes.throttles = found.into_values().collect();
    Ok(bad)
}

fn split<T>(rows: Vec<T>, is_gone: impl Fn(&T) -> bool) -> (Vec<T>, Vec<T>) {
    rows.into_iter().partition(is_gone)
}

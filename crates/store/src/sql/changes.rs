//! What changed after a revision.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use tidegate_domain::{Api, Key, Throttle};

use super::access::{Stored, all, by_key, clamped, one};
use super::cells::Cells;
use super::lists::{api_is_there, app_is_there};
use super::pool::SqlTransaction;
use super::tables::{apis, apps, instances, projects, publications, standings, throttles, tokens};
use crate::{AppRecord, Changes, Head, Result, Revision};

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
        return Ok(nothing(head));
    }
    let mut changes = all_but_standings(tx, head, since).await?;
    changes.standings = all(tx, living(later!(standings, since))).await?;
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
    changes.standings = all(tx, next.limit(clamped(limit))).await?;
    Ok(changes)
}

fn nothing(head: &Head) -> Changes {
    Changes { epoch: head.epoch.clone(), head: head.revision, ..Changes::default() }
}

/// Those whose app and API are still there. What belongs to a deleted one goes with it: that it was
/// deleted says all.
fn living(query: Select<standings::Entity>) -> Select<standings::Entity> {
    query
        .filter(api_is_there((standings::Entity, standings::Column::Api)))
        .filter(app_is_there((standings::Entity, standings::Column::App)))
}

async fn all_but_standings(tx: &SqlTransaction, head: &Head, since: Revision) -> Result<Changes> {
    let mut changes = Changes {
        projects: all(tx, later!(projects, since)).await?,
        instances: all(tx, later!(instances, since)).await?,
        tokens: all(tx, later!(tokens, since)).await?,
        ..nothing(head)
    };

    let (gone_apps, living) = split(later!(apps, since).all(tx).await?, |row| row.deleted);
    changes.apps = AppRecord::load(tx, living).await?;
    let (gone_apis, living) = split(later!(apis, since).all(tx).await?, |row| row.deleted);
    changes.apis = Api::load(tx, living).await?;
    changes.throttles = throttles_of(tx, &changes.apis).await?;
    if since > Revision(0) {
        let id = |row: &apps::Model| Cells::of(apps::Entity, &[&row.id]).text("id", &row.id);
        changes.apps_deleted = gone_apps.iter().map(id).collect::<Result<_>>()?;
        let id = |row: &apis::Model| Cells::of(apis::Entity, &[&row.id]).text("id", &row.id);
        changes.apis_deleted = gone_apis.iter().map(id).collect::<Result<_>>()?;
    }

    let is_living = api_is_there((publications::Entity, publications::Column::Api));
    changes.publications = all(tx, later!(publications, since).filter(is_living)).await?;
    Ok(changes)
}

/// The throttling policies these APIs are bound to, by workspace and name.
async fn throttles_of(tx: &SqlTransaction, apis: &[Api]) -> Result<Vec<Throttle>> {
    let mut found = BTreeMap::new();
    for api in apis {
        let Some((workspace, name)) = api.throttle() else { continue };
        let key = (workspace.clone(), name.clone());
        if found.contains_key(&key) {
            continue;
        }
        let row = throttles::Entity::find_by_id((workspace.to_string(), name.to_string()));
        let throttle: Option<Throttle> = one(tx, row).await?;
        let cells = Cells::of(apis::Entity, &[api.id.as_str()]);
        found.insert(key, throttle.ok_or_else(|| cells.bad("throttle"))?);
    }
    Ok(found.into_values().collect())
}

fn split<T>(rows: Vec<T>, is_gone: impl Fn(&T) -> bool) -> (Vec<T>, Vec<T>) {
    rows.into_iter().partition(is_gone)
}

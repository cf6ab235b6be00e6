//! What changed after a revision.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder};
use tidegate_domain::{Api, Throttle};

use super::access::{Stored, all, by_key, one};
use super::cells::Cells;
use super::lists::{deleted_apis, deleted_apps};
use super::tables::{apis, apps, instances, projects, publications, standings, throttles, tokens};
use crate::{AppRecord, Changes, Head, Result, Revision};

pub async fn changes(tx: &DatabaseTransaction, head: &Head, since: Revision) -> Result<Changes> {
    if since == head.revision {
        // Most questions of a gateway are this one.
        let (epoch, head) = (head.epoch.clone(), head.revision);
        return Ok(Changes { epoch, head, ..Changes::default() });
    }
    // In the order of revisions, so that the index that finds them also sorts them: in the order of
    // keys, engines would rather go through the whole table.
    macro_rules! later {
        ($table:ident) => {
            by_key(
                $table::Entity::find()
                    .filter($table::Column::Revision.gt(since.column()))
                    .order_by_asc($table::Column::Revision),
            )
        };
    }
    let mut changes = Changes {
        epoch: head.epoch.clone(),
        head: head.revision,
        projects: all(tx, later!(projects)).await?,
        instances: all(tx, later!(instances)).await?,
        tokens: all(tx, later!(tokens)).await?,
        ..Changes::default()
    };

    let (gone_apps, living) = split(later!(apps).all(tx).await?, |row| row.deleted);
    changes.apps = AppRecord::load(tx, living).await?;
    let (gone_apis, living) = split(later!(apis).all(tx).await?, |row| row.deleted);
    changes.apis = Api::load(tx, living).await?;
    changes.throttles = throttles_of(tx, &changes.apis).await?;
    if since > Revision(0) {
        let id = |row: &apps::Model| Cells::of(apps::Entity, &[&row.id]).text("id", &row.id);
        changes.apps_deleted = gone_apps.iter().map(id).collect::<Result<_>>()?;
        let id = |row: &apis::Model| Cells::of(apis::Entity, &[&row.id]).text("id", &row.id);
        changes.apis_deleted = gone_apis.iter().map(id).collect::<Result<_>>()?;
    }

    // What belongs to a deleted app or API goes with it: that it was deleted says all.
    let living =
        later!(publications).filter(publications::Column::Api.not_in_subquery(deleted_apis()));
    changes.publications = all(tx, living).await?;
    let living = later!(standings)
        .filter(standings::Column::Api.not_in_subquery(deleted_apis()))
        .filter(standings::Column::App.not_in_subquery(deleted_apps()));
    changes.standings = all(tx, living).await?;
    Ok(changes)
}

/// The throttling policies these APIs are bound to, by workspace and name.
async fn throttles_of(tx: &DatabaseTransaction, apis: &[Api]) -> Result<Vec<Throttle>> {
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

//! What has a moment worth a reminder, found in the order of moments.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tidegate_domain::Timestamp;

use super::access::{all, clamped};
use super::pool::SqlTransaction;
use super::tables::{applications, notices, standings};
use crate::{Mark, Moment, Remarkable, Result};

/// The things with a moment of this kind after the mark and at or before `to`.
pub async fn remarkable(
    tx: &SqlTransaction,
    moment: Moment,
    after: &Mark,
    to: Timestamp,
    limit: u64,
) -> Result<Vec<Remarkable>> {
    let limit = clamped(limit);
    match moment {
        Moment::GrantEnds => {
            use standings::Column::{Api, App, Instance, Until};
            let query = standings::Entity::find()
                .filter(between(Until, &[Api, Instance, App], after, to))
                .order_by_asc(Until)
                .order_by_asc(Api)
                .order_by_asc(Instance)
                .order_by_asc(App);
            let found = all(tx, query.limit(limit)).await?;
            Ok(found.into_iter().map(|one| Remarkable::Standing(Box::new(one))).collect())
        }
        Moment::NoticeDeadline => {
            use notices::Column::{Deadline, Id, Outcome, Scheduled};
            let query = notices::Entity::find()
                .filter(Outcome.is_null().and(Scheduled.is_null()))
                .filter(between(Deadline, &[Id], after, to))
                .order_by_asc(Deadline)
                .order_by_asc(Id);
            let found = all(tx, query.limit(limit)).await?;
            Ok(found.into_iter().map(Remarkable::Notice).collect())
        }
        Moment::ApplicationFiled => {
            use applications::Column::{App, Id, OpenedAt, Outcome};
            let query = applications::Entity::find()
                .filter(Outcome.is_null().and(App.is_not_null()))
                .filter(between(OpenedAt, &[Id], after, to))
                .order_by_asc(OpenedAt)
                .order_by_asc(Id);
            let found = all(tx, query.limit(limit)).await?;
            Ok(found.into_iter().map(Remarkable::Application).collect())
        }
    }
}

/// The rows after the mark, in the order of `at` and then of `ids`, and at or before `to`.
fn between<C: ColumnTrait>(at: C, ids: &[C], after: &Mark, to: Timestamp) -> Condition {
    let mark = after.at.as_ms();
    let range = Condition::all().add(at.gte(mark)).add(at.lte(to.as_ms()));
    if after.key.is_empty() {
        return range;
    }
    // Ids hold no slash, so they are told apart again.
    let mut later = Condition::any();
    let mut same = Expr::val(true).and(true);
    for (id, value) in ids.iter().zip(after.key.split('/')) {
        later = later.add(same.clone().and(id.gt(value)));
        same = same.and(id.eq(value));
    }
    range.add(Condition::any().add(at.gt(mark)).add(later))
}

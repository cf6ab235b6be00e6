//! The gateways: written beside the turn, for what they tell is no change of the world.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, Iterable, QueryFilter};
use tidegate_domain::Timestamp;

use super::access::{self, Stored, by_key};
use super::cells::Cells;
use super::pool::SqlTransaction;
use super::rows::stored_alone;
use super::tables::gateways::{self, Column, Entity, Model};
use crate::{Gateway, Result, Revision};

stored_alone!(Gateway = gateways);

impl Model {
    fn of(gateway: &Gateway) -> Self {
        Self {
            id: gateway.id.clone(),
            name: gateway.name.clone(),
            version: gateway.version.clone(),
            epoch: gateway.epoch.clone(),
            revision: gateway.revision.map(Revision::column),
            stamp: gateway.stamp.clone(),
            acknowledged_at: gateway.acknowledged_at.as_ms(),
            registered_at: gateway.registered_at.as_ms(),
            heard_at: gateway.heard_at.as_ms(),
            lease_ms: i64::try_from(gateway.lease_ms).unwrap_or(i64::MAX),
            clock_ahead_ms: gateway.clock_ahead_ms,
            beat: 1,
            boot: gateway.boot.clone(),
            certificate: gateway.certificate.clone(),
        }
    }

    fn read(self) -> Result<Gateway> {
        let cells = Cells::of(Entity, &[&self.id]);
        Ok(Gateway {
            revision: cells.maybe_number("revision", self.revision)?.map(Revision),
            lease_ms: cells.number("lease_ms", self.lease_ms)?,
            beat: cells.number("beat", self.beat)?,
            id: self.id,
            name: self.name,
            version: self.version,
            epoch: self.epoch,
            boot: self.boot,
            certificate: self.certificate,
            stamp: self.stamp,
            acknowledged_at: Timestamp::from_ms(self.acknowledged_at),
            registered_at: Timestamp::from_ms(self.registered_at),
            heard_at: Timestamp::from_ms(self.heard_at),
            clock_ahead_ms: self.clock_ahead_ms,
        })
    }
}

/// Creates or replaces rows, and counts their beats on.
pub async fn keep(tx: &SqlTransaction, gateways: &[Gateway]) -> Result<()> {
    // In the order of ids, so that no two can wait for each other.
    let mut gateways: Vec<&Gateway> = gateways.iter().collect();
    gateways.sort_by(|one, other| one.id.cmp(&other.id));
    for gateway in gateways {
        let others = Column::iter().filter(|column| !matches!(column, Column::Id | Column::Beat));
        let replace = OnConflict::column(Column::Id)
            .update_columns(others)
            .value(Column::Beat, Expr::col((Entity, Column::Beat)).add(1))
            .to_owned();
        Entity::insert(Model::of(gateway).into_active_model())
            .on_conflict(replace)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// All of them, by id.
pub async fn all(tx: &SqlTransaction) -> Result<Vec<Gateway>> {
    access::all(tx, by_key(Entity::find())).await
}

/// Deletes a row that has not been kept again since.
pub async fn forget(tx: &SqlTransaction, id: &str, beat: u64) -> Result<bool> {
    let beat = i64::try_from(beat).unwrap_or(i64::MAX);
    let same = Entity::delete_many().filter(Column::Id.eq(id)).filter(Column::Beat.eq(beat));
    Ok(same.exec(tx).await?.rows_affected > 0)
}

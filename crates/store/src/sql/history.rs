//! The stamps of the last revisions, and what was found to contradict them.
//!
//! A revision has its place in a ring, so that a commit writes one row and the oldest goes with it.

use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{
    ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryOrder, QuerySelect,
};
use tidegate_domain::Timestamp;

use super::access::put;
use super::cells::Cells;
use super::engine::head_in;
use super::pool::SqlTransaction;
use super::tables::{feed_check, former_epochs, head, history, setbacks, vault_check};
use crate::limits::{FORMER_EPOCHS, REMEMBERED, SETBACKS};
use crate::{Head, Point, Result, Revision, Sealed, Setback, draw};

/// Draws the stamp of where the store stands, if that has none. Reads what it needs, for the head may get more
/// columns by later steps.
pub async fn begin(tx: &SqlTransaction) -> Result<()> {
    let select = head::Entity::find().select_only();
    let select = select.columns([head::Column::Revision, head::Column::Stamp]);
    let row = select.into_tuple::<(i64, String)>().one(tx).await?;
    let cells = Cells::of(head::Entity, &["1"]);
    let (revision, stamp) = row.ok_or_else(|| cells.bad("one"))?;
    if !stamp.is_empty() {
        return Ok(());
    }
    let stamp = draw::name()?;
    let mut update = Query::update();
    update.table(head::Entity).value(head::Column::Stamp, stamp.as_str());
    tx.execute(&update).await?;
    keep(tx, Revision(cells.number("revision", revision)?), &stamp).await
}

fn slot(revision: Revision) -> i64 {
    Revision(revision.0 % REMEMBERED).column()
}

/// Keeps the stamp of a revision.
pub async fn keep(tx: &SqlTransaction, revision: Revision, stamp: &str) -> Result<()> {
    let (slot, stamp) = (slot(revision), stamp.to_owned());
    put::<history::Entity>(tx, history::Model { slot, revision: revision.column(), stamp }).await
}

/// The stamp of a revision, as far as a transaction sees it that stands at `head`.
pub async fn stamp_of(
    tx: &SqlTransaction,
    head: &Head,
    revision: Revision,
) -> Result<Option<String>> {
    if revision == head.revision {
        return Ok(Some(head.stamp.clone()));
    } else if revision > head.revision {
        return Ok(None);
    }
    let row = history::Entity::find_by_id(slot(revision)).one(tx).await?;
    Ok(row.filter(|row| row.revision == revision.column()).map(|row| row.stamp))
}

/// Did the history have this name before?
pub async fn is_former(tx: &SqlTransaction, epoch: &str) -> Result<bool> {
    Ok(former_epochs::Entity::find_by_id(epoch).one(tx).await?.is_some())
}

/// Keeps that the history had this name up to a revision, and that what was found before is known.
pub async fn end_epoch(tx: &SqlTransaction, before: &Head) -> Result<()> {
    let revision = before.revision.column();
    let row = former_epochs::Model { epoch: before.epoch.clone(), revision };
    put::<former_epochs::Entity>(tx, row).await?;
    let oldest = former_epochs::Entity::find()
        .order_by_desc(former_epochs::Column::Revision)
        .order_by_asc(former_epochs::Column::Epoch)
        .offset(FORMER_EPOCHS);
    for row in oldest.limit(FORMER_EPOCHS).all(tx).await? {
        former_epochs::Entity::delete_by_id(row.epoch).exec(tx).await?;
    }
    setbacks::Entity::delete_many().exec(tx).await?;
    Ok(())
}

/// Keeps a setback, unless the store has what was known, or cannot say.
pub async fn keep_setback(tx: &SqlTransaction, setback: &Setback) -> Result<Option<Setback>> {
    let head = head_in(tx).await?;
    let Setback { known, .. } = setback;
    let is_here = if known.epoch == head.epoch {
        match stamp_of(tx, &head, known.revision).await? {
            Some(stamp) => stamp == known.stamp,
            None => known.revision <= head.revision,
        }
    } else {
        is_former(tx, &known.epoch).await?
    };
    if is_here {
        return Ok(None);
    }
    let kept = Setback { head: head.revision, decided_at: head.decided_at, ..setback.clone() };
    // The first ones say all there is to know.
    if setbacks::Entity::find().count(tx).await? < SETBACKS {
        let same = [setbacks::Column::Epoch, setbacks::Column::Revision, setbacks::Column::Stamp];
        setbacks::Entity::insert(setbacks::Model::from_setback(&kept).into_active_model())
            .on_conflict(OnConflict::columns(same).do_nothing().to_owned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(Some(kept))
}

/// Keeps what the key of the secrets is recognised by, unless something is kept, and gives what is.
pub async fn keep_vault_check(tx: &SqlTransaction, check: &Sealed) -> Result<Sealed> {
    vault_check::Entity::insert(
        vault_check::Model { one: 1, sealed: check.0.clone() }.into_active_model(),
    )
    .on_conflict(OnConflict::column(vault_check::Column::One).do_nothing().to_owned())
    .exec_without_returning(tx)
    .await?;
    let row = vault_check::Entity::find_by_id(1).one(tx).await?;
    let row = row.ok_or_else(|| Cells::of(vault_check::Entity, &["1"]).bad("one"))?;
    Ok(Sealed(row.sealed))
}

/// Keeps what the feed's token is recognised by, unless something is kept, and gives what is.
pub async fn keep_feed_check(tx: &SqlTransaction, check: &[u8]) -> Result<Vec<u8>> {
    feed_check::Entity::insert(
        feed_check::Model { one: 1, mac: check.to_vec() }.into_active_model(),
    )
    .on_conflict(OnConflict::column(feed_check::Column::One).do_nothing().to_owned())
    .exec_without_returning(tx)
    .await?;
    let row = feed_check::Entity::find_by_id(1).one(tx).await?;
    Ok(row.ok_or_else(|| Cells::of(feed_check::Entity, &["1"]).bad("one"))?.mac)
}

/// What was kept, latest point first.
pub async fn setbacks(tx: &SqlTransaction) -> Result<Vec<Setback>> {
    let rows = setbacks::Entity::find().order_by_desc(setbacks::Column::Revision);
    rows.all(tx).await?.into_iter().map(setbacks::Model::read).collect()
}

impl setbacks::Model {
    fn from_setback(setback: &Setback) -> Self {
        let Setback { known, known_by, head, decided_at } = setback;
        Self {
            epoch: known.epoch.clone(),
            revision: known.revision.column(),
            stamp: known.stamp.clone(),
            known_by: known_by.clone(),
            decided_at: decided_at.as_ms(),
            head_revision: head.column(),
        }
    }

    fn read(self) -> Result<Setback> {
        let cells = Cells::of(setbacks::Entity, &[&self.epoch]);
        Ok(Setback {
            head: Revision(cells.number("head_revision", self.head_revision)?),
            known: Point {
                revision: Revision(cells.number("revision", self.revision)?),
                epoch: self.epoch,
                stamp: self.stamp,
            },
            known_by: self.known_by,
            decided_at: Timestamp::from_ms(self.decided_at),
        })
    }
}

//! The steps from an empty database to today's tables.
//!
//! A step that was released is never changed: it is plain SQL, not derived from the tables as they
//! are now. Only what engines spell differently is filled in.

mod m0001_initial;
mod m0002_rules;
mod m0003_gateways;

use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, QueryOrder};

use super::access::put;
use super::tables::{head, migrations};
use crate::{Result, StoreError, epoch};

/// One step.
pub struct Migration {
    name: &'static str,
    sql: &'static str,
}

const ALL: [Migration; 3] =
    [m0001_initial::MIGRATION, m0002_rules::MIGRATION, m0003_gateways::MIGRATION];

/// How an engine spells what engines spell differently.
pub struct Dialect {
    /// A signed integer of 64 bits.
    pub int: &'static str,
    /// Text that sorts by its bytes.
    pub text: &'static str,
    /// Bytes.
    pub blob: &'static str,
    /// A truth value.
    pub bool: &'static str,
    /// What follows the columns.
    pub options: &'static str,
}

impl Dialect {
    fn spell(&self, sql: &str) -> String {
        sql.replace("{int}", self.int)
            .replace("{text}", self.text)
            .replace("{blob}", self.blob)
            .replace("{bool}", self.bool)
            .replace("{options}", self.options)
    }
}

const APPLIED: &str = "CREATE TABLE IF NOT EXISTS migrations
    (name {text} NOT NULL PRIMARY KEY, ordinal {int} NOT NULL) {options}";

/// Takes the steps that are missing. The transaction must have the database to itself.
pub async fn run(tx: &DatabaseTransaction, dialect: &Dialect) -> Result<()> {
    tx.execute_unprepared(&dialect.spell(APPLIED)).await?;
    let applied =
        migrations::Entity::find().order_by_asc(migrations::Column::Ordinal).all(tx).await?;
    let known = ALL.iter().map(|step| Some(step.name)).chain(std::iter::repeat(None));
    if let Some((row, _)) = applied.iter().zip(known).find(|(row, name)| Some(&*row.name) != *name)
    {
        return Err(StoreError::Engine(format!(
            "the database was made by another version of this program, or a later one: it has taken \
             the step {}, which this one does not know there",
            row.name
        )));
    }
    for (ordinal, step) in (0_i64..).zip(&ALL).skip(applied.len()) {
        tx.execute_unprepared(&dialect.spell(step.sql)).await?;
        let name = step.name.to_owned();
        put::<migrations::Entity>(tx, migrations::Model { name, ordinal }).await?;
    }
    begin_history(tx).await
}

/// Draws the name of this history, if the database is new.
async fn begin_history(tx: &DatabaseTransaction) -> Result<()> {
    if head::Entity::find().one(tx).await?.is_none() {
        put::<head::Entity>(
            tx,
            head::Model { one: 1, epoch: epoch::draw(), revision: 0, decided_at: 0 },
        )
        .await?;
    }
    Ok(())
}

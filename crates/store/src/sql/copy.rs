//! Moving everything from one database to another, whatever their engines, and telling whether two
//! hold the same.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use sea_orm::{EntityName, EntityTrait, IntoActiveModel, ModelTrait};

use super::SqlStore;
use super::limits::UPKEEP;
use super::pool::SqlTransaction;
use super::tables::{
    api_tags, apis, applications, apps, default_project, feed_check, former_epochs, gateways, head,
    history, instances, journal, members, notices, outbox, projects, publications, reminders,
    setbacks, standings, throttles, tokens, users, vault_check, workspaces,
};
use super::transaction::take_revision;
use crate::{Revision, StoreError};

/// How many rows are in memory at a time. Their columns are fewer parameters than engines allow.
const ROWS: u64 = 100;

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The target holds something.
    #[error("the target is not empty: it is at revision {}", .0.0)]
    NotEmpty(Revision),
    /// What was written does not read as what was to be written.
    #[error("the copy differs from its source, so it was undone")]
    Differs,
    /// One of the two failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a store holds, or what was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Each table with the number of its rows.
    pub tables: Vec<(&'static str, u64)>,
    /// The digest of all these rows, in hex. Without those of the gateways, which change by themselves: a copy
    /// compares them beside it.
    pub digest: String,
}

/// Names all tables but the head, and what nodes tell of themselves, to a macro.
macro_rules! tables {
    ($each:ident) => {
        $each!(
            projects,
            users,
            workspaces,
            members,
            instances,
            default_project,
            tokens,
            apps,
            apis,
            api_tags,
            throttles,
            publications,
            standings,
            applications,
            notices,
            journal,
            outbox,
            reminders
        )
    };
}

/// What a store holds, beside its head: that is not the same after a restore.
pub async fn contents(store: &SqlStore) -> Result<Contents, StoreError> {
    let mut tx = store.engine.begin_read().await?;
    tx.set_limit(UPKEEP);
    let (mut tables, mut digest) = (Vec::new(), Digest::default());
    macro_rules! each {
        ($($table:ident),+) => {$(
            let rows = transfer::<$table::Entity>(&tx, None, &mut digest).await?;
            tables.push(($table::Entity.table_name(), rows));
        )+};
    }
    tables!(each);
    Ok(Contents { tables, digest: digest.hex() })
}

/// Copies all rows of one moment of `from` into `to`, which must hold none: in one transaction, so
/// that it is all there or nothing is. The history goes on under its name: gates notice nothing.
pub async fn copy(from: &SqlStore, to: &SqlStore) -> Result<Contents, CopyError> {
    let mut target = to.engine.begin_write().await.map_err(StoreError::from)?;
    target.set_limit(UPKEEP);
    let (before, _) = take_revision(&target).await?;
    if before.revision > Revision(0) {
        return Err(CopyError::NotEmpty(before.revision));
    }
    let mut source = from.engine.begin_read().await.map_err(StoreError::from)?;
    source.set_limit(UPKEEP);
    // The target has drawn a name for a history that never began.
    head::Entity::delete_many().exec(&target).await.map_err(StoreError::from)?;
    history::Entity::delete_many().exec(&target).await.map_err(StoreError::from)?;

    let (mut tables, mut here, mut there) = (Vec::new(), Digest::default(), Digest::default());
    macro_rules! each {
        ($($table:ident),+) => {$(
            let rows = transfer::<$table::Entity>(&source, Some(&target), &mut here).await?;
            transfer::<$table::Entity>(&target, None, &mut there).await?;
            tables.push(($table::Entity.table_name(), rows));
        )+};
    }
    each!(head, history, former_epochs, setbacks, vault_check, feed_check);
    tables!(each);
    let (digest, of_target) = (std::mem::take(&mut here), std::mem::take(&mut there));
    each!(gateways);
    if digest != of_target || here != there {
        return Err(CopyError::Differs);
    }
    target.commit().await?;
    Ok(Contents { tables, digest: digest.hex() })
}

/// Reads a table in the order of its keys, adds its rows to the digest, and writes them to `to`, if
/// that is named. Tells how many there are.
async fn transfer<E: EntityTrait>(
    from: &SqlTransaction,
    to: Option<&SqlTransaction>,
    digest: &mut Digest,
) -> Result<u64, StoreError>
where
    E::Model: IntoActiveModel<E::ActiveModel> + Sync,
    E::ActiveModel: Send,
{
    let (mut count, mut last) = (0, None);
    loop {
        let mut cursor = E::find().cursor_by(E::primary_key_identity());
        if let Some(last) = last.take() {
            cursor.after::<sea_orm::sea_query::ValueTuple>(last);
        }
        let rows = cursor.first(ROWS).all(from).await?;
        let Some(of_last) = rows.last() else { return Ok(count) };
        last = Some(of_last.get_primary_key_value());
        count += rows.len() as u64;
        for row in &rows {
            digest.add(E::default().table_name(), row);
        }
        if let Some(to) = to {
            let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
            E::insert_many(rows).exec_without_returning(to).await?;
        }
    }
}

/// A digest of rows that does not depend on their order: no two of them are the same, so none
/// cancels another.
#[derive(Default, PartialEq)]
struct Digest([u8; 32]);

impl Digest {
    fn add(&mut self, table: &str, row: &impl std::fmt::Debug) {
        let of_row = digest::digest(&digest::SHA256, format!("{table} {row:?}").as_bytes());
        for (byte, other) in self.0.iter_mut().zip(of_row.as_ref()) {
            *byte ^= other;
        }
    }

    fn hex(&self) -> String {
        self.0.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

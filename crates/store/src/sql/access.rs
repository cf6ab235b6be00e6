//! Getting rows in and out, whatever their table.

use std::future::Future;

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, EntityTrait, IdenStatic, IntoActiveModel, Iterable, PaginatorTrait,
    PrimaryKeyToColumn, QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::pool::SqlTransaction;
use crate::{Damaged, Page, Paging, Result};

/// How many ids or rows one statement has at most: engines limit its parameters, the strictest of them to
/// 32,766, and a row has up to twenty.
const CHUNK: usize = 1_000;

/// A thing that is read from rows.
pub trait Stored: Sized + Send {
    /// The table of its rows.
    type Entity: EntityTrait;

    /// What the rows tell, in their order, with what they refer to.
    fn load(
        tx: &SqlTransaction,
        rows: Vec<Row<Self>>,
    ) -> impl Future<Output = Result<Vec<Self>>> + Send;
}

/// A row of a stored thing.
pub type Row<T> = <<T as Stored>::Entity as EntityTrait>::Model;

/// All that a query finds.
pub async fn all<T: Stored>(tx: &SqlTransaction, query: Select<T::Entity>) -> Result<Vec<T>> {
    let rows = query.all(tx).await?;
    T::load(tx, rows).await
}

/// How many rows are read at a time where some may not make sense.
const PART: usize = 1_000;

/// What rows hold, and those that make no sense, with what is wrong with them. A part with such a row
/// is halved until that row is alone.
pub async fn readable<T: Stored>(
    tx: &SqlTransaction,
    mut rows: Vec<Row<T>>,
) -> Result<(Vec<T>, Vec<(Row<T>, Damaged)>)>
where
    Row<T>: Clone + Sync,
{
    let (mut found, mut damaged) = (Vec::with_capacity(rows.len()), Vec::new());
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(PART));
        let mut parts = vec![std::mem::replace(&mut rows, rest)];
        while let Some(mut part) = parts.pop() {
            match (T::load(tx, part.clone()).await, part.len()) {
                (Ok(items), _) => found.extend(items),
                (Err(error), length) => {
                    let what = error.into_damaged()?;
                    if length == 1 {
                        damaged.extend(part.pop().map(|row| (row, what)));
                    } else {
                        let second = part.split_off(length / 2);
                        parts.extend([second, part]);
                    }
                }
            }
        }
    }
    Ok((found, damaged))
}

/// The one a query finds.
pub async fn one<T: Stored>(tx: &SqlTransaction, query: Select<T::Entity>) -> Result<Option<T>> {
    Ok(all(tx, query.limit(1)).await?.into_iter().next())
}

/// A part of what an ordered query finds.
pub async fn page<T: Stored>(
    tx: &SqlTransaction,
    query: Select<T::Entity>,
    paging: Paging,
) -> Result<Page<T>>
where
    Row<T>: Sync,
{
    let part = query.clone().offset(clamped(paging.offset)).limit(clamped(paging.limit));
    let items: Vec<T> = all(tx, part).await?;
    let found = items.len() as u64;
    let is_whole = paging.offset == 0 && found < paging.limit;
    let total = if is_whole { found } else { query.count(tx).await? };
    Ok(Page { total, items })
}

/// Engines count in signed numbers.
pub fn clamped(count: u64) -> u64 {
    count.min(i64::MAX as u64)
}

/// The rows whose column has one of these values.
pub async fn rows_in<E: EntityTrait>(
    tx: &SqlTransaction,
    column: E::Column,
    values: Vec<String>,
) -> Result<Vec<E::Model>> {
    rows_among(tx, E::find(), column, values).await
}

/// The rows a query finds whose column has one of these values.
pub async fn rows_among<E: EntityTrait>(
    tx: &SqlTransaction,
    query: Select<E>,
    column: E::Column,
    mut values: Vec<String>,
) -> Result<Vec<E::Model>> {
    values.sort_unstable();
    values.dedup();
    let mut rows = Vec::with_capacity(values.len());
    for chunk in values.chunks(CHUNK) {
        let these = query.clone().filter(column.is_in(chunk.iter().map(String::as_str)));
        rows.extend(these.all(tx).await?);
    }
    Ok(rows)
}

/// All rows in the order of their keys.
pub fn by_key<E: EntityTrait>(query: Select<E>) -> Select<E> {
    E::PrimaryKey::iter().fold(query, |query, key| query.order_by_asc(key.into_column()))
}

/// Creates a row or replaces it.
pub async fn put<E: EntityTrait>(tx: &SqlTransaction, row: E::Model) -> Result<()>
where
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    E::insert(row.into_active_model())
        .on_conflict(replacing::<E>())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Creates rows or replaces them, of which no two have the same key.
pub async fn put_all<E: EntityTrait>(tx: &SqlTransaction, rows: Vec<E::Model>) -> Result<()>
where
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
    while rows.peek().is_some() {
        E::insert_many(rows.by_ref().take(CHUNK))
            .on_conflict(replacing::<E>())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// A row of the same key goes.
fn replacing<E: EntityTrait>() -> OnConflict {
    let keys: Vec<E::Column> = E::PrimaryKey::iter().map(|key| key.into_column()).collect();
    let is_key = |column: &E::Column| keys.iter().any(|key| key.as_str() == column.as_str());
    let others = E::Column::iter().filter(|column| !is_key(column));
    OnConflict::columns(keys.iter().copied()).update_columns(others).to_owned()
}

//! The battery on every engine, and what is special to each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that fails panics

mod agree;
mod copy;
mod nodes;
mod postgres;
mod sqlite;

use std::sync::Arc;

use tempfile::TempDir;
use tidegate_store::battery::Shared;
use tidegate_store::sql::{PostgresUrl, SqlStore};
use tidegate_store::{MemStore, battery};

async fn open_mem() -> (Shared, ()) {
    (Arc::new(MemStore::new()), ())
}

async fn open_sqlite() -> (Shared, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqlStore::open_sqlite(&folder.path().join("tidegate.db")).await.unwrap();
    (Arc::new(store), folder)
}

async fn open_postgres() -> (Shared, ()) {
    let url = PostgresUrl::parse(&tidegate_testkit::postgres::database()).unwrap();
    (Arc::new(SqlStore::open_postgres(&url).await.unwrap()), ())
}

battery!(mem, crate::open_mem);
battery!(on_sqlite, crate::open_sqlite);
battery!(on_postgres, crate::open_postgres);

//! The battery on every engine, and what is special to each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that fails panics

mod agree;
mod sqlite;

use std::sync::Arc;

use tempfile::TempDir;
use tidegate_store::battery::Shared;
use tidegate_store::sql::SqlStore;
use tidegate_store::{MemStore, battery};

async fn open_mem() -> (Shared, ()) {
    (Arc::new(MemStore::new()), ())
}

async fn open_sqlite() -> (Shared, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqlStore::open_sqlite(&folder.path().join("tidegate.db")).await.unwrap();
    (Arc::new(store), folder)
}

battery!(mem, crate::open_mem);
battery!(on_sqlite, crate::open_sqlite);

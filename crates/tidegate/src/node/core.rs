//! What works on a data folder, with or without listeners.

use std::sync::Arc;

use tidegate_control::{Control, Settings};
use tidegate_store::Store;

use crate::data::{DataDir, Hold};
use crate::database::Database;

/// The store of a data folder and the use cases over it. While one is there, no other process works
/// on the folder.
#[derive(Clone)]
pub struct Core {
    /// The folder.
    pub data: DataDir,
    /// The use cases.
    pub control: Arc<Control>,
    /// The store.
    pub store: Arc<dyn Store>,
    _hold: Arc<Hold>,
}

impl Core {
    /// Opens a folder, and makes what is not there yet.
    pub async fn open(
        data: DataDir,
        database: &Database,
        settings: Settings,
    ) -> anyhow::Result<Self> {
        let hold = data.hold_or_fail()?;
        Self::open_held(data, hold, database, settings).await
    }

    /// Opens a folder that was taken already.
    pub async fn open_held(
        data: DataDir,
        hold: Hold,
        database: &Database,
        settings: Settings,
    ) -> anyhow::Result<Self> {
        let (store, vault) = database.open(&data).await?;
        let control = Arc::new(Control::new(Arc::clone(&store), vault, settings));
        Ok(Self { data, control, store, _hold: Arc::new(hold) })
    }
}

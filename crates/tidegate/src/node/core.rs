//! What works on a data folder, with or without listeners.

use std::sync::Arc;

use tidegate_control::{Clocks, Control, Settings};

use crate::clock::{boot, wall};
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
        let clocks = Clocks { wall: Arc::new(wall), boot: Arc::new(boot) };
        let control = Control::new(store, vault, settings).among_peers(clocks)?;
        if let Err(error) = control.beat().await {
            tracing::error!(%error, "nothing is decided here until the store agrees");
        }
        let control = Arc::new(control);
        Ok(Self { data, control, _hold: Arc::new(hold) })
    }
}

//! What works on a data folder, with or without listeners.

use std::sync::Arc;

use tidegate_control::{ClockGuard, Control, Settings};

use crate::clock;
use crate::data::{DataDir, FolderKind, Hold};
use crate::database::Database;

/// The store of a data folder and the use cases over it. While one is there, no other process works
/// on the folder.
#[derive(Clone)]
pub struct Core {
    /// The folder.
    pub data: DataDir,
    /// The use cases.
    pub control: Arc<Control>,
    /// What the clock is held against; none of a development server, whose clock is moved on purpose.
    pub guard: Option<Arc<ClockGuard>>,
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
        let is_dev = data.kind()? == Some(FolderKind::Dev);
        let guard = (!is_dev).then(clock::guard);
        let mut control = Control::new(store, vault, settings).among_peers(clock::clocks())?;
        if let Some(guard) = &guard {
            control = control.guarded_by(Arc::clone(guard));
        }
        if let Err(error) = control.beat().await {
            tracing::error!(%error, "no change is made here until the clock or the store is right");
        }
        let control = Arc::new(control);
        Ok(Self { data, control, guard, _hold: Arc::new(hold) })
    }
}

//! A second index on its way to the revision of the one in use.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::index::Index;

/// An index that waits to be brought to the gate's revision.
pub(crate) struct Meeting {
    pub(crate) fresh: Arc<Index>,
    /// What the gate does with it then.
    pub(crate) then: Then,
}

/// What becomes of a fresh index that has the gate's revision.
pub(crate) enum Then {
    /// It is compared with the gate's own one.
    Compare(oneshot::Sender<(Arc<Index>, Arc<Index>)>),
    /// It takes its place.
    Adopt,
}

//! The gateways, beside the state.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use super::MemStore;
use crate::Gateway;

impl MemStore {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Gateway>> {
        self.gateways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put_gateways(&self, gateways: &[Gateway]) {
        let mut known = self.known();
        for gateway in gateways {
            let beat = known.get(&gateway.id).map_or(0, |before| before.beat).saturating_add(1);
            known.insert(gateway.id.clone(), Gateway { beat, ..gateway.clone() });
        }
    }

    pub(super) fn all_gateways(&self) -> Vec<Gateway> {
        self.known().values().cloned().collect()
    }

    pub(super) fn drop_gateway(&self, id: &str, beat: u64) -> bool {
        let mut known = self.known();
        let is_same = known.get(id).is_some_and(|gateway| gateway.beat == beat);
        is_same && known.remove(id).is_some()
    }
}

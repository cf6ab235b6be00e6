//! Records that cannot be read: what they are about is denied, and everything else goes on.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tidegate_store::{Changes, Damaged};

use crate::limits::QUARANTINED;

/// The records that were found damaged and not read as sound since.
#[derive(Debug, Default)]
pub(crate) struct Quarantine(Mutex<BTreeSet<Damaged>>);

impl Quarantine {
    /// Adds what changes report as damaged, and takes out what they report as sound. What is new is logged.
    pub(crate) fn see(&self, changes: &Changes) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() && changes.damaged.is_empty() {
            return;
        }
        let sound: BTreeSet<(&str, &str)> =
            (changes.apps.iter().map(|it| ("apps", it.app.id.as_str())))
                .chain(changes.apis.iter().map(|it| ("apis", it.id.as_str())))
                .collect();
        known.retain(|it| {
            changes.damaged.contains(it) || !sound.contains(&(it.table, it.id.as_str()))
        });
        for damaged in &changes.damaged {
            if known.len() < QUARANTINED && known.insert(damaged.clone()) {
                let Damaged { table, id, column } = damaged;
                tracing::error!(
                    table,
                    id,
                    column,
                    "quarantined a record that cannot be read: calls it is about are denied"
                );
            }
        }
    }

    /// The records that are in it.
    pub(crate) fn records(&self) -> Vec<Damaged> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().cloned().collect()
    }
}

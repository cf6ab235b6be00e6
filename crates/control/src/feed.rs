//! What the gates follow: changes since a revision, with the secrets opened.
//!
//! Secrets are open here, so this may only travel within the process or over mutual TLS.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_domain::{AppId, AppKind, Key};
use tidegate_sign::Secret;
use tidegate_store::{Changes, Damaged, Head, Revision, StoreError};

use crate::control::Control;
use crate::error::Result;
use crate::limits::GRANTS_A_PART;
use crate::vault::app_secret;

const OTHER_HISTORY: &str = "its history has changed while all of it was read";

/// Changes since a revision, and the secrets of the apps among them.
pub struct GateChanges {
    /// The changes.
    pub changes: Changes,
    /// Each app's secret; an IAM app has none, nor has one whose secret does not open.
    pub secrets: BTreeMap<AppId, Secret>,
}

/// All the gate must know at a revision, in parts: there may be more of it than there is memory.
///
/// Each part is read in a view of its own, which is closed before the part is returned: whoever takes the parts
/// slowly keeps no view open, which would make SQLite's write-ahead log grow and PostgreSQL keep dead rows. So a
/// grant of a later part may be newer than the revision of the first one, which is the revision of all. That
/// harms nobody: the changes after that revision, which are asked for next, have it again, and all that it needs.
pub struct Everything {
    control: Arc<Control>,
    grants_a_part: u64,
    next: Next,
}

/// The part that comes next.
enum Next {
    First,
    /// The grants after this one, in the history that the first part was read from.
    After(Key, History),
    None,
}

/// Where the first part was read.
#[derive(Clone)]
struct History {
    generation: u64,
    head: Head,
}

impl Everything {
    /// The same with at most so many grants a part; one at least.
    #[must_use]
    pub fn in_parts_of(self, grants: u64) -> Self {
        Self { grants_a_part: grants.max(1), ..self }
    }

    /// The next part, at the revision of the first one; none after the last. Fails if the store fails, or has
    /// another history than it had.
    pub async fn next(&mut self) -> Result<Option<GateChanges>> {
        let (after, begun) = match &self.next {
            Next::First => (None, None),
            Next::After(key, history) => (Some(key.clone()), Some(history.clone())),
            Next::None => return Ok(None),
        };
        let (mut view, generation) = self.control.view_and_generation().await?;
        let history = match begun {
            Some(history) if history.generation == generation => history,
            Some(_) => return Err(StoreError::Away(OTHER_HISTORY.to_owned()).into()),
            None => History { generation, head: view.head().await? },
        };
        let mut part = view.everything(after.as_ref(), self.grants_a_part).await?;
        drop(view);
        (part.epoch, part.head) = (history.head.epoch.clone(), history.head.revision);
        part.stamp.clone_from(&history.head.stamp);
        self.next = match part.standings.last() {
            Some(last) if part.standings.len() as u64 == self.grants_a_part => {
                Next::After(last.key.clone(), history)
            }
            Some(_) | None => Next::None,
        };
        Ok(Some(self.control.opened(part)))
    }
}

impl Control {
    /// All the gate must know that changed after `since`.
    pub async fn changes(&self, since: Revision) -> Result<GateChanges> {
        Ok(self.opened(self.view().await?.changes(since).await?))
    }

    /// All the gate must know, part by part.
    pub fn everything(self: &Arc<Self>) -> Everything {
        let control = Arc::clone(self);
        Everything { control, grants_a_part: GRANTS_A_PART, next: Next::First }
    }

    /// Opens the secrets. An app whose secret does not open has none, so that its calls are denied by name.
    fn opened(&self, mut changes: Changes) -> GateChanges {
        let mut secrets = BTreeMap::new();
        for record in changes.apps.iter().filter(|record| record.app.kind != AppKind::Iam) {
            let id = &record.app.id;
            if let Ok(secret) = self.vault.open(&record.secret, &app_secret(id)) {
                secrets.insert(id.clone(), secret);
            } else {
                let damaged = Damaged { table: "apps", id: id.to_string(), column: "secret" };
                changes.damaged.push(damaged);
            }
        }
        self.quarantine.see(&changes);
        GateChanges { changes, secrets }
    }

    /// The stamp of a revision; empty if it is ahead of the store, or forgotten.
    pub async fn stamp_of(&self, revision: Revision) -> Result<String> {
        Ok(self.view().await?.stamp_of(revision).await?.unwrap_or_default())
    }

    /// Where the store stands.
    pub async fn head(&self) -> Result<tidegate_store::Head> {
        Ok(self.view().await?.head().await?)
    }

    /// The account each project belongs to.
    pub async fn projects(&self) -> Result<Vec<tidegate_store::Project>> {
        Ok(self.view().await?.projects().await?)
    }
}

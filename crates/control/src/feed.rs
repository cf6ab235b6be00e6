//! What the gates follow: changes since a revision, with the secrets opened.
//!
//! Secrets are open here, so this may only travel within the process or over mutual TLS.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_domain::{AppId, AppKind, Key};
use tidegate_sign::Secret;
use tidegate_store::{Changes, Damaged, Revision, View};

use crate::Control;
use crate::error::Result;
use crate::limits::GRANTS_A_PART;
use crate::vault::app_secret;

/// Changes since a revision, and the secrets of the apps among them.
pub struct GateChanges {
    /// The changes.
    pub changes: Changes,
    /// Each app's secret; an IAM app has none.
    pub secrets: BTreeMap<AppId, Secret>,
}

/// Everything as of one moment, in parts: there may be more of it than there is memory.
pub struct Everything {
    control: Arc<Control>,
    view: Box<dyn View>,
    next: Next,
}

/// The part that comes next.
enum Next {
    First,
    After(Key),
    None,
}

impl Everything {
    /// The next part; none after the last.
    pub async fn next(&mut self) -> Result<Option<GateChanges>> {
        let after = match &self.next {
            Next::First => None,
            Next::After(key) => Some(key),
            Next::None => return Ok(None),
        };
        let part = self.view.everything(after, GRANTS_A_PART).await?;
        self.next = match part.standings.last() {
            Some(last) if part.standings.len() as u64 == GRANTS_A_PART => {
                Next::After(last.key.clone())
            }
            Some(_) | None => Next::None,
        };
        Ok(Some(self.control.opened(part, Revision(0))))
    }
}

impl Control {
    /// All the gate must know that changed after `since`.
    pub async fn changes(&self, since: Revision) -> Result<GateChanges> {
        Ok(self.opened(self.view().await?.changes(since).await?, since))
    }

    /// All the gate must know, part by part.
    pub async fn everything(self: &Arc<Self>) -> Result<Everything> {
        let view = self.view().await?;
        Ok(Everything { control: Arc::clone(self), view, next: Next::First })
    }

    /// Opens the secrets. An app whose secret does not open is left out, or reported as deleted to whoever has it.
    fn opened(&self, mut changes: Changes, since: Revision) -> GateChanges {
        let mut secrets = BTreeMap::new();
        let (gone, damaged) = (&mut changes.apps_deleted, &mut changes.damaged);
        changes.apps.retain(|record| {
            let id = &record.app.id;
            if record.app.kind == AppKind::Iam {
                return true;
            }
            match self.vault.open(&record.secret, &app_secret(id)) {
                Ok(secret) => drop(secrets.insert(id.clone(), secret)),
                Err(_) => {
                    damaged.push(Damaged { table: "apps", id: id.to_string(), column: "secret" });
                    if since > Revision(0) {
                        gone.push(id.clone());
                    }
                    return false;
                }
            }
            true
        });
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

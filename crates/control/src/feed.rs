//! What the gates follow: changes since a revision, with the secrets opened.
//!
//! Secrets are open here, so this may only travel within the process or over mutual TLS.

use std::collections::BTreeMap;

use tidegate_domain::{AppId, AppKind};
use tidegate_sign::Secret;
use tidegate_store::{Changes, Revision};

use crate::Control;
use crate::error::Result;
use crate::vault::app_secret;

/// Changes since a revision, and the secrets of the apps among them.
pub struct GateChanges {
    /// The changes.
    pub changes: Changes,
    /// Each app's secret; an IAM app has none.
    pub secrets: BTreeMap<AppId, Secret>,
}

impl Control {
    /// All the gate must know that changed after `since`.
    pub async fn changes(&self, since: Revision) -> Result<GateChanges> {
        let changes = self.store.view().await?.changes(since).await?;
        let mut secrets = BTreeMap::new();
        for record in changes.apps.iter().filter(|record| record.app.kind == AppKind::App) {
            let secret = self.vault.open(&record.secret, &app_secret(&record.app.id))?;
            secrets.insert(record.app.id.clone(), secret);
        }
        Ok(GateChanges { changes, secrets })
    }

    /// Where the store stands.
    pub async fn head(&self) -> Result<tidegate_store::Head> {
        Ok(self.store.view().await?.head().await?)
    }

    /// The account each project belongs to.
    pub async fn projects(&self) -> Result<Vec<tidegate_store::Project>> {
        Ok(self.store.view().await?.projects().await?)
    }
}

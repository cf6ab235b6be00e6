//! Apps, for their workspace.

use tidegate_domain::{AppId, AppKind};
use tidegate_store::{AppFilter, AppRecord, Page, Paging};

use super::Query;
use crate::access;
use crate::app_shown::AppShown;
use crate::caller::Caller;
use crate::control::Control;
use crate::error::Result;
use crate::vault::app_secret;

impl Control {
    /// The apps of the caller's workspace.
    pub async fn list_apps(
        &self,
        caller: &Caller,
        name: Option<String>,
        kind: Option<AppKind>,
        paging: Paging,
    ) -> Result<Page<AppShown>> {
        let mut query = Query::begin(self, caller).await?;
        let filter = AppFilter {
            project: Some(query.seat.project.clone()),
            workspace: Some(query.seat.workspace.clone()),
            name,
            kind,
        };
        let page = query.view.apps(&filter, paging).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for record in page.items {
            let secret = self.settings.secrets_in_lists && query.seat.owns(&record);
            items.push(self.shown(&mut query, record, secret).await?);
        }
        Ok(Page { total: page.total, items })
    }

    /// One app; its owner sees the secret.
    pub async fn show_app(&self, caller: &Caller, id: &AppId) -> Result<AppShown> {
        let mut query = Query::begin(self, caller).await?;
        let record = access::own_app(&mut *query.view, &query.seat, id).await?;
        let secret = query.seat.owns(&record);
        self.shown(&mut query, record, secret).await
    }

    async fn shown(
        &self,
        query: &mut Query,
        record: AppRecord,
        with_secret: bool,
    ) -> Result<AppShown> {
        let owner = query.user_name(&record.app.owner).await?;
        let updated_by = query.user_name(&record.app.updated_by).await?;
        let secret = match (record.app.kind, with_secret) {
            (AppKind::App, true) => {
                Some(self.vault.open(&record.secret, &app_secret(&record.app.id))?)
            }
            (AppKind::App | AppKind::Iam, _) => None,
        };
        Ok(AppShown { app: record.app, owner, updated_by, secret })
    }
}

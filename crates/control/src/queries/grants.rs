//! Grants, listed both ways.

use tidegate_domain::standing::Relationship;
use tidegate_domain::{Api, ApiId, AppId, Standing, Timestamp};
use tidegate_store::{ListedBy, Page, Paging};

use super::Query;
use crate::access;
use crate::caller::Caller;
use crate::control::Control;
use crate::error::Result;

/// An app that holds or asks for an API.
#[derive(Debug, Clone)]
pub struct GrantedApp {
    /// The standing as of now.
    pub standing: Standing,
    /// How it is listed.
    pub relationship: Relationship,
    /// The app's name.
    pub app_name: String,
    /// The instance's name.
    pub instance_name: String,
}

/// An API an app holds or asks for.
#[derive(Debug, Clone)]
pub struct BoundApi {
    /// The standing as of now.
    pub standing: Standing,
    /// How it is listed.
    pub relationship: Relationship,
    /// The API.
    pub api: Api,
    /// The reviewer's name.
    pub manager: String,
    /// The instance's name.
    pub instance_name: String,
}

impl Control {
    /// The apps that hold or ask for an API of the caller's workspace.
    pub async fn list_granted_apps(
        &self,
        caller: &Caller,
        id: &ApiId,
        paging: Paging,
        now: Timestamp,
    ) -> Result<Page<GrantedApp>> {
        let mut query = Query::begin(self, caller).await?;
        let api = access::own_api(&mut *query.view, &query.seat, id).await?;
        let page = query.view.listed(&ListedBy::Api(id.clone()), now, paging).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for standing in page.items {
            let standing = standing.as_of(now);
            let Some(relationship) = standing.relationship(now) else {
                continue;
            };
            let app = query.view.app(&standing.key.app).await?;
            let app_name = app.map(|record| record.app.name).unwrap_or_default();
            let instance_name = query.instance_name(&api.project, &standing.key.instance).await?;
            items.push(GrantedApp { standing, relationship, app_name, instance_name });
        }
        Ok(Page { total: page.total, items })
    }

    /// The APIs an app of the caller's workspace holds or asks for.
    pub async fn list_bound_apis(
        &self,
        caller: &Caller,
        id: &AppId,
        paging: Paging,
        now: Timestamp,
    ) -> Result<Page<BoundApi>> {
        let mut query = Query::begin(self, caller).await?;
        access::open_app(&mut *query.view, &query.seat, id).await?;
        let page = query.view.listed(&ListedBy::App(id.clone()), now, paging).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for standing in page.items {
            let standing = standing.as_of(now);
            let Some(relationship) = standing.relationship(now) else {
                continue;
            };
            let Some(api) = query.view.api(&standing.key.api).await? else {
                continue;
            };
            let manager = query.user_name(&api.manager).await?;
            let instance_name = query.instance_name(&api.project, &standing.key.instance).await?;
            items.push(BoundApi { standing, relationship, api, manager, instance_name });
        }
        Ok(Page { total: page.total, items })
    }
}

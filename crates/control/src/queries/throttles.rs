//! Throttling policies and the rules of APIs, for their workspace.

use tidegate_domain::{Api, ApiId, Refusal, Rules, Throttle, ThrottleName};
use tidegate_store::{ApiFilter, Page, Paging};

use super::Query;
use super::apis::page_of;
use crate::caller::Caller;
use crate::error::Result;
use crate::{Control, access};

/// A throttling policy, and the APIs bound to it.
#[derive(Debug, Clone)]
pub struct ThrottleShown {
    /// The policy.
    pub throttle: Throttle,
    /// The APIs, oldest first.
    pub apis: Vec<Api>,
}

impl Control {
    /// The throttling policies of the caller's workspace, by name.
    pub async fn list_throttles(
        &self,
        caller: &Caller,
        paging: Paging,
    ) -> Result<Page<ThrottleShown>> {
        let mut query = Query::begin(self, caller).await?;
        let throttles = query.view.throttles(&query.seat.workspace).await?;
        let page = page_of(throttles, paging);
        let mut items = Vec::with_capacity(page.items.len());
        for throttle in page.items {
            items.push(query.shown_throttle(throttle).await?);
        }
        Ok(Page { total: page.total, items })
    }

    /// A throttling policy of the caller's workspace.
    pub async fn show_throttle(
        &self,
        caller: &Caller,
        name: &ThrottleName,
    ) -> Result<ThrottleShown> {
        let mut query = Query::begin(self, caller).await?;
        let throttle = query.view.throttle(&query.seat.workspace, name).await?;
        let unknown = || Refusal::ThrottleUnknown { name: name.to_string() };
        query.shown_throttle(throttle.ok_or_else(unknown)?).await
    }

    /// The rules of an API of the caller's workspace.
    pub async fn show_rules(&self, caller: &Caller, api: &ApiId) -> Result<Rules> {
        let mut query = Query::begin(self, caller).await?;
        Ok(access::own_api(&mut *query.view, &query.seat, api).await?.rules)
    }
}

impl Query {
    async fn shown_throttle(&mut self, throttle: Throttle) -> Result<ThrottleShown> {
        let bound = ApiFilter {
            workspace: Some(throttle.workspace.clone()),
            throttle: Some(throttle.name.clone()),
            ..ApiFilter::default()
        };
        let apis = self.view.apis(&bound, Paging::ALL).await?.items;
        Ok(ThrottleShown { throttle, apis })
    }
}

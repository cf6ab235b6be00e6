//! APIs and their life on instances, for their workspace.

use tidegate_domain::publication::Status;
use tidegate_domain::{Api, ApiId, AppId, AuthType, Instance, Key, Publication, Timestamp};
use tidegate_store::{ApiFilter, ListedBy, Page, Paging};

use super::Query;
use crate::access;
use crate::caller::Caller;
use crate::error::Result;
use crate::{Control, Edition};

/// An API with the names of people and its life on every instance.
#[derive(Debug, Clone)]
pub struct ApiShown {
    /// The API.
    pub api: Api,
    /// The reviewer's name.
    pub manager: String,
    /// The creator's name.
    pub creator: String,
    /// Its life on the instances of the caller's edition.
    pub publications: Vec<PublicationShown>,
    /// Does any app have a live grant of it?
    pub is_granted: bool,
}

/// An API's life on an instance, as of now.
#[derive(Debug, Clone)]
pub struct PublicationShown {
    /// The publication.
    pub publication: Publication,
    /// The instance's name.
    pub instance_name: String,
}

/// What somebody wants to do to an API on some instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiActionOn {
    /// Publish it.
    Publish,
    /// Take it offline.
    Unpublish,
    /// Stop it.
    Stop,
    /// Let it answer again.
    Recover,
    /// Put an account on its whitelist.
    Whitelist,
    /// Grant it to an app.
    Authorize,
}

/// Why an action is not possible on an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The API's state there.
    ApiStatus,
    /// The app cannot prove itself in the way the API asks for.
    TypeMismatch,
}

/// Whether an action is possible on an instance.
#[derive(Debug, Clone)]
pub struct InstanceChoice {
    /// The instance.
    pub instance: Instance,
    /// The API's state there.
    pub status: Status,
    /// Why the action is not possible; none when it is.
    pub cause: Option<Cause>,
}

impl Control {
    /// The APIs of the caller's workspace that pass a filter; where they are is his, whatever it says.
    pub async fn list_apis(
        &self,
        caller: &Caller,
        wanted: ApiFilter,
        paging: Paging,
        now: Timestamp,
    ) -> Result<Page<ApiShown>> {
        let mut query = Query::begin(self, caller).await?;
        let filter = ApiFilter {
            project: Some(query.seat.project.clone()),
            workspace: Some(query.seat.workspace.clone()),
            shared: query.seat.edition.map(|edition| edition == Edition::Shared),
            ..wanted
        };
        let page = query.view.apis(&filter, paging).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for api in page.items {
            items.push(query.shown_api(api, now).await?);
        }
        Ok(Page { total: page.total, items })
    }

    /// One API the caller can see.
    pub async fn show_api(&self, caller: &Caller, id: &ApiId, now: Timestamp) -> Result<ApiShown> {
        let mut query = Query::begin(self, caller).await?;
        let api = access::visible_api(&mut *query.view, &query.seat, id).await?;
        query.shown_api(api, now).await
    }

    /// An API's life on every instance.
    pub async fn list_publications(
        &self,
        caller: &Caller,
        id: &ApiId,
        paging: Paging,
        now: Timestamp,
    ) -> Result<Page<PublicationShown>> {
        let mut query = Query::begin(self, caller).await?;
        let api = access::visible_api(&mut *query.view, &query.seat, id).await?;
        let all = query.publications(&api, now).await?;
        Ok(page_of(all, paging))
    }

    /// The instances on which `action` is possible; with `show_all`, the others too, and why not.
    pub async fn list_choices(
        &self,
        caller: &Caller,
        id: &ApiId,
        action: ApiActionOn,
        app: Option<&AppId>,
        show_all: bool,
        now: Timestamp,
    ) -> Result<Vec<InstanceChoice>> {
        let mut query = Query::begin(self, caller).await?;
        let api = access::visible_api(&mut *query.view, &query.seat, id).await?;
        let mut choices = Vec::new();
        for instance in query.view.instances(&api.project).await? {
            if !query.seat.edition.is_none_or(|edition| edition.knows(&instance.id)) {
                continue;
            }
            let publication = query.view.publication(&api.id, &instance.id).await?;
            let status = publication.map_or(Status::Created, |p| p.status.as_of(now));
            let mut cause = (!possible(action, status)).then_some(Cause::ApiStatus);
            if let Some(app) = app {
                let key =
                    Key { api: api.id.clone(), instance: instance.id.clone(), app: app.clone() };
                let record = access::app_for_reviewer(&mut *query.view, &query.seat, &key).await?;
                let fits = record.app.kind.fit(api.auth) != tidegate_domain::app::Fit::Mismatch;
                cause = cause.or((!fits).then_some(Cause::TypeMismatch));
            }
            if show_all || cause.is_none() {
                choices.push(InstanceChoice { instance, status, cause });
            }
        }
        Ok(choices)
    }
}

/// Does an API's state allow the action?
fn possible(action: ApiActionOn, status: Status) -> bool {
    match action {
        ApiActionOn::Publish => {
            matches!(status, Status::Created | Status::PublishRejected | Status::Offline)
        }
        ApiActionOn::Unpublish => matches!(status, Status::Published | Status::Stopped),
        ApiActionOn::Stop | ApiActionOn::Whitelist | ApiActionOn::Authorize => {
            status == Status::Published
        }
        ApiActionOn::Recover => status == Status::Stopped,
    }
}

/// The part of a list that is at hand whole.
pub(super) fn page_of<T>(all: Vec<T>, paging: Paging) -> Page<T> {
    let total = all.len() as u64;
    let skip = usize::try_from(paging.offset).unwrap_or(usize::MAX);
    let take = usize::try_from(paging.limit).unwrap_or(usize::MAX);
    Page { total, items: all.into_iter().skip(skip).take(take).collect() }
}

impl Query {
    async fn shown_api(&mut self, api: Api, now: Timestamp) -> Result<ApiShown> {
        let manager = self.user_name(&api.manager).await?;
        let creator = self.user_name(&api.created_by).await?;
        let publications = self.publications(&api, now).await?;
        let is_granted = api.auth != AuthType::None && self.has_live_grant(&api, now).await?;
        Ok(ApiShown { api, manager, creator, publications, is_granted })
    }

    /// Almost always the first page tells; only a crowd of applications could fill one.
    async fn has_live_grant(&mut self, api: &Api, now: Timestamp) -> Result<bool> {
        let by = ListedBy::Api(api.id.clone());
        let mut part = Paging { offset: 0, limit: 100 };
        loop {
            let page = self.view.listed(&by, now, part).await?;
            if page.items.iter().any(|standing| standing.live_grant(now).is_some()) {
                return Ok(true);
            }
            part.offset += part.limit;
            if part.offset >= page.total {
                return Ok(false);
            }
        }
    }

    async fn publications(&mut self, api: &Api, now: Timestamp) -> Result<Vec<PublicationShown>> {
        let edition: Option<Edition> = self.seat.edition;
        let mut shown = Vec::new();
        for mut publication in self.view.publications(&api.id).await? {
            if !edition.is_none_or(|edition| edition.knows(&publication.instance)) {
                continue;
            }
            publication.status = publication.status.as_of(now);
            let instance_name = self.instance_name(&api.project, &publication.instance).await?;
            shown.push(PublicationShown { publication, instance_name });
        }
        Ok(shown)
    }
}

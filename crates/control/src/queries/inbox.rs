//! The two inboxes: applications, which a reviewer decides, and notices, which the app's side
//! answers.

use tidegate_domain::standing::{Event, settle};
use tidegate_domain::{
    Api, Application, ApplicationId, ApplicationKind, Notice, NoticeId, Refusal, Role, Timestamp,
};
use tidegate_store::{AppRecord, ApplicationFilter, NoticeFilter, Page, Paging, Party};

use super::Query;
use crate::caller::Caller;
use crate::control::Control;
use crate::error::Result;

/// Which applications to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inbox {
    /// Addressed to the caller, and waiting.
    Waiting,
    /// Addressed to the caller, and decided.
    Decided,
    /// Filed by the caller about an API of his: publish and recover.
    SentForApis,
    /// Filed by the caller for an app of his: apply and renew.
    SentForApps,
}

/// An application with the names of what and who it is about.
#[derive(Debug, Clone)]
pub struct ApplicationShown {
    /// The application.
    pub application: Application,
    /// The API's name.
    pub api_name: String,
    /// The app's name; empty for publish and recover.
    pub app_name: String,
    /// The applicant's name.
    pub applicant: String,
    /// The name of who decided, or shall decide.
    pub reviewer: String,
}

/// A notice with the names of what and who it is about.
#[derive(Debug, Clone)]
pub struct NoticeShown {
    /// The notice.
    pub notice: Notice,
    /// The API's name.
    pub api_name: String,
    /// The app's name.
    pub app_name: String,
    /// The name of the reviewer who sent it.
    pub sender: String,
    /// The name of the app's owner.
    pub owner: String,
}

impl Control {
    /// The applications in one of the caller's boxes, latest first.
    pub async fn list_applications(
        &self,
        caller: &Caller,
        inbox: Inbox,
        api_name: Option<String>,
        paging: Paging,
        now: Timestamp,
    ) -> Result<Page<ApplicationShown>> {
        let mut query = Query::begin(self, caller).await?;
        let filter = query.applications_in(inbox, api_name);
        let page = query.view.applications(&filter, paging).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for application in page.items {
            items.push(query.shown_application(application, now).await?);
        }
        Ok(Page { total: page.total, items })
    }

    /// One application the caller filed or may decide.
    pub async fn show_application(
        &self,
        caller: &Caller,
        id: &ApplicationId,
        now: Timestamp,
    ) -> Result<ApplicationShown> {
        let mut query = Query::begin(self, caller).await?;
        let application = query.view.application(id).await?;
        let application = application.ok_or(Refusal::ApplicationUnknown)?;
        let api = query.view.api(&application.api).await?.ok_or(Refusal::ApplicationUnknown)?;
        let of_workspace = api.workspace == query.seat.workspace;
        let seen = application.applicant == query.seat.user
            || (of_workspace && (api.manager == query.seat.user || query.seat.role == Role::Admin));
        if !seen {
            return Err(Refusal::ApplicationUnknown.into());
        }
        query.shown_application(application, now).await
    }

    /// The notices that concern the caller: about apps he answers for and APIs he reviews.
    pub async fn list_notices(
        &self,
        caller: &Caller,
        api_name: Option<String>,
        paging: Paging,
        now: Timestamp,
    ) -> Result<Page<NoticeShown>> {
        let mut query = Query::begin(self, caller).await?;
        let filter = query.notices_for(api_name);
        let page = query.view.notices(&filter, paging).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for notice in page.items {
            items.push(query.shown_notice(notice, now).await?);
        }
        Ok(Page { total: page.total, items })
    }

    /// One notice that concerns the caller.
    pub async fn show_notice(
        &self,
        caller: &Caller,
        id: &NoticeId,
        now: Timestamp,
    ) -> Result<NoticeShown> {
        let mut query = Query::begin(self, caller).await?;
        let notice = query.view.notice(id).await?.ok_or(Refusal::NoticeUnknown)?;
        let api = query.view.api(&notice.key.api).await?.ok_or(Refusal::NoticeUnknown)?;
        let app = query.view.app(&notice.key.app).await?.ok_or(Refusal::NoticeUnknown)?;
        if !query.is_concerned(&api, &app) {
            return Err(Refusal::NoticeUnknown.into());
        }
        query.shown_notice(notice, now).await
    }
}

impl Query {
    fn applications_in(&self, inbox: Inbox, api_name: Option<String>) -> ApplicationFilter {
        let me = Some(self.seat.user.clone());
        let filter = ApplicationFilter { api_name, ..ApplicationFilter::default() };
        let of_apps = vec![ApplicationKind::Apply, ApplicationKind::Renew];
        let of_apis = vec![ApplicationKind::Publish, ApplicationKind::Recover];
        match inbox {
            Inbox::Waiting | Inbox::Decided => ApplicationFilter {
                workspace: Some(self.seat.workspace.clone()),
                reviewer: me,
                pending: Some(inbox == Inbox::Waiting),
                ..filter
            },
            Inbox::SentForApis => ApplicationFilter {
                workspace: Some(self.seat.workspace.clone()),
                applicant: me,
                kinds: of_apis,
                withdrawn: false,
                ..filter
            },
            Inbox::SentForApps => {
                ApplicationFilter { applicant: me, kinds: of_apps, withdrawn: false, ..filter }
            }
        }
    }

    fn notices_for(&self, api_name: Option<String>) -> NoticeFilter {
        let is_admin = self.seat.role == Role::Admin;
        let (workspace, user) = (self.seat.workspace.clone(), self.seat.user.clone());
        let me = Party { workspace, user };
        NoticeFilter {
            owner: Some(me.clone()),
            app_workspace: is_admin.then(|| self.seat.workspace.clone()),
            reviewer: Some(me),
            api_name,
            ..NoticeFilter::default()
        }
    }

    fn is_concerned(&self, api: &Api, app: &AppRecord) -> bool {
        self.seat.answers_for(app)
            || (api.workspace == self.seat.workspace && api.manager == self.seat.user)
    }

    async fn shown_application(
        &mut self,
        application: Application,
        now: Timestamp,
    ) -> Result<ApplicationShown> {
        let application = self.settled_application(application, now).await?;
        let api = self.view.api(&application.api).await?;
        let app_name = match &application.app {
            Some(app) => self.app_name(app).await?,
            None => String::new(),
        };
        let applicant = self.user_name(&application.applicant).await?;
        let decided_by = application.verdict.as_ref().and_then(|verdict| verdict.by.clone());
        let manager = api.as_ref().map(|api| api.manager.clone());
        let reviewer = match decided_by.or(manager) {
            Some(user) => self.user_name(&user).await?,
            None => String::new(),
        };
        let api_name = api.map(|api| api.name).unwrap_or_default();
        Ok(ApplicationShown { application, api_name, app_name, applicant, reviewer })
    }

    /// The application as time has left it, whether or not anybody has recorded that.
    async fn settled_application(
        &mut self,
        application: Application,
        now: Timestamp,
    ) -> Result<Application> {
        let (Some(app), true) = (&application.app, application.is_pending()) else {
            return Ok(application);
        };
        let key = tidegate_domain::Key {
            api: application.api.clone(),
            instance: application.instance.clone(),
            app: app.clone(),
        };
        let events = match self.view.standing(&key).await? {
            Some(standing) => settle(&standing, now),
            None => Vec::new(),
        };
        let closed = events.into_iter().find_map(|event| match event {
            Event::ApplicationClosed(closed) if closed.id == application.id => Some(closed),
            _ => None,
        });
        Ok(closed.unwrap_or(application))
    }

    async fn shown_notice(&mut self, notice: Notice, now: Timestamp) -> Result<NoticeShown> {
        let notice = self.settled_notice(notice, now).await?;
        let api = self.view.api(&notice.key.api).await?;
        let app = self.view.app(&notice.key.app).await?;
        let sender = self.user_name(&notice.sent_by).await?;
        let owner = match &app {
            Some(record) => self.user_name(&record.app.owner).await?,
            None => String::new(),
        };
        let api_name = api.map(|api| api.name).unwrap_or_default();
        let app_name = app.map(|record| record.app.name).unwrap_or_default();
        Ok(NoticeShown { notice, api_name, app_name, sender, owner })
    }

    /// The notice as time has left it, whether or not anybody has recorded that.
    async fn settled_notice(&mut self, notice: Notice, now: Timestamp) -> Result<Notice> {
        if !notice.is_running() {
            return Ok(notice);
        }
        let events = match self.view.standing(&notice.key).await? {
            Some(standing) => settle(&standing, now),
            None => Vec::new(),
        };
        let closed = events.into_iter().find_map(|event| match event {
            Event::NoticeClosed(closed) if closed.id == notice.id => Some(closed),
            _ => None,
        });
        Ok(closed.unwrap_or(notice))
    }

    async fn app_name(&mut self, app: &tidegate_domain::AppId) -> Result<String> {
        Ok(self.view.app(app).await?.map(|record| record.app.name).unwrap_or_default())
    }
}

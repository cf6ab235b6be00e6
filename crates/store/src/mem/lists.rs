//! Which rows pass a filter.

use tidegate_domain::publication::Status;
use tidegate_domain::{
    Api, AppKind, Application, ApplicationKind, Notice, NoticeOutcome, Outcome, Standing, Timestamp,
};

use super::state::State;
use crate::{
    ApiFilter, AppFilter, AppRecord, ApplicationFilter, ListedBy, NoticeFilter, Page, Paging,
};

/// Does the wish hold, if there is one?
fn is<T: PartialEq>(wish: &Option<T>, value: &T) -> bool {
    wish.as_ref().is_none_or(|wish| wish == value)
}

/// Does the text contain the part, if one is wished for, whatever its case?
fn has(part: &Option<String>, text: &str) -> bool {
    part.as_ref().is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()))
}

pub fn page<T>(items: Vec<T>, paging: Paging) -> Page<T> {
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Page {
        total: items.len() as u64,
        items: items.into_iter().skip(size(paging.offset)).take(size(paging.limit)).collect(),
    }
}

impl State {
    pub fn lists_app(&self, filter: &AppFilter, record: &AppRecord) -> bool {
        let app = &record.app;
        let in_workspace = filter.workspace.as_ref().is_none_or(|wish| {
            let serves = self.workspaces.get(wish).is_some_and(|w| w.project == app.project);
            app.workspace == *wish || (app.kind == AppKind::Iam && serves)
        });
        in_workspace
            && is(&filter.project, &app.project)
            && is(&filter.kind, &app.kind)
            && has(&filter.name, &app.name)
    }

    pub fn lists_api(&self, filter: &ApiFilter, api: &Api) -> bool {
        let creator = filter.creator.is_none()
            || (self.users.get(&api.created_by))
                .is_some_and(|user| has(&filter.creator, &user.name));
        let published = || {
            let mut publications = self.publications.values().map(|kept| &kept.value);
            publications.any(|p| p.api == api.id && p.status.answers())
        };
        let in_edition = |wish: bool| {
            let mut on = self.publications.keys().filter(|key| key.0 == api.id).peekable();
            on.peek().is_none() || on.any(|key| key.1.is_shared() == wish)
        };
        creator
            && filter.shared.is_none_or(in_edition)
            && is(&filter.project, &api.project)
            && is(&filter.workspace, &api.workspace)
            && (filter.throttle.is_none() || filter.throttle == api.rules.throttle)
            && has(&filter.name, &api.name)
            && has(&filter.description, &api.description)
            && filter.tags.iter().all(|tag| api.tags.contains(tag))
            && filter.created_from.is_none_or(|from| from <= api.created_at)
            && filter.created_to.is_none_or(|to| api.created_at <= to)
            && filter.published.is_none_or(|wish| wish == published())
    }

    pub fn lists_standing(&self, by: &ListedBy, now: Timestamp, standing: &Standing) -> bool {
        let key = &standing.key;
        let belongs = match by {
            ListedBy::Api(api) => key.api == *api,
            ListedBy::App(app) => key.app == *app,
        };
        // A renewal goes with its grant, so only an application for a new one counts by itself.
        let applied = (standing.application.as_ref()).is_some_and(|application| {
            application.kind == ApplicationKind::Apply
                && application.until.is_none_or(|until| now < until)
        });
        let on = (key.api.clone(), key.instance.clone());
        let unpublished = (self.publications.get(&on)).is_some_and(
            |kept| matches!(kept.value.status, Status::Unpublishing { at } if at <= now),
        );
        belongs && !unpublished && (standing.live_grant(now).is_some() || applied)
    }

    pub fn lists_application(&self, filter: &ApplicationFilter, application: &Application) -> bool {
        let withdrawn = (application.verdict.as_ref())
            .is_some_and(|verdict| verdict.outcome == Outcome::Withdrawn);
        let asks_of_api = filter.project.is_some()
            || filter.workspace.is_some()
            || filter.reviewer.is_some()
            || filter.api_name.is_some();
        let api = !asks_of_api
            || self.api(&application.api).is_some_and(|api| {
                is(&filter.project, &api.project)
                    && is(&filter.workspace, &api.workspace)
                    && is(&filter.reviewer, &api.manager)
                    && has(&filter.api_name, &api.name)
            });
        api && is(&filter.applicant, &application.applicant)
            && (filter.kinds.is_empty() || filter.kinds.contains(&application.kind))
            && is(&filter.pending, &application.is_pending())
            && (filter.withdrawn || !withdrawn)
    }

    pub fn lists_notice(&self, filter: &NoticeFilter, notice: &Notice) -> bool {
        let withdrawn = (notice.closed.as_ref())
            .is_some_and(|closed| closed.outcome == NoticeOutcome::Withdrawn);
        let api = self.api(&notice.key.api);
        let app = self.app(&notice.key.app).map(|record| &record.app);
        let parties = [
            (filter.owner.as_ref()).map(|party| {
                app.is_some_and(|app| app.owner == party.user && app.workspace == party.workspace)
            }),
            (filter.app_workspace.as_ref())
                .map(|workspace| app.is_some_and(|app| app.workspace == *workspace)),
            (filter.reviewer.as_ref()).map(|party| {
                api.is_some_and(|api| api.manager == party.user && api.workspace == party.workspace)
            }),
        ];
        let party = parties.iter().all(Option::is_none) || parties.contains(&Some(true));
        let asks_of_api = filter.project.is_some() || filter.api_name.is_some();
        let about = !asks_of_api
            || api.is_some_and(|api| {
                is(&filter.project, &api.project) && has(&filter.api_name, &api.name)
            });
        party
            && about
            && is(&filter.running, &notice.is_running())
            && (filter.withdrawn || !withdrawn)
    }
}

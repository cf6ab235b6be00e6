//! Reading a state.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use async_trait::async_trait;
use tidegate_domain::{
    Api, ApiId, AppId, AppKind, Application, ApplicationId, Instance, InstanceId, Key, Notice,
    NoticeId, ProjectId, Publication, Standing, Throttle, ThrottleName, Timestamp, UserId,
    WorkspaceId,
};

use super::lists::page;
use super::reminders::remarkable;
use super::state::{Kept, State, damaged};
use crate::denied::Denied;
use crate::due::{publication_due_at, standing_due_at};
use crate::{
    ApiFilter, AppFilter, AppRecord, ApplicationFilter, Changes, Due, Head, JournalEntry, ListedBy,
    Mark, Member, Message, Moment, NoticeFilter, Page, Paging, Project, Remarkable, Result,
    Revision, Sealed, Token, TokenHash, UnreadableApi, User, View, Waiting, Workspace,
};

/// A view, when `S` is a shared state; a transaction, when it is one of its own.
pub struct Session<S>(pub S);

/// What was put after a revision, in the order of revisions and then of keys.
fn since<K, T>(map: &BTreeMap<K, Kept<T>>, revision: Revision) -> impl Iterator<Item = (&K, &T)> {
    let mut later: Vec<_> = map.iter().filter(|(_, kept)| kept.revision > revision).collect();
    later.sort_by_key(|(_, kept)| kept.revision);
    later.into_iter().map(|(key, kept)| (key, &kept.value))
}

fn first<T: Clone>(items: &[T], limit: u64) -> Vec<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    items.iter().take(limit).cloned().collect()
}

#[async_trait]
impl<S: Deref<Target = State> + Send> View for Session<S> {
    async fn head(&mut self) -> Result<Head> {
        Ok(self.0.head.clone())
    }

    async fn stamp_of(&mut self, revision: Revision) -> Result<Option<String>> {
        Ok(self.0.stamps.get(&revision).cloned())
    }

    async fn is_former_epoch(&mut self, epoch: &str) -> Result<bool> {
        Ok(self.0.former.contains(epoch))
    }

    async fn vault_check(&mut self) -> Result<Option<Sealed>> {
        Ok(self.0.vault_check.clone())
    }

    async fn feed_check(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.0.feed_check.clone())
    }

    async fn project(&mut self, id: &ProjectId) -> Result<Option<Project>> {
        Ok(self.0.projects.get(id).map(|kept| kept.value.clone()))
    }

    async fn projects(&mut self) -> Result<Vec<Project>> {
        Ok(self.0.projects.values().map(|kept| kept.value.clone()).collect())
    }

    async fn user(&mut self, id: &UserId) -> Result<Option<User>> {
        Ok(self.0.users.get(id).cloned())
    }

    async fn user_by_access_key(&mut self, access_key: &str) -> Result<Option<User>> {
        let named = |user: &&User| !access_key.is_empty() && user.access_key == access_key;
        Ok(self.0.users.values().find(named).cloned())
    }

    async fn users_by_name(&mut self, domain: &str, name: &str) -> Result<Vec<User>> {
        let state = &*self.0;
        let of_account = |user: &&User| {
            let project = state.projects.get(&user.project);
            user.name == name && project.is_some_and(|kept| kept.value.domain_name == domain)
        };
        Ok(state.users.values().filter(of_account).cloned().collect())
    }

    async fn user_of_project(&mut self, project: &ProjectId, name: &str) -> Result<Option<User>> {
        let mut users = self.0.users.values();
        Ok(users.find(|user| user.project == *project && user.name == name).cloned())
    }

    async fn users(&mut self, project: &ProjectId) -> Result<Vec<User>> {
        let users = self.0.users.values();
        Ok(users.filter(|user| user.project == *project).cloned().collect())
    }

    async fn workspace(&mut self, id: &WorkspaceId) -> Result<Option<Workspace>> {
        Ok(self.0.workspaces.get(id).cloned())
    }

    async fn workspaces(&mut self, project: &ProjectId) -> Result<Vec<Workspace>> {
        let workspaces = self.0.workspaces.values();
        Ok(workspaces.filter(|w| w.project == *project).cloned().collect())
    }

    async fn member(&mut self, workspace: &WorkspaceId, user: &UserId) -> Result<Option<Member>> {
        Ok(self.0.members.get(&(workspace.clone(), user.clone())).cloned())
    }

    async fn members(&mut self, workspace: &WorkspaceId) -> Result<Vec<Member>> {
        let members = self.0.members.values();
        Ok(members.filter(|m| m.workspace == *workspace).cloned().collect())
    }

    async fn instance(&mut self, project: &ProjectId, id: &InstanceId) -> Result<Option<Instance>> {
        let kept = self.0.instances.get(&(project.clone(), id.clone()));
        Ok(kept.map(|kept| kept.value.clone()))
    }

    async fn instances(&mut self, project: &ProjectId) -> Result<Vec<Instance>> {
        let instances = self.0.instances.values().map(|kept| &kept.value);
        Ok(instances.filter(|i| i.project == *project).cloned().collect())
    }

    async fn instances_with_hosts(&mut self) -> Result<Vec<Instance>> {
        let instances = self.0.instances.values().map(|kept| &kept.value);
        Ok(instances.filter(|instance| instance.names_hosts()).cloned().collect())
    }

    async fn default_project(&mut self) -> Result<Option<ProjectId>> {
        Ok(self.0.default_project.as_ref().map(|kept| kept.value.clone()))
    }

    async fn token(&mut self, hash: &TokenHash) -> Result<Option<Token>> {
        let kept = self.0.tokens.get(hash).filter(|kept| !kept.value.revoked);
        Ok(kept.map(|kept| kept.value.token.clone()))
    }

    async fn tokens_of(&mut self, user: &UserId) -> Result<Vec<Token>> {
        let issued = self.0.tokens.values().map(|kept| &kept.value);
        let theirs = issued.filter(|issued| !issued.revoked && issued.token.user == *user);
        Ok(theirs.map(|issued| issued.token.clone()).collect())
    }

    async fn count_tokens(&mut self, user: &UserId, now: Timestamp) -> Result<u64> {
        let tokens = self.0.tokens.values().map(|kept| &kept.value.token);
        Ok(tokens.filter(|token| token.user == *user && now < token.expires_at).count() as u64)
    }

    async fn app(&mut self, id: &AppId) -> Result<Option<AppRecord>> {
        Ok(self.0.app(id).cloned())
    }

    async fn apps_among(&mut self, ids: &[AppId]) -> Result<Vec<AppRecord>> {
        let ids: BTreeSet<_> = ids.iter().collect();
        Ok(ids.into_iter().filter_map(|id| self.0.app(id).cloned()).collect())
    }

    async fn app_named(
        &mut self,
        workspace: &WorkspaceId,
        name: &str,
    ) -> Result<Option<AppRecord>> {
        let mut apps = self.0.apps.values().filter_map(|kept| kept.value.as_ref());
        let named = |record: &&AppRecord| {
            let app = &record.app;
            app.kind == AppKind::App && app.workspace == *workspace && app.name == name
        };
        Ok(apps.find(named).cloned())
    }

    async fn iam_app(&mut self, project: &ProjectId) -> Result<Option<AppRecord>> {
        let mut apps = self.0.apps.values().filter_map(|kept| kept.value.as_ref());
        let of_project =
            |record: &&AppRecord| record.app.kind == AppKind::Iam && record.app.project == *project;
        Ok(apps.find(of_project).cloned())
    }

    async fn apps(&mut self, filter: &AppFilter, paging: Paging) -> Result<Page<AppRecord>> {
        let state = &*self.0;
        let apps = state.apps.values().filter_map(|kept| kept.value.as_ref());
        let mut listed: Vec<_> = apps.filter(|a| state.lists_app(filter, a)).cloned().collect();
        listed.sort_by_key(|record| (record.app.created_at, record.app.id.clone()));
        Ok(page(listed, paging))
    }

    async fn api(&mut self, id: &ApiId) -> Result<Option<Api>> {
        Ok(self.0.api(id).cloned())
    }

    async fn api_named(&mut self, workspace: &WorkspaceId, name: &str) -> Result<Option<Api>> {
        let mut apis = self.0.apis.values().filter_map(|kept| kept.value.as_ref());
        let named = |api: &&Api| api.workspace == *workspace && api.name == name;
        Ok(apis.find(named).cloned())
    }

    async fn apis(&mut self, filter: &ApiFilter, paging: Paging) -> Result<Page<Api>> {
        let state = &*self.0;
        let apis = state.apis.values().filter_map(|kept| kept.value.as_ref());
        let mut listed: Vec<_> = apis.filter(|a| state.lists_api(filter, a)).cloned().collect();
        listed.sort_by_key(|api| (api.created_at, api.id.clone()));
        Ok(page(listed, paging))
    }

    async fn throttle(
        &mut self,
        workspace: &WorkspaceId,
        name: &ThrottleName,
    ) -> Result<Option<Throttle>> {
        Ok(self.0.throttles.get(&(workspace.clone(), name.clone())).cloned())
    }

    async fn throttles(&mut self, workspace: &WorkspaceId) -> Result<Vec<Throttle>> {
        let throttles = self.0.throttles.values();
        Ok(throttles.filter(|throttle| throttle.workspace == *workspace).cloned().collect())
    }

    async fn publication(&mut self, api: &ApiId, on: &InstanceId) -> Result<Option<Publication>> {
        let kept = self.0.publications.get(&(api.clone(), on.clone()));
        kept.map(|kept| self.0.publication(&kept.value)).transpose()
    }

    async fn publications(&mut self, api: &ApiId) -> Result<Vec<Publication>> {
        let kept = self.0.publications.values().map(|kept| &kept.value);
        kept.filter(|p| p.api == *api).map(|p| self.0.publication(p)).collect()
    }

    async fn publications_on_route(
        &mut self,
        project: &ProjectId,
        method: &str,
        shape: &str,
    ) -> Result<Vec<Publication>> {
        let on_route = |publication: &&Publication| {
            self.0.api(&publication.api).is_some_and(|api| {
                api.project == *project
                    && api.method.as_str() == method
                    && api.route_shape() == shape
            })
        };
        let kept = self.0.publications.values().map(|kept| &kept.value);
        kept.filter(on_route).map(|p| self.0.publication(p)).collect()
    }

    async fn publication_holding_route(
        &mut self,
        project: &ProjectId,
        on: &InstanceId,
        now: Timestamp,
    ) -> Result<Option<Publication>> {
        let holds = |publication: &&Publication| {
            publication.instance == *on
                && publication.status.as_of(now).holds_route()
                && self.0.api(&publication.api).is_some_and(|api| api.project == *project)
        };
        let mut kept = self.0.publications.values().map(|kept| &kept.value);
        kept.find(holds).map(|p| self.0.publication(p)).transpose()
    }

    async fn standing(&mut self, key: &Key) -> Result<Option<Standing>> {
        let kept = self.0.standings.get(key);
        kept.map(|kept| self.0.standing(&kept.value)).transpose()
    }

    async fn revision_of(&mut self, key: &Key) -> Result<Revision> {
        let place = (key.api.clone(), key.instance.clone());
        let state = &*self.0;
        let parts = [
            state.standings.get(key).map(|kept| kept.revision),
            state.publications.get(&place).map(|kept| kept.revision),
            state.apps.get(&key.app).map(|kept| kept.revision),
            state.apis.get(&key.api).map(|kept| kept.revision),
        ];
        Ok(parts.into_iter().flatten().max().unwrap_or_default())
    }

    async fn standings_on(&mut self, api: &ApiId, on: &InstanceId) -> Result<Vec<Standing>> {
        let kept = self.0.standings.values().map(|kept| &kept.value);
        kept.filter(|s| s.key.api == *api && s.key.instance == *on)
            .map(|s| self.0.standing(s))
            .collect()
    }

    async fn is_counted_on(
        &mut self,
        api: &ApiId,
        on: &InstanceId,
        now: Timestamp,
    ) -> Result<bool> {
        let mut standings = self.0.standings.values().map(|kept| &kept.value);
        Ok(standings.any(|s| s.key.api == *api && s.key.instance == *on && s.counts_on_api(now)))
    }

    async fn standings_among(
        &mut self,
        api: &ApiId,
        on: &InstanceId,
        apps: &[AppId],
    ) -> Result<Vec<Standing>> {
        let mut all = self.standings_on(api, on).await?;
        all.retain(|standing| apps.contains(&standing.key.app));
        Ok(all)
    }

    async fn standings_of_app(&mut self, app: &AppId) -> Result<Vec<Standing>> {
        let kept = self.0.standings.values().map(|kept| &kept.value);
        kept.filter(|s| s.key.app == *app).map(|s| self.0.standing(s)).collect()
    }

    async fn listed(
        &mut self,
        by: &ListedBy,
        now: Timestamp,
        paging: Paging,
    ) -> Result<Page<Standing>> {
        // The order of keys is (API, instance, app): right for both lists, as each fixes one of them.
        let kept = self.0.standings.values().map(|kept| &kept.value);
        let listed = kept.filter(|standing| self.0.lists_standing(by, now, standing)).collect();
        let Page { total, items } = page(listed, paging);
        let items = items.into_iter().map(|s| self.0.standing(s)).collect::<Result<_>>()?;
        Ok(Page { total, items })
    }

    async fn application(&mut self, id: &ApplicationId) -> Result<Option<Application>> {
        Ok(self.0.applications.get(id).cloned())
    }

    async fn applications(
        &mut self,
        filter: &ApplicationFilter,
        paging: Paging,
    ) -> Result<Page<Application>> {
        let state = &*self.0;
        let all = state.applications.values();
        let mut listed: Vec<_> =
            all.filter(|a| state.lists_application(filter, a)).cloned().collect();
        listed.sort_by_key(|application| Reverse((application.opened_at, application.id.clone())));
        Ok(page(listed, paging))
    }

    async fn notice(&mut self, id: &NoticeId) -> Result<Option<Notice>> {
        Ok(self.0.notices.get(id).cloned())
    }

    async fn notices(&mut self, filter: &NoticeFilter, paging: Paging) -> Result<Page<Notice>> {
        let state = &*self.0;
        let all = state.notices.values();
        let mut listed: Vec<_> = all.filter(|n| state.lists_notice(filter, n)).cloned().collect();
        listed.sort_by_key(|notice| Reverse((notice.sent_at, notice.id.clone())));
        Ok(page(listed, paging))
    }

    async fn due(&mut self, now: Timestamp, limit: u64) -> Result<Vec<Due>> {
        let mut publications: Vec<_> = (self.0.publications.iter())
            .filter_map(|(key, kept)| Some((publication_due_at(&kept.value)?, key)))
            .filter(|(at, _)| *at <= now)
            .collect();
        publications.sort();
        let mut standings: Vec<_> = (self.0.standings.iter())
            .filter_map(|(key, kept)| Some((standing_due_at(&kept.value)?, key)))
            .filter(|(at, _)| *at <= now)
            .collect();
        standings.sort();
        let publications = publications
            .into_iter()
            .map(|(_, (api, instance))| Due::Publication(api.clone(), instance.clone()));
        let standings = standings.into_iter().map(|(_, key)| Due::Standing(key.clone()));
        let due: Vec<_> = publications.chain(standings).collect();
        Ok(first(&due, limit))
    }

    async fn changes(&mut self, after: Revision) -> Result<Changes> {
        let state = &*self.0;
        let mut changes = Changes {
            epoch: state.head.epoch.clone(),
            head: state.head.revision,
            stamp: state.head.stamp.clone(),
            since_stamp: state.stamps.get(&after).cloned().unwrap_or_default(),
            projects: since(&state.projects, after).map(|(_, p)| p.clone()).collect(),
            instances: since(&state.instances, after).map(|(_, i)| i.clone()).collect(),
            default_project: (state.default_project.as_ref())
                .filter(|kept| kept.revision > after)
                .map(|kept| kept.value.clone()),
            ..Changes::default()
        };
        for (id, app) in since(&state.apps, after) {
            match app {
                Some(app) => changes.apps.push(app.clone()),
                None if after > Revision(0) => changes.apps_deleted.push(id.clone()),
                None => {}
            }
        }
        for (id, api) in since(&state.apis, after) {
            match api {
                Some(api) => changes.apis.push(api.clone()),
                None if after > Revision(0) => changes.apis_deleted.push(id.clone()),
                None => {}
            }
        }
        for (hash, issued) in since(&state.tokens, after) {
            match issued.revoked {
                false => changes.tokens.push(issued.token.clone()),
                true if after > Revision(0) => changes.tokens_revoked.push(*hash),
                true => {}
            }
        }
        let mut bad_publications = Vec::new();
        // What belongs to a deleted app or API goes with it: that it was deleted says all.
        for (_, publication) in since(&state.publications, after) {
            if state.api_is_deleted(&publication.api) {
                continue;
            }
            match damaged(state.publication(publication))? {
                Ok(publication) => changes.publications.push(publication),
                Err(what) => bad_publications.push((
                    publication.api.clone(),
                    publication.instance.clone(),
                    what,
                )),
            }
        }
        let bad_throttles = state.throttles_of(&mut changes)?;
        let mut denied = Denied::default();
        for (id, instance, what) in bad_publications {
            denied.api(id.as_str(), state.api(&id).map(UnreadableApi::from), what);
            denied.published_at(id.as_str(), Some(instance));
        }
        for (id, what) in bad_throttles {
            denied.api(id.as_str(), state.api(&id).map(UnreadableApi::from), what);
        }
        denied.leave_out(&mut changes, after);
        for (key, standing) in since(&state.standings, after) {
            if state.api_is_deleted(&key.api) || state.app_is_deleted(&key.app) {
                continue;
            }
            match damaged(state.standing(standing))? {
                Ok(standing) => changes.standings.push(standing),
                // A grant that cannot be read is none.
                Err(what) => {
                    changes.damaged.push(what);
                    changes.standings.push(Standing::new(key.clone()));
                }
            }
        }
        Ok(changes)
    }

    async fn everything(&mut self, after: Option<&Key>, limit: u64) -> Result<Changes> {
        let mut all = self.changes(Revision(0)).await?;
        all.standings.sort_by(|one, other| one.key.cmp(&other.key));
        all.standings.retain(|standing| after.is_none_or(|key| standing.key > *key));
        let standings = first(&all.standings, limit);
        Ok(match after {
            None => Changes { standings, ..all },
            Some(_) => {
                let Changes { epoch, head, stamp, .. } = all;
                Changes { epoch, head, stamp, standings, ..Changes::default() }
            }
        })
    }

    async fn journal(&mut self, after: Revision, limit: u64) -> Result<Vec<JournalEntry>> {
        let start = self.0.journal.partition_point(|entry| entry.revision <= after);
        let rest = self.0.journal.get(start..).unwrap_or_default();
        let mut entries = first(rest, limit);
        // A revision is told whole, or who goes on from the last one would miss the rest of it.
        if let Some(last) = entries.last().map(|entry| entry.revision) {
            let more = rest.iter().skip(entries.len());
            let more: Vec<_> = more.take_while(|entry| entry.revision == last).cloned().collect();
            entries.extend(more);
        }
        Ok(entries)
    }

    async fn outbox(&mut self, limit: u64) -> Result<Vec<Message>> {
        let messages: Vec<_> = self.0.outbox.iter().map(|(message, _)| message.clone()).collect();
        Ok(first(&messages, limit))
    }

    async fn outbox_due(&mut self, now: Timestamp, limit: u64) -> Result<Vec<Message>> {
        let due = self.0.outbox.iter().filter(|(_, next)| *next <= now);
        let due: Vec<_> = due.map(|(message, _)| message.clone()).collect();
        Ok(first(&due, limit))
    }

    async fn outbox_waiting(&mut self) -> Result<Waiting> {
        let outbox = &self.0.outbox;
        let oldest = outbox.first().map(|(message, _)| message.at);
        Ok(Waiting { count: outbox.len() as u64, oldest })
    }

    async fn remarkable(
        &mut self,
        moment: Moment,
        after: &Mark,
        to: Timestamp,
        limit: u64,
    ) -> Result<Vec<Remarkable>> {
        Ok(first(&remarkable(&self.0, moment, after, to)?, limit))
    }

    async fn reminded(&mut self, name: &str) -> Result<Option<Mark>> {
        Ok(self.0.reminded.get(name).cloned())
    }
}

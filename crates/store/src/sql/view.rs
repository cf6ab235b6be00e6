//! Reading.

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tidegate_domain::{
    Api, ApiId, AppId, Application, ApplicationId, Instance, InstanceId, Key, Notice, NoticeId,
    ProjectId, Publication, Standing, Throttle, ThrottleName, Timestamp, UserId, WorkspaceId,
};

use super::access::{Stored, all, by_key, clamped, one, page, rows_among, rows_in};
use super::cells::Cells;
use super::pool::SqlTransaction;
use super::reminders::remarkable;
use super::rows::named_in_project;
use super::session::{Mode, Session};
use super::tables::{
    apis, applications, apps, default_project, feed_check, instances, journal, members, notices,
    outbox, projects, publications, reminders, standings, throttles, tokens, users, vault_check,
    workspaces,
};
use super::{changes, history, lists};
use crate::{
    ApiFilter, AppFilter, AppRecord, ApplicationFilter, Changes, Due, Head, JournalEntry, ListedBy,
    Mark, Member, Message, Moment, NoticeFilter, Page, Paging, Project, Remarkable, Result,
    Revision, Sealed, Token, TokenHash, User, View, Waiting, Workspace,
};

#[async_trait]
impl<M: Mode> View for Session<M> {
    async fn head(&mut self) -> Result<Head> {
        Ok(self.head.clone())
    }

    async fn stamp_of(&mut self, revision: Revision) -> Result<Option<String>> {
        history::stamp_of(&self.tx, &self.head, revision).await
    }

    async fn is_former_epoch(&mut self, epoch: &str) -> Result<bool> {
        history::is_former(&self.tx, epoch).await
    }

    async fn vault_check(&mut self) -> Result<Option<Sealed>> {
        let row = vault_check::Entity::find_by_id(1).one(&self.tx).await?;
        Ok(row.map(|row| Sealed(row.sealed)))
    }

    async fn feed_check(&mut self) -> Result<Option<Vec<u8>>> {
        let row = feed_check::Entity::find_by_id(1).one(&self.tx).await?;
        Ok(row.map(|row| row.mac))
    }

    async fn project(&mut self, id: &ProjectId) -> Result<Option<Project>> {
        one(&self.tx, projects::Entity::find_by_id(id.as_str())).await
    }

    async fn projects(&mut self) -> Result<Vec<Project>> {
        all(&self.tx, by_key(projects::Entity::find())).await
    }

    async fn user(&mut self, id: &UserId) -> Result<Option<User>> {
        one(&self.tx, users::Entity::find_by_id(id.as_str())).await
    }

    async fn user_by_access_key(&mut self, access_key: &str) -> Result<Option<User>> {
        let has_key = users::Column::AccessKey.eq(access_key);
        one(&self.tx, users::Entity::find().filter(has_key)).await
    }

    async fn users_by_name(&mut self, domain: &str, name: &str) -> Result<Vec<User>> {
        let named = Condition::all()
            .add(users::Column::Project.in_subquery(lists::projects_of(domain)))
            .add(users::Column::Name.eq(name));
        all(&self.tx, by_key(users::Entity::find().filter(named))).await
    }

    async fn user_of_project(&mut self, project: &ProjectId, name: &str) -> Result<Option<User>> {
        let named = Condition::all()
            .add(users::Column::Project.eq(project.as_str()))
            .add(users::Column::Name.eq(name));
        one(&self.tx, users::Entity::find().filter(named)).await
    }

    async fn users(&mut self, project: &ProjectId) -> Result<Vec<User>> {
        let inside = users::Column::Project.eq(project.as_str());
        all(&self.tx, by_key(users::Entity::find().filter(inside))).await
    }

    async fn workspace(&mut self, id: &WorkspaceId) -> Result<Option<Workspace>> {
        one(&self.tx, workspaces::Entity::find_by_id(id.as_str())).await
    }

    async fn workspaces(&mut self, project: &ProjectId) -> Result<Vec<Workspace>> {
        let inside = workspaces::Column::Project.eq(project.as_str());
        all(&self.tx, by_key(workspaces::Entity::find().filter(inside))).await
    }

    async fn member(&mut self, workspace: &WorkspaceId, user: &UserId) -> Result<Option<Member>> {
        let key = (workspace.to_string(), user.to_string());
        one(&self.tx, members::Entity::find_by_id(key)).await
    }

    async fn members(&mut self, workspace: &WorkspaceId) -> Result<Vec<Member>> {
        let inside = members::Column::Workspace.eq(workspace.as_str());
        all(&self.tx, by_key(members::Entity::find().filter(inside))).await
    }

    async fn instance(&mut self, project: &ProjectId, id: &InstanceId) -> Result<Option<Instance>> {
        let key = (project.to_string(), id.to_string());
        one(&self.tx, instances::Entity::find_by_id(key)).await
    }

    async fn instances(&mut self, project: &ProjectId) -> Result<Vec<Instance>> {
        let inside = instances::Column::Project.eq(project.as_str());
        all(&self.tx, by_key(instances::Entity::find().filter(inside))).await
    }

    async fn instances_with_hosts(&mut self) -> Result<Vec<Instance>> {
        let named = instances::Column::Hosts.ne("");
        all(&self.tx, by_key(instances::Entity::find().filter(named))).await
    }

    async fn default_project(&mut self) -> Result<Option<ProjectId>> {
        let row = default_project::Entity::find().one(&self.tx).await?;
        row.map(default_project::Model::read).transpose()
    }

    async fn token(&mut self, hash: &TokenHash) -> Result<Option<Token>> {
        let standing = tokens::Column::Revoked.eq(false);
        one(&self.tx, tokens::Entity::find_by_id(hash.0.to_vec()).filter(standing)).await
    }

    async fn tokens_of(&mut self, user: &UserId) -> Result<Vec<Token>> {
        let theirs = Condition::all()
            .add(tokens::Column::UserId.eq(user.as_str()))
            .add(tokens::Column::Revoked.eq(false));
        all(&self.tx, by_key(tokens::Entity::find().filter(theirs))).await
    }

    async fn count_tokens(&mut self, user: &UserId, now: Timestamp) -> Result<u64> {
        let theirs = Condition::all()
            .add(tokens::Column::UserId.eq(user.as_str()))
            .add(tokens::Column::ExpiresAt.gt(now.as_ms()));
        Ok(tokens::Entity::find().filter(theirs).count(&self.tx).await?)
    }

    async fn app(&mut self, id: &AppId) -> Result<Option<AppRecord>> {
        let living = apps::Column::Deleted.eq(false);
        one(&self.tx, apps::Entity::find_by_id(id.as_str()).filter(living)).await
    }

    async fn apps_among(&mut self, ids: &[AppId]) -> Result<Vec<AppRecord>> {
        let ids = ids.iter().map(ToString::to_string).collect();
        let mut rows = rows_in::<apps::Entity>(&self.tx, apps::Column::Id, ids).await?;
        rows.retain(|row| !row.deleted);
        rows.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        AppRecord::load(&self.tx, rows).await
    }

    async fn app_named(
        &mut self,
        workspace: &WorkspaceId,
        name: &str,
    ) -> Result<Option<AppRecord>> {
        let named = Condition::all()
            .add(apps::Column::NamedIn.eq(workspace.as_str()))
            .add(apps::Column::Name.eq(name));
        one(&self.tx, apps::Entity::find().filter(named)).await
    }

    async fn iam_app(&mut self, project: &ProjectId) -> Result<Option<AppRecord>> {
        let named = apps::Column::NamedIn.eq(named_in_project(project));
        let first = by_key(apps::Entity::find().filter(named)).limit(1);
        one(&self.tx, first).await
    }

    async fn apps(&mut self, filter: &AppFilter, paging: Paging) -> Result<Page<AppRecord>> {
        let listed = apps::Entity::find()
            .filter(lists::apps(filter))
            .order_by_asc(apps::Column::CreatedAt)
            .order_by_asc(apps::Column::Id);
        page(&self.tx, listed, paging).await
    }

    async fn api(&mut self, id: &ApiId) -> Result<Option<Api>> {
        let living = apis::Column::Deleted.eq(false);
        one(&self.tx, apis::Entity::find_by_id(id.as_str()).filter(living)).await
    }

    async fn api_named(&mut self, workspace: &WorkspaceId, name: &str) -> Result<Option<Api>> {
        let named = Condition::all()
            .add(apis::Column::NamedIn.eq(workspace.as_str()))
            .add(apis::Column::Name.eq(name));
        one(&self.tx, apis::Entity::find().filter(named)).await
    }

    async fn apis(&mut self, filter: &ApiFilter, paging: Paging) -> Result<Page<Api>> {
        let listed = apis::Entity::find()
            .filter(lists::apis(filter))
            .order_by_asc(apis::Column::CreatedAt)
            .order_by_asc(apis::Column::Id);
        page(&self.tx, listed, paging).await
    }

    async fn throttle(
        &mut self,
        workspace: &WorkspaceId,
        name: &ThrottleName,
    ) -> Result<Option<Throttle>> {
        let key = (workspace.to_string(), name.to_string());
        one(&self.tx, throttles::Entity::find_by_id(key)).await
    }

    async fn throttles(&mut self, workspace: &WorkspaceId) -> Result<Vec<Throttle>> {
        let inside = throttles::Column::Workspace.eq(workspace.as_str());
        all(&self.tx, by_key(throttles::Entity::find().filter(inside))).await
    }

    async fn publication(&mut self, api: &ApiId, on: &InstanceId) -> Result<Option<Publication>> {
        let key = (api.to_string(), on.to_string());
        one(&self.tx, publications::Entity::find_by_id(key)).await
    }

    async fn publications(&mut self, api: &ApiId) -> Result<Vec<Publication>> {
        let of_api = publications::Column::Api.eq(api.as_str());
        all(&self.tx, by_key(publications::Entity::find().filter(of_api))).await
    }

    async fn publications_on_route(
        &mut self,
        project: &ProjectId,
        method: &str,
        shape: &str,
    ) -> Result<Vec<Publication>> {
        let on_route = Condition::all()
            .add(apis::Column::Project.eq(project.as_str()))
            .add(apis::Column::Method.eq(method))
            .add(apis::Column::Shape.eq(shape))
            .add(apis::Column::Deleted.eq(false));
        let apis = lists::select(apis::Entity, apis::Column::Id, on_route);
        let theirs = publications::Column::Api.in_subquery(apis);
        all(&self.tx, by_key(publications::Entity::find().filter(theirs))).await
    }

    async fn publication_holding_route(
        &mut self,
        project: &ProjectId,
        on: &InstanceId,
        now: Timestamp,
    ) -> Result<Option<Publication>> {
        let query = publications::Entity::find().filter(lists::holding_route(project, on, now));
        one(&self.tx, by_key(query)).await
    }

    async fn standing(&mut self, key: &Key) -> Result<Option<Standing>> {
        let key = (key.api.to_string(), key.instance.to_string(), key.app.to_string());
        one(&self.tx, standings::Entity::find_by_id(key)).await
    }

    async fn revision_of(&mut self, key: &Key) -> Result<Revision> {
        let standing = (key.api.to_string(), key.instance.to_string(), key.app.to_string());
        let place = (key.api.to_string(), key.instance.to_string());
        let standing = standings::Entity::find_by_id(standing).one(&self.tx).await?;
        let publication = publications::Entity::find_by_id(place).one(&self.tx).await?;
        let app = apps::Entity::find_by_id(key.app.as_str()).one(&self.tx).await?;
        let api = apis::Entity::find_by_id(key.api.as_str()).one(&self.tx).await?;
        let parts = [
            standing.map(|row| row.revision),
            publication.map(|row| row.revision),
            app.map(|row| row.revision),
            api.map(|row| row.revision),
        ];
        let last = parts.into_iter().flatten().max().unwrap_or(0);
        let cells = Cells::of(apis::Entity, &[key.api.as_str()]);
        Ok(Revision(cells.number("revision", last)?))
    }

    async fn standings_on(&mut self, api: &ApiId, on: &InstanceId) -> Result<Vec<Standing>> {
        let here = Condition::all()
            .add(standings::Column::Api.eq(api.as_str()))
            .add(standings::Column::Instance.eq(on.as_str()));
        all(&self.tx, by_key(standings::Entity::find().filter(here))).await
    }

    async fn is_counted_on(
        &mut self,
        api: &ApiId,
        on: &InstanceId,
        now: Timestamp,
    ) -> Result<bool> {
        let here = Condition::all()
            .add(standings::Column::Api.eq(api.as_str()))
            .add(standings::Column::Instance.eq(on.as_str()))
            .add(lists::counting(now));
        Ok(standings::Entity::find().filter(here).limit(1).one(&self.tx).await?.is_some())
    }

    async fn standings_among(
        &mut self,
        api: &ApiId,
        on: &InstanceId,
        apps: &[AppId],
    ) -> Result<Vec<Standing>> {
        let here = Condition::all()
            .add(standings::Column::Api.eq(api.as_str()))
            .add(standings::Column::Instance.eq(on.as_str()));
        let apps = apps.iter().map(ToString::to_string).collect();
        let query = standings::Entity::find().filter(here);
        let mut rows = rows_among(&self.tx, query, standings::Column::App, apps).await?;
        rows.sort_unstable_by(|one, other| one.app.cmp(&other.app));
        Standing::load(&self.tx, rows).await
    }

    async fn standings_of_app(&mut self, app: &AppId) -> Result<Vec<Standing>> {
        let of_app = standings::Column::App.eq(app.as_str());
        all(&self.tx, by_key(standings::Entity::find().filter(of_app))).await
    }

    async fn listed(
        &mut self,
        by: &ListedBy,
        now: Timestamp,
        paging: Paging,
    ) -> Result<Page<Standing>> {
        // The order of keys is (API, instance, app): right for both lists, as each fixes one of them.
        let listed = standings::Entity::find().filter(lists::listed(by, now));
        page(&self.tx, by_key(listed), paging).await
    }

    async fn application(&mut self, id: &ApplicationId) -> Result<Option<Application>> {
        one(&self.tx, applications::Entity::find_by_id(id.as_str())).await
    }

    async fn applications(
        &mut self,
        filter: &ApplicationFilter,
        paging: Paging,
    ) -> Result<Page<Application>> {
        let listed = applications::Entity::find()
            .filter(lists::applications(filter))
            .order_by_desc(applications::Column::OpenedAt)
            .order_by_desc(applications::Column::Id);
        page(&self.tx, listed, paging).await
    }

    async fn notice(&mut self, id: &NoticeId) -> Result<Option<Notice>> {
        one(&self.tx, notices::Entity::find_by_id(id.as_str())).await
    }

    async fn notices(&mut self, filter: &NoticeFilter, paging: Paging) -> Result<Page<Notice>> {
        let listed = notices::Entity::find()
            .filter(lists::notices(filter))
            .order_by_desc(notices::Column::SentAt)
            .order_by_desc(notices::Column::Id);
        page(&self.tx, listed, paging).await
    }

    async fn due(&mut self, now: Timestamp, limit: u64) -> Result<Vec<Due>> {
        due(&self.tx, now, limit).await
    }

    async fn changes(&mut self, since: Revision) -> Result<Changes> {
        changes::changes(&self.tx, &self.head, since).await
    }

    async fn everything(&mut self, after: Option<&Key>, limit: u64) -> Result<Changes> {
        changes::everything(&self.tx, &self.head, after, limit).await
    }

    async fn journal(&mut self, after: Revision, limit: u64) -> Result<Vec<JournalEntry>> {
        self.mode.flush(&self.tx).await?;
        let later = journal::Entity::find().filter(journal::Column::Revision.gt(after.column()));
        let mut entries: Vec<JournalEntry> =
            all(&self.tx, by_key(later).limit(clamped(limit))).await?;
        // A revision is told whole, or who goes on from the last one would miss the rest of it.
        if let Some(last) = entries.last().map(|entry| entry.revision) {
            let told = entries.iter().filter(|entry| entry.revision == last).count();
            let rest = journal::Entity::find()
                .filter(journal::Column::Revision.eq(last.column()))
                .filter(journal::Column::Ordinal.gte(told as u64));
            entries.extend(all::<JournalEntry>(&self.tx, by_key(rest)).await?);
        }
        Ok(entries)
    }

    async fn outbox(&mut self, limit: u64) -> Result<Vec<Message>> {
        self.mode.flush(&self.tx).await?;
        all(&self.tx, by_key(outbox::Entity::find()).limit(clamped(limit))).await
    }

    async fn outbox_due(&mut self, now: Timestamp, limit: u64) -> Result<Vec<Message>> {
        let due = outbox::Entity::find().filter(outbox::Column::NextTryAt.lte(now.as_ms()));
        all(&self.tx, by_key(due).limit(clamped(limit))).await
    }

    async fn outbox_waiting(&mut self) -> Result<Waiting> {
        let count = outbox::Entity::find().count(&self.tx).await?;
        let oldest: Option<Message> = one(&self.tx, by_key(outbox::Entity::find())).await?;
        Ok(Waiting { count, oldest: oldest.map(|message| message.at) })
    }

    async fn remarkable(
        &mut self,
        moment: Moment,
        after: &Mark,
        to: Timestamp,
        limit: u64,
    ) -> Result<Vec<Remarkable>> {
        remarkable(&self.tx, moment, after, to, limit).await
    }

    async fn reminded(&mut self, name: &str) -> Result<Option<Mark>> {
        let row = reminders::Entity::find_by_id(name).one(&self.tx).await?;
        Ok(row.map(reminders::Model::read))
    }
}

async fn due(tx: &SqlTransaction, now: Timestamp, limit: u64) -> Result<Vec<Due>> {
    let query = publications::Entity::find()
        .filter(publications::Column::DueAt.lte(now.as_ms()))
        .order_by_asc(publications::Column::DueAt);
    let rows = by_key(query).limit(clamped(limit)).all(tx).await?;
    let mut due = Vec::with_capacity(rows.len());
    for row in rows {
        let cells = Cells::of(publications::Entity, &[&row.api, &row.instance]);
        let api = cells.text("api", &row.api)?;
        due.push(Due::Publication(api, cells.text("instance", &row.instance)?));
    }
    let query = standings::Entity::find()
        .filter(standings::Column::DueAt.lte(now.as_ms()))
        .order_by_asc(standings::Column::DueAt);
    let rest = limit.saturating_sub(due.len() as u64);
    for row in by_key(query).limit(clamped(rest)).all(tx).await? {
        let cells = Cells::of(standings::Entity, &[&row.api, &row.instance, &row.app]);
        due.push(Due::Standing(Key {
            api: cells.text("api", &row.api)?,
            instance: cells.text("instance", &row.instance)?,
            app: cells.text("app", &row.app)?,
        }));
    }
    Ok(due)
}

//! Writing.

use async_trait::async_trait;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, Iterable, QueryFilter,
};
use tidegate_domain::{
    Api, ApiId, AppId, Application, Instance, Notice, ProjectId, Publication, Standing, Throttle,
    ThrottleName, Timestamp, UserId, WorkspaceId,
};

use super::access::{put, put_all};
use super::cells::Cells;
use super::history;
use super::nodes::duty_table;
use super::pool::SqlTransaction;
use super::rows::tag_rows;
use super::session::{Mode, Session};
use super::tables::{
    api_tags, apis, applications, apps, default_project, duty, head, instances, journal, members,
    notices, outbox, projects, publications, reminders, standings, throttles, tokens, users,
    workspaces,
};
use crate::{
    AppRecord, ClockMark, Duty, Head, JournalEntry, Mark, Member, Message, Project, Result,
    Revision, StoreError, Token, TokenHash, Transaction, User, Workspace, draw, taken,
};

/// What a session that writes has beside its database transaction.
pub struct Writing {
    revision: Revision,
    stamp: String,
    /// What is only ever added to is sent in one go: before it is read, or at the commit.
    lines: Waiting<journal::Model>,
    messages: Waiting<outbox::Model>,
}

/// Rows that are still to be sent.
struct Waiting<R> {
    rows: Vec<R>,
    /// How many there were in all.
    count: i64,
}

impl<R> Default for Waiting<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), count: 0 }
    }
}

impl<R> Waiting<R> {
    /// One more, which is told its number.
    fn add(&mut self, row: impl FnOnce(i64) -> R) {
        self.rows.push(row(self.count));
        self.count += 1;
    }

    fn take(&mut self) -> Vec<R> {
        std::mem::take(&mut self.rows)
    }
}

/// Takes the next revision: every writer's first statement. Its row lock is what makes revisions
/// gap-free and in the order of commits, however many processes write.
pub async fn take_revision(tx: &SqlTransaction) -> Result<(Head, Writing)> {
    let mut next = Query::update();
    next.table(head::Entity)
        .value(head::Column::Revision, Expr::col(head::Column::Revision).add(1))
        .value(head::Column::Parent, Expr::col(head::Column::Stamp))
        .value(head::Column::Stamp, draw::name()?)
        .returning(Query::returning().columns(head::Column::iter()));
    let row = tx.query_one(&next).await?;
    let row = row.ok_or_else(|| Cells::of(head::Entity, &["1"]).bad("one"))?;
    let row = head::Model::from_query_result(&row, "")?;
    let parent = row.parent.clone();
    let next = row.read()?;
    let writing = Writing {
        revision: next.revision,
        stamp: next.stamp.clone(),
        lines: Waiting::default(),
        messages: Waiting::default(),
    };
    let before = Revision(next.revision.0.saturating_sub(1));
    Ok((Head { revision: before, stamp: parent, ..next }, writing))
}

/// Where a row has its name; none if it may not have it. One that never had it, because an older database had
/// two of that name, goes on without.
fn name_of(
    named_in: Option<String>,
    name: &str,
    before: Option<(bool, &String)>,
    is_taken: bool,
) -> Option<Option<String>> {
    match before {
        _ if !is_taken => Some(named_in),
        Some((false, before)) if before == name => Some(None),
        _ => None,
    }
}

impl Mode for Writing {
    async fn flush(&mut self, tx: &SqlTransaction) -> Result<()> {
        put_all::<journal::Entity>(tx, self.lines.take()).await?;
        put_all::<outbox::Entity>(tx, self.messages.take()).await
    }
}

impl Session<Writing> {
    async fn drop_tags(&self, api: &ApiId) -> Result<()> {
        let of_api = api_tags::Column::Api.eq(api.as_str());
        api_tags::Entity::delete_many().filter(of_api).exec(&self.tx).await?;
        Ok(())
    }
}

#[async_trait]
impl Transaction for Session<Writing> {
    fn revision(&self) -> Revision {
        self.mode.revision
    }

    fn stamp(&self) -> &str {
        &self.mode.stamp
    }

    async fn set_decided_at(&mut self, at: Timestamp, clock: &ClockMark) -> Result<()> {
        let mut update = Query::update();
        update
            .table(head::Entity)
            .value(head::Column::DecidedAt, at.as_ms())
            .value(head::Column::Clock, clock.column());
        self.tx.execute(&update).await?;
        (self.head.decided_at, self.head.clock) = (at, clock.clone());
        Ok(())
    }

    async fn put_project(&mut self, project: &Project) -> Result<()> {
        let row = projects::Model::of(project, self.mode.revision);
        put::<projects::Entity>(&self.tx, row).await
    }

    async fn put_user(&mut self, user: &User) -> Result<()> {
        let row = users::Model::of(user);
        let same_name = Condition::all()
            .add(users::Column::Project.eq(row.project.as_str()))
            .add(users::Column::Name.eq(row.name.as_str()));
        let same_key =
            (row.access_key.as_ref()).map(|key| users::Column::AccessKey.eq(key.as_str()));
        let others = users::Entity::find()
            .filter(users::Column::Id.ne(row.id.as_str()))
            .filter(Condition::any().add(same_name).add_option(same_key.clone()))
            .all(&self.tx)
            .await?;
        let is_key_taken =
            same_key.is_some() && others.iter().any(|o| o.access_key == row.access_key);
        if is_key_taken {
            return Err(StoreError::Taken { what: taken::ACCESS_KEY });
        } else if !others.is_empty() {
            return Err(StoreError::Taken { what: taken::USER_NAME });
        }
        put::<users::Entity>(&self.tx, row).await
    }

    async fn put_workspace(&mut self, workspace: &Workspace) -> Result<()> {
        put::<workspaces::Entity>(&self.tx, workspaces::Model::of(workspace)).await
    }

    async fn put_member(&mut self, member: &Member) -> Result<()> {
        put::<members::Entity>(&self.tx, members::Model::of(member)).await
    }

    async fn delete_member(&mut self, workspace: &WorkspaceId, user: &UserId) -> Result<()> {
        let key = (workspace.to_string(), user.to_string());
        members::Entity::delete_by_id(key).exec(&self.tx).await?;
        Ok(())
    }

    async fn put_instance(&mut self, instance: &Instance) -> Result<()> {
        let row = instances::Model::of(instance, self.mode.revision);
        put::<instances::Entity>(&self.tx, row).await
    }

    async fn put_default_project(&mut self, project: &ProjectId) -> Result<()> {
        let row = default_project::Model::of(project, self.mode.revision);
        put::<default_project::Entity>(&self.tx, row).await
    }

    async fn put_token(&mut self, token: &Token) -> Result<()> {
        let row = tokens::Model::of(token, self.mode.revision);
        put::<tokens::Entity>(&self.tx, row).await
    }

    async fn revoke_token(&mut self, hash: &TokenHash) -> Result<()> {
        let mut revoked = Query::update();
        revoked
            .table(tokens::Entity)
            .value(tokens::Column::Revoked, true)
            .value(tokens::Column::Revision, self.mode.revision.column())
            .and_where(tokens::Column::Hash.eq(hash.0.to_vec()))
            .and_where(tokens::Column::Revoked.eq(false));
        self.tx.execute(&revoked).await?;
        Ok(())
    }

    async fn drop_tokens(&mut self, now: Timestamp) -> Result<u64> {
        let ended = tokens::Column::ExpiresAt.lte(now.as_ms());
        let dropped = tokens::Entity::delete_many().filter(ended).exec(&self.tx).await?;
        Ok(dropped.rows_affected)
    }

    async fn put_app(&mut self, record: &AppRecord) -> Result<()> {
        let row = apps::Model::of(record, self.mode.revision);
        let same_key = (row.app_key.as_ref()).map(|key| apps::Column::AppKey.eq(key.as_str()));
        let same_name = Condition::all()
            .add(apps::Column::NamedIn.eq(row.named_in.clone()))
            .add(apps::Column::Name.eq(row.name.as_str()));
        let same = Condition::any()
            .add(apps::Column::Id.eq(row.id.as_str()))
            .add_option(same_key)
            .add(same_name);
        let found = apps::Entity::find().filter(same).all(&self.tx).await?;
        let (before, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|other| other.id == row.id);
        if before.iter().any(|before| before.deleted) {
            return Err(StoreError::Taken { what: taken::ID });
        } else if others.iter().any(|o| row.app_key.is_some() && o.app_key == row.app_key) {
            return Err(StoreError::Taken { what: taken::APP_KEY });
        }
        let was_named = before.iter().map(|row| (row.named_in.is_some(), &row.name)).next();
        let named_in = name_of(row.named_in, &row.name, was_named, !others.is_empty())
            .ok_or(StoreError::Taken { what: taken::APP_NAME })?;
        put::<apps::Entity>(&self.tx, apps::Model { named_in, ..row }).await
    }

    async fn delete_app(&mut self, id: &AppId) -> Result<()> {
        let row = apps::Entity::find_by_id(id.as_str()).one(&self.tx).await?;
        match row.filter(|row| !row.deleted) {
            Some(row) => put::<apps::Entity>(&self.tx, row.deleted(self.mode.revision)).await,
            None => Ok(()),
        }
    }

    async fn put_api(&mut self, api: &Api) -> Result<()> {
        let row = apis::Model::of(api, self.mode.revision);
        let same_name = Condition::all()
            .add(apis::Column::NamedIn.eq(row.named_in.clone()))
            .add(apis::Column::Name.eq(row.name.as_str()));
        let same = Condition::any().add(apis::Column::Id.eq(row.id.as_str())).add(same_name);
        let found = apis::Entity::find().filter(same).all(&self.tx).await?;
        let (before, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|other| other.id == row.id);
        if before.iter().any(|before| before.deleted) {
            return Err(StoreError::Taken { what: taken::ID });
        }
        let was_named = before.iter().map(|row| (row.named_in.is_some(), &row.name)).next();
        let named_in = name_of(row.named_in, &row.name, was_named, !others.is_empty())
            .ok_or(StoreError::Taken { what: taken::API_NAME })?;
        put::<apis::Entity>(&self.tx, apis::Model { named_in, ..row }).await?;
        self.drop_tags(&api.id).await?;
        for row in tag_rows(api) {
            put::<api_tags::Entity>(&self.tx, row).await?;
        }
        Ok(())
    }

    async fn delete_api(&mut self, id: &ApiId) -> Result<()> {
        let row = apis::Entity::find_by_id(id.as_str()).one(&self.tx).await?;
        let Some(row) = row.filter(|row| !row.deleted) else {
            return Ok(());
        };
        let revision = self.mode.revision.column();
        let gone = apis::Model { deleted: true, revision, named_in: None, ..row };
        put::<apis::Entity>(&self.tx, gone).await?;
        self.drop_tags(id).await
    }

    async fn put_throttle(&mut self, throttle: &Throttle) -> Result<()> {
        put::<throttles::Entity>(&self.tx, throttles::Model::of(throttle)).await?;
        let mut bound = Query::update();
        bound
            .table(apis::Entity)
            .value(apis::Column::Revision, self.mode.revision.column())
            .and_where(apis::Column::Workspace.eq(throttle.workspace.as_str()))
            .and_where(apis::Column::Throttle.eq(throttle.name.as_str()))
            .and_where(apis::Column::Deleted.eq(false));
        self.tx.execute(&bound).await?;
        Ok(())
    }

    async fn delete_throttle(
        &mut self,
        workspace: &WorkspaceId,
        name: &ThrottleName,
    ) -> Result<()> {
        let key = (workspace.to_string(), name.to_string());
        throttles::Entity::delete_by_id(key).exec(&self.tx).await?;
        Ok(())
    }

    async fn put_publication(&mut self, publication: &Publication) -> Result<()> {
        let row = publications::Model::of(publication, self.mode.revision);
        put::<publications::Entity>(&self.tx, row).await
    }

    async fn put_standing(&mut self, standing: &Standing) -> Result<()> {
        let row = standings::Model::of(standing, self.mode.revision);
        put::<standings::Entity>(&self.tx, row).await
    }

    async fn put_standings(&mut self, standings: &[Standing]) -> Result<()> {
        let revision = self.mode.revision;
        let rows = standings.iter().map(|standing| standings::Model::of(standing, revision));
        put_all::<standings::Entity>(&self.tx, rows.collect()).await
    }

    async fn put_application(&mut self, application: &Application) -> Result<()> {
        put::<applications::Entity>(&self.tx, applications::Model::of(application)).await
    }

    async fn put_applications(&mut self, applications: &[Application]) -> Result<()> {
        let rows = applications.iter().map(applications::Model::of).collect();
        put_all::<applications::Entity>(&self.tx, rows).await
    }

    async fn put_notice(&mut self, notice: &Notice) -> Result<()> {
        put::<notices::Entity>(&self.tx, notices::Model::of(notice)).await
    }

    async fn put_notices(&mut self, notices: &[Notice]) -> Result<()> {
        let rows = notices.iter().map(notices::Model::of).collect();
        put_all::<notices::Entity>(&self.tx, rows).await
    }

    async fn journal_write(&mut self, entry: &JournalEntry) -> Result<()> {
        let revision = self.mode.revision;
        self.mode.lines.add(|ordinal| journal::Model::of(entry, revision, ordinal));
        Ok(())
    }

    async fn outbox_write(&mut self, message: &Message) -> Result<()> {
        let Writing { revision, stamp, messages, .. } = &mut self.mode;
        messages.add(|ordinal| outbox::Model::of(message, *revision, stamp, ordinal));
        Ok(())
    }

    async fn outbox_put_off(&mut self, message: &Message, at: Timestamp) -> Result<()> {
        let (revision, ordinal) = message.id.columns();
        let mut update = Query::update();
        update
            .table(outbox::Entity)
            .value(outbox::Column::Tries, Expr::col(outbox::Column::Tries).add(1))
            .value(outbox::Column::NextTryAt, at.as_ms())
            .and_where(outbox::Column::Revision.eq(revision))
            .and_where(outbox::Column::Ordinal.eq(ordinal))
            .and_where(outbox::Column::Name.eq(message.name.as_str()));
        self.tx.execute(&update).await?;
        Ok(())
    }

    async fn outbox_remove(&mut self, message: &Message) -> Result<()> {
        let this = outbox::Entity::delete_by_id(message.id.columns())
            .filter(outbox::Column::Name.eq(message.name.as_str()));
        this.exec(&self.tx).await?;
        Ok(())
    }

    async fn set_reminded(&mut self, name: &str, mark: &Mark) -> Result<()> {
        put::<reminders::Entity>(&self.tx, reminders::Model::of(name, mark)).await
    }

    async fn under_duty(&mut self, held: &Duty) -> Result<()> {
        // The write takes the row's lock, so that nobody takes the duty over before the commit.
        let mut same = Query::update();
        same.table(duty_table(held.task))
            .value(duty::Column::Number, held.number)
            .and_where(Expr::col(duty::Column::Node).eq(held.node.as_str()))
            .and_where(Expr::col(duty::Column::Number).eq(held.number));
        let held = self.tx.execute(&same).await?.rows_affected() == 1;
        if held { Ok(()) } else { Err(StoreError::DutyLost) }
    }

    async fn commit(mut self: Box<Self>) -> Result<Revision> {
        self.mode.flush(&self.tx).await?;
        history::keep(&self.tx, self.mode.revision, &self.mode.stamp).await?;
        let Session { tx, mode, path, .. } = *self;
        let kept = match tx.commit().await {
            Ok(()) => path.see(mode.revision).await,
            refused => refused,
        };
        path.note(&kept);
        kept.map(|()| mode.revision)
    }
}

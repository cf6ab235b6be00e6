//! Writing a copy of the state, and putting it in the place of the original.

use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use tidegate_domain::{
    Api, ApiId, AppId, AppKind, Application, Instance, Notice, ProjectId, Publication, Standing,
    Throttle, ThrottleName, Timestamp, UserId, WorkspaceId,
};
use tokio::sync::{OwnedMutexGuard, watch};

use super::state::{Issued, Kept, State, draw};
use super::view::Session;
use crate::limits::REMEMBERED;
use crate::{
    AppRecord, ClockMark, Duty, JournalEntry, Mark, Member, Message, MessageId, Project, Result,
    Revision, StoreError, Token, TokenHash, Transaction, User, Workspace, taken,
};

/// The turn to write, and the copy that is written.
pub struct Writing {
    state: State,
    revision: Revision,
    stamp: String,
    committed: watch::Sender<Arc<State>>,
    _turn: OwnedMutexGuard<()>,
}

impl Writing {
    pub fn new(
        state: State,
        committed: watch::Sender<Arc<State>>,
        turn: OwnedMutexGuard<()>,
    ) -> Self {
        let revision = Revision(state.head.revision.0 + 1);
        Self { revision, stamp: draw(), state, committed, _turn: turn }
    }

    fn kept<T>(&self, value: T) -> Kept<T> {
        Kept { revision: self.revision, value }
    }
}

impl Deref for Writing {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

fn refuse_if(is_taken: bool, what: &'static str) -> Result<()> {
    if is_taken { Err(StoreError::Taken { what }) } else { Ok(()) }
}

#[async_trait]
impl Transaction for Session<Writing> {
    fn revision(&self) -> Revision {
        self.0.revision
    }

    fn stamp(&self) -> &str {
        &self.0.stamp
    }

    async fn set_decided_at(&mut self, at: Timestamp, clock: &ClockMark) -> Result<()> {
        let head = &mut self.0.state.head;
        (head.decided_at, head.clock) = (at, clock.clone());
        Ok(())
    }

    async fn put_project(&mut self, project: &Project) -> Result<()> {
        let kept = self.0.kept(project.clone());
        self.0.state.projects.insert(project.id.clone(), kept);
        Ok(())
    }

    async fn put_user(&mut self, user: &User) -> Result<()> {
        let mut others = self.0.users.values().filter(|other| other.id != user.id);
        let access_key = !user.access_key.is_empty()
            && others.clone().any(|other| other.access_key == user.access_key);
        refuse_if(access_key, taken::ACCESS_KEY)?;
        let name = others.any(|other| other.project == user.project && other.name == user.name);
        refuse_if(name, taken::USER_NAME)?;
        self.0.state.users.insert(user.id.clone(), user.clone());
        Ok(())
    }

    async fn put_workspace(&mut self, workspace: &Workspace) -> Result<()> {
        let id = workspace.id.clone();
        self.0.state.workspaces.insert(id, workspace.clone());
        Ok(())
    }

    async fn put_member(&mut self, member: &Member) -> Result<()> {
        let key = (member.workspace.clone(), member.user.clone());
        self.0.state.members.insert(key, member.clone());
        Ok(())
    }

    async fn delete_member(&mut self, workspace: &WorkspaceId, user: &UserId) -> Result<()> {
        self.0.state.members.remove(&(workspace.clone(), user.clone()));
        Ok(())
    }

    async fn put_instance(&mut self, instance: &Instance) -> Result<()> {
        let key = (instance.project.clone(), instance.id.clone());
        let kept = self.0.kept(instance.clone());
        self.0.state.instances.insert(key, kept);
        Ok(())
    }

    async fn put_default_project(&mut self, project: &ProjectId) -> Result<()> {
        self.0.state.default_project = Some(self.0.kept(project.clone()));
        Ok(())
    }

    async fn put_token(&mut self, token: &Token) -> Result<()> {
        let kept = self.0.kept(Issued { token: token.clone(), revoked: false });
        self.0.state.tokens.insert(token.hash, kept);
        Ok(())
    }

    async fn revoke_token(&mut self, hash: &TokenHash) -> Result<()> {
        let revision = self.0.revision;
        if let Some(kept) = self.0.state.tokens.get_mut(hash)
            && !kept.value.revoked
        {
            kept.value.revoked = true;
            kept.revision = revision;
        }
        Ok(())
    }

    async fn drop_tokens(&mut self, now: Timestamp) -> Result<u64> {
        let tokens = &mut self.0.state.tokens;
        let before = tokens.len();
        tokens.retain(|_, kept| now < kept.value.token.expires_at);
        Ok((before - tokens.len()) as u64)
    }

    async fn put_app(&mut self, record: &AppRecord) -> Result<()> {
        let app = &record.app;
        refuse_if(self.0.app_is_deleted(&app.id), taken::ID)?;
        let mut others = self.0.apps.values().filter_map(|kept| kept.value.as_ref());
        let app_key = !app.app_key.is_empty()
            && others.any(|other| other.app.id != app.id && other.app.app_key == app.app_key);
        refuse_if(app_key, taken::APP_KEY)?;
        let mut others = self.0.apps.values().filter_map(|kept| kept.value.as_ref());
        let name = others.any(|AppRecord { app: other, .. }| {
            let same_place = match app.kind {
                AppKind::App => other.workspace == app.workspace,
                AppKind::Iam => other.project == app.project,
            };
            other.id != app.id && other.kind == app.kind && same_place && other.name == app.name
        });
        refuse_if(name, taken::APP_NAME)?;
        let kept = self.0.kept(Some(record.clone()));
        self.0.state.apps.insert(app.id.clone(), kept);
        Ok(())
    }

    async fn delete_app(&mut self, id: &AppId) -> Result<()> {
        if self.0.app(id).is_some() {
            let gone = self.0.kept(None);
            self.0.state.apps.insert(id.clone(), gone);
        }
        Ok(())
    }

    async fn put_api(&mut self, api: &Api) -> Result<()> {
        refuse_if(self.0.api_is_deleted(&api.id), taken::ID)?;
        let mut others = self.0.apis.values().filter_map(|kept| kept.value.as_ref());
        let name = others.any(|other| {
            other.id != api.id && other.workspace == api.workspace && other.name == api.name
        });
        refuse_if(name, taken::API_NAME)?;
        let kept = self.0.kept(Some(api.clone()));
        self.0.state.apis.insert(api.id.clone(), kept);
        Ok(())
    }

    async fn delete_api(&mut self, id: &ApiId) -> Result<()> {
        if self.0.api(id).is_some() {
            let gone = self.0.kept(None);
            self.0.state.apis.insert(id.clone(), gone);
        }
        Ok(())
    }

    async fn put_throttle(&mut self, throttle: &Throttle) -> Result<()> {
        let key = (throttle.workspace.clone(), throttle.name.clone());
        self.0.state.throttles.insert(key.clone(), throttle.clone());
        let revision = self.0.revision;
        for kept in self.0.state.apis.values_mut() {
            let bound = kept.value.as_ref().and_then(Api::throttle);
            if bound == Some((&key.0, &key.1)) {
                kept.revision = revision;
            }
        }
        Ok(())
    }

    async fn delete_throttle(
        &mut self,
        workspace: &WorkspaceId,
        name: &ThrottleName,
    ) -> Result<()> {
        self.0.state.throttles.remove(&(workspace.clone(), name.clone()));
        Ok(())
    }

    async fn put_publication(&mut self, publication: &Publication) -> Result<()> {
        let key = (publication.api.clone(), publication.instance.clone());
        let kept = self.0.kept(publication.clone());
        self.0.state.publications.insert(key, kept);
        Ok(())
    }

    async fn put_standing(&mut self, standing: &Standing) -> Result<()> {
        let kept = self.0.kept(standing.clone());
        self.0.state.standings.insert(standing.key.clone(), kept);
        Ok(())
    }

    async fn put_standings(&mut self, standings: &[Standing]) -> Result<()> {
        for standing in standings {
            self.put_standing(standing).await?;
        }
        Ok(())
    }

    async fn put_application(&mut self, application: &Application) -> Result<()> {
        let id = application.id.clone();
        self.0.state.applications.insert(id, application.clone());
        Ok(())
    }

    async fn put_applications(&mut self, applications: &[Application]) -> Result<()> {
        for application in applications {
            self.put_application(application).await?;
        }
        Ok(())
    }

    async fn put_notice(&mut self, notice: &Notice) -> Result<()> {
        self.0.state.notices.insert(notice.id.clone(), notice.clone());
        Ok(())
    }

    async fn put_notices(&mut self, notices: &[Notice]) -> Result<()> {
        for notice in notices {
            self.put_notice(notice).await?;
        }
        Ok(())
    }

    async fn journal_write(&mut self, entry: &JournalEntry) -> Result<()> {
        let entry = JournalEntry { revision: self.0.revision, ..entry.clone() };
        self.0.state.journal.push(entry);
        Ok(())
    }

    async fn outbox_write(&mut self, message: &Message) -> Result<()> {
        let (revision, stamp) = (self.0.revision, self.0.stamp.clone());
        let outbox = &mut self.0.state.outbox;
        let before = outbox.iter().filter(|(other, _)| other.id.revision == revision).count();
        let id = MessageId { revision, ordinal: before as u64 };
        let name = format!("{stamp}-{before}");
        let message = Message { id, name, tries: 0, ..message.clone() };
        outbox.push((message, Timestamp::from_ms(0)));
        Ok(())
    }

    async fn outbox_put_off(&mut self, message: &Message, at: Timestamp) -> Result<()> {
        let outbox = self.0.state.outbox.iter_mut();
        for (kept, next) in outbox.filter(|(kept, _)| kept.name == message.name) {
            kept.tries += 1;
            *next = at;
        }
        Ok(())
    }

    async fn outbox_remove(&mut self, message: &Message) -> Result<()> {
        self.0.state.outbox.retain(|(kept, _)| kept.name != message.name);
        Ok(())
    }

    async fn set_reminded(&mut self, name: &str, mark: &Mark) -> Result<()> {
        self.0.state.reminded.insert(name.to_owned(), mark.clone());
        Ok(())
    }

    async fn under_duty(&mut self, _: &Duty) -> Result<()> {
        // A store in memory has no peers, so nobody else could have taken it.
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<Revision> {
        let Writing { mut state, revision, stamp, committed, _turn } = self.0;
        state.head.revision = revision;
        state.head.stamp.clone_from(&stamp);
        state.stamps.insert(revision, stamp);
        if state.stamps.len() as u64 > REMEMBERED {
            state.stamps.pop_first();
        }
        committed.send_replace(Arc::new(state));
        Ok(revision)
    }
}

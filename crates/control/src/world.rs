//! The world: projects, users, instances and workspaces, as an operator writes them down.
//!
//! A world is the whole truth about who has access to the projects it names: a user of such a project that
//! it leaves out is disabled, a member that it leaves out is removed. Nothing else is taken away.

mod leaving;
mod passwords;
mod spec;

use serde_json::json;
use tidegate_domain::id::SHARED_INSTANCE;
use tidegate_domain::{Instance, InstanceId, ProjectId, Timestamp, UserId, WorkspaceId};
use tidegate_store::{Member, Project, Sealed, User, Workspace};

pub use self::spec::{InstanceSpec, MemberSpec, ProjectSpec, UserSpec, WorkspaceSpec, World};
use crate::control::Control;
use crate::error::{Result, WorldError};
use crate::ids::DrawnId;
use crate::turn::{self, Turn};
use crate::vault::user_secret_key;
use crate::world::passwords::Passwords;
use crate::{hosts, tokens};

/// What becomes of a thing by applying a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was not there before.
    Created,
    /// It is another now.
    Updated,
    /// A user that was disabled has access again.
    Enabled,
    /// A user has no access any more.
    Disabled,
    /// A member is none any more.
    Removed,
}

impl Fate {
    /// All there are.
    pub const ALL: [Self; 5] =
        [Self::Created, Self::Updated, Self::Enabled, Self::Disabled, Self::Removed];

    /// The name in the journal and in answers. A name that was given out stays what it is.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Removed => "removed",
        }
    }

    /// What would become of it, for somebody who only asks.
    pub const fn future(self) -> &'static str {
        match self {
            Self::Created => "would create",
            Self::Updated => "would update",
            Self::Enabled => "would enable",
            Self::Disabled => "would disable",
            Self::Removed => "would remove",
        }
    }
}

/// What applying a world changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What becomes of it.
    pub fate: Fate,
    /// The kind of thing.
    pub kind: &'static str,
    /// Which one.
    pub name: String,
}

impl Control {
    /// Creates or updates what `world` names, and takes access from those it leaves out, all or nothing.
    /// Returns what changed; with `dry_run`, only that. Passwords are compared and hashed before any
    /// transaction begins, so that no other writer waits for it.
    pub async fn apply(
        &self,
        world: &World,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Vec<Change>, WorldError> {
        turn::whole(|| self.apply_once(world, dry_run, now)).await
    }

    async fn apply_once(
        &self,
        world: &World,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Vec<Change>, WorldError> {
        let passwords = Passwords::prepare(self, world).await?;
        let turn = Turn::begin(self, None, now).await?;
        let mut applying = Applying { turn, passwords, changes: Vec::new(), takes_away: false };
        for project in &world.projects {
            applying.project(project).await?;
        }
        hosts::must_be_apart(&mut applying.turn).await?;
        let Applying { turn, changes, takes_away, .. } = applying;
        if !dry_run && !changes.is_empty() {
            self.commit_as(turn, takes_away).await?;
        }
        Ok(changes)
    }
}

struct Applying<'a> {
    turn: Turn<'a>,
    passwords: Passwords,
    changes: Vec<Change>,
    /// Has anybody lost a token?
    takes_away: bool,
}

fn has_same_credentials(before: &User, user: &User) -> bool {
    before.password_hash == user.password_hash
        && before.access_key == user.access_key
        && before.secret_key == user.secret_key
}

impl Applying<'_> {
    async fn revoke_tokens(&mut self, user: &UserId) -> Result<(), WorldError> {
        self.takes_away |= tokens::revoke_all(&mut self.turn, user).await? > 0;
        Ok(())
    }

    async fn changed(
        &mut self,
        fate: Fate,
        kind: &'static str,
        name: &str,
    ) -> Result<(), WorldError> {
        let what = format!("{kind}.{}", fate.name());
        self.turn.record(&what, name, json!({})).await?;
        self.changes.push(Change { fate, kind, name: name.to_owned() });
        Ok(())
    }

    /// It was put: was it there before?
    async fn put(
        &mut self,
        was_there: bool,
        kind: &'static str,
        name: &str,
    ) -> Result<(), WorldError> {
        self.changed(if was_there { Fate::Updated } else { Fate::Created }, kind, name).await
    }

    async fn project(&mut self, spec: &ProjectSpec) -> Result<(), WorldError> {
        let project = Project {
            id: spec.id.clone(),
            name: spec.name.clone(),
            domain: spec.domain.clone(),
            domain_name: spec.domain_name.clone(),
        };
        let before = self.turn.project(&spec.id).await?;
        if before.as_ref() != Some(&project) {
            self.turn.put_project(&project).await?;
            self.put(before.is_some(), "project", spec.id.as_str()).await?;
        }
        for user in &spec.users {
            self.user(&spec.id, user).await?;
        }
        let shared = InstanceSpec {
            id: InstanceId::shared(),
            name: SHARED_INSTANCE.to_owned(),
            hosts: None,
        };
        let is_named = spec.instances.iter().any(|instance| instance.id.is_shared());
        let shared = [&shared].into_iter().filter(|_| !is_named);
        for instance in spec.instances.iter().chain(shared) {
            self.instance(&spec.id, instance).await?;
        }
        for workspace in &spec.workspaces {
            self.workspace(&spec.id, workspace).await?;
        }
        self.leave(spec).await?;
        Ok(())
    }

    async fn user(&mut self, project: &ProjectId, spec: &UserSpec) -> Result<(), WorldError> {
        let before = self.turn.user_of_project(project, &spec.name).await?;
        let mut user = match &before {
            Some(user) => user.clone(),
            None => User {
                id: UserId::draw()?,
                project: project.clone(),
                name: spec.name.clone(),
                password_hash: String::new(),
                access_key: String::new(),
                secret_key: Sealed(Vec::new()),
                disabled: false,
            },
        };
        user.disabled = false;
        if spec.password.is_some() {
            user.password_hash =
                self.passwords.hash(project, &spec.name, &user.password_hash)?.to_owned();
        }
        if let Some(access_key) = &spec.access_key {
            user.access_key.clone_from(access_key);
        }
        if let Some(secret_key) = &spec.secret_key {
            let place = user_secret_key(&user.id);
            let kept = self.turn.vault.open(&user.secret_key, &place).ok();
            if kept.is_none_or(|kept| kept.expose() != secret_key.expose()) {
                user.secret_key = self.turn.vault.seal(secret_key, &place)?;
            }
        }
        if user.secret_key.0.is_empty() && !user.access_key.is_empty() {
            let what = format!("the user {} has an access_key without a secret_key", spec.name);
            return Err(WorldError::Wrong(what));
        }
        let Some(before) = before else {
            self.turn.put_user(&user).await?;
            return self.changed(Fate::Created, "user", &spec.name).await;
        };
        if before == user {
            return Ok(());
        }
        self.turn.put_user(&user).await?;
        // Whoever had the old credentials may have got tokens by them.
        if !has_same_credentials(&before, &user) {
            self.revoke_tokens(&user.id).await?;
        }
        let fate = if before.disabled { Fate::Enabled } else { Fate::Updated };
        self.changed(fate, "user", &spec.name).await
    }

    async fn instance(
        &mut self,
        project: &ProjectId,
        spec: &InstanceSpec,
    ) -> Result<(), WorldError> {
        let before = self.turn.instance(project, &spec.id).await?;
        let created_at = before.as_ref().map_or(self.turn.now, |instance| instance.created_at);
        let instance = Instance {
            id: spec.id.clone(),
            project: project.clone(),
            name: spec.name.clone(),
            description: before.as_ref().map(|i| i.description.clone()).unwrap_or_default(),
            created_at,
            hosts: match (&spec.hosts, &before) {
                (Some(hosts), _) => hosts::in_order(&spec.id, hosts)?,
                (None, Some(before)) => before.hosts.clone(),
                (None, None) => Vec::new(),
            },
        };
        if let Some(before) = &before {
            hosts::may_change(&mut self.turn, before, &instance).await?;
        }
        if before.as_ref() != Some(&instance) {
            self.turn.put_instance(&instance).await?;
            self.put(before.is_some(), "instance", spec.id.as_str()).await?;
        }
        Ok(())
    }

    async fn workspace(
        &mut self,
        project: &ProjectId,
        spec: &WorkspaceSpec,
    ) -> Result<(), WorldError> {
        let before = self.turn.workspace(&spec.id).await?;
        if before.as_ref().is_some_and(|workspace| workspace.project != *project) {
            let what = format!("the workspace {} belongs to another project", spec.id);
            return Err(WorldError::Wrong(what));
        }
        let (id, name) = (spec.id.clone(), spec.name.clone());
        let workspace = Workspace { id, project: project.clone(), name };
        if before.as_ref() != Some(&workspace) {
            self.turn.put_workspace(&workspace).await?;
            self.put(before.is_some(), "workspace", spec.id.as_str()).await?;
        }
        for member in &spec.members {
            self.member(project, &spec.id, member).await?;
        }
        Ok(())
    }

    async fn member(
        &mut self,
        project: &ProjectId,
        workspace: &WorkspaceId,
        spec: &MemberSpec,
    ) -> Result<(), WorldError> {
        let user = self.turn.user_of_project(project, &spec.user).await?.ok_or_else(|| {
            let user = &spec.user;
            WorldError::Wrong(format!("the workspace {workspace} names an unknown user {user}"))
        })?;
        let before = self.turn.member(workspace, &user.id).await?;
        let member = Member {
            workspace: workspace.clone(),
            user: user.id,
            role: spec.role,
            is_reviewer: spec.reviewer,
        };
        if before.as_ref() != Some(&member) {
            self.turn.put_member(&member).await?;
            self.put(before.is_some(), "member", &format!("{workspace}/{}", spec.user)).await?;
        }
        Ok(())
    }
}

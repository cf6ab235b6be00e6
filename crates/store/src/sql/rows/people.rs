//! Projects, users, workspaces, members and tokens.

use tidegate_domain::Timestamp;

use super::super::access::Stored;
use super::super::cells::{Cells, Name, id};
use super::super::pool::SqlTransaction;
use super::super::tables::{members, projects, tokens, users, workspaces};
use super::stored_alone;
use crate::{Member, Project, Result, Revision, Sealed, Token, TokenHash, User, Workspace};

stored_alone!(
    Project = projects,
    User = users,
    Workspace = workspaces,
    Member = members,
    Token = tokens,
);

impl projects::Model {
    pub fn of(project: &Project, revision: Revision) -> Self {
        Self {
            id: id(&project.id),
            name: project.name.clone(),
            domain: id(&project.domain),
            domain_name: project.domain_name.clone(),
            revision: revision.column(),
        }
    }

    fn read(self) -> Result<Project> {
        let cells = Cells::of(projects::Entity, &[&self.id]);
        Ok(Project {
            id: cells.text("id", &self.id)?,
            name: self.name,
            domain: cells.text("domain", &self.domain)?,
            domain_name: self.domain_name,
        })
    }
}

impl users::Model {
    pub fn of(user: &User) -> Self {
        Self {
            id: id(&user.id),
            project: id(&user.project),
            name: user.name.clone(),
            name_lower: user.name.to_lowercase(),
            password_hash: user.password_hash.clone(),
            access_key: some_text(&user.access_key),
            secret_key: user.secret_key.0.clone(),
            disabled: user.disabled,
        }
    }

    fn read(self) -> Result<User> {
        let cells = Cells::of(users::Entity, &[&self.id]);
        Ok(User {
            id: cells.text("id", &self.id)?,
            project: cells.text("project", &self.project)?,
            name: self.name,
            password_hash: self.password_hash,
            access_key: self.access_key.unwrap_or_default(),
            secret_key: Sealed(self.secret_key),
            disabled: self.disabled,
        })
    }
}

impl workspaces::Model {
    pub fn of(workspace: &Workspace) -> Self {
        Self {
            id: id(&workspace.id),
            project: id(&workspace.project),
            name: workspace.name.clone(),
        }
    }

    fn read(self) -> Result<Workspace> {
        let cells = Cells::of(workspaces::Entity, &[&self.id]);
        Ok(Workspace {
            id: cells.text("id", &self.id)?,
            project: cells.text("project", &self.project)?,
            name: self.name,
        })
    }
}

impl members::Model {
    pub fn of(member: &Member) -> Self {
        Self {
            workspace: id(&member.workspace),
            user_id: id(&member.user),
            role: Name::name(member.role).to_owned(),
            is_reviewer: member.is_reviewer,
        }
    }

    fn read(self) -> Result<Member> {
        let cells = Cells::of(members::Entity, &[&self.workspace, &self.user_id]);
        Ok(Member {
            workspace: cells.text("workspace", &self.workspace)?,
            user: cells.text("user_id", &self.user_id)?,
            role: cells.text("role", &self.role)?,
            is_reviewer: self.is_reviewer,
        })
    }
}

impl tokens::Model {
    pub fn of(token: &Token, revision: Revision) -> Self {
        Self {
            hash: token.hash.0.to_vec(),
            user_id: id(&token.user),
            project: id(&token.project),
            issued_at: token.issued_at.as_ms(),
            expires_at: token.expires_at.as_ms(),
            revision: revision.column(),
            parent: token.parent.map(|parent| parent.0.to_vec()),
            revoked: false,
        }
    }

    fn read(self) -> Result<Token> {
        let cells = self.cells();
        let parent = self.parent.as_deref().map(<[u8; 32]>::try_from).transpose();
        Ok(Token {
            hash: self.hash()?,
            user: cells.text("user_id", &self.user_id)?,
            project: cells.text("project", &self.project)?,
            issued_at: Timestamp::from_ms(self.issued_at),
            expires_at: Timestamp::from_ms(self.expires_at),
            parent: parent.map_err(|_| cells.bad("parent"))?.map(TokenHash),
        })
    }

    /// The hash of the token.
    pub fn hash(&self) -> Result<TokenHash> {
        let hash = self.hash.as_slice().try_into();
        Ok(TokenHash(hash.map_err(|_| self.cells().bad("hash"))?))
    }

    /// The hash is the row's name, but it belongs in no log: its user's id says enough.
    fn cells(&self) -> Cells {
        Cells::of(tokens::Entity, &["of user", &self.user_id])
    }
}

/// Empty texts are many; a unique column keeps them as nothing.
pub fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

//! What shall be there, as an operator writes it down.

use tidegate_domain::{DomainId, HostName, InstanceId, ProjectId, Role, WorkspaceId};
use tidegate_sign::Secret;

/// What shall be there.
#[derive(Clone, Default)]
pub struct World {
    /// The projects.
    pub projects: Vec<ProjectSpec>,
}

/// A project that shall be there.
#[derive(Clone)]
pub struct ProjectSpec {
    /// Its id.
    pub id: ProjectId,
    /// Its name: the region an SDK asks for.
    pub name: String,
    /// Its account.
    pub domain: DomainId,
    /// The account's name.
    pub domain_name: String,
    /// Its users.
    pub users: Vec<UserSpec>,
    /// Its instances beside `APIG`, which every project has.
    pub instances: Vec<InstanceSpec>,
    /// Its workspaces.
    pub workspaces: Vec<WorkspaceSpec>,
}

/// A user that shall be there. What is not given stays as it is.
#[derive(Clone)]
pub struct UserSpec {
    /// His name, unique in the project.
    pub name: String,
    /// His password.
    pub password: Option<Secret>,
    /// His access key.
    pub access_key: Option<String>,
    /// His secret key.
    pub secret_key: Option<Secret>,
}

/// An instance that shall be there.
#[derive(Clone)]
pub struct InstanceSpec {
    /// Its id.
    pub id: InstanceId,
    /// Its name.
    pub name: String,
    /// The hosts whose calls are its own; as they are if not given.
    pub hosts: Option<Vec<HostName>>,
}

/// A workspace that shall be there.
#[derive(Clone)]
pub struct WorkspaceSpec {
    /// Its id.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Its members.
    pub members: Vec<MemberSpec>,
}

/// A member that shall be there.
#[derive(Clone)]
pub struct MemberSpec {
    /// The user's name.
    pub user: String,
    /// His role.
    pub role: Role,
    /// Is he on the list of reviewers?
    pub reviewer: bool,
}

//! APIs and the instances they are published on.

pub use crate::auth::AuthType;
use crate::host::HostName;
use crate::id::{ApiId, InstanceId, ProjectId, ThrottleName, UserId, WorkspaceId};
use crate::rules::Rules;
use crate::time::Timestamp;

/// From where an API can be seen, and so applied for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// From its own workspace.
    Workspace,
    /// From every workspace of its project.
    Project,
    /// From every project of its account.
    Domain,
}

impl Visibility {
    /// The name in the journal. A name that was given out stays what it is.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Project => "project",
            Self::Domain => "domain",
        }
    }
}

/// The method an API is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

impl Method {
    /// The method as a request line has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// An API of type REGISTER: an existing HTTP service, put behind the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Its id; never used again.
    pub id: ApiId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// What it offers.
    pub description: String,
    /// What it asks of its callers.
    pub auth: AuthType,
    /// The method it is called with.
    pub method: Method,
    /// The path it is called at, such as `/orders/{id}`.
    pub path: String,
    /// From where it can be seen.
    pub visibility: Visibility,
    /// Its reviewer, who alone grants access to it.
    pub manager: UserId,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Hours after publishing within which no stop or unpublish may take effect on its users.
    pub retention_hours: u32,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The whole definition as its author wrote it: JSON of the wire's shape, which carries the
    /// backend, the parameters and all else that no rule of the lifecycle looks at.
    pub definition: String,
    /// How the gate treats its calls.
    pub rules: Rules,
}

impl Api {
    /// The path with the names of its placeholders left out: two APIs whose shapes and methods are
    /// equal would answer the same calls.
    pub fn route_shape(&self) -> String {
        route_shape(&self.path)
    }

    /// The throttling policy it is bound to: the workspace and the name.
    pub fn throttle(&self) -> Option<(&WorkspaceId, &ThrottleName)> {
        Some((&self.workspace, self.rules.throttle.as_ref()?))
    }
}

/// The shape of a path: `/orders/{id}/` and `/orders/{number}` are both `/orders/{}`.
pub fn route_shape(path: &str) -> String {
    let mut shape = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        shape.push('/');
        shape.push_str(if is_placeholder(segment) { "{}" } else { segment });
    }
    shape
}

/// Does this segment of a path stand for any value?
pub fn is_placeholder(segment: &str) -> bool {
    segment.len() > 2 && segment.starts_with('{') && segment.ends_with('}')
}

/// An instance: a cluster of gateways on which APIs are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its id: `APIG` for the one instance of the SHARED edition.
    pub id: InstanceId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// When it was set up.
    pub created_at: Timestamp,
    /// The hosts whose calls are its own, in order. An instance without any is reached by calls to hosts
    /// that no instance names, if its project serves those.
    pub hosts: Vec<HostName>,
}

impl Instance {
    /// Does it name hosts, and so have a host space of its own?
    pub fn names_hosts(&self) -> bool {
        !self.hosts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_forget_the_names_of_placeholders() {
        for (path, shape) in [
            ("/orders", "/orders"),
            ("/orders/", "/orders"),
            ("/orders/{id}", "/orders/{}"),
            ("/orders/{number}/lines", "/orders/{}/lines"),
            ("/orders/{}", "/orders/{}"),
            ("/", ""),
        ] {
            assert_eq!(route_shape(path), shape);
        }
        assert!(!is_placeholder("{}"), "a placeholder has a name");
    }
}

//! Who calls, and for where.

use tidegate_domain::{InstanceId, ProjectId, UserId, WorkspaceId};

/// Who calls, as authentication has found, and which part of the world he means. What he may do
/// there is looked up within the transaction that needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The project his credentials are bound to.
    pub project: ProjectId,
    /// The workspace he names; without one, the only one he is a member of.
    pub workspace: Option<WorkspaceId>,
    /// The edition he names; without one, the instance he names tells.
    pub edition: Option<Edition>,
}

/// The two editions of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edition {
    /// One shared instance, `APIG`.
    Shared,
    /// Instances of one's own.
    Exclusive,
}

impl Edition {
    /// Does the edition know this instance?
    pub fn knows(self, instance: &InstanceId) -> bool {
        match self {
            Self::Shared => instance.is_shared(),
            Self::Exclusive => !instance.is_shared(),
        }
    }
}

//! Roles of a workspace and what each may do. On top of this floor sit the identities of an object:
//! an API's reviewer, an app's owner, an application's applicant.

/// A member's role in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything, and the list of reviewers.
    Admin,
    /// Makes APIs and apps.
    Developer,
    /// Runs what others made.
    Operator,
    /// Looks.
    Viewer,
}

/// What a caller sets out to do, as far as roles tell tasks apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// Create, change or delete an API, an app or a throttling policy.
    Edit,
    /// Publish, stop, bind to a throttling policy, grant, apply, renew, cancel, confirm.
    Operate,
    /// Decide an application.
    Review,
    /// Make a new secret for an app.
    ResetSecret,
    /// Read the list of reviewers.
    ListReviewers,
    /// Read anything else.
    Query,
}

impl Role {
    /// All roles, from the mightiest down.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Developer, Self::Operator, Self::Viewer];

    /// May a member with this role do `task`, if the object at hand lets him?
    pub const fn may(self, task: Task) -> bool {
        match task {
            Task::Query => true,
            Task::Operate | Task::Review | Task::ListReviewers => !matches!(self, Self::Viewer),
            Task::Edit => matches!(self, Self::Admin | Self::Developer),
            Task::ResetSecret => matches!(self, Self::Admin),
        }
    }

    /// The role's name in a world file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Developer => "developer",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
        }
    }

    /// The role called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_of_roles_and_tasks() {
        use Role::*;
        for (task, who) in [
            (Task::Edit, &[Admin, Developer][..]),
            (Task::Operate, &[Admin, Developer, Operator]),
            (Task::Review, &[Admin, Developer, Operator]),
            (Task::ResetSecret, &[Admin]),
            (Task::ListReviewers, &[Admin, Developer, Operator]),
            (Task::Query, &[Admin, Developer, Operator, Viewer]),
        ] {
            for role in Role::ALL {
                assert_eq!(role.may(task), who.contains(&role), "{role:?} {task:?}");
            }
        }
    }

    #[test]
    fn names_lead_back_to_roles() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
        assert_eq!(Role::from_name("root"), None);
    }
}

//! Taking access from those a world leaves out. What they own stays: their apps and APIs, and all grants.

use tidegate_store::{Member, User, Workspace};

use super::spec::{ProjectSpec, WorkspaceSpec};
use super::{Applying, Fate};
use crate::error::WorldError;

impl Applying<'_> {
    /// Disables the users of a project that its specification does not name, and removes the members.
    pub(super) async fn leave(&mut self, spec: &ProjectSpec) -> Result<(), WorldError> {
        let users = self.turn.users(&spec.id).await?;
        for user in &users {
            let is_named = spec.users.iter().any(|named| named.name == user.name);
            if !is_named && !user.disabled {
                self.disable(user).await?;
            }
        }
        for workspace in self.turn.workspaces(&spec.id).await? {
            let named = spec.workspaces.iter().find(|named| named.id == workspace.id);
            for member in self.turn.members(&workspace.id).await? {
                let user = users.iter().find(|user| user.id == member.user);
                if !is_member(named, user) {
                    self.remove(&workspace, &member, user).await?;
                }
            }
        }
        Ok(())
    }

    async fn disable(&mut self, user: &User) -> Result<(), WorldError> {
        self.turn.put_user(&User { disabled: true, ..user.clone() }).await?;
        self.revoke_tokens(&user.id).await?;
        self.changed(Fate::Disabled, "user", &user.name).await
    }

    async fn remove(
        &mut self,
        workspace: &Workspace,
        member: &Member,
        user: Option<&User>,
    ) -> Result<(), WorldError> {
        self.turn.delete_member(&workspace.id, &member.user).await?;
        self.revoke_tokens(&member.user).await?;
        let name = user.map_or(member.user.as_str(), |user| &user.name);
        self.changed(Fate::Removed, "member", &format!("{}/{name}", workspace.id)).await
    }
}

/// Does the world name this user as a member? A workspace it does not name has no members.
fn is_member(workspace: Option<&WorkspaceSpec>, user: Option<&User>) -> bool {
    let (Some(workspace), Some(user)) = (workspace, user) else { return false };
    workspace.members.iter().any(|member| member.user == user.name)
}

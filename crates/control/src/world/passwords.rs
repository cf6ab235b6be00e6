//! The passwords of a world, compared with those that are kept and hashed where they differ. A comparison or
//! a hash takes some 40 ms by design, so all of it is done before the transaction that uses it.

use std::collections::HashMap;

use tidegate_domain::ProjectId;
use tidegate_sign::Secret;
use tokio::task::spawn_blocking;

use super::spec::World;
use crate::error::WorldError;
use crate::{Control, identity};

/// A user, by project and name.
type Who = (ProjectId, String);

/// What was found, and what it shall be.
struct Prepared {
    found: String,
    wanted: String,
}

/// The hash of each user whose password the world gives.
pub(super) struct Passwords(HashMap<Who, Prepared>);

impl Passwords {
    /// Compares each password with the hash that is kept, which stays if it is the same.
    pub(super) async fn prepare(control: &Control, world: &World) -> Result<Self, WorldError> {
        let mut asked: Vec<(Who, Secret, String)> = Vec::new();
        let mut view = control.view().await?;
        for project in &world.projects {
            for user in &project.users {
                let Some(password) = &user.password else { continue };
                let kept = view.user_of_project(&project.id, &user.name).await?;
                let found = kept.map(|user| user.password_hash).unwrap_or_default();
                asked.push(((project.id.clone(), user.name.clone()), password.clone(), found));
            }
        }
        drop(view);
        let prepared = spawn_blocking(move || asked.into_iter().map(prepare).collect());
        let prepared: Result<_, WorldError> = prepared
            .await
            .map_err(|_| WorldError::Wrong("the passwords were not hashed".to_owned()))?;
        prepared.map(Self)
    }

    /// The hash that a user shall have, who has `found` now.
    pub(super) fn hash(
        &self,
        project: &ProjectId,
        name: &str,
        found: &str,
    ) -> Result<&str, WorldError> {
        match self.0.get(&(project.clone(), name.to_owned())) {
            Some(prepared) if prepared.found == found => Ok(&prepared.wanted),
            Some(_) | None => Err(WorldError::Overtaken),
        }
    }
}

fn prepare((who, password, found): (Who, Secret, String)) -> Result<(Who, Prepared), WorldError> {
    // A hash has its own salt, so equality shows only by checking.
    if identity::is_password(password.expose(), &found) {
        return Ok((who, Prepared { wanted: found.clone(), found }));
    }
    let wanted = identity::hash_password(password.expose())
        .ok_or_else(|| WorldError::Wrong(format!("{}: bad password", who.1)))?;
    Ok((who, Prepared { found, wanted }))
}

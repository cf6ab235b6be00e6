//! Who somebody is: access keys, passwords and tokens.

use std::sync::{Arc, OnceLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tidegate_domain::{ProjectId, Timestamp, UserId};
use tidegate_sign::{Secret, constant_time_eq};
use tidegate_store::{Project, Token, User, View};
use tokio::sync::Semaphore;

use crate::error::Result;
use crate::tokens::{Issued, token_hash};
use crate::vault::user_secret_key;
use crate::{Control, Error};

/// How many passwords are checked at a time. A check costs some 40 ms of CPU by design, so that
/// unbounded log-ins would be a way to deny service.
const PASSWORD_CHECKS: usize = 2;

/// Who somebody is, and the project his credentials are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's id.
    pub user: UserId,
    /// The user's name.
    pub name: String,
    /// The project.
    pub project: Project,
}

/// Somebody who has proven who they are, and by what: until a token is issued, it may have been taken away.
#[derive(Clone)]
pub(crate) struct Proven {
    pub identity: Identity,
    /// The user as they were then, with the credentials that were compared.
    pub user: User,
    /// The token that was the proof, if one was.
    pub parent: Option<Token>,
}

/// What somebody offers for a token.
pub enum Login {
    /// His name and password.
    Password {
        /// The account's name.
        domain: String,
        /// His name.
        name: String,
        /// His password.
        password: Secret,
    },
    /// A token he has.
    Token(Secret),
    /// His access key and secret key.
    AccessKey {
        /// The access key.
        access: String,
        /// The secret key.
        secret: Secret,
    },
}

/// The project a token is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The user's own.
    Own,
    /// The one with this id.
    Id(ProjectId),
    /// The one of this name.
    Name(String),
    /// The user's own, if their account has this id.
    AccountId(String),
    /// The user's own, if their account has this name.
    AccountName(String),
}

impl Scope {
    /// Whether a user of this project can have a token for the scope.
    fn covers(&self, project: &Project) -> bool {
        match self {
            Self::Own => true,
            Self::Id(id) => project.id == *id,
            Self::Name(name) => project.name == *name,
            Self::AccountId(id) => project.domain.as_str() == id,
            Self::AccountName(name) => project.domain_name == *name,
        }
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// What was offered proves nothing.
    #[error("the name, password, key or token is wrong")]
    Wrong,
    /// The user has no such project.
    #[error("the project in the scope does not exist for this user")]
    ScopeUnknown,
    /// Something broke.
    #[error(transparent)]
    Broken(#[from] Error),
}

impl From<tidegate_store::StoreError> for LoginError {
    fn from(error: tidegate_store::StoreError) -> Self {
        Self::Broken(error.into())
    }
}

/// Lets a few password checks run at a time.
pub(crate) struct Gatekeeper(Arc<Semaphore>);

impl Gatekeeper {
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(PASSWORD_CHECKS)))
    }

    /// Is this the password behind `hash`? Without a hash the same work is done, for nothing.
    async fn check(&self, password: Secret, hash: Option<String>) -> bool {
        let Ok(_permit) = self.0.acquire().await else {
            return false;
        };
        let check = move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| decoy_hash().to_owned());
            is_password(password.expose(), &hash) && known
        };
        tokio::task::spawn_blocking(check).await.unwrap_or(false)
    }
}

/// The hash of a password nobody has.
fn decoy_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash_password("").unwrap_or_default())
}

/// The hash of a password, as it is kept.
pub(crate) fn hash_password(password: &str) -> Option<String> {
    Argon2::default().hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

/// Is this the password behind `hash`? Costs some 40 ms.
pub(crate) fn is_password(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

impl Control {
    /// The user with this access key, and his secret key to check a signature with.
    pub async fn access_key(&self, access: &str) -> Result<Option<(Identity, Secret)>> {
        let known = self.user_of_key(access).await?;
        Ok(known.map(|(proven, secret)| (proven.identity, secret)))
    }

    async fn user_of_key(&self, access: &str) -> Result<Option<(Proven, Secret)>> {
        let mut view = self.view().await?;
        let Some(user) = view.user_by_access_key(access).await? else {
            return Ok(None);
        };
        let secret = self.vault.open(&user.secret_key, &user_secret_key(&user.id))?;
        let identity = identity(&mut *view, &user).await?;
        Ok(identity.map(|identity| (Proven { identity, user, parent: None }, secret)))
    }

    /// Whom a token stands for at `now`.
    pub async fn token(&self, text: &str, now: Timestamp) -> Result<Option<(Identity, Token)>> {
        let proven = self.holder(text, now).await?;
        Ok(proven.and_then(|proven| Some((proven.identity, proven.parent?))))
    }

    async fn holder(&self, text: &str, now: Timestamp) -> Result<Option<Proven>> {
        let hash = token_hash(text);
        let mut view = self.view().await?;
        let Some(token) = view.token(&hash).await?.filter(|token| now < token.expires_at) else {
            return Ok(None);
        };
        let Some(user) = view.user(&token.user).await? else {
            return Ok(None);
        };
        let identity = identity(&mut *view, &user).await?;
        Ok(identity.map(|identity| Proven { identity, user, parent: Some(token) }))
    }

    /// A token for somebody who proves who he is.
    pub async fn login(
        &self,
        login: Login,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Issued, LoginError> {
        let proven = match login {
            Login::Password { domain, name, password } => {
                self.by_password(&domain, &name, password, scope).await?
            }
            Login::Token(text) => self.holder(text.expose(), now).await?,
            Login::AccessKey { access, secret } => self.by_access_key(&access, &secret).await?,
        };
        let proven = proven.ok_or(LoginError::Wrong)?;
        if !scope.covers(&proven.identity.project) {
            return Err(LoginError::ScopeUnknown);
        }
        self.issue(proven, now).await?.ok_or(LoginError::Wrong)
    }

    async fn by_password(
        &self,
        domain: &str,
        name: &str,
        password: Secret,
        scope: &Scope,
    ) -> Result<Option<Proven>, LoginError> {
        let mut view = self.view().await?;
        let mut found: Option<Proven> = None;
        for user in view.users_by_name(domain, name).await? {
            let Some(who) = identity(&mut *view, &user).await? else {
                continue;
            };
            let meant = scope.covers(&who.project);
            if meant || found.is_none() {
                found = Some(Proven { identity: who, user, parent: None });
            }
            if meant {
                break;
            }
        }
        drop(view);
        let hash = found.as_ref().map(|proven| proven.user.password_hash.clone());
        let right = self.logins.check(password, hash.filter(|hash| !hash.is_empty())).await;
        Ok(found.filter(|_| right))
    }

    async fn by_access_key(
        &self,
        access: &str,
        secret: &Secret,
    ) -> Result<Option<Proven>, LoginError> {
        let Some((proven, right)) = self.user_of_key(access).await? else {
            return Ok(None);
        };
        let equal = constant_time_eq(right.expose().as_bytes(), secret.expose().as_bytes());
        Ok(equal.then_some(proven))
    }

    /// A user's name.
    pub async fn user_name(&self, user: &UserId) -> Result<Option<String>> {
        Ok(self.view().await?.user(user).await?.map(|user| user.name))
    }

    /// The projects a user finds under a name; without one, all of his.
    pub fn projects_of(&self, who: &Identity, name: Option<&str>) -> Vec<Project> {
        let own = &who.project;
        name.is_none_or(|name| name == own.name).then(|| own.clone()).into_iter().collect()
    }
}

/// Who a user is; none for one that is disabled.
async fn identity(view: &mut dyn View, user: &User) -> Result<Option<Identity>> {
    if user.disabled {
        return Ok(None);
    }
    let project = view.project(&user.project).await?;
    let (id, name) = (user.id.clone(), user.name.clone());
    Ok(project.map(|project| Identity { user: id, name, project }))
}

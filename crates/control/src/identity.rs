//! Who somebody is: access keys, passwords and tokens.

use std::sync::{Arc, OnceLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use serde_json::json;
use tidegate_domain::time::DAY_MS;
use tidegate_domain::{ProjectId, Timestamp, UserId};
use tidegate_sign::{Secret, constant_time_eq, hex, sha256};
use tidegate_store::{Project, Revision, Token, TokenHash, User, View};
use tokio::sync::Semaphore;

use crate::error::Result;
use crate::turn::{self, Turn};
use crate::vault::user_secret_key;
use crate::{Control, Error, ids};

/// How long a token is good for.
const TOKEN_MS: i64 = DAY_MS;

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

/// A token that was just made. This is the only time its text is known.
pub struct Issued {
    /// The text.
    pub text: Secret,
    /// Whom it stands for.
    pub identity: Identity,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The revision that holds it.
    pub revision: Revision,
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

fn token_hash(text: &str) -> TokenHash {
    TokenHash(sha256(text.as_bytes()))
}

impl Control {
    /// The user with this access key, and his secret key to check a signature with.
    pub async fn access_key(&self, access: &str) -> Result<Option<(Identity, Secret)>> {
        let mut view = self.store.view().await?;
        let Some(user) = view.user_by_access_key(access).await? else {
            return Ok(None);
        };
        let secret = self.vault.open(&user.secret_key, &user_secret_key(&user.id))?;
        Ok(identity(&mut *view, user).await?.map(|identity| (identity, secret)))
    }

    /// Whom a token stands for at `now`.
    pub async fn token(&self, text: &str, now: Timestamp) -> Result<Option<(Identity, Token)>> {
        let hash = token_hash(text);
        let mut view = self.store.view().await?;
        let Some(token) = view.token(&hash).await?.filter(|token| now < token.expires_at) else {
            return Ok(None);
        };
        let Some(user) = view.user(&token.user).await? else {
            return Ok(None);
        };
        Ok(identity(&mut *view, user).await?.map(|identity| (identity, token)))
    }

    /// A token for somebody who proves who he is.
    pub async fn login(
        &self,
        login: Login,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Issued, LoginError> {
        let identity = match login {
            Login::Password { domain, name, password } => {
                self.by_password(&domain, &name, password, scope).await?
            }
            Login::Token(text) => {
                self.token(text.expose(), now).await?.map(|(identity, _)| identity)
            }
            Login::AccessKey { access, secret } => self.by_access_key(&access, &secret).await?,
        };
        let identity = identity.ok_or(LoginError::Wrong)?;
        if !scope.covers(&identity.project) {
            return Err(LoginError::ScopeUnknown);
        }
        Ok(self.issue(identity, now).await?)
    }

    async fn by_password(
        &self,
        domain: &str,
        name: &str,
        password: Secret,
        scope: &Scope,
    ) -> Result<Option<Identity>, LoginError> {
        let mut view = self.store.view().await?;
        let mut found = None;
        for user in view.users_by_name(domain, name).await? {
            let Some(who) = identity(&mut *view, user.clone()).await? else {
                continue;
            };
            let meant = scope.covers(&who.project);
            if meant || found.is_none() {
                found = Some((who, user.password_hash));
            }
            if meant {
                break;
            }
        }
        drop(view);
        let hash = found.as_ref().map(|(_, hash)| hash.clone()).filter(|hash| !hash.is_empty());
        let right = self.logins.check(password, hash).await;
        Ok(found.filter(|_| right).map(|(who, _)| who))
    }

    async fn by_access_key(
        &self,
        access: &str,
        secret: &Secret,
    ) -> Result<Option<Identity>, LoginError> {
        let Some((identity, right)) = self.access_key(access).await? else {
            return Ok(None);
        };
        let equal = constant_time_eq(right.expose().as_bytes(), secret.expose().as_bytes());
        Ok(equal.then_some(identity))
    }

    async fn issue(&self, identity: Identity, now: Timestamp) -> Result<Issued> {
        turn::whole(|| self.issue_once(identity.clone(), now)).await
    }

    async fn issue_once(&self, identity: Identity, now: Timestamp) -> Result<Issued> {
        let text = Secret::new(hex(&ids::random::<32>()?));
        let mut turn = Turn::begin(self, Some(identity.user.clone()), now).await?;
        let hash = token_hash(text.expose());
        let issued_at = turn.now;
        let token = Token {
            hash,
            user: identity.user.clone(),
            project: identity.project.id.clone(),
            issued_at,
            expires_at: issued_at.plus_ms(TOKEN_MS),
        };
        turn.put_token(&token).await?;
        turn.record("token.issued", &identity.user, json!({})).await?;
        let revision = self.commit(turn).await?;
        Ok(Issued { text, identity, issued_at, expires_at: token.expires_at, revision })
    }

    /// A user's name.
    pub async fn user_name(&self, user: &UserId) -> Result<Option<String>> {
        Ok(self.store.view().await?.user(user).await?.map(|user| user.name))
    }

    /// The projects a user finds under a name; without one, all of his.
    pub fn projects_of(&self, who: &Identity, name: Option<&str>) -> Vec<Project> {
        let own = &who.project;
        name.is_none_or(|name| name == own.name).then(|| own.clone()).into_iter().collect()
    }
}

async fn identity(view: &mut dyn View, user: User) -> Result<Option<Identity>> {
    let project = view.project(&user.project).await?;
    Ok(project.map(|project| Identity { user: user.id, name: user.name, project }))
}

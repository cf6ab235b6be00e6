//! Who somebody is: access keys, passwords and tokens.

use std::sync::{Arc, OnceLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tidegate_domain::{ProjectId, UserId};
use tidegate_sign::Secret;
use tidegate_store::{Project, Token, User};
use tokio::sync::Semaphore;

use crate::error::Error;

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
    pub(crate) fn covers(&self, project: &Project) -> bool {
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
    pub(crate) async fn check(&self, password: Secret, hash: Option<String>) -> bool {
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

//! Log-ins: who proves by what that they are whom.

use std::net::IpAddr;

use tidegate_domain::{Timestamp, UserId};
use tidegate_sign::{Secret, constant_time_eq, sha256};
use tidegate_store::{Project, Token, User, View};

use crate::attempts::NoToken;
use crate::control::Control;
use crate::error::Result;
use crate::identity::{Identity, Login, LoginError, Proven, Scope};
use crate::limits::{BUCKET_OF_KEY, BUCKET_OF_USER};
use crate::tokens::{Issued, token_hash};
use crate::vault::user_secret_key;

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

    /// [`login`](Control::login) for somebody at a peer address, within the bounds for log-ins.
    pub async fn login_from(
        &self,
        from: Option<IpAddr>,
        login: Login,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Issued, NoToken> {
        let (subject, bucket) = match &login {
            Login::Password { domain, name, .. } => {
                (sha256(format!("user\0{domain}\0{name}").as_bytes()), BUCKET_OF_USER)
            }
            Login::AccessKey { access, .. } => {
                (sha256(format!("key\0{access}").as_bytes()), BUCKET_OF_KEY)
            }
            // It can neither be guessed nor does it cost anything to check.
            Login::Token(_) => return Ok(self.login(login, scope, now).await?),
        };
        let attempt = self.attempts.begin(subject, bucket, from, now)?;
        let issued = self.login(login, scope, now).await;
        match &issued {
            Ok(_) | Err(LoginError::ScopeUnknown) => attempt.was_right(now),
            Err(LoginError::Broken(_)) => attempt.was_nothing(),
            Err(LoginError::Wrong) => {}
        }
        Ok(issued?)
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

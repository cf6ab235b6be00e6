//! `POST /v3/auth/tokens`.

use serde::Deserialize;

/// Why a call to IAM is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct IamFault {
    /// The HTTP status, which the body repeats.
    pub code: u16,
    /// What is wrong.
    pub message: String,
}

impl IamFault {
    /// The request cannot be read.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self { code: 400, message: message.into() }
    }

    /// Who asks is not proven. One text for a wrong name, a wrong password, an unknown key.
    pub fn unauthorized() -> Self {
        Self { code: 401, message: "The user name, password, key or token is incorrect.".into() }
    }

    /// Who asks has no part in the scope he asks for.
    pub fn forbidden() -> Self {
        Self {
            code: 403,
            message: "You have no part in the project or account of the scope.".into(),
        }
    }

    /// What is asked for does not exist.
    pub fn not_found(what: &str) -> Self {
        Self { code: 404, message: format!("Could not find {what}.") }
    }

    /// The status in words.
    pub fn title(&self) -> &'static str {
        match self.code {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            413 => "Request Entity Too Large",
            429 => "Too Many Requests",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        }
    }
}

/// A secret in a request. It has no `Debug` and cannot be compared by mistake.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// An account, by one of its two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// By its id.
    Id(String),
    /// By its name.
    Name(String),
}

/// A project, by one of its two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectChoice {
    /// By its id.
    Id(String),
    /// By its name.
    Name(String),
}

/// What a token shall be good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// A project.
    Project(ProjectChoice),
    /// An account.
    Domain(Account),
}

/// How the caller proves who he is, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// By a password.
    Password,
    /// By a token.
    Token,
    /// By an access key.
    AccessKey,
}

impl Method {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Token => "token",
            Self::AccessKey => "hw_ak_sk",
        }
    }
}

/// How the caller proves who he is.
#[derive(Clone)]
pub enum Identity {
    /// By a name and a password.
    Password {
        /// The user's name, or his id if there is no `domain`.
        user: String,
        /// His account; none when he is named by id.
        domain: Option<Account>,
        /// His password.
        password: Secret,
    },
    /// By a token.
    Token {
        /// The token.
        token: Secret,
    },
    /// By an access key, with its secret in clear.
    AccessKey {
        /// The key.
        access: String,
        /// Its secret.
        secret: Secret,
    },
}

impl Identity {
    /// The method's name.
    pub const fn method(&self) -> Method {
        match self {
            Self::Password { .. } => Method::Password,
            Self::Token { .. } => Method::Token,
            Self::AccessKey { .. } => Method::AccessKey,
        }
    }
}

/// A request for a token.
#[derive(Clone)]
pub struct TokenRequest {
    /// How the caller proves who he is.
    pub identity: Identity,
    /// What the token shall be good for; none: left to the server.
    pub scope: Option<Scope>,
}

impl TokenRequest {
    /// The request in `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, IamFault> {
        // The reader's complaint would quote the value it stumbled over: only its place is told.
        let body: Body = serde_json::from_slice(bytes).map_err(|e| {
            IamFault::bad_request(format!(
                "The request body is invalid at line {}, column {}.",
                e.line(),
                e.column()
            ))
        })?;
        let auth = body.auth.ok_or_else(|| missing("auth"))?;
        let identity = auth.identity.ok_or_else(|| missing("auth.identity"))?;
        Ok(Self {
            identity: read_identity(identity)?,
            scope: auth.scope.map(read_scope).transpose()?.flatten(),
        })
    }
}

fn missing(what: &str) -> IamFault {
    IamFault::bad_request(format!("`{what}` is missing."))
}

fn text(value: Option<String>, what: &str) -> Result<String, IamFault> {
    value.filter(|text| !text.is_empty()).ok_or_else(|| missing(what))
}

fn read_identity(identity: RawIdentity) -> Result<Identity, IamFault> {
    let methods = identity.methods.unwrap_or_default();
    match methods.as_slice() {
        [method] if method == "password" => read_password(identity.password),
        [method] if method == "token" => {
            let id = identity.token.and_then(|token| token.id);
            Ok(Identity::Token { token: Secret(text(id, "auth.identity.token.id")?) })
        }
        [method] if method == "hw_ak_sk" => {
            let pair = identity.hw_ak_sk.ok_or_else(|| missing("auth.identity.hw_ak_sk"))?;
            let access = pair.access.and_then(|part| part.key);
            let secret = pair.secret.and_then(|part| part.key);
            Ok(Identity::AccessKey {
                access: text(access, "auth.identity.hw_ak_sk.access.key")?,
                secret: Secret(text(secret, "auth.identity.hw_ak_sk.secret.key")?),
            })
        }
        [] => Err(missing("auth.identity.methods")),
        _ => Err(IamFault::bad_request(
            "`auth.identity.methods` must be one of password, token and hw_ak_sk; combinations, \
             such as with totp, are not served.",
        )),
    }
}

fn read_password(password: Option<RawPassword>) -> Result<Identity, IamFault> {
    let user = password
        .and_then(|password| password.user)
        .ok_or_else(|| missing("auth.identity.password.user"))?;
    let password = Secret(text(user.password, "auth.identity.password.user.password")?);
    if let Some(id) = user.id.filter(|id| !id.is_empty()) {
        return Ok(Identity::Password { user: id, domain: None, password });
    }
    let domain = user.domain.ok_or_else(|| missing("auth.identity.password.user.domain"))?;
    Ok(Identity::Password {
        user: text(user.name, "auth.identity.password.user.name")?,
        domain: Some(read_account(domain, "auth.identity.password.user.domain.name")?),
        password,
    })
}

fn read_account(raw: RawRef, what: &str) -> Result<Account, IamFault> {
    match raw.id.filter(|id| !id.is_empty()) {
        Some(id) => Ok(Account::Id(id)),
        None => Ok(Account::Name(text(raw.name, what)?)),
    }
}

fn read_scope(scope: RawScope) -> Result<Option<Scope>, IamFault> {
    match (scope.project, scope.domain) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(IamFault::bad_request("`auth.scope` names both a project and a domain; name one."))
        }
        (None, Some(domain)) => {
            let account = read_account(domain, "auth.scope.domain.name")?;
            Ok(Some(Scope::Domain(account)))
        }
        (Some(project), None) => {
            let choice = match project.id.filter(|id| !id.is_empty()) {
                Some(id) => ProjectChoice::Id(id),
                None => ProjectChoice::Name(text(project.name, "auth.scope.project.name")?),
            };
            Ok(Some(Scope::Project(choice)))
        }
    }
}

#[derive(Deserialize)]
struct Body {
    auth: Option<RawAuth>,
}

#[derive(Deserialize)]
struct RawAuth {
    identity: Option<RawIdentity>,
    scope: Option<RawScope>,
}

#[derive(Deserialize)]
struct RawIdentity {
    methods: Option<Vec<String>>,
    password: Option<RawPassword>,
    token: Option<RawRef>,
    hw_ak_sk: Option<RawPair>,
}

#[derive(Deserialize)]
struct RawPassword {
    user: Option<RawUser>,
}

#[derive(Deserialize)]
struct RawUser {
    id: Option<String>,
    name: Option<String>,
    password: Option<String>,
    domain: Option<RawRef>,
}

#[derive(Deserialize)]
struct RawPair {
    access: Option<RawKey>,
    secret: Option<RawKey>,
}

#[derive(Deserialize)]
struct RawKey {
    key: Option<String>,
}

#[derive(Deserialize)]
struct RawScope {
    project: Option<RawRef>,
    domain: Option<RawRef>,
}

#[derive(Deserialize)]
struct RawRef {
    id: Option<String>,
    name: Option<String>,
}

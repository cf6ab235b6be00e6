//! The part of IAM that SDKs and token clients need: tokens and the list of projects. Errors have
//! the form of Keystone's.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;
use tidegate_control::{Identity, Login, LoginError, NoToken, Scope};
use tidegate_domain::{ProjectId, Timestamp};
use tidegate_sign::Secret;
use tidegate_wire::iam::{
    Account, DomainDto, DomainList, DomainRef, IamErrorBody, IamFault, Identity as Proof, Method,
    ProjectChoice, ProjectDto, ProjectList, ProjectRef, RoleRef, Scope as WantedScope, Subject,
    TokenAnswer, TokenRequest,
};

use crate::call::RawCall;
use crate::fault::Fault;
use crate::reply::Reply;

/// The header a token that is asked about travels in.
const SUBJECT_TOKEN: &str = "x-subject-token";

/// Issues a token for somebody who proves who he is.
pub async fn issue_token(call: RawCall) -> Result<Reply, IamRefusal> {
    let request = TokenRequest::parse(&call.body)?;
    let method = request.identity.method();
    let scope = scope(request.scope)?;
    let for_account = matches!(scope, Scope::AccountId(_) | Scope::AccountName(_));
    let login = login(request.identity)?;
    let issued = call.api.control.login_from(call.address(), login, &scope, call.now).await?;
    call.api.own_gateway_enforces(issued.revision).await;
    let answer = answer(method, &issued.identity, for_account, issued.issued_at, issued.expires_at);
    Ok(Reply::json_with(StatusCode::CREATED, &answer).with_token(&issued.text))
}

/// Tells what a token stands for.
pub async fn check_token(call: RawCall) -> Result<Reply, IamRefusal> {
    let asker = call.identify().await?;
    let unknown = || IamFault::not_found("token");
    let text = call.header(SUBJECT_TOKEN).map_err(Fault::from)?.ok_or_else(unknown)?;
    let found = call.api.control.token(text, call.now).await.map_err(Fault::from)?;
    let (identity, token) = found.ok_or_else(unknown)?;
    if identity.project.domain != asker.project.domain {
        return Err(unknown().into());
    }
    let answer = answer(Method::Password, &identity, false, token.issued_at, token.expires_at);
    Ok(Reply::json(&answer).with_token(&Secret::new(text)))
}

/// Revokes a token of the caller's, and those that were got by it.
pub async fn revoke_token(call: RawCall) -> Result<Reply, IamRefusal> {
    let asker = call.identify().await?;
    let unknown = || IamFault::not_found("token");
    let text = call.header(SUBJECT_TOKEN).map_err(Fault::from)?.ok_or_else(unknown)?;
    let revoked = call.api.control.revoke(&asker.user, &Secret::new(text), call.now).await;
    let revision = revoked.map_err(Fault::from)?.ok_or_else(unknown)?;
    call.api.own_gateway_enforces(revision).await;
    Ok(Reply::no_content())
}

/// The caller's projects; an SDK that knows its region only finds its project here.
pub async fn list_projects(call: RawCall) -> Result<Reply, IamRefusal> {
    let identity = call.identify().await?;
    let projects = call.api.control.projects_of(&identity, call.query("name"));
    let projects = projects
        .iter()
        .map(|p| ProjectDto::new(p.id.as_str(), &p.name, p.domain.as_str()))
        .collect();
    Ok(Reply::json(&ProjectList { projects }))
}

/// The caller's account, which the vendor's Terraform provider asks for at every start.
pub async fn list_domains(call: RawCall) -> Result<Reply, IamRefusal> {
    let project = call.identify().await?.project;
    let own =
        DomainDto { id: project.domain.to_string(), name: project.domain_name, enabled: true };
    Ok(Reply::json(&DomainList { domains: vec![own] }))
}

fn scope(wanted: Option<WantedScope>) -> Result<Scope, IamFault> {
    match wanted {
        None => Ok(Scope::Own),
        Some(WantedScope::Project(ProjectChoice::Id(id))) => {
            let id = ProjectId::parse(&id).map_err(|_| IamFault::forbidden())?;
            Ok(Scope::Id(id))
        }
        Some(WantedScope::Project(ProjectChoice::Name(name))) => Ok(Scope::Name(name)),
        Some(WantedScope::Domain(Account::Id(id))) => Ok(Scope::AccountId(id)),
        Some(WantedScope::Domain(Account::Name(name))) => Ok(Scope::AccountName(name)),
    }
}

fn login(proof: Proof) -> Result<Login, IamFault> {
    let secret = |secret: tidegate_wire::iam::Secret| Secret::new(secret.expose());
    match proof {
        Proof::Password { user, domain: Some(Account::Name(domain)), password } => {
            Ok(Login::Password { domain, name: user, password: secret(password) })
        }
        Proof::Password { .. } => {
            let text = "Name the user and, by `user.domain.name`, the account.";
            Err(IamFault::bad_request(text))
        }
        Proof::Token { token } => Ok(Login::Token(secret(token))),
        Proof::AccessKey { access, secret: key } => {
            Ok(Login::AccessKey { access, secret: secret(key) })
        }
    }
}

fn answer(
    method: Method,
    identity: &Identity,
    for_account: bool,
    issued_at: Timestamp,
    expires_at: Timestamp,
) -> TokenAnswer {
    let project = &identity.project;
    let domain = DomainRef { id: project.domain.to_string(), name: project.domain_name.clone() };
    let subject = Subject {
        user_id: identity.user.to_string(),
        user_name: identity.name.clone(),
        domain: domain.clone(),
        project: (!for_account).then(|| ProjectRef {
            id: project.id.to_string(),
            name: project.name.clone(),
            domain,
        }),
        roles: vec![RoleRef::named("dataservice_user")],
    };
    TokenAnswer::new(method, subject, issued_at, expires_at)
}

/// Why IAM says no.
#[derive(Debug)]
pub enum IamRefusal {
    /// In Keystone's form.
    Iam(IamFault),
    /// In Keystone's form, with the seconds after which to try again.
    Later(IamFault, u64),
    /// Before it came to that.
    Call(Box<Response>),
}

impl From<IamFault> for IamRefusal {
    fn from(fault: IamFault) -> Self {
        Self::Iam(fault)
    }
}

impl From<Fault> for IamRefusal {
    fn from(fault: Fault) -> Self {
        Self::Call(Box::new(fault.into_response()))
    }
}

impl From<LoginError> for IamRefusal {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Wrong => IamFault::unauthorized().into(),
            LoginError::ScopeUnknown => IamFault::forbidden().into(),
            LoginError::Broken(error) => Fault::from(error).into(),
        }
    }
}

impl From<NoToken> for IamRefusal {
    fn from(error: NoToken) -> Self {
        match error {
            NoToken::TooMany { seconds } => {
                let message = format!("Too many log-ins. Try again in {seconds} s.");
                Self::Later(IamFault { code: 429, message }, seconds)
            }
            NoToken::Login(error) => error.into(),
        }
    }
}

impl IntoResponse for IamRefusal {
    fn into_response(self) -> Response {
        match self {
            Self::Iam(fault) => {
                let status =
                    StatusCode::from_u16(fault.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Reply::json_with(status, &IamErrorBody::from(&fault)).into_response()
            }
            Self::Later(fault, seconds) => {
                let mut response = Self::Iam(fault).into_response();
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
                response
            }
            Self::Call(response) => *response,
        }
    }
}

//! What IAM answers.

use serde::Serialize;
use tidegate_domain::Timestamp;

use super::token::{IamFault, Method};
use crate::time::format_iso_micros;

/// An account, as answers name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DomainRef {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A project, as a token names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectRef {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its account.
    pub domain: DomainRef,
}

/// A role, as a token names it; the id is always `0`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleRef {
    id: &'static str,
    /// Its name.
    pub name: String,
}

impl RoleRef {
    /// The role called `name`.
    pub fn named(name: impl Into<String>) -> Self {
        Self { id: "0", name: name.into() }
    }
}

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The user's id.
    pub user_id: String,
    /// His name.
    pub user_name: String,
    /// His account.
    pub domain: DomainRef,
    /// The project the token is good for; none when it is good for the account.
    pub project: Option<ProjectRef>,
    /// What he is there.
    pub roles: Vec<RoleRef>,
}

/// The answer to a request for a token, and to the question what one stands for. The token itself
/// goes into the header `X-Subject-Token` and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenAnswer {
    token: TokenDto,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct TokenDto {
    methods: [&'static str; 1],
    issued_at: String,
    expires_at: String,
    user: UserDto,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<ProjectRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<DomainRef>,
    roles: Vec<RoleRef>,
    catalog: [&'static str; 0],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct UserDto {
    id: String,
    name: String,
    domain: DomainRef,
    password_expires_at: &'static str,
}

impl TokenAnswer {
    /// A token of `subject`, got by `method`, good from `issued_at` to `expires_at`.
    pub fn new(
        method: Method,
        subject: Subject,
        issued_at: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        let domain = match subject.project {
            Some(_) => None,
            None => Some(subject.domain.clone()),
        };
        Self {
            token: TokenDto {
                methods: [method.as_str()],
                issued_at: format_iso_micros(issued_at),
                expires_at: format_iso_micros(expires_at),
                user: UserDto {
                    id: subject.user_id,
                    name: subject.user_name,
                    domain: subject.domain,
                    password_expires_at: "",
                },
                project: subject.project,
                domain,
                roles: subject.roles,
                catalog: [],
            },
        }
    }
}

/// A project in the list of projects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectDto {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its account.
    pub domain_id: String,
    /// The account again: projects lie directly below it.
    pub parent_id: String,
    /// What it is for.
    pub description: String,
    /// Can it be used?
    pub enabled: bool,
    /// Is it an account?
    pub is_domain: bool,
}

impl ProjectDto {
    /// A project that can be used.
    pub fn new(id: &str, name: &str, domain_id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            domain_id: domain_id.to_owned(),
            parent_id: domain_id.to_owned(),
            description: String::new(),
            enabled: true,
            is_domain: false,
        }
    }
}

/// The answer of `GET /v3/projects`. An SDK that looks for its project wants exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectList {
    /// The projects.
    pub projects: Vec<ProjectDto>,
}

/// An account in the list of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DomainDto {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Can it be used?
    pub enabled: bool,
}

/// The answer of `GET /v3/auth/domains`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DomainList {
    /// The accounts.
    pub domains: Vec<DomainDto>,
}

/// The body of an answer of IAM that says no, in Keystone's form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IamErrorBody {
    error: IamError,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct IamError {
    code: u16,
    message: String,
    title: &'static str,
}

impl From<&IamFault> for IamErrorBody {
    fn from(fault: &IamFault) -> Self {
        Self {
            error: IamError {
                code: fault.code,
                message: fault.message.clone(),
                title: fault.title(),
            },
        }
    }
}

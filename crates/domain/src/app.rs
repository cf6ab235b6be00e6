//! Apps: the identities that call APIs.

use crate::api::AuthType;
use crate::id::{AppId, ProjectId, UserId, WorkspaceId};
use crate::time::Timestamp;

/// How an app proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppKind {
    /// By a key and a secret of its own.
    App,
    /// By an IAM token: the app stands for all users of an account.
    Iam,
}

/// An app, without its secret: secrets travel separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its id; never used again.
    pub id: AppId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// Its name; of an IAM app, the account's name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How it proves who it is.
    pub kind: AppKind,
    /// Its public key, which names it in a signature; empty for an IAM app.
    pub app_key: String,
    /// Who made it, and so may apply, renew and give back in its name.
    pub owner: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name, description or secret last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: UserId,
    /// When its secret was made anew by a reset; bounds how often that is possible.
    pub secret_reset_at: Option<Timestamp>,
}

/// Do an API and an app go together?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fit {
    /// The app can prove itself to the API.
    Fits,
    /// The API asks for nobody's proof, so a grant would mean nothing: asking for one is a no-op.
    OpenApi,
    /// The app proves itself in another way than the API asks for.
    Mismatch,
}

impl AppKind {
    /// Does an app of this kind fit an API with `auth`?
    pub const fn fit(self, auth: AuthType) -> Fit {
        match (auth, self) {
            (AuthType::None, Self::App | Self::Iam) => Fit::OpenApi,
            (AuthType::App, Self::App) | (AuthType::Iam, Self::Iam) => Fit::Fits,
            (AuthType::App, Self::Iam) | (AuthType::Iam, Self::App) => Fit::Mismatch,
        }
    }
}

//! Single values of a row: what they are as text, and the error when they are nothing.

use sea_orm::EntityName;
use tidegate_domain::api::Method;
use tidegate_domain::notice::NoticeKind;
use tidegate_domain::standing::CutCause;
use tidegate_domain::{
    ApiId, AppId, AppKind, ApplicationId, ApplicationKind, AuthType, DomainId, HostName,
    InstanceId, NoticeId, NoticeOutcome, Outcome, ProjectId, Role, ThrottleName, UserId,
    Visibility, VoidCause, WorkspaceId,
};

use crate::{Result, StoreError};

/// Says which row is being read, if it must be complained about.
pub struct Cells {
    table: &'static str,
    id: String,
}

impl Cells {
    /// Of the row of `table` whose key has these parts.
    pub fn of(table: impl EntityName, key: &[&str]) -> Self {
        Self { table: table.table_name(), id: key.join("/") }
    }

    /// The error that the column does not make sense.
    pub fn bad(&self, column: &'static str) -> StoreError {
        StoreError::BadRow { table: self.table, column, id: self.id.clone() }
    }

    /// The value of a text column.
    pub fn text<T: Text>(&self, column: &'static str, text: &str) -> Result<T> {
        T::from_text(text).ok_or_else(|| self.bad(column))
    }

    /// The value of a text column that may be empty.
    pub fn maybe<T: Text>(&self, column: &'static str, text: Option<&str>) -> Result<Option<T>> {
        text.map(|text| self.text(column, text)).transpose()
    }

    /// The value of a number column with a narrower type.
    pub fn number<T: TryFrom<i64>>(&self, column: &'static str, number: i64) -> Result<T> {
        T::try_from(number).map_err(|_| self.bad(column))
    }

    /// The value of a number column that may be empty.
    pub fn maybe_number<T: TryFrom<i64>>(
        &self,
        column: &'static str,
        number: Option<i64>,
    ) -> Result<Option<T>> {
        number.map(|number| self.number(column, number)).transpose()
    }
}

/// A value kept as text.
pub trait Text: Sized {
    /// The value the text stands for.
    fn from_text(text: &str) -> Option<Self>;
}

macro_rules! ids {
    ($($id:ident),+) => {$(
        impl Text for $id {
            fn from_text(text: &str) -> Option<Self> {
                Self::parse(text).ok()
            }
        }
    )+};
}

ids!(
    ApiId,
    AppId,
    ApplicationId,
    DomainId,
    HostName,
    InstanceId,
    NoticeId,
    ProjectId,
    ThrottleName,
    UserId,
    WorkspaceId
);

/// An enum kept by a name. The names are in databases: they are never changed.
pub trait Name: Copy {
    /// The name.
    fn name(self) -> &'static str;
}

macro_rules! names {
    ($($enum:ident { $($variant:ident $(($of:path))? = $name:literal),+ $(,)? })+) => {$(
        impl Name for $enum {
            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant $(($of))? => $name,)+
                }
            }
        }

        impl Text for $enum {
            fn from_text(text: &str) -> Option<Self> {
                match text {
                    $($name => Some(Self::$variant $(($of))?),)+
                    _ => None,
                }
            }
        }
    )+};
}

names! {
    Role { Admin = "admin", Developer = "developer", Operator = "operator", Viewer = "viewer" }
    AppKind { App = "app", Iam = "iam" }
    AuthType { App = "app", Iam = "iam", None = "none" }
    Method { Get = "GET", Post = "POST" }
    Visibility { Workspace = "workspace", Project = "project", Domain = "domain" }
    CutCause { Reviewer = "reviewer", App = "app", Unpublished = "unpublished" }
    ApplicationKind { Apply = "apply", Renew = "renew", Publish = "publish", Recover = "recover" }
    Outcome {
        Passed = "passed",
        Rejected = "rejected",
        Withdrawn = "withdrawn",
        Void(VoidCause::EndPassed) = "void.end_passed",
        Void(VoidCause::GrantEnded) = "void.grant_ended",
        Void(VoidCause::Cancelled) = "void.cancelled",
        Void(VoidCause::GivenBack) = "void.given_back",
        Void(VoidCause::Unpublished) = "void.unpublished",
    }
    NoticeKind { Cancel = "cancel", Stop = "stop", Unpublish = "unpublish" }
    NoticeOutcome {
        Confirmed = "confirmed",
        Executed = "executed",
        Forced = "forced",
        Released = "released",
        Withdrawn = "withdrawn",
    }
}

/// An id as it is kept.
pub fn id(id: &impl ToString) -> String {
    id.to_string()
}

/// An id that may be missing, as it is kept.
pub fn maybe_id<T: ToString>(id: Option<&T>) -> Option<String> {
    id.map(T::to_string)
}

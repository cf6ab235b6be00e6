//! Apps.

use serde::{Deserialize, Serialize};
use tidegate_domain::{AppKind, Refusal};

use crate::enums::{GatewayKind, parse_app_kind};
use crate::limits::{NAME_CHARS, TEXT_CHARS};
use crate::text::{check_name, echo, free_text, malformed, required};

/// The body of `POST /apps` (AppRequestDTO).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppBody {
    /// The kind; APP when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_type: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A kind of gateway; read, checked and not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apig_type: Option<String>,
    /// A gateway; read and not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apig_instance_id: Option<String>,
}

/// A new app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSpec {
    /// How it proves who it is.
    pub kind: AppKind,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
}

impl AppBody {
    /// The plain values.
    pub fn parse(&self) -> Result<AppSpec, Refusal> {
        let name = required("name", self.name.as_ref())?;
        check_app_name(name)?;
        let description = self.description.clone().unwrap_or_default();
        free_text("description", &description, TEXT_CHARS)?;
        let kind = match &self.app_type {
            None => AppKind::App,
            Some(text) => parse_app_kind("app_type", text)?,
        };
        if let Some(text) = &self.apig_type {
            GatewayKind::parse("apig_type", text)?;
        }
        Ok(AppSpec { kind, name: name.to_owned(), description })
    }
}

/// The body of `PUT /apps/{app_id}` (AppUpdateDTO).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppUpdateBody {
    /// The new name; unchanged when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new description; unchanged when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What shall change about an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppChange {
    /// The new name, if it shall have one.
    pub name: Option<String>,
    /// The new description, if it shall have one.
    pub description: Option<String>,
}

impl AppUpdateBody {
    /// The plain values.
    pub fn parse(&self) -> Result<AppChange, Refusal> {
        if let Some(name) = &self.name {
            check_app_name(required("name", Some(name))?)?;
        }
        if let Some(description) = &self.description {
            free_text("description", description, TEXT_CHARS)?;
        }
        Ok(AppChange { name: self.name.clone(), description: self.description.clone() })
    }
}

/// An app's name is less strict than an API's: that of an IAM app is the name of an account.
fn check_app_name(name: &str) -> Result<(), Refusal> {
    if name.chars().count() > NAME_CHARS {
        return Err(malformed(format!(
            "`name` is {}; a name has 1 to {NAME_CHARS} characters",
            echo(name)
        )));
    }
    check_name(name)
}

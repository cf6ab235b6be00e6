//! The definition of an API: checked once, when it is written, and kept as canonical JSON.

mod backend;
mod names;
mod paras;

use tidegate_domain::api::Method;
use tidegate_domain::{AuthType, Refusal, Visibility};

pub use backend::{BackendSpec, ConstantPara, Mapping, backend};

use crate::enums::{
    ApiType, Protocol, PublishType, auth_type_text, parse_auth_type, parse_method,
    parse_visibility, visibility_text,
};
use crate::limits::{DEFINITION_BYTES, RETENTION_HOURS, TAG_CHARS, TAGS, TEXT_CHARS};
use crate::requests::ApiBody;
use crate::text::{distinct, echo, free_text, malformed, required};

/// A checked definition: what the rules look at, and all of it as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The API's name.
    pub name: String,
    /// What it offers.
    pub description: String,
    /// What it asks of its callers.
    pub auth: AuthType,
    /// The method it is called with.
    pub method: Method,
    /// The path it is called at.
    pub path: String,
    /// From where it can be seen.
    pub visibility: Visibility,
    /// Its reviewer, by name.
    pub manager_name: String,
    /// Hours after publishing within which no stop or unpublish may take effect.
    pub retention_hours: u32,
    /// Words to find it by, each once.
    pub tags: Vec<String>,
    /// The whole body, with defaults filled in, as canonical JSON.
    pub json: String,
}

/// The id of the catalog that has no other above it.
const ROOT_CATALOG: &str = "0";

/// A stored definition that cannot be read: the row is damaged.
#[derive(Debug, thiserror::Error)]
#[error("the stored definition cannot be read: {0}")]
pub struct BadDefinition(#[from] serde_json::Error);

impl Definition {
    /// The definition in `body`, or what is wrong with it.
    pub fn from_body(mut body: ApiBody) -> Result<Self, Refusal> {
        let name = required("name", body.name.as_ref())?.to_owned();
        names::check_api_name(&name)?;
        let description = body.description.clone().unwrap_or_default();
        free_text("description", &description, TEXT_CHARS)?;
        check_type(required("api_type", body.api_type.as_ref())?)?;
        let manager_name = required("manager", body.manager.as_ref())?.to_owned();
        let path = required("path", body.path.as_ref())?.to_owned();
        names::check_api_path(&path)?;
        let method = required("request_type", body.request_type.as_ref())?;
        let method = parse_method("request_type", method)?;
        if let Some(text) = &body.protocol {
            Protocol::parse("protocol", text)?;
        }
        let auth = match &body.auth_type {
            None => AuthType::App,
            Some(text) => parse_auth_type("auth_type", text)?,
        };
        let visibility = match &body.visibility {
            None => Visibility::Workspace,
            Some(text) => parse_visibility("visibility", text)?,
        };
        if let Some(text) = &body.publish_type {
            PublishType::parse("publish_type", text)?;
        }
        let retention_hours = check_retention(body.retention_period.unwrap_or(0))?;
        let tags = check_tags(body.tags.take().unwrap_or_default())?;
        backend(&body)?;
        check_catalog(body.catalog_id.as_deref())?;

        body.description = Some(description.clone());
        body.auth_type = Some(auth_type_text(auth).to_owned());
        body.visibility = Some(visibility_text(visibility).to_owned());
        body.retention_period = Some(i64::from(retention_hours));
        body.tags = Some(tags.clone());
        let json = to_json(&body)?;
        Ok(Self {
            name,
            description,
            auth,
            method,
            path,
            visibility,
            manager_name,
            retention_hours,
            tags,
            json,
        })
    }

    /// The body in a stored definition, to be shown or changed.
    pub fn from_json(json: &str) -> Result<ApiBody, BadDefinition> {
        Ok(serde_json::from_str(json)?)
    }
}

fn check_type(text: &str) -> Result<(), Refusal> {
    let api_type = ApiType::parse("api_type", text)?;
    if api_type.is_register() {
        return Ok(());
    }
    Err(malformed(format!(
        "`api_type` is {text}: only registered APIs (API_SPECIFIC_TYPE_REGISTER), which put an \
         existing HTTP service behind the gate, are served by this version"
    )))
}

/// Whether the catalog exists. The root is the only one, and the one an API is in when it names none.
fn check_catalog(id: Option<&str>) -> Result<(), Refusal> {
    match id {
        None | Some("" | ROOT_CATALOG) => Ok(()),
        Some(id) => Err(Refusal::CatalogUnknown { id: echo(id) }),
    }
}

fn check_retention(hours: i64) -> Result<u32, Refusal> {
    u32::try_from(hours).ok().filter(|hours| *hours <= RETENTION_HOURS).ok_or_else(|| {
        malformed(format!("`retention_period` is {hours}; allowed: 0 to {RETENTION_HOURS} hours"))
    })
}

fn check_tags(tags: Vec<String>) -> Result<Vec<String>, Refusal> {
    if tags.len() > TAGS {
        return Err(Refusal::TooMany { what: "tags", max: TAGS });
    }
    for tag in &tags {
        if tag.trim().is_empty() {
            return Err(malformed("`tags` contains a blank tag"));
        }
        free_text("tags", tag, TAG_CHARS)?;
    }
    Ok(distinct(tags))
}

fn to_json(body: &ApiBody) -> Result<String, Refusal> {
    let json = serde_json::to_string(body)
        .map_err(|e| malformed(format!("the definition cannot be kept: {e}")))?;
    if json.len() > DEFINITION_BYTES {
        return Err(malformed(format!(
            "the definition has {} bytes; at most {DEFINITION_BYTES} are allowed",
            json.len()
        )));
    }
    Ok(json)
}

#[cfg(test)]
mod tests;

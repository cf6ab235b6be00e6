//! APIs.

use serde::Serialize;
use tidegate_domain::{Api, Instance, Publication, Timestamp};

use crate::enums::{
    ApiDebug, ApiStatus, ApiType, AuthorizationStatus, auth_type_text, method_text, visibility_text,
};
use crate::quirks::DEBUG_SHOWN;
use crate::requests::ApiBody;

/// The names of the people of an API.
#[derive(Debug, Clone, Copy)]
pub struct ApiNames<'a> {
    /// Its reviewer.
    pub manager: &'a str,
    /// Who made it.
    pub creator: &'a str,
}

/// The answer of `POST /apis`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreatedApi {
    /// The new API's id.
    pub id: String,
}

/// What an API is on an instance (ApiPublishDTO).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiPublishDto {
    /// A name of this record: the API's and the instance's.
    pub id: String,
    /// The API.
    pub api_id: String,
    /// The instance.
    pub instance_id: String,
    /// Its name.
    pub instance_name: String,
    /// The API's state there.
    pub api_status: ApiStatus,
    /// How the trial call there went.
    pub api_debug: ApiDebug,
}

impl ApiPublishDto {
    /// The publication as it is at `now`.
    pub fn of(publication: &Publication, instance_name: &str, now: Timestamp) -> Self {
        Self {
            id: format!("{}.{}", publication.api, publication.instance),
            api_id: publication.api.to_string(),
            instance_id: publication.instance.to_string(),
            instance_name: instance_name.to_owned(),
            api_status: publication.status.as_of(now).into(),
            api_debug: DEBUG_SHOWN,
        }
    }
}

/// An API in a list (ApiOverview).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiOverview {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it offers.
    pub description: String,
    /// Its state in the SHARED edition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ApiStatus>,
    /// How the trial call in the SHARED edition went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug_status: Option<ApiDebug>,
    /// What it is on each instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_messages: Option<Vec<ApiPublishDto>>,
    /// How it gets its answers.
    pub r#type: ApiType,
    /// Its reviewer, by name.
    pub manager: String,
    /// Who made it.
    pub create_user: String,
    /// When it was made.
    pub create_time: i64,
    /// Does it need a grant, and is there one?
    pub authorization_status: AuthorizationStatus,
}

impl ApiOverview {
    /// The API without its states.
    pub fn of(api: &Api, names: &ApiNames<'_>, authorization: AuthorizationStatus) -> Self {
        Self {
            id: api.id.to_string(),
            name: api.name.clone(),
            description: api.description.clone(),
            status: None,
            debug_status: None,
            publish_messages: None,
            r#type: ApiType::Register,
            manager: names.manager.to_owned(),
            create_user: names.creator.to_owned(),
            create_time: api.created_at.as_ms(),
            authorization_status: authorization,
        }
    }

    /// With its state in the SHARED edition.
    #[must_use]
    pub fn with_status(mut self, status: ApiStatus) -> Self {
        self.status = Some(status);
        self.debug_status = Some(DEBUG_SHOWN);
        self
    }

    /// With its state on each instance.
    #[must_use]
    pub fn with_publish_messages(mut self, messages: Vec<ApiPublishDto>) -> Self {
        self.publish_messages = Some(messages);
        self
    }
}

/// Where an API can be called on an instance (InstanceHostDTO).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceHostDto {
    /// The instance.
    pub instance_id: String,
    /// Its name.
    pub instance_name: String,
    /// Its private address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intranet_host: Option<String>,
    /// Its public address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_host: Option<String>,
    /// All its names.
    pub domains: Vec<String>,
}

impl InstanceHostDto {
    /// An instance that answers under `domains`, the first of which is the one to use.
    pub fn of(instance: &Instance, domains: Vec<String>) -> Self {
        Self {
            instance_id: instance.id.to_string(),
            instance_name: instance.name.clone(),
            intranet_host: domains.first().cloned(),
            external_host: domains.first().cloned(),
            domains,
        }
    }
}

/// An API in full (ApiDetail). Beyond the vendor's fields it has all others of the definition, so
/// that what is read can be written back and nothing changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiDetail {
    /// Its id.
    pub id: String,
    /// How it gets its answers.
    pub r#type: ApiType,
    /// Who made it.
    pub create_user: String,
    /// When it was made.
    pub create_time: i64,
    /// When it last changed.
    pub update_time: i64,
    /// Its host in the SHARED edition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Where it can be called: one object, see the quirk `hosts-object`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<InstanceHostDto>,
    /// Its state in the SHARED edition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ApiStatus>,
    /// How the trial call in the SHARED edition went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug_status: Option<ApiDebug>,
    /// What it is on each instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_messages: Option<Vec<ApiPublishDto>>,
    /// The definition.
    #[serde(flatten)]
    pub definition: ApiBody,
}

impl ApiDetail {
    /// The API without its states. What the rules look at is shown as it is; the rest comes from
    /// `definition`, the stored one.
    pub fn of(api: &Api, definition: ApiBody, names: &ApiNames<'_>) -> Self {
        let definition = ApiBody {
            name: Some(api.name.clone()),
            description: Some(api.description.clone()),
            auth_type: Some(auth_type_text(api.auth).to_owned()),
            request_type: Some(method_text(api.method).to_owned()),
            path: Some(api.path.clone()),
            visibility: Some(visibility_text(api.visibility).to_owned()),
            manager: Some(names.manager.to_owned()),
            retention_period: Some(i64::from(api.retention_hours)),
            tags: Some(api.tags.clone()),
            ..definition
        };
        Self {
            id: api.id.to_string(),
            r#type: ApiType::Register,
            create_user: names.creator.to_owned(),
            create_time: api.created_at.as_ms(),
            update_time: api.updated_at.as_ms(),
            host: None,
            hosts: None,
            status: None,
            debug_status: None,
            publish_messages: None,
            definition,
        }
    }

    /// With its state in the SHARED edition, and its host there.
    #[must_use]
    pub fn with_status(mut self, status: ApiStatus, host: Option<String>) -> Self {
        self.status = Some(status);
        self.debug_status = Some(DEBUG_SHOWN);
        self.host = host;
        self
    }

    /// Without the fields that are objects in the SDKs and lists to Terraform, which ends at an
    /// object: see the quirk `hosts-object`.
    #[must_use]
    pub fn for_terraform(mut self) -> Self {
        self.hosts = None;
        self.definition.backend_config = None;
        self
    }

    /// With the instance it can be called on.
    #[must_use]
    pub fn with_hosts(mut self, hosts: InstanceHostDto) -> Self {
        self.hosts = Some(hosts);
        self
    }

    /// With its state on each instance.
    #[must_use]
    pub fn with_publish_messages(mut self, messages: Vec<ApiPublishDto>) -> Self {
        self.publish_messages = Some(messages);
        self
    }
}

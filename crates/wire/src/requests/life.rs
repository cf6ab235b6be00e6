//! The life of an API on an instance.

use serde::{Deserialize, Serialize};
use tidegate_domain::{ApiId, Refusal, Timestamp};

use crate::enums::{ApiActionKind, GatewayKind};
use crate::limits::BATCH_APIS;
use crate::text::{distinct, malformed, required};
use crate::{ids, time};

/// The body of `POST /apis/{api_id}/instances/{instance_id}/action` (ApiActionDTO).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiActionBody {
    /// When, for STOP and UNPUBLISH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What shall happen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

/// What shall happen to an API on an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiAction {
    /// What.
    pub kind: ApiActionKind,
    /// When at the latest, before rounding; needed only while apps count on the API.
    pub at: Option<Timestamp>,
}

impl ApiActionBody {
    /// The plain values.
    pub fn parse(&self) -> Result<ApiAction, Refusal> {
        let action = required("action", self.action.as_ref())?;
        let kind = ApiActionKind::parse("action", action)?;
        let at = match (kind, &self.time) {
            // Not even read: an API answers again at once.
            (ApiActionKind::Recover, _) => None,
            (ApiActionKind::Stop | ApiActionKind::Unpublish, None) => None,
            (ApiActionKind::Stop | ApiActionKind::Unpublish, Some(time)) => {
                Some(time::parse_field("time", time)?)
            }
        };
        Ok(ApiAction { kind, at })
    }
}

/// The body of `POST /apis/{api_id}/instances/{instance_id}/publish` (GatewayDTO).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayBody {
    /// A kind of gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apig_type: Option<String>,
    /// A gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apig_instance_id: Option<String>,
    /// A group of a gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id_in_apig: Option<String>,
    /// An app of the vendor's integration product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roma_app_id: Option<String>,
}

impl GatewayBody {
    /// Is it well formed? Nothing in it is used: there are no gateways of the vendor to push to.
    pub fn parse(&self) -> Result<(), Refusal> {
        match &self.apig_type {
            None => Ok(()),
            Some(text) => GatewayKind::parse("apig_type", text).map(|_| ()),
        }
    }
}

/// The body of `POST /apis/{api_id}/transfer`, a call of our own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferBody {
    /// The name of the reviewer that the API gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
}

impl TransferBody {
    /// The reviewer's name.
    pub fn parse(&self) -> Result<String, Refusal> {
        Ok(required("manager", self.manager.as_ref())?.to_owned())
    }
}

/// The body of `POST /apis/batch-delete`: the APIs, each once.
pub fn apis_to_delete(bytes: &[u8]) -> Result<Vec<ApiId>, Refusal> {
    let texts: Vec<String> = super::read(bytes)?;
    if texts.is_empty() {
        return Err(malformed("the list is empty; name at least one API"));
    }
    if texts.len() > BATCH_APIS {
        return Err(Refusal::TooMany { what: "APIs", max: BATCH_APIS });
    }
    let apis: Result<Vec<ApiId>, Refusal> =
        texts.iter().map(|text| ids::api_to_delete(text)).collect();
    Ok(distinct(apis?))
}

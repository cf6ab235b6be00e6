//! What shall happen to a grant.

use serde::{Deserialize, Serialize};
use tidegate_domain::{ApiId, AppId, InstanceId, Refusal, Timestamp};

use crate::enums::ActionKind;
use crate::limits::BATCH_APPS;
use crate::text::{distinct, malformed, required};
use crate::{ids, time};

/// The body of `POST /apis/authorize/action` (ApiParaForAuthToInstance).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionBody {
    /// The API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_id: Option<String>,
    /// The instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// The app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// What shall happen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply_type: Option<String>,
    /// The end of validity, or of access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// What shall happen to one grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The API.
    pub api: ApiId,
    /// The instance.
    pub instance: InstanceId,
    /// The app.
    pub app: AppId,
    /// What shall happen.
    pub kind: ActionKind,
    /// The end of validity, or of access, before rounding; present for all kinds but giving back.
    pub time: Option<Timestamp>,
}

impl ActionBody {
    /// The plain values.
    pub fn parse(&self) -> Result<Action, Refusal> {
        let api = required("api_id", self.api_id.as_ref())?;
        let instance = required("instance_id", self.instance_id.as_ref())?;
        let app = required("app_id", self.app_id.as_ref())?;
        let apply_type = required("apply_type", self.apply_type.as_ref())?;
        let kind = ActionKind::parse("apply_type", apply_type)?;
        let time = match kind {
            // Not even read: an app's side gives back at once.
            ActionKind::GiveBack => None,
            ActionKind::Authorize | ActionKind::Apply | ActionKind::Renew | ActionKind::Cancel => {
                Some(end(self.time.as_ref())?)
            }
        };
        Ok(Action {
            api: ids::api(api)?,
            instance: ids::instance(instance)?,
            app: ids::app(app)?,
            kind,
            time,
        })
    }
}

fn end(time: Option<&String>) -> Result<Timestamp, Refusal> {
    time::parse_field("time", required("time", time)?)
}

/// The body of `POST /apis/{api_id}/instances/{instance_id}/authorize`
/// (ApiParaForAuthorizeToInstance).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchAuthorizeBody {
    /// The end of validity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The apps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_ids: Option<Vec<String>>,
}

/// Grants for several apps, until one end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchAuthorize {
    /// The apps, each once.
    pub apps: Vec<AppId>,
    /// The end of validity, before rounding.
    pub until: Timestamp,
}

impl BatchAuthorizeBody {
    /// The plain values.
    pub fn parse(&self) -> Result<BatchAuthorize, Refusal> {
        let apps = self.app_ids.as_ref().ok_or(Refusal::FieldMissing { field: "app_ids" })?;
        if apps.is_empty() {
            return Err(malformed("`app_ids` is empty; name at least one app"));
        }
        if apps.len() > BATCH_APPS {
            return Err(Refusal::TooMany { what: "apps", max: BATCH_APPS });
        }
        let until = end(self.time.as_ref())?;
        let apps: Result<Vec<AppId>, Refusal> = apps.iter().map(|app| ids::app(app)).collect();
        Ok(BatchAuthorize { apps: distinct(apps?), until })
    }
}

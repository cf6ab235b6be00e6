//! Grants, seen from either side.

use serde::Serialize;
use tidegate_domain::{Api, Standing, Timestamp};

use crate::enums::RelationshipType;

/// A value bound to a grant (StaticParam); this version knows none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StaticParam {
    /// The parameter.
    pub para_name: String,
    /// Its value.
    pub para_value: String,
}

/// What the two lists have in common.
struct Listed {
    relationship: RelationshipType,
    since: Option<i64>,
    until: Option<i64>,
}

/// How a standing is listed at `now`; none when it is not.
fn listed(standing: &Standing, now: Timestamp) -> Option<Listed> {
    let standing = standing.as_of(now);
    let relationship = standing.relationship(now)?;
    let grant = standing.live_grant(now);
    // The earliest known end of a grant; of a mere application, the end asked for.
    let until = match grant {
        Some(grant) => Some(grant.end()),
        None => standing.application.as_ref().and_then(|a| a.until),
    };
    Some(Listed {
        relationship: relationship.into(),
        since: grant.map(|grant| grant.since.as_ms()),
        until: until.map(Timestamp::as_ms),
    })
}

/// An app that holds, or asks for, a grant of an API (RecordForGetAuthApp).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuthorizedAppRecord {
    /// The app.
    pub app_id: String,
    /// Its name.
    pub app_name: String,
    /// The instance.
    pub instance_id: String,
    /// Its name.
    pub instance_name: String,
    /// The end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_using_time: Option<i64>,
    /// The beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_time: Option<i64>,
    /// The beginning again, see the quirk `approve-time-twin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approve_time: Option<i64>,
    /// The state.
    pub relationship_type: RelationshipType,
    /// Values bound to the grant.
    pub static_params: Vec<StaticParam>,
}

impl AuthorizedAppRecord {
    /// The standing as it is at `now`; none when it is not listed.
    pub fn of(
        standing: &Standing,
        app_name: &str,
        instance_name: &str,
        now: Timestamp,
    ) -> Option<Self> {
        let listed = listed(standing, now)?;
        Some(Self {
            app_id: standing.key.app.to_string(),
            app_name: app_name.to_owned(),
            instance_id: standing.key.instance.to_string(),
            instance_name: instance_name.to_owned(),
            api_using_time: listed.until,
            approval_time: listed.since,
            approve_time: listed.since,
            relationship_type: listed.relationship,
            static_params: Vec::new(),
        })
    }
}

/// An API an app holds, or asks for, a grant of (AppBindApiInfo).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoundApiRecord {
    /// The API.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it offers.
    pub description: String,
    /// The beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_time: Option<i64>,
    /// The beginning again, see the quirk `approve-time-twin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approve_time: Option<i64>,
    /// The API's reviewer, by name.
    pub manager: String,
    /// The end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<i64>,
    /// The state.
    pub relationship_type: RelationshipType,
    /// Values bound to the grant.
    pub static_params: Vec<StaticParam>,
    /// The instance; an extension, see the quirk `no-cluster-in-records`.
    pub instance_id: String,
    /// Its name; an extension.
    pub instance_name: String,
}

impl BoundApiRecord {
    /// The standing, which is about `api`, as it is at `now`; none when it is not listed.
    pub fn of(
        standing: &Standing,
        api: &Api,
        manager: &str,
        instance_name: &str,
        now: Timestamp,
    ) -> Option<Self> {
        let listed = listed(standing, now)?;
        Some(Self {
            id: api.id.to_string(),
            name: api.name.clone(),
            description: api.description.clone(),
            approval_time: listed.since,
            approve_time: listed.since,
            manager: manager.to_owned(),
            deadline: listed.until,
            relationship_type: listed.relationship,
            static_params: Vec::new(),
            instance_id: standing.key.instance.to_string(),
            instance_name: instance_name.to_owned(),
        })
    }
}

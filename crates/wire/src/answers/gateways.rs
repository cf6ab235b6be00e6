//! Gateways, and what they enforce. The vendor has neither; moments are in milliseconds, as in his
//! records.

use serde::Serialize;

/// A gateway, as to some revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GatewayDto {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `enforces`, `awaited` or `lapsed`.
    pub state: &'static str,
    /// From when on it enforces it, at the latest; or its lease is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// Until when it may decide on less, at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// A gateway, as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GatewayRecord {
    /// As to the last revision.
    #[serde(flatten)]
    pub gateway: GatewayDto,
    /// Is its lease over, whatever it enforces?
    pub lapsed: bool,
    /// The revision it has acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// When it did.
    pub acknowledged_at: i64,
    /// When it was last heard of.
    pub heard_at: i64,
    /// When it was first heard of.
    pub registered_at: i64,
    /// Its lease.
    pub lease_ms: u64,
    /// How far its clock is ahead.
    pub clock_ahead_ms: i64,
    /// Its version.
    pub version: String,
}

/// All gateways, as the operator sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gateways {
    /// How many.
    pub total: usize,
    /// The last revision.
    pub revision: u64,
    /// Each, by id.
    pub gateways: Vec<GatewayRecord>,
}

/// An announced end of a right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RightNotice {
    /// Its id.
    pub id: String,
    /// When it takes effect.
    pub takes_effect: i64,
    /// By when at the latest.
    pub deadline: i64,
}

/// One app's right to call one API, and who enforces what was last said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RightDto {
    /// The API.
    pub api_id: String,
    /// Its name.
    pub api_name: String,
    /// The instance.
    pub instance_id: String,
    /// Its name.
    pub instance_name: String,
    /// The app.
    pub app_id: String,
    /// Its name.
    pub app_name: String,
    /// As in the lists of grants; `NONE` where they would not list it.
    pub relationship_type: &'static str,
    /// Who gave or last extended the grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<String>,
    /// When the grant began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// When it ends or has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// What was announced.
    pub notices: Vec<RightNotice>,
    /// The last revision that changed any of it.
    pub revision: u64,
    /// Does every gateway enforce that, or deny everything?
    pub enforced: bool,
    /// Each gateway, by id.
    pub gateways: Vec<GatewayDto>,
}

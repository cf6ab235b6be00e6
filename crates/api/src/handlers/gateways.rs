//! What gateways enforce: of one right, for those who see it; of all, for the operator.

use tidegate_control::{ForgetError, GatewayShown, GatewayState, RightShown};
use tidegate_domain::standing::Relationship;
use tidegate_domain::{Grant, Key, Notice, Timestamp};
use tidegate_wire::answers::{GatewayDto, GatewayRecord, Gateways, RightDto, RightNotice};
use tidegate_wire::ids;

use super::Answer;
use crate::call::{Call, OperatorCall};
use crate::fault::Fault;
use crate::reply::Reply;

/// A right, and which gateway enforces what was last said of it, since when.
pub async fn show_right(call: Call) -> Answer {
    let (api, app) = (ids::api(call.path("api_id"))?, ids::app(call.path("app_id"))?);
    let key = Key { api, instance: call.instance()?, app };
    let shown = call.control().show_right(&call.caller, &key, call.now).await?;
    Ok(Reply::json(&right(&shown, call.now)))
}

/// All gateways.
pub async fn list(call: OperatorCall) -> Answer {
    let known = call.api.control.gateways(call.now).await?;
    let gateways: Vec<GatewayRecord> = known.gateways.iter().map(record).collect();
    let (total, revision) = (gateways.len(), known.revision.0);
    Ok(Reply::json(&Gateways { total, revision, gateways }))
}

/// Forgets one that has left.
pub async fn forget(call: OperatorCall) -> Answer {
    match call.api.control.forget_gateway(call.path("gateway_id"), call.now).await {
        Ok(()) => Ok(Reply::no_content()),
        Err(ForgetError::Unknown) => Err(Fault::GatewayUnknown),
        Err(ForgetError::HoldsLease { until }) => Err(Fault::GatewayHoldsLease { until }),
        Err(ForgetError::Broken(error)) => Err(error.into()),
    }
}

fn right(shown: &RightShown, now: Timestamp) -> RightDto {
    let (standing, enforcement) = (&shown.standing, &shown.enforcement);
    let notices = standing.cancellation.iter().chain(&standing.shutdown);
    let grant = standing.grant.as_ref();
    RightDto {
        api_id: standing.key.api.to_string(),
        api_name: shown.api_name.clone(),
        instance_id: standing.key.instance.to_string(),
        instance_name: shown.instance_name.clone(),
        app_id: standing.key.app.to_string(),
        app_name: shown.app_name.clone(),
        relationship_type: relationship(standing.relationship(now)),
        granted_by: Some(shown.granted_by.clone()).filter(|name| !name.is_empty()),
        since: grant.map(|grant| grant.since.as_ms()),
        until: grant.map(Grant::end).map(Timestamp::as_ms),
        notices: notices.map(notice).collect(),
        revision: enforcement.revision.0,
        enforced: enforcement.is_enforced(),
        gateways: enforcement.gateways.iter().map(gateway).collect(),
    }
}

fn relationship(relationship: Option<Relationship>) -> &'static str {
    use tidegate_wire::enums::RelationshipType;
    relationship.map_or("NONE", |relationship| RelationshipType::from(relationship).as_str())
}

fn notice(notice: &Notice) -> RightNotice {
    RightNotice {
        id: notice.id.to_string(),
        takes_effect: notice.takes_effect().as_ms(),
        deadline: notice.deadline.as_ms(),
    }
}

fn gateway(shown: &GatewayShown) -> GatewayDto {
    let (state, since, until) = match shown.state {
        GatewayState::Enforces { since } => ("enforces", Some(since), None),
        GatewayState::Awaited { until } => ("awaited", None, Some(until)),
        GatewayState::Lapsed { since } => ("lapsed", Some(since), None),
    };
    GatewayDto {
        id: shown.gateway.id.clone(),
        name: shown.gateway.name.clone(),
        state,
        since: since.map(Timestamp::as_ms),
        until: until.map(Timestamp::as_ms),
    }
}

fn record(shown: &GatewayShown) -> GatewayRecord {
    let known = &shown.gateway;
    GatewayRecord {
        gateway: gateway(shown),
        lapsed: shown.is_lapsed,
        revision: known.revision.map(|revision| revision.0),
        acknowledged_at: known.acknowledged_at.as_ms(),
        heard_at: known.heard_at.as_ms(),
        registered_at: known.registered_at.as_ms(),
        lease_ms: known.lease_ms,
        clock_ahead_ms: known.clock_ahead_ms,
        version: known.version.clone(),
    }
}

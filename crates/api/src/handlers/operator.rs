//! What only the operator may do: apply a world.

use http::header::AUTHORIZATION;
use serde_json::json;
use tidegate_control::WorldError;
use tidegate_domain::Refusal;
use tidegate_sign::constant_time_eq;
use tidegate_wire::query;

use super::Answer;
use crate::call::RawCall;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::world::WorldFile;

/// Creates or updates what the file in the body names, and tells what changed.
pub async fn apply_world(call: RawCall) -> Answer {
    must_be_operator(&call)?;
    let dry_run = query::switch("dry_run", call.query("dry_run"))?;
    let malformed = |what: String| Fault::from(Refusal::Malformed { what });
    let file: WorldFile =
        serde_json::from_slice(&call.body).map_err(|error| malformed(error.to_string()))?;
    let world = file.into_world().map_err(malformed)?;
    let changes =
        call.api.control.apply(&world, dry_run, call.now).await.map_err(|error| match error {
            WorldError::Wrong(what) => malformed(what),
            WorldError::Broken(error) => error.into(),
        })?;
    let changes: Vec<_> = changes
        .iter()
        .map(
            |change| json!({ "created": change.created, "kind": change.kind, "name": change.name }),
        )
        .collect();
    Ok(Reply::json(&json!({ "dry_run": dry_run, "changes": changes })))
}

pub(super) fn must_be_operator(call: &RawCall) -> Result<(), Fault> {
    let offered = call.parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let offered = offered.and_then(|value| value.strip_prefix("Bearer "));
    match (&call.api.operator_token, offered) {
        (Some(token), Some(offered))
            if constant_time_eq(token.expose().as_bytes(), offered.as_bytes()) =>
        {
            Ok(())
        }
        _ => Err(Fault::NotOperator),
    }
}

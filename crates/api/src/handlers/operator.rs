//! What only the operator may do: apply a world.

use serde_json::json;
use tidegate_control::WorldError;
use tidegate_domain::Refusal;
use tidegate_wire::query;

use super::Answer;
use crate::call::OperatorCall;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::world::WorldFile;

/// Creates or updates what the file in the body names, and tells what changed.
pub async fn apply_world(call: OperatorCall) -> Answer {
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

//! What only the operator may do: apply a world.

use serde_json::json;
use tidegate_control::{Change, WorldError};
use tidegate_domain::Refusal;
use tidegate_wire::{errors, query};

use super::Answer;
use crate::call::OperatorCall;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::world::WorldFile;

/// Creates or updates what the file in the body names, takes access from those it leaves out, and returns what
/// changed.
pub async fn apply_world(call: OperatorCall) -> Answer {
    let dry_run = query::switch("dry_run", call.query("dry_run"))?;
    let malformed = |what: String| Fault::from(Refusal::Malformed { what });
    // What the parser says may quote what it has read, which may be a password.
    let unread = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        malformed(format!(
            "line {line}, column {column}: this is no world file; see `tidegate apply --help`"
        ))
    };
    let file: WorldFile = serde_json::from_slice(&call.body).map_err(unread)?;
    let world = file.into_world().map_err(malformed)?;
    let changes =
        call.api.control.apply(&world, dry_run, call.now).await.map_err(|error| match error {
            WorldError::Wrong(what) => malformed(what),
            WorldError::Overtaken => errors::Fault::Unavailable.into(),
            WorldError::Broken(error) => error.into(),
        })?;
    if !dry_run && !changes.is_empty() {
        let revision = call.api.control.head().await?.revision;
        call.api.own_gateway_enforces(revision).await;
    }
    let changes: Vec<_> = changes
        .iter()
        .map(|change| {
            let Change { fate, kind, name } = change;
            json!({ "fate": fate.name(), "kind": kind, "name": name })
        })
        .collect();
    Ok(Reply::json(&json!({ "dry_run": dry_run, "changes": changes })))
}

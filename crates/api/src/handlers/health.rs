//! Is the control side alive, and can it work?

use std::fmt::Display;
use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use tokio::time::timeout;

use crate::Api;
use crate::reply::Reply;

/// It is alive if it answers.
pub async fn alive() -> Reply {
    Reply::json(&json!({ "status": "alive" }))
}

/// How old the proof that a node may speak for its store may be while it is ready.
const PROOF: Duration = Duration::from_secs(5);

/// How long a proof that changes are kept may take. Who asks whether a node is ready waits a few seconds.
const ANSWER: Duration = Duration::from_secs(3);

/// It can work if its store answers and keeps changes, by the way they take, and its clock can be
/// trusted.
pub async fn ready(State(api): State<Api>) -> Reply {
    if let Err(why) = api.control.proven() {
        return not_ready("clock", &why);
    }
    if api.control.proof_age().is_none_or(|age| age > PROOF) {
        return not_ready("proof", &"the store has not taken a write for a while");
    }
    match timeout(ANSWER, api.control.changes_can_be_kept()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return not_ready("writes", &error),
        Err(_) => return not_ready("writes", &"the store has kept no change in time"),
    }
    match api.control.head().await {
        Ok(head) => Reply::json(&json!({ "status": "ready", "revision": head.revision.0 })),
        Err(error) => not_ready("store", &error),
    }
}

fn not_ready(reason: &str, why: &dyn Display) -> Reply {
    tracing::error!(reason, %why, "not ready");
    let body = json!({ "status": "not ready", "reason": reason });
    Reply::json_with(StatusCode::SERVICE_UNAVAILABLE, &body)
}

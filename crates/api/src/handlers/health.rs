//! Is the control side alive, and can it work?

use axum::extract::State;
use http::StatusCode;
use serde_json::json;

use crate::Api;
use crate::reply::Reply;

/// It is alive if it answers.
pub async fn alive() -> Reply {
    Reply::json(&json!({ "status": "alive" }))
}

/// It can work if its store answers.
pub async fn ready(State(api): State<Api>) -> Reply {
    match api.control.head().await {
        Ok(head) => Reply::json(&json!({ "status": "ready", "revision": head.revision.0 })),
        Err(error) => {
            tracing::error!(%error, "not ready");
            let body = json!({ "status": "not ready", "reason": "store" });
            Reply::json_with(StatusCode::SERVICE_UNAVAILABLE, &body)
        }
    }
}

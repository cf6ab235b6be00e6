//! A node that is about to stop: it says that it is not ready, and answers everything else, until
//! those who send calls to it have noticed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tidegate_gateway::Gate;

/// Is this node about to stop? Clones share the answer.
#[derive(Clone, Default)]
pub struct Leaving(Arc<AtomicBool>);

impl Leaving {
    /// From now on neither side says that it is ready.
    pub fn begin(&self, gate: Option<&Gate>) {
        self.0.store(true, Ordering::Release);
        if let Some(gate) = gate {
            gate.leave();
        }
    }

    /// The same routes, but for `/readyz` once it leaves.
    pub fn watched(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), unless_leaving))
    }
}

async fn unless_leaving(State(leaving): State<Leaving>, request: Request, next: Next) -> Response {
    if leaving.0.load(Ordering::Acquire) && request.uri().path() == "/readyz" {
        let body = r#"{"reason":"stopping","status":"not ready"}"#;
        let json = [("content-type", "application/json"), ("cache-control", "no-store")];
        return (StatusCode::SERVICE_UNAVAILABLE, json, body).into_response();
    }
    next.run(request).await
}

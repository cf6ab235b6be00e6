//! Where Prometheus finds the gateway's metrics.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tidegate_feed::RemoteSource;
use tidegate_gateway::Gate;

/// The format, as a scraper asks for it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What there is to tell of: a gate, and what it follows if that is on other machines.
type Told = (Gate, Option<Arc<RemoteSource>>);

/// `GET /metrics`.
pub fn router(gate: Gate, remote: Option<Arc<RemoteSource>>) -> Router {
    Router::new().route("/metrics", get(tell)).with_state((gate, remote))
}

async fn tell(State((gate, remote)): State<Told>) -> impl IntoResponse {
    match gate.metrics_with(remote.as_ref().map(RemoteSource::collector)) {
        Ok(text) => Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text)),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            Err(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

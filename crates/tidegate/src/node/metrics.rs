//! Where Prometheus finds the gateway's metrics.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tidegate_gateway::Gate;

/// The format, as a scraper asks for it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`.
pub fn router(gate: Gate) -> Router {
    Router::new().route("/metrics", get(tell)).with_state(gate)
}

async fn tell(State(gate): State<Gate>) -> impl IntoResponse {
    match gate.metrics() {
        Ok(text) => Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text)),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            Err(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

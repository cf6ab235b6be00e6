//! Where Prometheus finds the metrics: those of the gate, of this node, and of the gateways that follow it.

mod gateways;
mod node;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tidegate_control::Control;
use tidegate_gateway::Gate;

use self::gateways::OfGateways;
use self::node::OfNode;
use super::delivery::Deliveries;

/// The format, as a scraper asks for it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What ends a text of this format.
const END: &str = "# EOF\n";

/// What is told.
#[derive(Clone)]
pub struct Metrics {
    /// The gate.
    pub gate: Gate,
    /// The control side.
    pub control: Arc<Control>,
    /// What became of messages.
    pub deliveries: Arc<Deliveries>,
}

/// `GET /metrics`.
pub fn router(metrics: Metrics) -> Router {
    Router::new().route("/metrics", get(tell)).with_state(metrics)
}

async fn tell(State(metrics): State<Metrics>) -> impl IntoResponse {
    match metrics.text() {
        Ok(text) => Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text)),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            Err(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

impl Metrics {
    fn text(self) -> Result<String, fmt::Error> {
        let mut text = self.gate.metrics()?;
        text.truncate(text.trim_end_matches(END).len());
        let mut registry = Registry::with_prefix("tidegate");
        registry.register_collector(Box::new(OfGateways(self.control.gateway_figures())));
        let Self { control, deliveries, .. } = self;
        registry.register_collector(Box::new(OfNode { control, deliveries }));
        encode(&mut text, &registry)?;
        Ok(text)
    }
}


//! Where Prometheus finds the metrics: those of the gate, of this node, and of the gateways that follow it.

mod certificates;
mod connections;
mod feed;
mod gateways;
mod log;
mod node;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper_util::service::TowerToHyperService;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tidegate_feed::RemoteSource;
use tidegate_gateway::{Gate, Listeners};

use self::certificates::OfCertificates;
use self::connections::OfConnections;
use self::feed::OfFeed;
use self::gateways::OfGateways;
use self::log::OfLog;
pub use self::node::OfControl;
use self::node::OfNode;
use crate::checks::Kept;

/// The format, as a scraper asks for it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What ends a text of this format.
const END: &str = "# EOF\n";

/// What is told of: the parts this node has.
#[derive(Clone, Default)]
pub struct Metrics {
    /// The gate.
    pub gate: Option<Gate>,
    /// What it follows, if that is on other machines.
    pub remote: Option<Arc<RemoteSource>>,
    /// The control side.
    pub control: Option<OfControl>,
    /// The certificates this node shows.
    pub certificates: Kept,
    /// Its listeners.
    pub listeners: Listeners,
}

impl Metrics {
    /// `GET /metrics`.
    pub fn service(self) -> TowerToHyperService<Router> {
        TowerToHyperService::new(Router::new().route("/metrics", get(tell)).with_state(self))
    }

    fn text(self) -> Result<String, fmt::Error> {
        let mut text = match &self.gate {
            Some(gate) => gate.metrics_with(self.remote.as_ref().map(RemoteSource::collector))?,
            None => String::new(),
        };
        text.truncate(text.trim_end_matches(END).len());
        let mut registry = Registry::with_prefix("tidegate");
        if let Some(fates) = crate::log::fates() {
            registry.register_collector(Box::new(OfLog(fates)));
        }
        registry.register_collector(Box::new(OfCertificates(self.certificates)));
        registry.register_collector(Box::new(OfConnections(self.listeners)));
        if let Some(of) = self.control {
            registry.register_collector(Box::new(OfFeed(Arc::clone(&of.feed))));
            registry.register_collector(Box::new(OfGateways(of.control.gateway_figures())));
            registry.register_collector(Box::new(OfNode(of)));
        }
        encode(&mut text, &registry)?;
        Ok(text)
    }
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

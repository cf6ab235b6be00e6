//! Where Prometheus finds the metrics: those of the gate, and those of this node.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tidegate_control::Control;
use tidegate_gateway::Gate;

use super::delivery::Deliveries;
use crate::clock::wall;

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
        registry.register_collector(Box::new(OfNode(self)));
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// One answer about the node.
struct OfNode(Metrics);

impl fmt::Debug for OfNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfNode(..)")
    }
}

impl Collector for OfNode {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let (of, control) = (&self.0.deliveries, &self.0.control);
        let mut gauge = |name, help, value: f64| {
            let kind = MetricType::Gauge;
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, kind)?)
        };
        let oldest = of.oldest_ms.load(Ordering::Relaxed);
        let age = if oldest == 0 { 0 } else { wall().as_ms().saturating_sub(oldest).max(0) };
        let waiting = u32::try_from(of.waiting.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        gauge("messages_waiting", "Messages that wait to be delivered", waiting.into())?;
        let seconds = age.checked_div(1_000).and_then(|s| u32::try_from(s).ok());
        let seconds = f64::from(seconds.unwrap_or(u32::MAX));
        gauge("messages_oldest_age_seconds", "Seconds the oldest of them has waited", seconds)?;
        if let Some(age) = control.proof_age() {
            gauge(
                "proof_age_seconds",
                "Seconds since this node proved that it may speak for the store",
                age.as_secs_f64(),
            )?;
        }
        let proven = f64::from(u8::from(control.proven().is_ok()));
        gauge("proven", "1 while this node may decide, 0 while its clock is off", proven)?;
        for (name, help, count) in [
            ("messages_delivered", "Messages this node has delivered", &of.delivered),
            ("messages_failed", "Its tries to deliver one that failed", &of.failed),
            ("messages_given_up", "Messages it has given up", &of.given_up),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(count.load(Ordering::Relaxed)).encode(metric)?;
        }
        Ok(())
    }
}

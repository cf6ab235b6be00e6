//! What is told of the gateways that follow this node.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tidegate_control::{BOUNDS, GatewayFigure, GatewayFigures};

/// One answer to Prometheus.
#[derive(Debug)]
pub struct OfGateways(pub GatewayFigures);

impl Collector for OfGateways {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        self.all(&mut encoder)?;
        self.each(&mut encoder)
    }
}

impl OfGateways {
    fn all(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let help = "Seconds for which what was taken away may go on being let in at most, whatever \
                    the network does: the longest lease and its margins";
        let kind = MetricType::Gauge;
        let bound = encoder.encode_descriptor("revocation_bound_seconds", help, None, kind)?;
        ConstGauge::new(self.0.bound.as_secs_f64()).encode(bound)?;
        let help = "Time from a commit of this node that took something away to its being enforced \
                    by every gateway";
        let kind = MetricType::Histogram;
        let mut spread = encoder.encode_descriptor("revocation_seconds", help, None, kind)?;
        let bounds = BOUNDS.into_iter().chain([f64::MAX]);
        let buckets: Vec<(f64, u64)> = bounds.zip(self.0.enforced).collect();
        let (sum, count) = (self.0.enforced_seconds, self.0.enforced.iter().sum());
        spread.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        let help = "Gateways that were refused because another one has their id, or because it is bound \
                    to another certificate";
        let refused =
            encoder.encode_descriptor("gateway_refusals", help, None, MetricType::Counter)?;
        ConstCounter::new(self.0.refused).encode(refused)?;
        let help = "Gateways, by state: they have acknowledged the last revision, are behind, or \
                    their lease is over";
        let mut family = encoder.encode_descriptor("gateways", help, None, MetricType::Gauge)?;
        for state in ["current", "behind", "lapsed"] {
            let count = self.0.gateways.iter().filter(|gateway| state_of(gateway) == state).count();
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(family.encode_family(&[("state", state)])?)?;
        }
        Ok(())
    }

    fn each(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let help =
            "Age of the oldest revision a gateway has not acknowledged; 0 when it has the last";
        self.gauges(encoder, "gateway_behind_seconds", help, |g| g.behind.as_secs_f64())?;
        let help = "Revisions a gateway has not acknowledged";
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.gauges(encoder, "gateway_behind_revisions", help, |g| whole(g.behind_revisions))?;
        let help = "Seconds since anything was heard of a gateway";
        self.gauges(encoder, "gateway_silent_seconds", help, |g| g.silent.as_secs_f64())?;
        let help =
            "How far a gateway's clock is ahead of the control side's, in whole milliseconds";
        self.gauges(encoder, "gateway_clock_ahead_milliseconds", help, |g| g.clock_ahead_ms)
    }

    fn gauges<N>(
        &self,
        encoder: &mut DescriptorEncoder,
        name: &str,
        help: &str,
        value: impl Fn(&GatewayFigure) -> N,
    ) -> Result<(), fmt::Error>
    where
        ConstGauge<N>: EncodeMetric,
    {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for gateway in &self.0.gateways {
            let labels = [("gateway", gateway.name.as_str()), ("id", gateway.id.as_str())];
            ConstGauge::new(value(gateway)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn state_of(gateway: &GatewayFigure) -> &'static str {
    match gateway {
        GatewayFigure { is_lapsed: true, .. } => "lapsed",
        GatewayFigure { behind_revisions: 0, .. } => "current",
        GatewayFigure { .. } => "behind",
    }
}

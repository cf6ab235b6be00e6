//! What is told of the connections of each listener.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tidegate_gateway::{ConnectionFigures, Listeners};

/// One answer about connections.
#[derive(Debug)]
pub struct OfConnections(pub Listeners);

impl Collector for OfConnections {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let help = "Open connections, by listener";
        let mut family = encoder.encode_descriptor("connections", help, None, MetricType::Gauge)?;
        for (listener, of) in self.0.served() {
            let open = i64::try_from(of.open).unwrap_or(i64::MAX);
            let labels = [("listener", listener.name())];
            ConstGauge::new(open).encode(family.encode_family(&labels)?)?;
        }
        let shed = |of: ConnectionFigures| of.shed;
        let help = "Connections that were closed to make room for others, by listener";
        self.counter(&mut encoder, "connections_shed", help, shed)?;
        let refused = |of: ConnectionFigures| of.refused;
        let help = "Connections that were not let in, for their peer had too many, by listener";
        self.counter(&mut encoder, "connections_refused", help, refused)
    }
}

impl OfConnections {
    fn counter(
        &self,
        encoder: &mut DescriptorEncoder,
        name: &str,
        help: &str,
        count: impl Fn(ConnectionFigures) -> u64,
    ) -> Result<(), fmt::Error> {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (listener, of) in self.0.served() {
            let labels = [("listener", listener.name())];
            ConstCounter::new(count(of)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

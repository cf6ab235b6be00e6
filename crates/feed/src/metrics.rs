//! What Prometheus is shown of a gateway's feed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::remote::RemoteSource;

impl RemoteSource {
    /// The metrics of this source.
    pub fn collector(self: &Arc<Self>) -> Box<dyn Collector> {
        Box::new(SourceMetrics(Arc::clone(self)))
    }
}

/// The metrics of a source, beside those of its gateway.
#[derive(Debug)]
struct SourceMetrics(Arc<RemoteSource>);

impl Collector for SourceMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let help =
            "How far this machine's clock is ahead of the control side's, in whole milliseconds";
        let ahead = ConstGauge::new(self.0.time().own_ahead_ms().unwrap_or(0));
        let kind = MetricType::Gauge;
        ahead.encode(encoder.encode_descriptor("clock_ahead_milliseconds", help, None, kind)?)?;
        let help = "1 for the node of the control side that is asked, 0 for the others";
        let mut family = encoder.encode_descriptor("feed_node", help, None, kind)?;
        for (node, is_asked) in self.0.nodes() {
            let labels = [("node", node.address())];
            ConstGauge::new(i64::from(is_asked)).encode(family.encode_family(&labels)?)?;
        }
        let help = "Questions to each node of the control side, by what came of them";
        let kind = MetricType::Counter;
        let mut family = encoder.encode_descriptor("feed_questions", help, None, kind)?;
        for (node, _) in self.0.nodes() {
            let of = node.counters();
            for (outcome, n) in [("answered", &of.answered), ("failed", &of.failed)] {
                let labels = [("node", node.address()), ("outcome", outcome)];
                let n = ConstCounter::new(n.load(Ordering::Relaxed));
                n.encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "Questions a node refused because it writes no format of the feed that this gateway reads";
        let mut family = encoder.encode_descriptor("feed_no_common_format", help, None, kind)?;
        for (node, _) in self.0.nodes() {
            let n = node.counters().no_common_format.load(Ordering::Relaxed);
            ConstCounter::new(n).encode(family.encode_family(&[("node", node.address())])?)?;
        }
        let help = "Bytes of answers that came, packed as they are";
        let bytes = self.0.nodes().map(|(node, _)| node.counters().bytes.load(Ordering::Relaxed));
        let family = encoder.encode_descriptor("feed_bytes", help, None, kind)?;
        ConstCounter::new(bytes.sum::<u64>()).encode(family)
    }
}

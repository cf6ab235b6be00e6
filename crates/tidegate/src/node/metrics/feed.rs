//! What is told of the questions that the feed does not answer.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use tidegate_feed::FeedFigures;

/// One answer about the feed.
#[derive(Debug)]
pub struct OfFeed(pub Arc<FeedFigures>);

impl Collector for OfFeed {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let help = "Questions to the feed that got no answer, by reason";
        let kind = MetricType::Counter;
        let mut family = encoder.encode_descriptor("feed_refused", help, None, kind)?;
        for (reason, count) in self.0.refusals().counts() {
            let labels = [("reason", reason)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

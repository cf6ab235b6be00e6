//! What became of the log's lines.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use tidegate_gateway::lines::Fates;

/// One answer about the log.
#[derive(Debug)]
pub struct OfLog(pub Fates);

impl Collector for OfLog {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let Fates { written, queue_full, write_failed } = self.0;
        let help = "Lines of the log, by what became of them: all but the written ones are lost";
        let kind = MetricType::Counter;
        let mut family = encoder.encode_descriptor("log_lines", help, None, kind)?;
        for (outcome, count) in
            [("written", written), ("queue-full", queue_full), ("write-failed", write_failed)]
        {
            let labels = [("outcome", outcome)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

//! What is told of this node among its neighbours, and of what leaves by the webhook.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use tidegate_control::Control;
use tidegate_feed::FeedFigures;

use crate::clock::wall;
use crate::node::delivery::Deliveries;

/// What is told of a control side.
#[derive(Clone)]
pub struct OfControl {
    /// The use cases.
    pub control: Arc<Control>,
    /// What became of messages.
    pub deliveries: Arc<Deliveries>,
    /// What became of the questions of gateways on other machines.
    pub feed: Arc<FeedFigures>,
}

/// One answer about the node.
pub struct OfNode(pub OfControl);

impl fmt::Debug for OfNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfNode(..)")
    }
}

impl Collector for OfNode {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let OfControl { control, deliveries: of, feed } = &self.0;
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
        let quarantined = u32::try_from(control.quarantined().len()).unwrap_or(u32::MAX);
        gauge(
            "quarantined_records",
            "Records of the store that cannot be read; calls they are about are denied",
            quarantined.into(),
        )?;
        gauge(
            "store_files_displaced",
            "1 while the files of the store are not those that were opened: nothing is read or changed",
            f64::from(u8::from(control.is_displaced())),
        )?;
        let help =
            "Times the store turned out not to have what this node or a gateway knew: it went back";
        let metric =
            encoder.encode_descriptor("store_setbacks", help, None, MetricType::Counter)?;
        ConstCounter::new(control.setbacks()).encode(metric)?;
        let help = "Answers to gateways that were ended, for they were taken too slowly";
        let metric =
            encoder.encode_descriptor("feed_answers_too_slow", help, None, MetricType::Counter)?;
        ConstCounter::new(feed.too_slow()).encode(metric)?;
        let help = "Questions that were refused: the gateway reads no format of the feed that is written here";
        let metric =
            encoder.encode_descriptor("feed_no_common_format", help, None, MetricType::Counter)?;
        ConstCounter::new(feed.no_common_format()).encode(metric)?;
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

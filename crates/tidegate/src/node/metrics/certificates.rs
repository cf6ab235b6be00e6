//! How long the certificates this node shows are good.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::checks::{Kept, ends_of};
use crate::clock::wall;

const SECONDS_OF_A_DAY: f64 = 86_400.0;

/// One answer about their files, as they are now.
#[derive(Debug)]
pub struct OfCertificates(pub Kept);

impl Collector for OfCertificates {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let help = "Days for which a certificate of this machine is good, by what it is for; negative \
                    once it has ended";
        let kind = MetricType::Gauge;
        let mut family = encoder.encode_descriptor("certificate_days_left", help, None, kind)?;
        for (purpose, file) in &self.0 {
            let Some((_, until)) = ends_of(file) else { continue };
            let seconds = until.as_ms().saturating_sub(wall().as_ms()) / 1_000;
            let seconds = f64::from(i32::try_from(seconds).unwrap_or(i32::MAX));
            let days = ConstGauge::new(seconds / SECONDS_OF_A_DAY);
            days.encode(family.encode_family(&[("use", *purpose)])?)?;
        }
        Ok(())
    }
}

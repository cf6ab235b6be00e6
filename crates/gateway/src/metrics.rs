//! What a gate tells Prometheus. Counting costs a call a few atomic additions and two short locks;
//! everything else is put together when somebody asks.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::gate::{Counters, Gate, Status};
use crate::index::Digest;

/// How long the phases of calls took.
#[derive(Debug, Clone)]
pub(crate) struct Timings {
    check: Histogram,
    backend: Histogram,
}

impl Timings {
    pub(crate) fn new() -> Self {
        // 10 µs to 82 ms, and 0.5 ms to 16 s.
        let check = Histogram::new(exponential_buckets(10e-6, 2.0, 14));
        let backend = Histogram::new(exponential_buckets(500e-6, 2.0, 16));
        Self { check, backend }
    }

    /// A call was decided after `check`, and if it was admitted answered after `backend` more.
    pub(crate) fn observe(&self, check: Duration, backend: Option<Duration>) {
        self.check.observe(check.as_secs_f64());
        if let Some(backend) = backend {
            self.backend.observe(backend.as_secs_f64());
        }
    }
}

impl Gate {
    /// All metrics, in the OpenMetrics text format.
    pub fn metrics(&self) -> Result<String, fmt::Error> {
        let scrape = Scrape {
            status: self.status(),
            lease: self.limits().lease,
            counters: self.counters(),
            timings: self.timings().clone(),
        };
        let mut registry = Registry::with_prefix("tidegate_gate");
        registry.register_collector(Box::new(scrape));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// One answer to Prometheus.
#[derive(Debug)]
struct Scrape {
    status: Status,
    lease: Duration,
    counters: Counters,
    timings: Timings,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        self.calls(&mut encoder)?;
        histogram(&mut encoder, "check_seconds", "Time to a verdict", &self.timings.check)?;
        let help = "Time from the verdict to the backend's answer";
        histogram(&mut encoder, "backend_seconds", help, &self.timings.backend)?;
        self.index(&mut encoder)?;
        self.lease(&mut encoder)
    }
}

impl Scrape {
    fn calls(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let help = "Calls by verdict: allowed, or the reason of the denial";
        let mut family = encoder.encode_descriptor("calls", help, None, MetricType::Counter)?;
        let denied = self.counters.denied.iter().map(|(reason, n)| (reason.row().name, *n));
        for (verdict, count) in [("allowed", self.counters.admitted)].into_iter().chain(denied) {
            let labels = [("verdict", verdict)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn index(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let sizes = self.status.sizes;
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let help = "What the gate knows, by kind";
        let mut family = encoder.encode_descriptor("known", help, None, MetricType::Gauge)?;
        for (kind, count) in [
            ("app", sizes.apps),
            ("api", sizes.apis),
            ("token", sizes.tokens),
            ("grant", sizes.grants),
        ] {
            let labels = [("kind", kind)];
            ConstGauge::new(whole(count)).encode(family.encode_family(&labels)?)?;
        }
        gauge(encoder, "grants_bytes", "Memory of the grants", whole(sizes.grants_bytes))?;
        let digest = self.status.digest.map_or(0, Digest::short);
        let help = "First 52 bits of the digest of all it knows: equal in gates that know the same";
        gauge(encoder, "digest", help, digest)?;
        let help = "Times it held something else than the control side told";
        let mismatches =
            encoder.encode_descriptor("digest_mismatches", help, None, MetricType::Counter)?;
        ConstCounter::new(self.counters.digest_mismatches).encode(mismatches)?;
        if let Some(snapshot) = self.status.snapshot {
            let age = snapshot.age.as_secs_f64();
            gauge(encoder, "snapshot_age_seconds", "Seconds since it was written or read", age)?;
            let bytes = i64::try_from(snapshot.bytes).unwrap_or(i64::MAX);
            gauge(encoder, "snapshot_bytes", "Its size on disk", bytes)?;
        }
        let revision = i64::try_from(self.status.revision.unwrap_or(0)).unwrap_or(i64::MAX);
        gauge(encoder, "revision", "The revision it decides at", revision)
    }

    fn lease(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let ready = i64::from(self.status.ready.is_ok());
        gauge(encoder, "ready", "1 while it decides, 0 while it denies everything", ready)?;
        // Never heard is as old as it can be.
        let age = self.status.age.unwrap_or(self.lease).as_secs_f64();
        let left = self.status.age.map_or(Duration::ZERO, |age| self.lease.saturating_sub(age));
        let help = "Seconds since it sent the last poll that was answered";
        gauge(encoder, "poll_age_seconds", help, age)?;
        gauge(encoder, "lease_left_seconds", "Seconds it may go on deciding", left.as_secs_f64())
    }
}

fn gauge<N>(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    value: N,
) -> Result<(), fmt::Error>
where
    ConstGauge<N>: EncodeMetric,
{
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn histogram(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    histogram: &Histogram,
) -> Result<(), fmt::Error> {
    histogram.encode(encoder.encode_descriptor(name, help, None, MetricType::Histogram)?)
}

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
            callers: self.0.throttles.len(),
            nonces: self.0.nonces.len(),
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
    callers: usize,
    nonces: usize,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        self.calls(&mut encoder)?;
        histogram(&mut encoder, "check_seconds", "Time to a verdict", &self.timings.check)?;
        let help = "Connections to backends that were opened";
        let backends = self.counters.backends;
        counter(&mut encoder, "backend_connections", help, backends.connections)?;
        let help = "Calls that were tried again at a backend";
        counter(&mut encoder, "backend_retries", help, backends.retries)?;
        let help = "Times that one of several backends was put out";
        counter(&mut encoder, "backend_ejections", help, backends.ejections)?;
        let tls = self.counters.tls;
        let help = "Callers that came to no agreement about TLS";
        counter(&mut encoder, "tls_failures", help, tls.failed)?;
        let help = "Certificates that took the place of the one before";
        counter(&mut encoder, "tls_reloads", help, tls.reloaded)?;
        let help = "Certificates that could not, so that the old one stayed";
        counter(&mut encoder, "tls_reload_failures", help, tls.refused)?;
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
        let help = "What the gate knows, by kind";
        let mut family = encoder.encode_descriptor("known", help, None, MetricType::Gauge)?;
        for (kind, count) in [("app", sizes.apps), ("api", sizes.apis), ("token", sizes.tokens)] {
            let labels = [("kind", kind)];
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
        }
        let help = "What it remembers of calls, by kind";
        let mut family = encoder.encode_descriptor("remembered", help, None, MetricType::Gauge)?;
        for (kind, count) in [("caller", self.callers), ("nonce", self.nonces)] {
            let labels = [("kind", kind)];
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
        }
        let websockets = i64::try_from(self.status.websockets).unwrap_or(i64::MAX);
        gauge(encoder, "websockets", "WebSockets that are open", websockets)?;
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

fn counter(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    value: u64,
) -> Result<(), fmt::Error> {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(value).encode(metric)
}

fn histogram(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    histogram: &Histogram,
) -> Result<(), fmt::Error> {
    histogram.encode(encoder.encode_descriptor(name, help, None, MetricType::Histogram)?)
}

//! What a gate tells Prometheus. Counting costs a call a few additions to counters of its thread;
//! everything else is put together when somebody asks.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::gate::{Counters, Gate, Status};
use crate::index::Digest;
use crate::telemetry::{Aborted, BOUNDS_US, Kind, Phase, Spread};

/// The phases whose time is told, each with the kinds of calls that have it.
const PHASES: [(Phase, &str, &str, &[Kind]); 5] = {
    const BOTH: &[Kind] = &[Kind::Call, Kind::Check];
    [
        (Phase::Read, "read_seconds", "Waiting for a body that had to be held to be checked", BOTH),
        (Phase::Check, "check_seconds", "Time to a verdict, without that wait", BOTH),
        (
            Phase::Backend,
            "backend_seconds",
            "Time from the verdict to the head of the backend's answer",
            &[Kind::Call],
        ),
        (Phase::Transfer, "transfer_seconds", "Time of a backend's answer's body", &[Kind::Call]),
        (Phase::Total, "total_seconds", "Time of a whole call", BOTH),
    ]
};

impl Gate {
    /// All metrics, in the OpenMetrics text format.
    pub fn metrics(&self) -> Result<String, fmt::Error> {
        self.metrics_with(None)
    }

    /// The same, with what somebody else has to tell.
    pub fn metrics_with(&self, more: Option<Box<dyn Collector>>) -> Result<String, fmt::Error> {
        let scrape = Scrape {
            status: self.status(),
            lease: self.limits().lease,
            counters: self.counters(),
            gate: self.clone(),
        };
        let mut registry = Registry::with_prefix("tidegate_gate");
        registry.register_collector(Box::new(scrape));
        if let Some(more) = more {
            registry.register_collector(more);
        }
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// One answer to Prometheus.
struct Scrape {
    status: Status,
    lease: Duration,
    counters: Counters,
    gate: Gate,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        self.calls(&mut encoder)?;
        self.phases(&mut encoder)?;
        self.load(&mut encoder)?;
        self.records(&mut encoder)?;
        self.outside(&mut encoder)?;
        self.index(&mut encoder)?;
        self.lease(&mut encoder)
    }
}

impl Scrape {
    fn calls(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let help = "Calls that were answered, by verdict: admitted, or the reason of the denial";
        let denied = self.counters.denied.iter().map(|(reason, n)| (reason.row().name, *n));
        let verdicts = [("admitted", self.counters.admitted)].into_iter().chain(denied);
        counters(encoder, "calls", help, verdicts.map(|(verdict, n)| ([("verdict", verdict)], n)))?;
        let tally = self.gate.0.tally();
        let help = "Calls that were broken off, by whom";
        let aborted = Aborted::ALL.map(|by| ([("by", by.name())], tally.all_aborted(by)));
        counters(encoder, "calls_aborted", help, aborted)?;
        let (bytes_in, bytes_out) = tally.all_moved();
        let help = "Bodies of calls (in) and of answers (out)";
        let moved = [("in", bytes_in), ("out", bytes_out)];
        counters(encoder, "body_bytes", help, moved.map(|(way, n)| ([("direction", way)], n)))
    }

    fn phases(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        for (phase, name, help, kinds) in PHASES {
            let kind = MetricType::Histogram;
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            for kind in kinds {
                let spread = self.gate.0.tally().times(*kind, phase);
                histogram(family.encode_family(&[("kind", kind.name())])?, &spread)?;
            }
        }
        Ok(())
    }

    fn load(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let in_flight = i64::try_from(self.gate.0.tally().in_flight()).unwrap_or(i64::MAX);
        gauge(encoder, "calls_in_flight", "Calls that are being answered", in_flight)
    }

    fn records(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let help = "Records of calls for the access log and for traces, by what became of them";
        let outcomes = self.gate.0.sinks().iter().flat_map(|sink| sink.outcomes());
        let labelled = outcomes.map(|o| ([("sink", o.sink), ("outcome", o.outcome)], o.count));
        counters(encoder, "records", help, labelled)
    }

    fn outside(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let backends = self.counters.backends;
        let help = "Connections to backends that were opened";
        counter(encoder, "backend_connections", help, backends.connections)?;
        let help = "Calls that were tried again at a backend";
        counter(encoder, "backend_retries", help, backends.retries)?;
        let help = "Times that one of several backends was put out";
        counter(encoder, "backend_ejections", help, backends.ejections)?;
        let tls = self.counters.tls;
        let help = "Callers that came to no agreement about TLS";
        counter(encoder, "tls_failures", help, tls.failed)?;
        let help = "Certificates that took the place of the one before";
        counter(encoder, "tls_reloads", help, tls.reloaded)?;
        let help = "Certificates that could not, so that the old one stayed";
        counter(encoder, "tls_reload_failures", help, tls.refused)?;
        let websockets = i64::try_from(self.status.websockets).unwrap_or(i64::MAX);
        gauge(encoder, "websockets", "WebSockets that are open", websockets)
    }

    fn index(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let sizes = self.status.sizes;
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let help = "What the gateway knows, by kind";
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
        let help =
            "First 52 bits of the digest of all it knows: equal in gateways that know the same";
        gauge(encoder, "digest", help, digest)?;
        let help = "Times it held something else than the control plane says";
        let mismatches =
            encoder.encode_descriptor("digest_mismatches", help, None, MetricType::Counter)?;
        ConstCounter::new(self.counters.digest_mismatches).encode(mismatches)?;
        if let Some(snapshot) = self.status.snapshot {
            let age = snapshot.age.as_secs_f64();
            gauge(encoder, "snapshot_age_seconds", "Seconds since it was written or read", age)?;
            let bytes = i64::try_from(snapshot.bytes).unwrap_or(i64::MAX);
            gauge(encoder, "snapshot_bytes", "Its size on disk", bytes)?;
        }
        let help = "What it remembers of calls, by kind";
        let mut family = encoder.encode_descriptor("remembered", help, None, MetricType::Gauge)?;
        let (callers, nonces) = (self.gate.0.throttles.len(), self.gate.0.nonces.len());
        for (kind, count) in [("caller", callers), ("nonce", nonces)] {
            let labels = [("kind", kind)];
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
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
        let help = "Polls of the control side, by what came of them";
        let polls =
            [("answered", self.counters.polls_answered), ("failed", self.counters.polls_failed)];
        counters(encoder, "polls", help, polls.map(|(outcome, n)| ([("outcome", outcome)], n)))?;
        let help = "Times all had to be learnt anew, for the control side had another history";
        counter(encoder, "resyncs", help, self.counters.resyncs)?;
        let help = "Times the control side did not have the history that was known here";
        counter(encoder, "histories", help, self.counters.histories)?;
        let help = "Seconds since it sent the last poll that was answered";
        gauge(encoder, "poll_age_seconds", help, age)?;
        gauge(encoder, "lease_left_seconds", "Seconds it may go on deciding", left.as_secs_f64())?;
        let clock = &self.gate.0.clock;
        let lead = (clock.now)().as_ms().saturating_sub((clock.wall)().as_ms());
        let help = "How far the decision time is ahead of the wall clock, in whole milliseconds";
        gauge(encoder, "decision_lead_milliseconds", help, lead)
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

fn counters<'a, const LABELS: usize>(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    counts: impl IntoIterator<Item = ([(&'a str, &'a str); LABELS], u64)>,
) -> Result<(), fmt::Error> {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, count) in counts {
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn histogram(mut encoder: MetricEncoder<'_>, spread: &Spread) -> Result<(), fmt::Error> {
    let seconds = |us: u64| Duration::from_micros(us).as_secs_f64();
    let bounds = BOUNDS_US.into_iter().map(seconds).chain([f64::MAX]);
    let buckets: Vec<(f64, u64)> = bounds.zip(spread.counts).collect();
    let count = spread.counts.iter().sum();
    encoder.encode_histogram::<NoLabelSet>(seconds(spread.sum_us), count, &buckets, None)
}

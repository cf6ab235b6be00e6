//! Traces: a span per call, sent in batches to a collector over OTLP (HTTP, protobuf).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::{
    Event, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanEvents, SpanExporter, SpanLinks,
    SpanProcessor,
};
use tidegate_gateway::{Kind, Outcome, Reason, Record, Sink, Trace};
use tokio::runtime::Handle;

use crate::client::{Client, Outgoing};

/// The most spans that wait to be sent. What comes on top of it is dropped.
const QUEUE: usize = 4_096;

/// How many spans go in one message.
const BATCH: usize = 512;

/// How long a span waits at most for others to go with.
const DELAY: Duration = Duration::from_secs(1);

/// How long one message may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the end waits for the collector.
const FAREWELL: Duration = Duration::from_secs(5);

/// The name of this program among those of a trace.
const SERVICE: &str = "tidegate";

/// Sends a span of every call whose trace is kept.
pub struct Spans {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    counts: Arc<Counts>,
}

/// What became of spans.
#[derive(Debug, Default)]
struct Counts {
    taken: AtomicU64,
    queue_full: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
}

impl Counts {
    fn is_full(&self) -> bool {
        let gone = self.sent.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed);
        self.taken.load(Ordering::Relaxed).saturating_sub(gone) >= QUEUE as u64
    }
}

impl Spans {
    /// Sends to the collector at `endpoint`, to the path all collectors have for traces.
    pub fn to(endpoint: &str) -> anyhow::Result<Self> {
        let address = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let sender =
            Sender { client: Arc::new(Client::for_endpoint(&address)?), on: Handle::current() };
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(sender)
            .with_endpoint(address)
            .with_timeout(TIMEOUT)
            .build()
            .context("traces cannot be sent")?;
        let counts = Arc::new(Counts::default());
        let exporter = Counted { exporter, counts: Arc::clone(&counts) };
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder_empty().with_service_name(SERVICE);
        processor.set_resource(&resource.with_attribute(version).build());
        let scope = InstrumentationScope::builder("tidegate.gateway").build();
        Ok(Self { processor, scope, counts })
    }

    /// Sends what waits, and takes no span any more. Waits for the collector, but not for ever. Not to
    /// be called on a thread that others wait for.
    pub fn close(&self) {
        if let Err(error) = self.processor.shutdown_with_timeout(FAREWELL) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spans").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl Sink for Spans {
    fn tell(&self, record: &Record<'_>) {
        let Some(trace) = record.trace.filter(|trace| trace.is_sampled) else { return };
        if self.counts.is_full() {
            self.counts.queue_full.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.counts.taken.fetch_add(1, Ordering::Relaxed);
        self.processor.on_end(span(record, trace, self.scope.clone()));
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let of = |outcome, count: &AtomicU64| Outcome {
            sink: "traces",
            outcome,
            count: count.load(Ordering::Relaxed),
        };
        let counts = &self.counts;
        vec![
            of("sent", &counts.sent),
            of("queue-full", &counts.queue_full),
            of("send-failed", &counts.failed),
        ]
    }
}

/// A call as a span.
fn span(record: &Record<'_>, trace: &Trace, scope: InstrumentationScope) -> SpanData {
    let began = moment(record);
    let times = &record.times;
    let mut events = SpanEvents::default();
    if record.kind == Kind::Call && record.verdict.is_some() {
        let decided = began + times.read + times.check;
        events.events.push(event("decided", decided));
        if record.verdict == Some(Ok(())) {
            events.events.push(event("answered", decided + times.backend));
        }
    }
    let flags = TraceFlags::default().with_sampled(trace.is_sampled);
    let (id, own) = (TraceId::from(trace.id), SpanId::from(trace.span));
    SpanData {
        span_context: SpanContext::new(id, own, flags, false, TraceState::NONE),
        parent_span_id: trace.parent.map_or(SpanId::INVALID, SpanId::from),
        parent_span_is_remote: trace.parent.is_some(),
        span_kind: SpanKind::Server,
        name: name(record),
        start_time: began,
        end_time: began + times.total,
        attributes: attributes(record),
        dropped_attributes_count: 0,
        events,
        links: SpanLinks::default(),
        status: status(record),
        instrumentation_scope: scope,
    }
}

fn moment(record: &Record<'_>) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(record.time.as_ms()).unwrap_or_default())
}

fn event(name: &'static str, at: SystemTime) -> Event {
    Event::new(name, at, Vec::new(), 0)
}

/// What calls of one kind have in common. A caller's path is none: there are too many.
fn name(record: &Record<'_>) -> Cow<'static, str> {
    let verb = match (record.kind, record.method) {
        (Kind::Check, _) => "check",
        (Kind::Call, Some(method @ ("GET" | "POST"))) => method,
        (Kind::Call, Some(_) | None) => "HTTP",
    };
    match record.api_name {
        Some(api) => Cow::Owned(format!("{verb} {api}")),
        None => Cow::Owned(verb.to_owned()),
    }
}

/// A fault behind the gate is an error; a denial is the gate at work.
fn status(record: &Record<'_>) -> Status {
    let is_fault = record.status.is_some_and(|status| status >= 500)
        || record.aborted == Some(tidegate_gateway::Aborted::Backend);
    if is_fault { Status::error(record.verdict_name()) } else { Status::Unset }
}

/// What is said of a call, by the names of OpenTelemetry where it has some.
fn attributes(record: &Record<'_>) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(24);
    let mut text = |name: &'static str, value: Option<&str>| {
        all.extend(value.map(|value| KeyValue::new(name, value.to_owned())));
    };
    text("http.request.method", record.method);
    text("url.path", record.path);
    text("network.peer.address", record.peer.map(|peer| peer.ip().to_string()).as_deref());
    text("error.type", record.verdict.and_then(Result::err).map(Reason::row).map(|row| row.name));
    text("tidegate.request_id", Some(record.request_id));
    text("tidegate.verdict", Some(record.verdict_name()));
    text("tidegate.instance", record.instance);
    text("tidegate.api", record.api);
    text("tidegate.app", record.app);
    text("tidegate.claimed_app", record.claimed_app);
    text("tidegate.aborted", record.aborted.map(tidegate_gateway::Aborted::name));
    text("tidegate.fault", record.fault);
    let mut number = |name: &'static str, value: Option<u64>| {
        let value = value.and_then(|value| i64::try_from(value).ok());
        all.extend(value.map(|value| KeyValue::new(name, value)));
    };
    number("http.response.status_code", record.status.map(u64::from));
    number("http.request.body.size", Some(record.bytes_in));
    number("http.response.body.size", Some(record.bytes_out));
    number("tidegate.revision", record.revision);
    let us = |time: Duration| u64::try_from(time.as_micros()).ok();
    number("tidegate.read_us", us(record.times.read));
    number("tidegate.check_us", us(record.times.check));
    number("tidegate.backend_us", us(record.times.backend));
    number("tidegate.transfer_us", us(record.times.transfer));
    all
}

/// Counts what goes through, and tells of the first failure in a row.
#[derive(Debug)]
struct Counted<E> {
    exporter: E,
    counts: Arc<Counts>,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let result = self.exporter.export(batch).await;
        match &result {
            Ok(()) => self.counts.sent.fetch_add(spans, Ordering::Relaxed),
            Err(error) => {
                tracing::warn!(spans, %error, "traces cannot be sent; these are lost");
                self.counts.failed.fetch_add(spans, Ordering::Relaxed)
            }
        };
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Sends messages on the runtime of the node, whatever thread they come from.
struct Sender {
    client: Arc<Client>,
    on: Handle,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let outgoing = Outgoing {
            headers: parts.headers,
            body,
            ..Outgoing::new(parts.method, parts.uri.to_string())
        };
        let client = Arc::clone(&self.client);
        let sent = async move { tokio::time::timeout(TIMEOUT, client.send(outgoing)).await };
        let answer = self.on.spawn(sent).await???;
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

//! The connections to the backends. What client is behind them, no other file knows.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::body::AnyBody;
use crate::limits::Limits;

/// Connections to backends, kept and used again.
pub(crate) struct Backends {
    connector: HttpsConnector<HttpConnector>,
    client: Client<HttpsConnector<HttpConnector>, AnyBody>,
}

/// Why a backend gave no answer. The text is for the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// It did not begin in time.
    Late,
    /// It could not be reached, hung up, or spoke nonsense.
    Unreachable(String),
}

impl Backends {
    pub(crate) fn new(limits: &Limits) -> Result<Self, rustls::Error> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(limits.connect));
        // Given explicitly: a process-wide default could be another one, or none.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let with_roots =
            HttpsConnectorBuilder::new().with_provider_and_native_roots(Arc::clone(&provider));
        let connector = match with_roots {
            Ok(builder) => builder,
            Err(error) => {
                tracing::warn!(%error, "no root certificates; https backends cannot be reached");
                HttpsConnectorBuilder::new().with_tls_config(trusting_nobody(provider)?)
            }
        };
        let connector = connector.https_or_http().enable_http1().wrap_connector(tcp);
        Ok(Self::with(connector, limits))
    }

    fn with(connector: HttpsConnector<HttpConnector>, limits: &Limits) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(limits.pool_idle)
            .pool_max_idle_per_host(limits.pool_per_host)
            .build(connector.clone());
        Self { connector, client }
    }

    /// The same, with connections of its own.
    pub(crate) fn apart(&self, limits: &Limits) -> Self {
        Self::with(self.connector.clone(), limits)
    }

    /// Sends a request and waits for the head of the answer. Follows no redirect.
    pub(crate) async fn send(
        &self,
        request: Request<AnyBody>,
        time: Duration,
    ) -> Result<Response<Incoming>, NoAnswer> {
        match tokio::time::timeout(time, self.client.request(request)).await {
            Ok(Ok(answer)) if answer.status().is_informational() => {
                Err(NoAnswer::Unreachable(format!("it answered {}", answer.status())))
            }
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(NoAnswer::Unreachable(causes(&error))),
            Err(_) => Err(NoAnswer::Late),
        }
    }
}

fn trusting_nobody(
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<rustls::ClientConfig, rustls::Error> {
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let config = builder
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(config)
}

/// An error with all that caused it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

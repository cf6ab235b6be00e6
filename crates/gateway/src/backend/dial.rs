//! Making connections to backends: look the name up, check the address, connect, TLS, HTTP.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::config::BackendConfig;
use super::failure::{NoConnection, causes};
use super::networks::Networks;
use super::own::OwnListeners;
use super::sender::Sender;
use super::trust;
use crate::upstream::Endpoint;
use crate::words::tls_words_of;

/// How an HTTP/2 connection is found dead while calls are under way on it.
const PING: Duration = Duration::from_secs(20);

/// HTTP/2, as TLS names it.
const HTTP2: &[u8] = b"h2";
/// HTTP/1.1, as TLS names it.
const HTTP1: &[u8] = b"http/1.1";

/// What may be spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speak {
    /// What the backend likes, or what it is known to speak.
    Any,
    /// HTTP/1.1: it alone can switch to another protocol.
    Http1,
}

/// Why the gate may not connect to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Closed {
    #[error("is a listener of this process, which is never a backend")]
    Own,
    #[error("is not in `backend_networks` (loopback and link-local addresses must be named there)")]
    Network,
}

/// What connections to backends are made with. All worker threads share it.
pub(crate) struct Dialer {
    tls: Arc<ClientConfig>,
    /// The same, for backends that must speak HTTP/1.1.
    tls_http1: Arc<ClientConfig>,
    networks: Networks,
    own: OwnListeners,
    opened: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) ejected: AtomicU64,
}

/// What has happened at the backends' side since the gate was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackendCounters {
    /// Connections that were opened.
    pub connections: u64,
    /// Calls that were tried again.
    pub retries: u64,
    /// Times that one of several backends was put out.
    pub ejections: u64,
}

impl Dialer {
    pub(crate) fn new(config: &BackendConfig) -> Result<Self, String> {
        let mut tls = trust::config(config.ca.as_deref())?;
        let mut tls_http1 = tls.clone();
        tls.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
        tls_http1.alpn_protocols = vec![HTTP1.to_vec()];
        Ok(Self {
            tls: Arc::new(tls),
            tls_http1: Arc::new(tls_http1),
            networks: config.networks.clone(),
            own: config.own.clone(),
            opened: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            ejected: AtomicU64::new(0),
        })
    }

    /// What has happened so far.
    pub(crate) fn counters(&self) -> BackendCounters {
        BackendCounters {
            connections: self.opened.load(Ordering::Relaxed),
            retries: self.retried.load(Ordering::Relaxed),
            ejections: self.ejected.load(Ordering::Relaxed),
        }
    }

    /// A new connection, ready to be used within `time`. What goes wrong is for the log.
    pub(crate) async fn dial(
        &self,
        to: &Endpoint,
        what: Speak,
        time: Duration,
    ) -> Result<Sender, NoConnection> {
        let made = timeout(time, self.connect(to, what, Instant::now() + time)).await;
        let sender = made.unwrap_or_else(|_| Err(late()))?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(sender)
    }

    /// The same over plain TCP, and nothing is spoken on it yet.
    pub(crate) async fn dial_plain(
        &self,
        to: &Endpoint,
        time: Duration,
    ) -> Result<TcpStream, NoConnection> {
        let made = timeout(time, self.reach(to, Instant::now() + time)).await;
        let stream = made.unwrap_or_else(|_| Err(late()))?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(stream)
    }

    async fn connect(
        &self,
        to: &Endpoint,
        what: Speak,
        until: Instant,
    ) -> Result<Sender, NoConnection> {
        let stream = self.reach(to, until).await?;
        if !to.is_tls {
            return Ok(speak(stream, to.http2 && what == Speak::Any).await?);
        }
        let name = match to.host.parse::<IpAddr>() {
            Ok(address) => ServerName::from(address),
            Err(_) => ServerName::try_from(to.host.clone()).map_err(|error| causes(&error))?,
        };
        let config = match what {
            Speak::Any => &self.tls,
            Speak::Http1 => &self.tls_http1,
        };
        let connector = TlsConnector::from(Arc::clone(config));
        let stream = connector.connect(name, stream).await.map_err(|error| {
            tls_words_of(&error).map_or_else(|| causes(&error), |words| format!("no TLS: {words}"))
        })?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
        Ok(speak(stream, http2).await?)
    }

    fn look(&self, address: SocketAddr) -> Result<(), Closed> {
        if !self.networks.allow(address.ip()) {
            return Err(Closed::Network);
        }
        if self.own.has(address) { Err(Closed::Own) } else { Ok(()) }
    }

    /// Connects to the first address of the backend's that answers. The name is looked up once, and the
    /// addresses that were looked at are those that are connected to.
    async fn reach(&self, to: &Endpoint, until: Instant) -> Result<TcpStream, NoConnection> {
        let found: Vec<SocketAddr> = match to.host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, to.port)],
            Err(_) => tokio::net::lookup_host((to.host.as_str(), to.port))
                .await
                .map_err(|error| format!("{} is not found: {error}", to.host))?
                .collect(),
        };
        let mut allowed = Vec::with_capacity(found.len());
        let mut fault = NoConnection::Failed(format!("{} has no address", to.host));
        for address in found {
            match self.look(address) {
                Ok(()) => allowed.push(address),
                Err(why) => fault = NoConnection::Forbidden(format!("{address} {why}")),
            }
        }
        let mut left = u32::try_from(allowed.len()).unwrap_or(u32::MAX);
        for address in allowed {
            // Each address gets its share of the time, so that a dead one leaves some to the others.
            let now = Instant::now();
            let share = until.saturating_duration_since(now) / left.max(1);
            left -= 1;
            match timeout_at(now + share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).map_err(|error| error.to_string())?;
                    return Ok(stream);
                }
                Ok(Err(error)) => fault = NoConnection::Failed(format!("{address}: {error}")),
                Err(_) => fault = NoConnection::Failed(format!("{address}: no connection in time")),
            }
        }
        Err(fault)
    }
}

fn late() -> NoConnection {
    NoConnection::Failed("no connection in time".to_owned())
}

/// Begins to speak HTTP. The connection is driven by a task of its own on the thread it was made on.
async fn speak<S>(stream: S, http2: bool) -> Result<Sender, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let stream = TokioIo::new(stream);
    if http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
        let (sender, connection) = builder.handshake(stream).await.map_err(|e| causes(&e))?;
        tokio::spawn(drive(connection));
        Ok(Sender::Http2(sender))
    } else {
        let (sender, connection) = http1::handshake(stream).await.map_err(|e| causes(&e))?;
        tokio::spawn(drive(connection.with_upgrades()));
        Ok(Sender::Http1(sender))
    }
}

async fn drive(connection: impl Future<Output = Result<(), hyper::Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!(error = causes(&error), "a connection to a backend broke");
    }
}

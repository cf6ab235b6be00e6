//! Accepting connections and serving a service on them, with every timer set: HTTP/1.1 and HTTP/2
//! over plain text, a bound on connections, and an orderly end.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::body::BoxError;
use crate::limits::Limits;

/// The caller's address, among the extensions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// What connections come in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// The proxy.
    Gateway,
    /// The check service over HTTP.
    Check,
    /// The check service over gRPC.
    ExtAuthz,
}

impl Listener {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Gateway, Self::Check, Self::ExtAuthz];

    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Check => "check",
            Self::ExtAuthz => "ext_authz",
        }
    }
}

/// How many connections a listener has open.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<AtomicUsize>);

impl Connections {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn open(&self) -> Open {
        self.0.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }
}

/// An open connection.
struct Open(Connections);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How an HTTP/2 connection is found dead.
const PING: Duration = Duration::from_secs(20);
/// How long to wait when the machine has no socket left.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(50);

/// Serves `service` on `listener` until `shutdown`, then lets running requests end for at most
/// `limits.drain`. Tells how many connections were cut off after that.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    limits: &Limits,
    shutdown: impl Future<Output = ()>,
) -> usize
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    serve_counted(listener, service, limits, &Connections::default(), shutdown).await
}

/// [`serve`], and counts the open connections in `opened`.
pub async fn serve_counted<S, B>(
    listener: TcpListener,
    service: S,
    limits: &Limits,
    opened: &Connections,
    shutdown: impl Future<Output = ()>,
) -> usize
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let builder = builder(limits);
    let room = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        // Ended tasks are taken out, or the set would grow for ever.
        while connections.try_join_next().is_some() {}
        let (stream, peer, permit) = tokio::select! {
            accepted = accept(&listener, &room) => match accepted {
                Some(accepted) => accepted,
                None => continue,
            },
            () = &mut shutdown => break,
        };
        let used = Arc::new(AtomicBool::new(false));
        let service = OfConnection { inner: service.clone(), peer, used: Arc::clone(&used) };
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        let first = limits.header_read;
        let open = opened.open();
        connections.spawn(async move {
            let _held = (permit, open);
            let mut connection = pin!(connection);
            // Until the version is known no timer of hyper's runs, so one of ours does.
            let ended = tokio::select! {
                ended = &mut connection => ended,
                () = tokio::time::sleep(first) => {
                    if !used.load(Ordering::Acquire) {
                        return;
                    }
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, error, "a connection broke");
            }
        });
    }
    drop(listener);
    let drained = async {
        graceful.shutdown().await;
        while connections.join_next().await.is_some() {}
    };
    if tokio::time::timeout(limits.drain, drained).await.is_ok() {
        return 0;
    }
    while connections.try_join_next().is_some() {}
    let cut = connections.len();
    tracing::warn!(connections = cut, "cut off at the end of the drain");
    connections.abort_all();
    cut
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_headers(limits.headers)
        .max_buf_size(limits.head_bytes);
    let head_bytes = u32::try_from(limits.head_bytes).unwrap_or(u32::MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(head_bytes);
    builder
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%peer, %error, "a connection broke at once");
            }
            Some((stream, peer, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(OUT_OF_SOCKETS).await;
            None
        }
    }
}

/// The service of one connection: tells requests where they come from.
#[derive(Clone)]
struct OfConnection<S> {
    inner: S,
    peer: SocketAddr,
    used: Arc<AtomicBool>,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for OfConnection<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<Incoming>) -> S::Future {
        self.used.store(true, Ordering::Release);
        request.extensions_mut().insert(Peer(self.peer));
        self.inner.call(request)
    }
}

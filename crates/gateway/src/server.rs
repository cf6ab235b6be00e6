//! Accepting connections and serving a service on them, with every timer set: HTTP/1.1 and HTTP/2
//! over plain text or TLS, a bound on connections, and an orderly end.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
use crate::tls::{Acceptor, Stream};

/// The caller's address, among the extensions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Among the extensions of a request: it came over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Secure;

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
    serve_tls(listener, None, service, limits, shutdown).await
}

/// The same, over TLS if there is an acceptor.
pub async fn serve_tls<S, B>(
    listener: TcpListener,
    tls: Option<Acceptor>,
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
        let is_secure = tls.is_some();
        let service =
            OfConnection { inner: service.clone(), peer, is_secure, used: Arc::clone(&used) };
        let (builder, tls, watcher) = (builder.clone(), tls.clone(), graceful.watcher());
        let first = limits.header_read;
        connections.spawn(async move {
            let _permit = permit;
            let stream = match tls {
                None => Stream::Plain(stream),
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => Stream::Tls(Box::new(stream)),
                    Err(error) => return tracing::debug!(%peer, %error, "no TLS with a caller"),
                },
            };
            let connection =
                builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
            let mut connection = pin!(watcher.watch(connection));
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
    is_secure: bool,
    used: Arc<AtomicBool>,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for OfConnection<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<Incoming>) -> S::Future {
        self.used.store(true, Ordering::Release);
        request.extensions_mut().insert(Peer(self.peer));
        if self.is_secure {
            request.extensions_mut().insert(Secure);
        }
        self.inner.call(request)
    }
}

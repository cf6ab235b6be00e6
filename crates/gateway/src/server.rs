//! Accepting connections and serving a service on them, with every timer set: HTTP/1.1 and HTTP/2
//! over plain text or TLS, bounds on connections, and an orderly end.
//!
//! ```text
//! activity  whether a connection is of use, and how long it was not
//! ```

mod activity;
mod answers;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::activity::{Activity, Noted, Over, Patience};
pub use self::answers::Answers;
use crate::body::BoxError;
use crate::caller::Caller;
use crate::connections::Connections;
use crate::denial::Denial;
use crate::denial_response::body_of;
use crate::headers::join_cookies;
use crate::limits::{LEAVE, Limits};
use crate::peer::PeerCertificate;
use crate::request_id::{RequestId, RequestIds};
use crate::rewound::Rewound;
use crate::screen::{Refuse, Screened};
use crate::slots::{Slot, Slots};
use crate::tls::{Acceptor, Stream};

/// A service that knows its caller's certificate, if there is one.
#[derive(Clone)]
struct WithPeer<S> {
    peer: Option<PeerCertificate>,
    service: S,
}

impl<S: Answers> Service<Request<Incoming>> for WithPeer<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Some(peer) = &self.peer {
            request.extensions_mut().insert(peer.clone());
        }
        self.service.call(request)
    }
}

/// Who answers the calls of one connection: a service that hyper serves, or one that knows better.
pub trait Speaks: Send + 'static {
    /// Answers calls until the connection is over.
    fn speak(self, connection: Accepted) -> impl Future<Output = Result<(), BoxError>> + Send;
}

impl<S: Answers> Speaks for S {
    async fn speak(self, connection: Accepted) -> Result<(), BoxError> {
        let ids = Arc::clone(&connection.protocols.ids);
        let refuse = move |denial: &Denial| {
            let id = ids.next();
            tracing::info!(
                request_id = %id,
                reason = %denial.reason,
                "a request that cannot be read was refused"
            );
            refused(denial, denial.reason.row().status, &id)
        };
        connection.answer(self, Arc::new(refuse)).await
    }
}

/// An accepted connection on which nothing has been said.
pub struct Accepted {
    stream: TcpStream,
    tls: Option<Acceptor>,
    protocols: Arc<Protocols>,
    stopped: watch::Receiver<()>,
}

/// A connection that is ready for HTTP; nothing when the server stopped before.
type Opened = (Option<(Stream, Version)>, watch::Receiver<()>, Arc<Protocols>);

impl Accepted {
    /// Answers calls by a service until the connection is over, and by `refuse` what no service gets to see.
    pub(crate) async fn answer(
        self,
        service: impl Answers,
        refuse: Refuse,
    ) -> Result<(), BoxError> {
        let (opened, stopped, protocols) = self.open(true).await?;
        let Some((stream, version)) = opened else { return Ok(()) };
        let service = WithPeer { peer: stream.peer_certificate(), service };
        Ok(protocols.answer(stream.into(), version, service, refuse, stopped).await?)
    }

    /// Comes to an agreement with the caller. `looks`: is the version of HTTP looked up where TLS does not
    /// tell it? If not, it is said to be HTTP/1.1.
    pub(crate) async fn open(self, looks: bool) -> io::Result<Opened> {
        let Self { stream, tls, protocols, mut stopped } = self;
        let opened = match tls {
            // Nothing to wait for.
            None if !looks => Some((Stream::Plain(stream), Version::HTTP_11)),
            tls => tokio::select! {
                opened = protocols.open(stream, tls.as_ref()) => Some(opened?),
                _ = stopped.changed() => None,
            },
        };
        Ok((opened, stopped, protocols))
    }
}

/// How an HTTP/2 connection is found dead.
pub(crate) const PING: Duration = Duration::from_secs(20);
/// How long to wait for the rest of an HTTP/2 preface that came in pieces.
const REST_OF_PREFACE: Duration = Duration::from_millis(10);
/// How long to wait when the machine has no socket left.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(50);

/// Serves `listener` until `shutdown`, then lets running requests end for at most `limits.drain`.
/// `service` makes the service of a connection from its caller's address. Tells how many connections
/// were cut off at the end.
pub async fn serve<S: Speaks>(
    listener: TcpListener,
    service: impl Fn(Caller) -> S,
    limits: &Limits,
    shutdown: impl Future<Output = ()>,
) -> usize {
    serve_tls(listener, None, service, limits, shutdown).await
}

/// The same, over TLS if there is an acceptor.
pub async fn serve_tls<S: Speaks>(
    listener: TcpListener,
    tls: Option<Acceptor>,
    service: impl Fn(Caller) -> S,
    limits: &Limits,
    shutdown: impl Future<Output = ()>,
) -> usize {
    serve_within(listener, service, &Terms::new(limits, tls, Connections::default()), shutdown)
        .await
}

/// How listeners are served. Threads that serve one listener share them.
#[derive(Clone)]
pub struct Terms {
    limits: Limits,
    tls: Option<Acceptor>,
    /// Room for connections.
    slots: Slots,
    /// How many there are.
    open: Connections,
}

impl Terms {
    /// Within these limits, over TLS if there is an acceptor, with the connections counted in `open`.
    pub fn new(limits: &Limits, tls: Option<Acceptor>, open: Connections) -> Self {
        let slots = Slots::new(limits.connections, limits.connections_per_peer);
        // Listeners that are counted together are reported by the first.
        let slots = open.slots(slots);
        Self { limits: limits.clone(), tls, slots, open }
    }
}

/// [`serve_tls`], on these terms.
pub async fn serve_within<S: Speaks>(
    listener: TcpListener,
    service: impl Fn(Caller) -> S,
    terms: &Terms,
    shutdown: impl Future<Output = ()>,
) -> usize {
    let Terms { limits, tls, slots, open } = terms;
    let protocols = Arc::new(Protocols::new(limits));
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        // Ended tasks are taken out, or the set would grow for ever.
        while connections.try_join_next().is_some() {}
        let (stream, peer, slot) = tokio::select! {
            accepted = accept(&listener, slots) => match accepted {
                Some(accepted) => accepted,
                None => continue,
            },
            () = &mut shutdown => break,
        };
        let protocols = Arc::clone(&protocols);
        let caller = Caller { address: peer, is_secure: tls.is_some(), usage: slot.usage() };
        let (service, tls, stopped) = (service(caller), tls.clone(), stopped.clone());
        let open = open.one_more();
        connections.spawn(async move {
            let _open = open;
            tokio::select! {
                ended = service.speak(Accepted { stream, tls, protocols, stopped }) => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, error, "a connection broke");
                    }
                }
                () = slot.evicted() => tracing::debug!(%peer, "closed for another connection"),
            }
        });
    }
    drop((listener, stop));
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.drain, drained).await.is_ok() {
        return 0;
    }
    while connections.try_join_next().is_some() {}
    let cut = connections.len();
    tracing::warn!(connections = cut, "cut off at the end of the drain");
    connections.abort_all();
    cut
}

/// HTTP/1.1 and HTTP/2 by hyper, with every timer and bound set.
pub(crate) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    /// How long a caller may take to show which of the two it speaks.
    first: Duration,
    limits: Limits,
    /// The ids of requests that no service gets to see.
    ids: Arc<RequestIds>,
    patience: Patience,
}

impl Protocols {
    fn new(limits: &Limits) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_read)
            .max_headers(limits.headers)
            .max_buf_size(limits.head_bytes)
            // Who has sent all and says so is still there for the answer.
            .half_close(true);
        let head_bytes = u32::try_from(limits.head_bytes).unwrap_or(u32::MAX);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(head_bytes);
        Self {
            http1,
            http2,
            first: limits.header_read,
            limits: limits.clone(),
            ids: Arc::new(RequestIds::new()),
            patience: Patience { idle: limits.idle, send: limits.body_idle },
        }
    }

    /// Comes to an agreement with a caller on TLS and the version of HTTP, in bounded time.
    async fn open(
        &self,
        stream: TcpStream,
        tls: Option<&Acceptor>,
    ) -> io::Result<(Stream, Version)> {
        if let Some(tls) = tls {
            let stream = tls.accept(stream).await?;
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            return Ok((Stream::Tls(Box::new(stream)), version(is_http2)));
        }
        let is_http2 = timeout(self.first, begins_http2(&stream)).await??;
        Ok((Stream::Plain(stream), version(is_http2)))
    }

    /// Answers calls until the connection is over.
    pub(crate) async fn answer(
        &self,
        stream: Rewound,
        version: Version,
        service: impl Answers,
        refuse: Refuse,
        stopped: watch::Receiver<()>,
    ) -> hyper::Result<()> {
        let activity = Activity::new();
        let over = activity.over(self.patience);
        if version == Version::HTTP_2 {
            let service = service_fn(move |mut request: Request<Incoming>| {
                join_cookies(request.headers_mut());
                service.call(request)
            });
            let service = Noted { service, activity: activity.clone() };
            let connection = self.http2.serve_connection(TokioIo::new(stream), service);
            let finish = http2::Connection::graceful_shutdown;
            drive_in_use(connection, finish, stopped, over).await
        } else {
            let stream = TokioIo::new(Screened::new(stream, &self.limits, refuse));
            let service = Noted { service, activity: activity.clone() };
            let connection = self.http1.serve_connection(stream, service).with_upgrades();
            let finish = http1::UpgradeableConnection::graceful_shutdown;
            drive_in_use(connection, finish, stopped, over).await
        }
    }
}

/// The answer to a request whose head cannot be read, of a server that is no gateway.
pub(crate) fn refused(denial: &Denial, status: StatusCode, id: &RequestId) -> Vec<u8> {
    let body = body_of(denial, id);
    let reason = status.canonical_reason().unwrap_or_default();
    format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: application/json;charset=UTF-8\r\n\
         cache-control: no-store\r\nx-tidegate-reason: {}\r\nx-request-id: {id}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        status.as_u16(),
        denial.reason,
        body.len()
    )
    .into_bytes()
}

/// Drives a connection to its end. When the server stops it is told to end after what is under way.
pub(crate) async fn drive<C, E>(
    connection: C,
    finish: impl FnOnce(Pin<&mut C>),
    mut stopped: watch::Receiver<()>,
) -> Result<(), E>
where
    C: Future<Output = Result<(), E>>,
{
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = &mut connection => return ended,
        _ = stopped.changed() => finish(connection.as_mut()),
    }
    connection.await
}

/// [`drive`], for as long as the connection is of use. One that is idle takes leave before it is closed.
async fn drive_in_use<C, E>(
    connection: C,
    finish: impl FnOnce(Pin<&mut C>) + Copy,
    mut stopped: watch::Receiver<()>,
    over: impl Future<Output = Over>,
) -> Result<(), E>
where
    C: Future<Output = Result<(), E>>,
{
    let (mut connection, mut over) = (pin!(connection), pin!(over));
    let over = tokio::select! {
        biased;
        ended = &mut connection => return ended,
        over = &mut over => over,
        _ = stopped.changed() => {
            finish(connection.as_mut());
            tokio::select! {
                ended = &mut connection => return ended,
                over = over => over,
            }
        }
    };
    if over == Over::Idle {
        finish(connection.as_mut());
        if let Ok(ended) = timeout(LEAVE, connection).await {
            return ended;
        }
    }
    tracing::debug!(?over, "a connection of no use is closed");
    Ok(())
}

/// Do the first bytes of a connection say that HTTP/2 is spoken on it? None: it takes more of them.
pub(crate) fn says_http2(first: &[u8]) -> Option<bool> {
    let (is_all, is_part) = (first.starts_with(PREFACE), PREFACE.starts_with(first));
    if is_part && !is_all { None } else { Some(is_all) }
}

/// What begins HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) fn version(is_http2: bool) -> Version {
    if is_http2 { Version::HTTP_2 } else { Version::HTTP_11 }
}

/// Does the caller speak HTTP/2 without having asked? Takes nothing from the stream, so that the
/// connection reads it without a layer between.
async fn begins_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; PREFACE.len()];
    let mut seen = 0;
    loop {
        let read = stream.peek(&mut first).await?;
        let begun = first.get(..read).unwrap_or_default();
        match says_http2(begun) {
            Some(is_http2) => return Ok(is_http2),
            None if begun.is_empty() => return Ok(false),
            None => {}
        }
        // The rest is on its way. Nothing tells when a peek would see more.
        if read == seen {
            tokio::time::sleep(REST_OF_PREFACE).await;
        }
        seen = read;
    }
}

/// The next connection, once there is room for it. Room is made only when somebody has come: a
/// listener that is exactly full closes nobody.
async fn accept(listener: &TcpListener, slots: &Slots) -> Option<(TcpStream, SocketAddr, Slot)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%peer, %error, "a connection broke at once");
            }
            let slot = slots.enter(peer.ip(), slots.room().await)?;
            Some((stream, peer, slot))
        }
        Err(error) if is_of_the_peer(&error) => {
            tracing::debug!(%error, "a connection broke before it was accepted");
            None
        }
        Err(error) => {
            // Most likely no descriptor is left: those of useless connections help.
            slots.shed(&format!("cannot accept a connection: {error}"));
            tokio::time::sleep(OUT_OF_SOCKETS).await;
            None
        }
    }
}

/// Is this a connection that broke while it waited, rather than a fault of this machine?
fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_that_is_exactly_full_closes_nobody_until_somebody_comes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let slots = Slots::new(1, 1);
        let _quiet = TcpStream::connect(address).await.unwrap();
        let (_, _, slot) = accept(&listener, &slots).await.unwrap();
        tokio::select! {
            biased;
            _ = accept(&listener, &slots) => panic!("nobody came"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(slots.shed_and_refused(), (0, 0));
        let _caller = TcpStream::connect(address).await.unwrap();
        let leaving = async {
            slot.evicted().await;
            drop(slot);
        };
        let (next, ()) = tokio::join!(accept(&listener, &slots), leaving);
        assert!(next.is_some());
        assert_eq!(slots.shed_and_refused(), (1, 0));
    }
}

//! One node of the control side, and the connection to it.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tidegate_gateway::{Moment, TlsError, system_words, tls_words};
use tidegate_seal::PieceOpener;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::url::ControlUrl;
use crate::counters::{Counters, count};
use crate::format::{FormatError, Formats};
use crate::frames::{Answered, Reader};
use crate::limits::{BACKOFF, CONNECT, CONNECTION, MOST_BACKOFF, PING, REFUSAL_BYTES};
use crate::peers::PeerFiles;
use crate::poll::Question;
use crate::refused::NO_COMMON_FORMAT;
use crate::serve::{MEDIA_TYPE, PATH, SEALED_MEDIA_TYPE};
use crate::token::{FeedToken, PROOF};

/// A node.
pub(crate) struct Node {
    url: ControlUrl,
    files: Option<PeerFiles>,
    token: Option<FeedToken>,
    patience: Duration,
    open: Mutex<Option<Open>>,
    rest: Mutex<Rest>,
    counters: Counters,
}

/// A connection, until when it is used, and the formats that the node at its end lets questions name: a node that is
/// replaced by another version ends its connections.
#[derive(Clone)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    until: Instant,
    formats: Formats,
}

/// How often in a row a node has failed, and how long it is left alone for that.
#[derive(Default)]
struct Rest {
    failures: u32,
    until: Option<Instant>,
}

/// An answer, when it was asked for, and when its head came.
pub(crate) struct Timed {
    pub(crate) answered: Answered,
    pub(crate) sent: Moment,
    pub(crate) came: Moment,
}

/// Why a node gave no answer that counts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeError {
    #[error("no connection: {}", system_words(.0))]
    Connect(io::Error),
    #[error("no TLS with it: {0}")]
    Handshake(String),
    #[error("its certificate or ours cannot be used: {0}")]
    Tls(#[from] TlsError),
    #[error("the connection broke: {}", causes(.0))]
    Broken(#[from] hyper::Error),
    #[error("silent for too long")]
    Silent,
    #[error("it answers {0}: {1}")]
    Refused(StatusCode, String),
    #[error("it refuses this gateway: {0}")]
    NoCommonFormat(String),
    #[error("its answer is refused: {0}")]
    Format(#[from] FormatError),
    #[error("its answer is not sealed as the feed's token wants it: {0}")]
    Sealed(io::Error),
    #[error(
        "its answer is not sealed with the feed's token: set feed_token_file on both ends, or give the \
         gateway certificates"
    )]
    Unsealed,
    #[error("its answer does not begin where the question did")]
    Elsewhere,
    #[error("it lags behind what is known")]
    Behind,
}

impl Node {
    pub(crate) fn new(
        url: ControlUrl,
        files: Option<PeerFiles>,
        token: Option<FeedToken>,
        patience: Duration,
    ) -> Self {
        Self {
            url,
            files,
            token,
            patience,
            open: Mutex::default(),
            rest: Mutex::default(),
            counters: Counters::default(),
        }
    }

    pub(crate) fn address(&self) -> &str {
        self.url.as_str()
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Is it not left alone any more?
    pub(crate) fn is_rested(&self) -> bool {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.until.is_none_or(|until| until <= Instant::now())
    }

    pub(crate) fn succeeded(&self) {
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = Rest::default();
    }

    pub(crate) fn failed(&self) {
        // Whatever was wrong, the next question begins with a connection that has been proven.
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = BACKOFF.saturating_mul(2_u32.saturating_pow(rest.failures)).min(MOST_BACKOFF);
        rest.failures = rest.failures.saturating_add(1);
        rest.until = Some(Instant::now() + pause);
    }

    /// Asks, and reads the answer to its end. A node that knows no range of formats refuses a question that names one;
    /// it is asked once more in the form it knows, and so for as long as the connection is there.
    pub(crate) async fn ask(&self, question: &Question) -> Result<Timed, NodeError> {
        let Open { mut sender, formats, .. } = self.connection().await?;
        let known = Question { formats, ..question.clone() };
        match self.ask_on(&mut sender, &known).await {
            Err(NodeError::Refused(StatusCode::BAD_REQUEST, _)) if formats != Formats::OF_ONE => {}
            Err(error @ NodeError::NoCommonFormat(_)) => {
                count(&self.counters.no_common_format, 1);
                return Err(error);
            }
            answered => return answered,
        }
        let known = Question { formats: Formats::OF_ONE, ..question.clone() };
        let answered = self.ask_on(&mut sender, &known).await?;
        let (node, format) = (self.address(), answered.answered.told.format);
        tracing::info!(node, format, "asking a control node of an older version in its format");
        if let Some(open) = &mut *self.open.lock().unwrap_or_else(PoisonError::into_inner) {
            open.formats = Formats::OF_ONE;
        }
        Ok(answered)
    }

    async fn ask_on(
        &self,
        sender: &mut SendRequest<Full<Bytes>>,
        question: &Question,
    ) -> Result<Timed, NodeError> {
        let asked = question.write();
        let request = self.request(asked.clone())?;
        let sent = Moment::now();
        let answer = sender.send_request(request);
        // To tell everything takes as long as it takes; pings tell whether the node is there at all.
        let answer = match question.poll.since {
            0 => answer.await?,
            _ => soon(self.patience + question.poll.wait, answer).await??,
        };
        if answer.status() != StatusCode::OK {
            return Err(self.refusal(answer).await);
        }
        let mut opener = self.opener(&asked, &answer)?;
        let mut body = answer.into_body();
        let mut reader = Reader::new(question.number);
        let mut came = None;
        while let Some(frame) = soon(self.patience, body.frame()).await? {
            let Ok(piece) = frame?.into_data() else { continue };
            count(&self.counters.bytes, piece.len());
            match &mut opener {
                Some(opener) => {
                    opener.push(&piece);
                    while let Some(part) = opener.part().map_err(NodeError::Sealed)? {
                        reader.push(&part)?;
                    }
                }
                None => reader.push(&piece)?,
            }
            if came.is_none() && reader.told().is_some() {
                came = Some(Moment::now());
            }
        }
        if let Some(opener) = opener {
            opener.finish().map_err(NodeError::Sealed)?;
        }
        let answered = reader.finish()?;
        Ok(Timed { answered, sent, came: came.unwrap_or_else(Moment::now) })
    }

    fn request(&self, question: Bytes) -> Result<Request<Full<Bytes>>, NodeError> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{PATH}", self.url))
            .header(CONTENT_TYPE, MEDIA_TYPE);
        if let Some(token) = &self.token {
            request = request.header(PROOF, token.proof(&question));
        }
        request
            .body(Full::from(question))
            .map_err(|error| NodeError::Connect(io::Error::other(error)))
    }

    /// What opens an answer. Without a token only a node counts that has shown a certificate.
    fn opener(
        &self,
        question: &[u8],
        answer: &Response<Incoming>,
    ) -> Result<Option<PieceOpener>, NodeError> {
        let kind = answer.headers().get(CONTENT_TYPE);
        let is_sealed = kind.is_some_and(|kind| kind == SEALED_MEDIA_TYPE);
        match &self.token {
            Some(token) if is_sealed => token.opener(question).map(Some).ok_or(NodeError::Unsealed),
            None if self.url.is_secure() && !is_sealed => Ok(None),
            Some(_) | None => Err(NodeError::Unsealed),
        }
    }

    async fn refusal(&self, answer: Response<Incoming>) -> NodeError {
        let status = answer.status();
        let read = Limited::new(answer.into_body(), REFUSAL_BYTES).collect();
        let text = match soon(self.patience, read).await {
            Ok(Ok(read)) => String::from_utf8_lossy(&read.to_bytes()).into_owned(),
            Ok(Err(_)) | Err(_) => String::new(),
        };
        let text = text.escape_debug().collect();
        match status {
            NO_COMMON_FORMAT => NodeError::NoCommonFormat(text),
            status => NodeError::Refused(status, text),
        }
    }

    /// The connection that is there, or a new one.
    async fn connection(&self) -> Result<Open, NodeError> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(mut open) = open
            && Instant::now() < open.until
            && !open.sender.is_closed()
            && matches!(soon(self.patience, open.sender.ready()).await, Ok(Ok(())))
        {
            return Ok(open);
        }
        let sender = match timeout(CONNECT, self.connect()).await {
            Ok(connected) => connected?,
            Err(_) => return Err(NodeError::Connect(io::ErrorKind::TimedOut.into())),
        };
        let open = Open { sender, until: Instant::now() + CONNECTION, formats: Formats::HERE };
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(open.clone());
        Ok(open)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, NodeError> {
        let tcp = TcpStream::connect((self.url.host(), self.url.port()));
        let tcp = tcp.await.map_err(NodeError::Connect)?;
        tcp.set_nodelay(true).map_err(NodeError::Connect)?;
        if !self.url.is_secure() {
            // A name may lead anywhere.
            let peer = tcp.peer_addr().map_err(NodeError::Connect)?;
            if !peer.ip().is_loopback() {
                let why = "it is on another machine, and http:// is for this one only";
                return Err(NodeError::Connect(io::Error::other(why)));
            }
            return speak(tcp).await;
        }
        let Some(files) = &self.files else {
            return Err(NodeError::Connect(io::Error::other("there are no certificates")));
        };
        let name = ServerName::try_from(self.url.host().to_owned())
            .map_err(|error| NodeError::Connect(io::Error::other(error)))?;
        let connector = TlsConnector::from(std::sync::Arc::new(files.client()?));
        let agreed = connector.connect(name, tcp).await.map_err(|error| {
            let (own, ca) = (files.own.certificate.display(), files.ca.display());
            let words = system_words(&error);
            NodeError::Handshake(format!("{words} (shown: {own}; trusted: {ca})"))
        });
        speak(agreed?).await
    }
}

/// An error with all that caused it, and the words of TLS if that is where it began.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        let words = match (error.downcast_ref(), error.downcast_ref()) {
            (Some(error), _) => system_words(error),
            (_, Some(error)) => tls_words(error),
            (None, None) => error.to_string(),
        };
        text = format!("{text}: {words}");
        cause = error.source();
    }
    text
}

/// HTTP/2, looked at by pings whether anything is under way or not.
async fn speak<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, NodeError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .keep_alive_while_idle(true)
        .adaptive_window(true)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the control side broke");
        }
    });
    Ok(sender)
}

async fn soon<T>(patience: Duration, answer: impl Future<Output = T>) -> Result<T, NodeError> {
    timeout(patience, answer).await.map_err(|_| NodeError::Silent)
}

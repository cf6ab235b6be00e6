//! The control side's end: answers the questions of gateways.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll as Ready};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use tidegate_domain::Timestamp;
use tidegate_gateway::{Answers, Batch, Source, SourceError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout};

use crate::format::FormatError;
use crate::frames::{Told, pack};
use crate::limits::{
    OLD_CONNECTION, PART_TAKEN, PARTS_AHEAD, QUESTION_BYTES, QUESTION_READ, QUESTIONS, WHOLES,
};
use crate::poll::{Heard, Question};
use crate::woken::Woken;

/// Where questions are sent.
pub(crate) const PATH: &str = "/feed";

/// What the bodies of questions and answers are.
pub(crate) const MEDIA_TYPE: &str = "application/x-tidegate-feed";

/// The two times of a node, read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The decision time.
    pub now: Timestamp,
    /// The wall clock.
    pub wall: Timestamp,
}

/// A node of the control side.
#[async_trait]
pub trait Provider: Source + 'static {
    /// Takes note of a gateway, before it is answered: from now on it may be deciding on its answer.
    async fn heard(&self, heard: Heard) -> Result<(), SourceError>;

    /// What time it is.
    fn times(&self) -> Times;
}

/// Answers the questions of gateways. Clones share their bounds.
#[derive(Clone)]
pub struct Feed {
    provider: Arc<dyn Provider>,
    questions: Arc<Semaphore>,
    wholes: Arc<Semaphore>,
    woken: Arc<Woken>,
}

/// Why a question gets no answer. Its text is for the gateway, and names nothing inside.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the feed is asked by POST at /feed, over HTTP/2")]
    NotFound,
    #[error("this connection is old: make a new one")]
    OldConnection,
    #[error("the question did not arrive whole")]
    Unread,
    #[error("the question is refused: {0}")]
    Format(#[from] FormatError),
    #[error("too many gateways ask at a time")]
    Busy,
    #[error("this node cannot answer now")]
    Source(#[from] SourceError),
    #[error("this node cannot prove that it is current")]
    Unproven,
}

impl Refused {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::OldConnection => StatusCode::MISDIRECTED_REQUEST,
            Self::Unread | Self::Format(_) => StatusCode::BAD_REQUEST,
            Self::Busy | Self::Source(_) | Self::Unproven => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Feed {
    /// The feed of this node.
    pub fn of(provider: Arc<dyn Provider>) -> Self {
        let (questions, wholes) = (Semaphore::new(QUESTIONS), Semaphore::new(WHOLES));
        let (questions, wholes) = (Arc::new(questions), Arc::new(wholes));
        Self { provider, questions, wholes, woken: Arc::default() }
    }

    /// What answers one connection, from now on.
    pub fn service(&self) -> impl Answers + use<> {
        let (feed, since) = (self.clone(), Instant::now());
        service_fn(move |request: Request<Incoming>| {
            let feed = feed.clone();
            async move { Ok::<_, Infallible>(feed.answer(request, since).await) }
        })
    }

    async fn answer(
        self,
        request: Request<Incoming>,
        connected: Instant,
    ) -> Response<Either<Parts, Full<Bytes>>> {
        match self.answered(request, connected).await {
            Ok(parts) => {
                let mut answer = Response::new(Either::Left(parts));
                let kind = HeaderValue::from_static(MEDIA_TYPE);
                answer.headers_mut().insert(CONTENT_TYPE, kind);
                answer
            }
            Err(refused) => {
                if let Refused::Source(error) = &refused {
                    tracing::error!(%error, "a gateway cannot be answered");
                } else {
                    tracing::warn!(%refused, "a gateway is not answered");
                }
                let mut answer = Response::new(Either::Right(Full::from(refused.to_string())));
                *answer.status_mut() = refused.status();
                answer
            }
        }
    }

    async fn answered(
        &self,
        request: Request<Incoming>,
        connected: Instant,
    ) -> Result<Parts, Refused> {
        let is_one = request.method() == Method::POST && request.uri().path() == PATH;
        if !is_one || request.version() != Version::HTTP_2 {
            return Err(Refused::NotFound);
        }
        if connected.elapsed() > OLD_CONNECTION {
            return Err(Refused::OldConnection);
        }
        let permit = Arc::clone(&self.questions).try_acquire_owned().map_err(|_| Refused::Busy)?;
        let read = Limited::new(request.into_body(), QUESTION_BYTES).collect();
        let bytes = match timeout(QUESTION_READ, read).await {
            Ok(Ok(read)) => read.to_bytes(),
            Ok(Err(_)) | Err(_) => return Err(Refused::Unread),
        };
        let came = Instant::now();
        let question = Question::read(&bytes)?;
        // Before anything else: it may be deciding on the answer as soon as it is on its way.
        self.provider.heard(question.heard(self.provider.times().wall)).await?;
        let (since, batch, whole) = self.news(&question, came).await?;
        let age = self.provider.proof_age().ok_or(Refused::Unproven)?;
        let Times { now, wall } = self.provider.times();
        let (epoch, head) = (batch.epoch.clone(), batch.head);
        let told = Told { epoch, since, head, age, now, wall, held: came.elapsed() };
        Ok(Parts::send(question.number, &told, batch, (permit, whole)))
    }

    /// What has changed and since when, now or within the wait.
    async fn news(
        &self,
        question: &Question,
        came: Instant,
    ) -> Result<(u64, Batch, Option<OwnedSemaphorePermit>), Refused> {
        let poll = &question.poll;
        if poll.since == 0 {
            return self.everything().await;
        }
        let mut batch = self.provider.changes(poll.since).await?;
        if batch.epoch == poll.epoch && batch.head == poll.since && !poll.wait.is_zero() {
            let provider = &*self.provider;
            let is_woken = tokio::select! {
                () = provider.bell(poll.since) => true,
                () = sleep(poll.wait) => false,
            };
            batch = if is_woken {
                self.woken.changes(provider, poll.since, came).await?
            } else {
                provider.changes(poll.since).await?
            };
        }
        // Revisions of another history mean nothing here.
        if batch.epoch == poll.epoch {
            Ok((poll.since, batch, None))
        } else {
            self.everything().await
        }
    }

    async fn everything(&self) -> Result<(u64, Batch, Option<OwnedSemaphorePermit>), Refused> {
        let whole = Arc::clone(&self.wholes).acquire_owned().await.map_err(|_| Refused::Busy)?;
        Ok((0, self.provider.changes(0).await?, Some(whole)))
    }
}

/// The parts of an answer, made no faster than they are taken. An answer that cannot be told to its end
/// breaks off, and has no end.
struct Parts(mpsc::Receiver<Bytes>);

impl Parts {
    /// Begins to send; `held` is let go of when all is sent, or cannot be.
    fn send(number: u64, told: &Told, batch: Batch, held: impl Send + 'static) -> Self {
        let (send, parts) = mpsc::channel(PARTS_AHEAD);
        let packed = pack(number, told, batch);
        tokio::spawn(async move {
            let _held = held;
            for part in packed {
                let part = match part {
                    Ok(part) => part,
                    Err(error) => {
                        tracing::error!(%error, "an answer to a gateway cannot be told to its end");
                        return;
                    }
                };
                if !matches!(timeout(PART_TAKEN, send.send(part)).await, Ok(Ok(()))) {
                    return;
                }
            }
        });
        Self(parts)
    }
}

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Ready<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}

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
use crate::frames::{Packer, Told};
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

    /// What `changes` tells from 0, in parts.
    async fn everything(&self) -> Result<Box<dyn Everything>, SourceError>;

    /// What time it is.
    fn times(&self) -> Times;
}

/// Everything as of one moment, in parts that need not be in memory at the same time.
#[async_trait]
pub trait Everything: Send {
    /// The next part; none after the last. All are of one epoch and head, and there is at least one.
    async fn next(&mut self) -> Result<Option<Batch>, SourceError>;
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
        let news = self.news(&question, came).await?;
        let age = self.provider.proof_age().ok_or(Refused::Unproven)?;
        let Times { now, wall } = self.provider.times();
        let (epoch, since, head) = (news.batch.epoch.clone(), news.since, news.batch.head);
        let told = Told { epoch, since, head, age, now, wall, held: came.elapsed() };
        Ok(Parts::send(question.number, told, news, permit))
    }

    /// What has changed and since when, now or within the wait.
    async fn news(&self, question: &Question, came: Instant) -> Result<News, Refused> {
        let (poll, provider) = (&question.poll, &*self.provider);
        if poll.since == 0 {
            return self.everything().await;
        }
        let mut batch = provider.changes(poll.since).await?;
        if batch.epoch == poll.epoch && batch.head == poll.since && !poll.wait.is_zero() {
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
            Ok(News { since: poll.since, batch, more: None })
        } else {
            self.everything().await
        }
    }

    async fn everything(&self) -> Result<News, Refused> {
        let whole = Arc::clone(&self.wholes).acquire_owned().await.map_err(|_| Refused::Busy)?;
        let mut parts = self.provider.everything().await?;
        let batch = parts.next().await?.ok_or_else(|| SourceError("nothing is told".to_owned()))?;
        Ok(News { since: 0, batch, more: Some((parts, whole)) })
    }
}

/// What is told: a batch, and more of them where there may be too much for one.
struct News {
    since: u64,
    batch: Batch,
    more: Option<(Box<dyn Everything>, OwnedSemaphorePermit)>,
}

/// The parts of an answer, made no faster than they are taken. An answer that cannot be told to its end
/// breaks off, and has no end.
struct Parts(mpsc::Receiver<Bytes>);

impl Parts {
    /// Begins to send; `permit` is let go of when all is sent, or cannot be.
    fn send(number: u64, told: Told, news: News, permit: OwnedSemaphorePermit) -> Self {
        let (send, parts) = mpsc::channel(PARTS_AHEAD);
        tokio::spawn(async move {
            let _permit = permit;
            match tell(&send, number, &told, news).await {
                Ok(()) | Err(Broken::NotTaken) => {}
                Err(error) => {
                    tracing::error!(%error, "an answer to a gateway cannot be told to its end");
                }
            }
        });
        Self(parts)
    }
}

/// Why an answer breaks off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the gateway does not take it")]
    NotTaken,
}

async fn tell(
    to: &mpsc::Sender<Bytes>,
    number: u64,
    told: &Told,
    news: News,
) -> Result<(), Broken> {
    let take = async |part| match timeout(PART_TAKEN, to.send(part)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Broken::NotTaken),
    };
    let mut packer = Packer::default();
    take(packer.head(number, told)?).await?;
    let News { batch, mut more, .. } = news;
    let mut next = Some(batch);
    while let Some(batch) = next {
        for part in packer.records(batch) {
            take(part?).await?;
        }
        next = match &mut more {
            Some((parts, _)) => parts.next().await?,
            None => None,
        };
    }
    take(packer.end()?).await
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

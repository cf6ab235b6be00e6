//! The control side's end: answers the questions of gateways.

use std::convert::Infallible;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, Version};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use tidegate_domain::Timestamp;
use tidegate_gateway::{Answers, Batch, PeerCertificate, Source, SourceError, Use};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use crate::figures::FeedFigures;
use crate::format::FormatError;
use crate::frames::Told;
use crate::limits::{OLD_CONNECTION, QUESTION_BYTES, QUESTION_READ, QUESTIONS, WHOLES};
use crate::names;
use crate::poll::{Heard, Question};
use crate::refused::Refused;
use crate::sending::{Everything, News, Parts, Sending};
use crate::token::{AnswerSealer, FeedToken, PROOF};
use crate::woken::Woken;

/// Where questions are sent.
pub(crate) const PATH: &str = "/feed";

/// What the bodies of questions and answers are.
pub(crate) const MEDIA_TYPE: &str = "application/x-tidegate-feed";

/// What the bodies of answers are that are sealed with the token.
pub(crate) const SEALED_MEDIA_TYPE: &str = "application/x-tidegate-feed-sealed";

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
    /// Takes note of a gateway, before it is answered: from now on it may be deciding on its answer. `line`
    /// lives as long as the connection it asks on.
    async fn heard(&self, heard: Heard, line: Weak<()>) -> Result<(), HeardError>;

    /// What `changes` tells from 0, in parts.
    async fn everything(&self) -> Result<Box<dyn Everything>, SourceError>;

    /// What time it is.
    fn times(&self) -> Times;
}

/// Why a gateway is not taken note of.
#[derive(Debug, thiserror::Error)]
pub enum HeardError {
    /// It may not speak for the gateway it says it is. The text is for it.
    #[error("{0}")]
    Impostor(String),
    /// The control side cannot take note of it.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Whom a feed answers.
#[derive(Debug, Clone)]
pub enum Admission {
    /// Who proves that they have the token. The only way where there is no TLS.
    Token(FeedToken),
    /// Who has shown a certificate, on a listener that asks for one; who shows the token as well gets
    /// sealed answers.
    Certificate(FeedToken),
}

/// Answers the questions of gateways. Clones share their bounds.
#[derive(Clone)]
pub struct Feed {
    provider: Arc<dyn Provider>,
    admission: Admission,
    questions: Arc<Semaphore>,
    wholes: Arc<Semaphore>,
    woken: Arc<Woken>,
    figures: Arc<FeedFigures>,
}

impl Admission {
    /// Looks at the proof of a question, and gives what seals its answer.
    fn sealer(
        &self,
        question: &[u8],
        proof: Option<&HeaderValue>,
    ) -> Result<Option<AnswerSealer>, Refused> {
        let (Self::Token(token) | Self::Certificate(token)) = self;
        match (proof, self) {
            (Some(proof), _) if token.proves(question, proof.as_bytes()) => {
                Ok(Some(token.sealer(question)?))
            }
            (Some(_), _) => Err(Refused::OtherToken),
            (None, Self::Token(_)) => Err(Refused::NoProof),
            (None, Self::Certificate(_)) => Ok(None),
        }
    }
}

impl Feed {
    /// The feed of this node.
    pub fn new(provider: Arc<dyn Provider>, admission: Admission) -> Self {
        let (questions, wholes) = (Semaphore::new(QUESTIONS), Semaphore::new(WHOLES));
        let (questions, wholes) = (Arc::new(questions), Arc::new(wholes));
        let (woken, figures) = (Arc::default(), Arc::default());
        Self { provider, admission, questions, wholes, woken, figures }
    }

    /// What is counted of it.
    #[must_use]
    pub fn figures(&self) -> &Arc<FeedFigures> {
        &self.figures
    }

    /// What answers one connection, from now on. Questions that are understood hold it.
    pub fn service(&self, usage: Use) -> impl Answers + use<> {
        let (feed, since, line) = (self.clone(), Instant::now(), Arc::new(()));
        service_fn(move |request: Request<Incoming>| {
            let (feed, usage, line) = (feed.clone(), usage.clone(), Arc::downgrade(&line));
            async move { Ok::<_, Infallible>(feed.answer(request, since, usage, line).await) }
        })
    }

    async fn answer(
        self,
        request: Request<Incoming>,
        connected: Instant,
        usage: Use,
        line: Weak<()>,
    ) -> Response<Either<Parts, Full<Bytes>>> {
        match self.answered(request, connected, &usage, line).await {
            Ok(parts) => {
                let is_sealed = parts.is_sealed();
                let mut answer = Response::new(Either::Left(parts));
                let kind = if is_sealed { SEALED_MEDIA_TYPE } else { MEDIA_TYPE };
                let kind = HeaderValue::from_static(kind);
                answer.headers_mut().insert(CONTENT_TYPE, kind);
                answer
            }
            Err(refused) => {
                if let Refused::Format(FormatError::NoCommonFormat(_)) = &refused {
                    self.figures.had_no_common_format();
                }
                self.figures.refusals().note(&refused, self.provider.times().wall);
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
        usage: &Use,
        line: Weak<()>,
    ) -> Result<Parts, Refused> {
        let is_one = request.method() == Method::POST && request.uri().path() == PATH;
        if !is_one || request.version() != Version::HTTP_2 {
            return Err(Refused::NotFound);
        }
        if connected.elapsed() > OLD_CONNECTION {
            return Err(Refused::OldConnection);
        }
        let permit = Arc::clone(&self.questions).try_acquire_owned().map_err(|_| Refused::Busy)?;
        let peer = request.extensions().get::<PeerCertificate>();
        let certificate = peer.map(names::of).unwrap_or_default();
        let proof = request.headers().get(PROOF).cloned();
        let read = Limited::new(request.into_body(), QUESTION_BYTES).collect();
        let bytes = match timeout(QUESTION_READ, read).await {
            Ok(Ok(read)) => read.to_bytes(),
            Ok(Err(_)) | Err(_) => return Err(Refused::Unread),
        };
        let came = Instant::now();
        let sealer = self.admission.sealer(&bytes, proof.as_ref())?;
        let question = Question::read(&bytes)?;
        let _hold = usage.hold();
        // Before anything else: it may be deciding on the answer as soon as it is on its way.
        let heard = Heard { certificate, ..question.heard(self.provider.times().wall) };
        self.provider.heard(heard, line).await.map_err(|error| match error {
            HeardError::Impostor(text) => Refused::Impostor(text),
            HeardError::Source(error) => Refused::Source(error),
        })?;
        let news = self.news(&question, came).await?;
        let age = self.provider.proof_age().ok_or(Refused::Unproven)?;
        let Times { now, wall } = self.provider.times();
        let Batch { epoch, head, stamp, since_stamp, .. } = &news.batch;
        let told = Told {
            format: question.answer_format(),
            epoch: epoch.clone(),
            since: news.since,
            head: *head,
            stamp: stamp.clone(),
            since_stamp: since_stamp.clone(),
            age,
            now,
            wall,
            held: came.elapsed(),
        };
        let figures = Arc::clone(&self.figures);
        let (gateway, number) = (question.me.id.clone(), question.number);
        let sending = Sending { gateway, number, told, sealer, figures };
        Ok(sending.begin(news, permit))
    }

    /// What has changed and since when, now or within the wait.
    async fn news(&self, question: &Question, came: Instant) -> Result<News, Refused> {
        let (poll, provider) = (&question.poll, &*self.provider);
        if poll.since == 0 {
            return self.everything().await;
        }
        let mut batch = provider.changes(poll.since).await?;
        if poll.is_continued_by(&batch) && batch.head == poll.since && !poll.wait.is_zero() {
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
        // Of another history only that it is another one is sent: there may be a node that has what is known.
        let is_other = match poll.other() {
            _ if !poll.is_continued_by(&batch) => true,
            Some(enforced) => provider.stamp_of(enforced).await? != poll.enforced_stamp,
            None => false,
        };
        let batch = if is_other { batch.of_another_history() } else { batch };
        Ok(News { since: poll.since, batch, more: None })
    }

    async fn everything(&self) -> Result<News, Refused> {
        let whole = Arc::clone(&self.wholes).acquire_owned().await.map_err(|_| Refused::Busy)?;
        let mut parts = self.provider.everything().await?;
        let batch = parts.next().await?.ok_or_else(|| SourceError("nothing is told".to_owned()))?;
        Ok(News { since: 0, batch, more: Some((parts, whole)) })
    }
}

//! An answer on its way: its parts are made no faster than they are taken, and it is ended when the gateway takes
//! them too slowly. An answer that is not sent to its end breaks off, so that the gateway never takes it for less.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body, Frame};
use tidegate_gateway::{Batch, SourceError};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::figures::FeedFigures;
use crate::format::FormatError;
use crate::frames::{Packer, Told, ended};
use crate::limits::PARTS_AHEAD;
use crate::pace::{Pace, TooSlow};
use crate::token::AnswerSealer;

/// Everything at one revision, in parts that need not be in memory at the same time. A part may be newer than that
/// revision: the changes after it, which are asked for next, have whatever is.
#[async_trait]
pub trait Everything: Send {
    /// The next part; none after the last. All say the same epoch and head, and there is at least one.
    async fn next(&mut self) -> Result<Option<Batch>, SourceError>;
}

/// What a gateway is told of a fault that is none of its own.
const FAILED: &str = "this node cannot send the rest; its log says why";

/// What is told: a batch, and more of them where there may be too much for one.
pub(crate) struct News {
    pub(crate) since: u64,
    pub(crate) batch: Batch,
    pub(crate) more: Option<(Box<dyn Everything>, OwnedSemaphorePermit)>,
}

/// What is known of an answer before it is sent.
pub(crate) struct Sending {
    /// The id of the gateway that asked.
    pub(crate) gateway: String,
    /// The number of its question.
    pub(crate) number: u64,
    pub(crate) told: Told,
    pub(crate) sealer: Option<AnswerSealer>,
    pub(crate) figures: Arc<FeedFigures>,
}

/// The parts of an answer, as the body of a response.
pub(crate) struct Parts {
    parts: mpsc::Receiver<Bytes>,
    is_sealed: bool,
}

/// Why an answer breaks off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("it cannot be sealed: {0}")]
    Seal(#[from] std::io::Error),
    #[error("the gateway is gone")]
    Gone,
    #[error(transparent)]
    TooSlow(#[from] TooSlow),
}

impl Sending {
    /// Begins to send; `permit` is let go of when all is sent, or cannot be.
    pub(crate) fn begin(self, news: News, permit: OwnedSemaphorePermit) -> Parts {
        let (to, parts) = mpsc::channel(PARTS_AHEAD);
        let is_sealed = self.sealer.is_some();
        tokio::spawn(async move {
            let _permit = permit;
            let Self { gateway, number, told, sealer, figures } = self;
            let mut out = Out { to, pace: Pace::begin(), sealer };
            let why = match out.send(number, &told, news).await {
                Ok(()) | Err(Broken::Gone) => return,
                Err(Broken::TooSlow(error)) => {
                    figures.was_too_slow(&gateway, &error);
                    error.to_string()
                }
                Err(error) => {
                    tracing::error!(gateway, %error, "an answer to a gateway cannot be sent to its end");
                    FAILED.to_owned()
                }
            };
            out.end(told.format, &why).await;
        });
        Parts { parts, is_sealed }
    }
}

/// Where parts go.
struct Out {
    to: mpsc::Sender<Bytes>,
    pace: Pace,
    sealer: Option<AnswerSealer>,
}

impl Out {
    async fn send(&mut self, number: u64, told: &Told, news: News) -> Result<(), Broken> {
        let mut packer = Packer::new(told.format);
        self.part(packer.head(number, told)?).await?;
        let News { batch, mut more, .. } = news;
        let mut next = Some(batch);
        while let Some(batch) = next {
            for part in packer.records(batch) {
                self.part(part?).await?;
            }
            next = match &mut more {
                Some((parts, _)) => parts.next().await?,
                None => None,
            };
        }
        self.part(packer.end()?).await?;
        match self.sealer.take() {
            Some(sealer) => self.bytes(sealer.end()?).await,
            None => Ok(()),
        }
    }

    /// Says why the rest is missing, to a gateway that can read that and still takes something.
    async fn end(mut self, format: u32, why: &str) {
        self.pace = Pace::begin();
        if let Some(part) = ended(format, why) {
            let _ = self.part(part).await;
        }
    }

    async fn part(&mut self, part: Bytes) -> Result<(), Broken> {
        let part = match &mut self.sealer {
            Some(sealer) => sealer.frame(&part)?,
            None => part,
        };
        self.bytes(part).await
    }

    async fn bytes(&mut self, bytes: Bytes) -> Result<(), Broken> {
        let length = bytes.len();
        let taken = self.pace.take(length, self.to.send(bytes)).await?;
        taken.map_err(|_| Broken::Gone)
    }
}

impl Parts {
    /// Whether they are sealed with the feed's token.
    pub(crate) fn is_sealed(&self) -> bool {
        self.is_sealed
    }
}

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.parts.poll_recv(cx).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}

#[cfg(test)]
mod tests;

//! A backend's answer on its way to the caller.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::pool::Pool;
use crate::body::{AnyBody, BoxError};
use crate::upstream::Flight;

/// How long a connection may take to be ready after its answer has been read to the end: the call's
/// own body may still be on its way.
const SETTLING: Duration = Duration::from_secs(1);

/// The body of an answer. It must not stand still, and must end in time; if it does not, it breaks
/// off, so that nobody takes a part for the whole.
///
/// Only one that was read to its end gives its connection back.
pub struct Answer {
    inner: Incoming,
    connection: Option<Lent>,
    /// Counts the call as under way.
    _flight: Option<Flight>,
    /// How long it may stand still. The time runs only while the backend is waited for.
    idle: Duration,
    /// When it must have ended.
    until: Option<Instant>,
    /// Since when the backend is waited for.
    waiting: Option<Instant>,
    /// Set once and set again only when it rings: most waits are over before.
    timer: Option<Pin<Box<Sleep>>>,
}

/// A connection, and where it goes back to.
pub(crate) struct Lent {
    pub(crate) sender: SendRequest<AnyBody>,
    pub(crate) pool: Arc<Pool>,
    /// How long it may be idle, if the backend says so.
    pub(crate) idle_for: Option<Duration>,
}

/// Why an answer broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// It stood still.
    #[error("the backend's answer stood still for too long")]
    Stalled,
    /// It took too long altogether.
    #[error("the backend's answer took longer than the API's calls may")]
    Late,
}

impl Answer {
    pub(crate) fn new(
        inner: Incoming,
        connection: Option<Lent>,
        flight: Option<Flight>,
        idle: Duration,
        until: Option<Instant>,
    ) -> Self {
        let mut answer =
            Self { inner, connection, _flight: flight, idle, until, waiting: None, timer: None };
        answer.settle();
        answer
    }

    /// Gives the connection back if the body has ended.
    fn settle(&mut self) {
        if self.connection.is_some() && self.inner.is_end_stream() {
            self.give_back();
        }
    }

    fn give_back(&mut self) {
        if let Some(lent) = self.connection.take() {
            lent.give_back();
        }
    }

    /// Has the backend been waited for too long?
    fn is_over(&mut self, cx: &mut Context<'_>) -> Option<Broken> {
        let since = *self.waiting.get_or_insert_with(Instant::now);
        let stalled = since + self.idle;
        let deadline = self.until.map_or(stalled, |until| until.min(stalled));
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() < deadline {
                timer.as_mut().reset(deadline);
                continue;
            }
            return Some(if self.until == Some(deadline) { Broken::Late } else { Broken::Stalled });
        }
        None
    }
}

impl Lent {
    fn give_back(mut self) {
        if self.sender.is_ready() {
            self.pool.keep(self.sender, Instant::now(), self.idle_for);
        } else if !self.sender.is_closed() {
            tokio::spawn(async move {
                if let Ok(Ok(())) = timeout(SETTLING, self.sender.ready()).await {
                    self.pool.keep(self.sender, Instant::now(), self.idle_for);
                }
            });
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
            return match self.is_over(cx) {
                Some(broken) => {
                    self.connection = None;
                    Poll::Ready(Some(Err(broken.into())))
                }
                None => Poll::Pending,
            };
        };
        self.waiting = None;
        match frame {
            Some(Ok(_)) if self.until.is_some_and(|until| until <= Instant::now()) => {
                self.connection = None;
                Poll::Ready(Some(Err(Broken::Late.into())))
            }
            Some(Ok(frame)) => {
                self.settle();
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                self.connection = None;
                Poll::Ready(Some(Err(error.into())))
            }
            None => {
                self.give_back();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

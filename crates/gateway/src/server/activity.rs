//! What happens on a connection that hyper serves, so that one on which nothing does can be closed: the
//! timers of hyper end neither an HTTP/2 connection that only answers pings nor an answer that is not taken.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use pin_project_lite::pin_project;
use tokio::time::{Duration, Instant, sleep_until};

use super::answers::Answers;

/// How long a connection may go on without use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Without any call.
    pub(super) idle: Duration,
    /// With an answer of which its peer takes nothing.
    pub(super) send: Duration,
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// There was no call for too long.
    Idle,
    /// An answer was not taken for too long.
    NotTaken,
}

/// The calls on a connection. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    next: u64,
    under_way: usize,
    /// When the last call ended, or the connection began.
    last: Instant,
    /// Answers of which the peer is to take something, each with the moment since when.
    to_take: HashMap<u64, Instant>,
}

impl Activity {
    pub(super) fn new() -> Self {
        let last = Instant::now();
        let state = State { next: 0, under_way: 0, last, to_take: HashMap::new() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> UnderWay {
        let mut state = self.state();
        state.under_way += 1;
        let number = state.next;
        state.next += 1;
        drop(state);
        UnderWay { activity: self.clone(), number }
    }

    /// Returns when the connection has been of no use for too long.
    pub(super) async fn over(&self, patience: Patience) -> Over {
        loop {
            let until = match self.state().until(patience, Instant::now()) {
                Ok(until) => until,
                Err(over) => return over,
            };
            sleep_until(until).await;
        }
    }
}

impl State {
    /// When to look again.
    fn until(&self, patience: Patience, now: Instant) -> Result<Instant, Over> {
        let oldest = self.to_take.values().min().copied();
        match oldest.map(|since| since + patience.send) {
            Some(until) if until <= now => Err(Over::NotTaken),
            Some(until) => Ok(until),
            // An answer can begin to stand still at any time.
            None if self.under_way > 0 => Ok(now + patience.send),
            None if self.last + patience.idle <= now => Err(Over::Idle),
            None => Ok(self.last + patience.idle),
        }
    }
}

/// A call that is answered.
struct UnderWay {
    activity: Activity,
    number: u64,
}

impl UnderWay {
    fn is_to_take(&self) {
        self.activity.state().to_take.insert(self.number, Instant::now());
    }

    fn is_to_come(&self) {
        self.activity.state().to_take.remove(&self.number);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.under_way = state.under_way.saturating_sub(1);
        state.to_take.remove(&self.number);
        state.last = Instant::now();
    }
}

/// A service whose calls are taken note of.
pub(super) struct Noted<S> {
    pub(super) service: S,
    pub(super) activity: Activity,
}

impl<S: Answers> Service<Request<Incoming>> for Noted<S> {
    type Response = Response<NotedBody<S::Out>>;
    type Error = S::Error;
    type Future = NotedFuture<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let under_way = Some(self.activity.begin());
        NotedFuture { answer: self.service.call(request), under_way }
    }
}

pin_project! {
    /// An answer that does not exist yet.
    pub(super) struct NotedFuture<F> {
        #[pin]
        answer: F,
        under_way: Option<UnderWay>,
    }
}

impl<F, B, E> Future for NotedFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<NotedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(cx))?;
        let under_way = this.under_way.take();
        if let Some(under_way) = &under_way {
            under_way.is_to_take();
        }
        Poll::Ready(Ok(answer.map(|body| NotedBody { body, under_way })))
    }
}

pin_project! {
    /// The body of an answer. Hyper asks it for more when the peer has taken what there was.
    pub(super) struct NotedBody<B> {
        #[pin]
        body: B,
        under_way: Option<UnderWay>,
    }
}

impl<B: Body> Body for NotedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = this.body.poll_frame(cx);
        if let Some(under_way) = this.under_way {
            match frame {
                Poll::Pending => under_way.is_to_come(),
                Poll::Ready(_) => under_way.is_to_take(),
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! When is a call over? When its answer's body has ended, or is dropped before.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Response, StatusCode, request};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::Account;
use crate::body::BoxError;
use crate::denial::Reason;
use crate::headers::Strict;
use crate::reply::Reply;
use crate::right::Recheck;
use crate::state::Server;
use crate::telemetry::Aborted;

/// Keeps a call's account until the call is over, and then tells it. A call whose caller goes away is
/// dropped wherever it is, so this is the one place where no call gets lost.
pub(crate) struct Watch {
    pub(crate) server: Arc<Server>,
    pub(crate) account: Account,
    /// The call's head, once that was read.
    pub(crate) strict: Option<Strict>,
    sent: u64,
    aborted: Option<Aborted>,
    /// Is there nothing to tell?
    is_silent: bool,
}

impl Watch {
    /// A call begins.
    ///
    /// In a box, for it is passed on from hand to hand until the last byte is out.
    pub(crate) fn begin(server: Arc<Server>, parts: &request::Parts) -> Box<Self> {
        server.gate.tally().began();
        let account = Account::of_call(&server.gate, server.caller.address, parts);
        // Until its answer has ended it is as good as given up by its caller.
        let aborted = Some(Aborted::Caller);
        Box::new(Self { server, account, strict: None, sent: 0, aborted, is_silent: false })
    }

    /// The head of the answer is there.
    pub(crate) fn answered(
        &mut self,
        parts: &request::Parts,
        denied: Option<Reason>,
        status: StatusCode,
    ) {
        let head = self.strict.as_ref().map(|strict| (parts, &strict.target));
        self.account.answered(&self.server.gate, head, denied, status);
    }

    /// So much of the answer's body has gone out.
    pub(crate) fn sent(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_add(bytes);
    }

    /// The answer has ended as it should, or was broken off by somebody.
    pub(crate) fn ended(&mut self, aborted: Option<Aborted>) {
        self.aborted = aborted;
    }

    /// Nothing is told of this call here.
    pub(crate) fn silence(&mut self) {
        self.is_silent = true;
    }

    /// An answer that ends the call when it ends.
    pub(crate) fn over(self: Box<Self>, answer: Response<Reply>) -> Response<Watched> {
        answer.map(|inner| Watched { inner, watch: self, recheck: Recheck::default() })
    }

    /// An answer of which nothing is told.
    pub(crate) fn unheard(mut self: Box<Self>, answer: Response<Reply>) -> Response<Watched> {
        self.silence();
        self.over(answer)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.is_silent {
            let target = self.strict.as_ref().map(|strict| &strict.target);
            self.account.over(&self.server.gate, target, self.aborted, self.sent);
        }
        self.server.gate.tally().ended();
    }
}

/// An answer's body on its way out, counted.
pub struct Watched {
    inner: Reply,
    watch: Box<Watch>,
    recheck: Recheck,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let frame = Pin::new(&mut this.inner).poll_frame(cx);
        let Watch { server, account, aborted, .. } = &mut *this.watch;
        if let Some(admitted) = &account.admitted {
            let gate = &*server.gate;
            let looked = match &frame {
                Poll::Ready(_) => this.recheck.look(gate, admitted, Instant::now()).map(|_| ()),
                Poll::Pending => this.recheck.poll(cx, gate, admitted),
            };
            if let Err(ended) = looked {
                *aborted = Some(Aborted::Gateway);
                return Poll::Ready(Some(Err(ended.into())));
            }
        }
        let frame = ready!(frame);
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.watch.sent(bytes as u64);
            }
            Some(Err(_)) => self.watch.aborted = Some(Aborted::Backend),
            None if self.watch.aborted == Some(Aborted::Caller) => self.watch.aborted = None,
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Who sees the end coming does not ask for it.
        if self.watch.aborted == Some(Aborted::Caller) && self.inner.is_end_stream() {
            self.watch.aborted = None;
        }
    }
}

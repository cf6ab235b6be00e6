//! The caller's end of a connection.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::Instant;

use super::timer::Timer;
use crate::limits::INBOX_BYTES;
use crate::rewound::Rewound;
use crate::tls::Stream;

/// A caller.
pub(super) struct Caller {
    stream: Stream,
    /// What was read and not looked at yet.
    pub(super) inbox: BytesMut,
    timer: Timer,
    stopped: watch::Receiver<()>,
    /// The same as a future, which is made once, and asked once: then it knows whom to wake.
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_stop_awaited: bool,
    /// Has the caller said that nothing more comes?
    has_ended: bool,
}

/// What reading from a caller brings.
enum Heard {
    More,
    /// Nothing more comes. An answer may be waited for all the same.
    End,
    Gone,
}

/// Why a wait was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// It took too long.
    Late,
    /// The caller has sent all there is to come.
    Ended,
    /// The caller is gone.
    Gone,
    /// The server stops.
    Stopped,
}

impl Caller {
    pub(super) fn new(stream: Stream, stopped: watch::Receiver<()>, until: Instant) -> Self {
        let mut receiver = stopped.clone();
        let stop = Box::pin(async move {
            // A server that is gone has stopped as well.
            let _ = receiver.changed().await;
        });
        let inbox = BytesMut::with_capacity(INBOX_BYTES);
        let timer = Timer::new(until);
        let (is_stop_awaited, has_ended) = (false, false);
        Self { stream, inbox, timer, stopped, stop, is_stop_awaited, has_ended }
    }

    /// Has the server been told to stop?
    pub(super) fn is_stopping(&self) -> bool {
        self.stopped.has_changed().unwrap_or(true)
    }

    /// Gives up memory that a call needed and most do not.
    pub(super) fn tidy(&mut self) {
        if self.inbox.is_empty() && self.inbox.capacity() > 2 * INBOX_BYTES {
            self.inbox = BytesMut::with_capacity(INBOX_BYTES);
        }
    }

    /// Waits for more bytes. Between calls a server that stops ends the wait.
    pub(super) async fn read(&mut self, until: Instant, is_between_calls: bool) -> Result<(), Cut> {
        poll_fn(|cx| {
            match self.poll_more(cx) {
                Poll::Ready(Heard::More) => return Poll::Ready(Ok(())),
                Poll::Ready(Heard::End) => return Poll::Ready(Err(Cut::Ended)),
                Poll::Ready(Heard::Gone) => return Poll::Ready(Err(Cut::Gone)),
                Poll::Pending => {}
            }
            if !self.is_stop_awaited {
                self.is_stop_awaited = true;
                // What it says is asked below.
                let _ = self.stop.as_mut().poll(cx);
            }
            if is_between_calls && self.is_stopping() {
                return Poll::Ready(Err(Cut::Stopped));
            }
            if self.timer.is_over(cx, until) { Poll::Ready(Err(Cut::Late)) } else { Poll::Pending }
        })
        .await
    }

    /// Waits for something else, but for no caller who is gone, and not for ever. A caller who only closed the
    /// sending side waits, too.
    pub(super) async fn wait<T>(
        &mut self,
        until: Instant,
        other: impl Future<Output = T>,
    ) -> Result<T, Cut> {
        let mut other = pin!(other);
        poll_fn(|cx| {
            if let Poll::Ready(done) = other.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            // Who sends the next call already is there; there is no telling beyond that.
            while self.inbox.is_empty() && !self.has_ended {
                match self.poll_more(cx) {
                    Poll::Ready(Heard::More | Heard::End) => {}
                    Poll::Ready(Heard::Gone) => return Poll::Ready(Err(Cut::Gone)),
                    Poll::Pending => break,
                }
            }
            if self.timer.is_over(cx, until) { Poll::Ready(Err(Cut::Late)) } else { Poll::Pending }
        })
        .await
    }

    /// Reads what there is.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        if self.inbox.capacity() - self.inbox.len() < INBOX_BYTES / 4 {
            // Most often this makes room in the same memory.
            self.inbox.reserve(INBOX_BYTES / 2);
        }
        // Nothing is lost when it is dropped before it is done.
        let read = pin!(self.stream.read_buf(&mut self.inbox)).poll(cx);
        read.map(|read| match read {
            Ok(0) => {
                self.has_ended = true;
                Heard::End
            }
            Ok(_) => Heard::More,
            Err(_) => Heard::Gone,
        })
    }

    /// Sends bytes, and leaves in `bytes` what could not be sent. Late when none of them were taken for so long.
    pub(super) async fn write(&mut self, bytes: &mut &[u8], idle: Duration) -> Result<(), Cut> {
        // Most often all goes at once, and nobody asks what time it is.
        let mut until = None;
        while !bytes.is_empty() {
            let sent = poll_fn(|cx| {
                let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
                self.or_late(cx, written, &mut until, idle)
            });
            let sent = sent.await?;
            *bytes = bytes.get(sent..).filter(|_| sent > 0).ok_or(Cut::Gone)?;
            until = None;
        }
        if let Stream::Tls(_) = self.stream {
            let flushed = poll_fn(|cx| {
                let flushed = Pin::new(&mut self.stream).poll_flush(cx);
                self.or_late(cx, flushed, &mut until, idle)
            });
            flushed.await?;
        }
        Ok(())
    }

    fn or_late<T>(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<T>>,
        until: &mut Option<Instant>,
        idle: Duration,
    ) -> Poll<Result<T, Cut>> {
        match done {
            Poll::Ready(done) => Poll::Ready(done.map_err(|_| Cut::Gone)),
            Poll::Pending => {
                let until = *until.get_or_insert_with(|| Instant::now() + idle);
                if self.timer.is_over(cx, until) {
                    Poll::Ready(Err(Cut::Late))
                } else {
                    Poll::Pending
                }
            }
        }
    }

    /// Takes leave, where that is more than hanging up.
    pub(super) async fn close(mut self, until: Instant) {
        if let Stream::Tls(stream) = &mut self.stream {
            // Whoever is gone need not be told.
            let _ = tokio::time::timeout_at(until, stream.shutdown()).await;
        }
    }

    /// The connection, for somebody who reads `first` and then what is in the inbox once more.
    pub(super) fn rewound(self, first: &[u8]) -> Rewound {
        let first = if first.is_empty() {
            self.inbox.freeze()
        } else {
            [first, &self.inbox].concat().into()
        };
        Rewound::new(first, self.stream)
    }
}

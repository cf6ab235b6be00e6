//! A connection of Envoy's. All that came is answered in one go, and the answers go out together: a
//! verdict waits for nothing, so a task for each question would cost more than it does.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Ping, PingPong, RecvStream};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

use super::ExtAuthz;
use super::grpc::{self, Code, Fault, Message, check_head};
use crate::body::BoxError;
use crate::held::Room;
use crate::limits::{Limits, MESSAGE_WINDOW, MESSAGES_WINDOW};
use crate::server::{Accepted, PING, Speaks, drive};
use crate::tls::Stream;

/// The name of the one call there is.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

impl Speaks for ExtAuthz {
    async fn speak(self, connection: Accepted) -> Result<(), BoxError> {
        // Nothing but HTTP/2 is spoken here.
        let (opened, stopped, _) = connection.open(false).await?;
        let Some((stream, _)) = opened else { return Ok(()) };
        let gate = self.gate.clone();
        let limits = &gate.0.limits;
        let asking = Asking::open(stream, self, limits, PING);
        let asking = timeout(limits.header_read, asking).await??;
        drive(asking, Asking::finish, stopped).await
    }
}

/// A connection, and the questions on it that have not come in full.
pub(super) struct Asking {
    connection: Connection<Gathered, Bytes>,
    service: ExtAuthz,
    waiting: Vec<Question>,
    pings: Option<PingPong>,
    is_pinged: bool,
    tick: Interval,
    /// When a question came last, and whether the other end was asked to leave since.
    last: Instant,
    is_leaving: bool,
}

impl Asking {
    /// Greets whoever is at the other end.
    pub(super) async fn open(
        stream: Stream,
        service: ExtAuthz,
        limits: &Limits,
        tick: Duration,
    ) -> Result<Self, h2::Error> {
        let mut connection = Builder::new()
            .initial_window_size(MESSAGE_WINDOW)
            .initial_connection_window_size(MESSAGES_WINDOW)
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
            .handshake(Gathered(stream))
            .await?;
        let pings = connection.ping_pong();
        let mut tick = interval_at(Instant::now() + tick, tick);
        // After a stall, two ticks at once would leave no time to answer a ping.
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (waiting, last) = (Vec::new(), Instant::now());
        let (is_pinged, is_leaving) = (false, false);
        Ok(Self { connection, service, waiting, pings, is_pinged, tick, last, is_leaving })
    }

    /// Lets it end after what is under way.
    pub(super) fn finish(self: Pin<&mut Self>) {
        self.get_mut().connection.graceful_shutdown();
    }

    /// Answers what has come in full. Tells whether there was any.
    fn answer(&mut self, cx: &mut Context<'_>) -> bool {
        let before = self.waiting.len();
        let service = &self.service;
        self.waiting.retain_mut(|question| question.poll(service, cx).is_pending());
        self.waiting.len() < before
    }

    /// Now and then: gives up what does not come, and sees whether there is anybody at the other end.
    fn tick(&mut self, cx: &mut Context<'_>) -> Result<(), BoxError> {
        let Limits { buffered_read: longest, idle, .. } = *self.service.limits();
        for question in &mut self.waiting {
            if question.since.elapsed() > longest {
                question
                    .refuse(Fault(Code::DeadlineExceeded, "the message did not arrive in time"));
            }
        }
        if self.waiting.is_empty() && self.last.elapsed() > idle {
            // Whoever answers pings and asks nothing, or takes no answer, has a tick to leave.
            if std::mem::replace(&mut self.is_leaving, true) {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            self.connection.graceful_shutdown();
        }
        let Some(pings) = &mut self.pings else { return Ok(()) };
        if self.is_pinged && pings.poll_pong(cx)?.is_pending() {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        pings.send_ping(Ping::opaque())?;
        self.is_pinged = true;
        Ok(())
    }
}

impl Future for Asking {
    type Output = Result<(), BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let asking = self.get_mut();
        loop {
            // This also sends what was answered before.
            while let Poll::Ready(come) = asking.connection.poll_accept(cx) {
                let Some(come) = come else { return Poll::Ready(Ok(())) };
                let (request, to) = come?;
                asking.last = Instant::now();
                asking.waiting.push(Question::new(request, to));
            }
            if !asking.answer(cx) {
                if asking.tick.poll_tick(cx).is_pending() {
                    return Poll::Pending;
                }
                asking.tick(cx)?;
            }
        }
    }
}

/// A question on its way in.
struct Question {
    body: RecvStream,
    to: SendResponse<Bytes>,
    message: Message,
    fault: Option<Fault>,
    /// Room for a message that is not a small one.
    room: Option<Room>,
    since: Instant,
}

impl Question {
    fn new(request: Request<RecvStream>, to: SendResponse<Bytes>) -> Self {
        let fault = check_head(&request, CHECK).err();
        let (body, since) = (request.into_body(), Instant::now());
        Self { body, to, message: Message::default(), fault, room: None, since }
    }

    fn refuse(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    /// Answers as soon as all has come; ready when there is no more to be done.
    fn poll(&mut self, service: &ExtAuthz, cx: &mut Context<'_>) -> Poll<()> {
        let sent = match ready!(self.take(service, cx)) {
            Ok(message) => match service.answer(&message) {
                Ok(answer) => self.send(answer),
                Err(fault) => self.send_fault(fault),
            },
            Err(Some(fault)) => self.send_fault(fault),
            // Nobody waits for an answer.
            Err(None) => Ok(()),
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "an answer to Envoy was not wanted any more");
        }
        Poll::Ready(())
    }

    /// Takes what has come of the message, until that is all of it.
    fn take(
        &mut self,
        service: &ExtAuthz,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Bytes, Option<Fault>>> {
        if let Some(fault) = self.fault {
            return Poll::Ready(Err(Some(fault)));
        }
        while let Some(piece) = ready!(self.body.poll_data(cx)) {
            let piece = piece.map_err(|_| None)?;
            // The other end may send as much again. It fails where nothing more will come.
            let _ = self.body.flow_control().release_capacity(piece.len());
            self.message.take(piece, service.largest())?;
            service.hold(&mut self.room, self.message.come().len())?;
        }
        Poll::Ready(std::mem::take(&mut self.message).whole().map_err(Some))
    }

    fn send(&mut self, answer: Vec<u8>) -> Result<(), h2::Error> {
        let mut stream = self.to.send_response(grpc::head(), false)?;
        stream.send_data(grpc::framed(answer), false)?;
        stream.send_trailers(grpc::trailers())
    }

    fn send_fault(&mut self, fault: Fault) -> Result<(), h2::Error> {
        self.to.send_response(grpc::fault(fault), true).map(drop)
    }
}

/// A stream that takes many frames in one write. Told that a stream can take several pieces of
/// memory at once, h2 copies less, but writes after each frame of middling size.
struct Gathered(Stream);

impl AsyncRead for Gathered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Gathered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

//! The connections to one backend that can take the next call.
//!
//! A worker thread has a pool of its own, so the lock in it is never waited for. Of the HTTP/1.1
//! connections the one that was used last is used next: so those that are not needed grow old, and
//! are closed. Of HTTP/2 there is one connection, which all calls share. Connections that calls use
//! straight have no task that watches them, so they are looked at when they are taken.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use hyper::client::conn::{http1, http2};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::sender::Sender;
use crate::body::AnyBody;
use crate::limits::READ_BYTES;

/// The connections to one backend.
pub(crate) struct Pool {
    state: Mutex<State>,
    /// The most idle ones that are kept.
    most: usize,
    /// How long an idle one is kept.
    time: Duration,
    /// Does the backend speak HTTP/1.1, as far as is known?
    speaks_http1: AtomicBool,
    /// Held while a connection is made that others could share.
    pub(super) opening: tokio::sync::Mutex<()>,
    /// How many of those could not be made.
    pub(super) failures: AtomicU64,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    plain: Vec<Plain>,
    shared: Option<Shared>,
}

struct Idle {
    sender: http1::SendRequest<AnyBody>,
    until: Instant,
}

struct Plain {
    line: Line,
    until: Instant,
}

/// A connection that calls use straight, and the memory its answers are read into.
pub(super) struct Line {
    pub(super) stream: TcpStream,
    pub(super) inbox: BytesMut,
}

impl Line {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, inbox: BytesMut::new() }
    }

    /// Has what an answer was read into at hand again; memory that few answers need is given up.
    fn clear(&mut self) {
        self.inbox.clear();
        self.inbox.reserve(READ_BYTES);
        if self.inbox.capacity() > READ_BYTES {
            self.inbox = BytesMut::new();
        }
    }
}

struct Shared {
    sender: http2::SendRequest<AnyBody>,
    used: Instant,
}

impl Pool {
    pub(crate) fn new(most: usize, time: Duration) -> Self {
        Self {
            state: Mutex::default(),
            most,
            time,
            speaks_http1: AtomicBool::new(false),
            opening: tokio::sync::Mutex::new(()),
            failures: AtomicU64::new(0),
        }
    }

    /// A connection that can take a call at once.
    pub(crate) fn take(&self, now: Instant) -> Option<Sender> {
        let mut state = self.lock();
        while let Some(last) = state.idle.pop() {
            if now < last.until && last.sender.is_ready() {
                return Some(Sender::Http1(last.sender));
            }
        }
        let shared = state.shared.as_mut().filter(|shared| !shared.sender.is_closed())?;
        shared.used = now;
        Some(Sender::Http2(shared.sender.clone()))
    }

    /// Keeps a connection whose answer has been read to its end, for as long as the backend says at most.
    pub(crate) fn keep(
        &self,
        sender: http1::SendRequest<AnyBody>,
        now: Instant,
        idle_for: Option<Duration>,
    ) {
        let Some(until) = self.kept_until(now, idle_for) else { return };
        let idle = &mut self.lock().idle;
        if idle.len() >= self.most {
            // The oldest goes, for it is the most likely to be closed soon.
            idle.remove(0);
        }
        idle.push(Idle { sender, until });
    }

    /// A connection for a call that goes straight, and on which nothing was said since its last answer.
    pub(super) fn take_plain(&self, now: Instant) -> Option<Line> {
        let plain = &mut self.lock().plain;
        while let Some(last) = plain.pop() {
            if now < last.until && is_quiet(&last.line.stream) {
                return Some(last.line);
            }
        }
        None
    }

    /// Keeps a connection of which a call went straight and has read the answer to its end.
    pub(super) fn keep_plain(&self, mut line: Line, now: Instant, idle_for: Option<Duration>) {
        let Some(until) = self.kept_until(now, idle_for) else { return };
        line.clear();
        let plain = &mut self.lock().plain;
        if plain.len() >= self.most {
            plain.remove(0);
        }
        plain.push(Plain { line, until });
    }

    /// Takes note of a new connection: one of HTTP/2 is there for all calls.
    pub(crate) fn note(&self, sender: &Sender, now: Instant) {
        let speaks_http1 = match sender {
            Sender::Http1(_) => true,
            Sender::Http2(sender) => {
                self.lock().shared = Some(Shared { sender: sender.clone(), used: now });
                false
            }
        };
        self.speaks_http1.store(speaks_http1, Ordering::Relaxed);
    }

    /// Is it known that every call needs a connection of its own?
    pub(crate) fn speaks_http1(&self) -> bool {
        self.speaks_http1.load(Ordering::Relaxed)
    }

    /// Closes what is old or was closed by the backend; what is left gives up its memory, for it may stay
    /// idle. Tells how many are left.
    pub(crate) fn sweep(&self, now: Instant) -> usize {
        let mut state = self.lock();
        state.idle.retain(|idle| now < idle.until && !idle.sender.is_closed());
        state.plain.retain(|plain| now < plain.until && is_quiet(&plain.line.stream));
        state.plain.iter_mut().for_each(|plain| plain.line.inbox = BytesMut::new());
        // Calls that are under way on it go on.
        state.shared =
            state.shared.take().filter(|s| !self.is_old(s.used, now) && !s.sender.is_closed());
        state.idle.len() + state.plain.len() + usize::from(state.shared.is_some())
    }

    /// Until when a connection may be idle, if it is kept at all.
    fn kept_until(&self, now: Instant, idle_for: Option<Duration>) -> Option<Instant> {
        let time = idle_for.map_or(self.time, |idle_for| idle_for.min(self.time));
        (self.most > 0 && !time.is_zero()).then(|| now + time)
    }

    fn is_old(&self, since: Instant, now: Instant) -> bool {
        now.saturating_duration_since(since) >= self.time
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the backend neither hung up nor said anything? Costs no system call as long as nothing is heard.
fn is_quiet(stream: &TcpStream) -> bool {
    stream.try_read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::io::DuplexStream;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A connection that is ready, and its other end.
    async fn connection() -> (http1::SendRequest<AnyBody>, DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(64);
        let (mut sender, connection) = http1::handshake(TokioIo::new(ours)).await.unwrap();
        tokio::spawn(connection);
        sender.ready().await.unwrap();
        (sender, theirs)
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_used_goes_first_and_the_oldest_goes_when_there_are_too_many() {
        let pool = Pool::new(2, MINUTE);
        let start = Instant::now();
        let mut ends = Vec::new();
        for n in 0..3 {
            let (sender, end) = connection().await;
            pool.keep(sender, start + MINUTE / 4 * n, None);
            ends.push(end);
        }
        assert_eq!(pool.sweep(start), 2);
        let now = start + MINUTE / 4 * 6;
        assert!(pool.take(now - Duration::from_millis(1)).is_some(), "the newest is not old yet");
        assert!(pool.take(now).is_none(), "the other one is");
        assert_eq!(pool.sweep(start), 0);
        let (sender, _end) = connection().await;
        let none = Pool::new(0, MINUTE);
        none.keep(sender, start, None);
        assert!(none.take(start).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_hung_up_on_or_is_busy_is_not_taken() {
        let pool = Pool::new(8, MINUTE);
        let now = Instant::now();
        let (sender, end) = connection().await;
        pool.keep(sender, now, None);
        drop(end);
        while pool.sweep(now) > 0 {
            tokio::task::yield_now().await;
        }
        assert!(pool.take(now).is_none());

        let (mut busy, _end) = connection().await;
        let answer = busy.send_request(http::Request::new(crate::body::full("")));
        tokio::task::yield_now().await;
        pool.keep(busy, now, None);
        assert!(pool.take(now).is_none());
        drop(answer);
    }

    #[tokio::test(start_paused = true)]
    async fn one_connection_of_http2_is_there_for_all_until_nobody_uses_it() {
        let pool = Pool::new(0, MINUTE);
        let start = Instant::now();
        let (ours, end) = tokio::io::duplex(1024);
        let shake = http2::handshake(TokioExecutor::new(), TokioIo::new(ours));
        let (sender, connection) = shake.await.unwrap();
        let driven = tokio::spawn(connection);
        pool.note(&Sender::Http2(sender), start);
        assert!(!pool.speaks_http1());
        let used = start + MINUTE / 2;
        assert!(matches!(pool.take(used), Some(Sender::Http2(_))));
        assert_eq!(pool.sweep(start + MINUTE), 1);
        assert_eq!(pool.sweep(used + MINUTE), 0);
        drop(end);
        drop(driven.await);
    }
}

//! The connections to one backend that wait for their next call.
//!
//! A worker thread has a pool of its own, so the lock in it is never waited for. The connection that
//! was used last is used next: so those that are not needed grow old, and are closed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use crate::body::AnyBody;

/// The idle connections to one backend.
pub(crate) struct Pool {
    idle: Mutex<Vec<Idle>>,
    /// The most that are kept.
    most: usize,
    /// How long one is kept.
    time: Duration,
}

struct Idle {
    sender: SendRequest<AnyBody>,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(most: usize, time: Duration) -> Self {
        Self { idle: Mutex::default(), most, time }
    }

    /// A connection that can take a call at once.
    pub(crate) fn take(&self, now: Instant) -> Option<SendRequest<AnyBody>> {
        let mut idle = self.lock();
        while let Some(last) = idle.pop() {
            if self.is_old(&last, now) {
                // The others are older.
                idle.clear();
                return None;
            }
            if last.sender.is_ready() {
                return Some(last.sender);
            }
        }
        None
    }

    /// Keeps a connection whose answer has been read to its end.
    pub(crate) fn keep(&self, sender: SendRequest<AnyBody>, now: Instant) {
        if self.most == 0 {
            return;
        }
        let mut idle = self.lock();
        if idle.len() >= self.most {
            // The oldest goes, for it is the most likely to be closed soon.
            idle.remove(0);
        }
        idle.push(Idle { sender, since: now });
    }

    /// Closes what is old or was closed by the backend. Tells how many are left.
    pub(crate) fn sweep(&self, now: Instant) -> usize {
        let mut idle = self.lock();
        idle.retain(|idle| !self.is_old(idle, now) && !idle.sender.is_closed());
        idle.len()
    }

    fn is_old(&self, idle: &Idle, now: Instant) -> bool {
        now.saturating_duration_since(idle.since) >= self.time
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper_util::rt::TokioIo;
    use tokio::io::DuplexStream;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A connection that is ready, and its other end.
    async fn connection() -> (SendRequest<AnyBody>, DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(64);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
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
            pool.keep(sender, start + MINUTE / 4 * n);
            ends.push(end);
        }
        assert_eq!(pool.sweep(start), 2);
        let now = start + MINUTE / 4 * 6;
        assert!(pool.take(now - Duration::from_millis(1)).is_some(), "the newest is not old yet");
        assert!(pool.take(now).is_none(), "the other one is");
        assert_eq!(pool.sweep(start), 0);
        assert!(Pool::new(0, MINUTE).take(start).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_hung_up_on_or_is_busy_is_not_taken() {
        let pool = Pool::new(8, MINUTE);
        let now = Instant::now();
        let (sender, end) = connection().await;
        pool.keep(sender, now);
        drop(end);
        while pool.sweep(now) > 0 {
            tokio::task::yield_now().await;
        }
        assert!(pool.take(now).is_none());

        let (mut busy, _end) = connection().await;
        let answer = busy.send_request(http::Request::new(crate::body::full("")));
        tokio::task::yield_now().await;
        pool.keep(busy, now);
        assert!(pool.take(now).is_none());
        drop(answer);
    }
}

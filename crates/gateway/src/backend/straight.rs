//! The straight way to a backend: plain HTTP/1.1 on connections without a task of their own. A request
//! goes out in one write, and its answer is read by the task that serves the caller.

use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::Backends;
use super::connections::Inner;
use super::failure::Failure;
use super::head::{Head, head, is_bodiless};
use super::pool::{Line, Pool};
use super::way::Way;
use crate::framing::{Framing, Torn};
use crate::headers::{self, Lines};
use crate::limits::READ_BYTES;
use crate::upstream::Endpoint;

/// What is asked of a backend.
pub(crate) struct Wish<'r> {
    pub(crate) method: &'r Method,
    /// Path and query.
    pub(crate) address: &'r str,
    /// All but `Host` and `Content-Length`.
    pub(crate) headers: &'r Lines,
    pub(crate) body: &'r [u8],
}

impl Wish<'_> {
    /// May it be sent twice?
    fn is_safe(&self) -> bool {
        self.method.is_safe() && self.body.is_empty()
    }
}

/// The way: a wish, and where the head of its answer is written for the caller.
pub(crate) struct Straight<'r> {
    inner: &'r Arc<Inner>,
    wish: Wish<'r>,
    /// What is sent; and then the head of the answer, up to the headers that the gate itself says.
    pub(crate) out: Vec<u8>,
}

impl<'r> Straight<'r> {
    pub(crate) fn new(backends: &'r Backends, wish: Wish<'r>) -> Self {
        Self { inner: &backends.0, wish, out: Vec::with_capacity(OUT_BYTES) }
    }
}

/// Enough for most requests, and for most answers.
const OUT_BYTES: usize = 2 * 1024;

/// An answer whose head is there.
pub(crate) struct Begun {
    pub(crate) status: StatusCode,
    pub(crate) framing: Framing,
    /// Did the backend say when it answered?
    pub(crate) is_dated: bool,
    /// Where it comes from, with what was read and not passed on.
    line: Line,
    pool: Arc<Pool>,
    /// May the connection be used again?
    keeps: bool,
    /// How long it may be idle until then, if the backend says so.
    idle_for: Option<Duration>,
}

impl Begun {
    /// Is it an answer that never has a body?
    pub(crate) fn has_no_body(&self) -> bool {
        is_bodiless(self.status)
    }

    /// Passes on what has come of the body; tells how many bytes of it.
    pub(crate) fn pass(&mut self, out: &mut Vec<u8>) -> Result<u64, Torn> {
        self.framing.pass(&mut self.line.inbox, out)
    }

    /// Waits for more of the body. Nothing: the backend has hung up.
    pub(crate) async fn read(&mut self) -> std::io::Result<usize> {
        let Line { stream, inbox } = &mut self.line;
        if inbox.capacity() - inbox.len() < READ_BYTES {
            inbox.reserve(MORE_BYTES);
        }
        stream.read_buf(inbox).await
    }

    /// Keeps the connection for another call, if it is good for one.
    pub(crate) fn give_back(self, now: Instant) {
        if self.keeps && self.framing.is_over() && self.line.inbox.is_empty() {
            self.pool.keep_plain(self.line, now, self.idle_for);
        }
    }
}

/// So much is read at a time of a body that is longer than one reading.
const MORE_BYTES: usize = 4 * READ_BYTES;

impl Way for Straight<'_> {
    type Answer = Begun;

    async fn exchange(
        &mut self,
        to: &Endpoint,
        now: Instant,
        connect: Duration,
    ) -> Result<Begun, Failure> {
        self.write(to);
        let pool = self.inner.pool(to);
        let mut takes_kept = true;
        loop {
            let kept = if takes_kept { pool.take_plain(now) } else { None };
            let is_kept = kept.is_some();
            let (line, sent) = match kept {
                Some(mut line) => match line.stream.write(&self.out).await {
                    Ok(sent @ 1..) => (line, sent),
                    // The backend hung up before any of it was sent: nobody has seen it.
                    Ok(_) | Err(_) => continue,
                },
                None => {
                    // Rare and large: kept apart, so that it makes no call's state larger.
                    let dialed = Box::pin(self.inner.dialer.dial_plain(to, connect)).await;
                    let stream = dialed.map_err(Failure::Connection)?;
                    self.inner.sweep_later();
                    (Line::new(stream), 0)
                }
            };
            match self.rest(line, sent).await {
                // What only reads may be asked again when the backend gives the connection up meanwhile.
                Err(Failure::Broken(_)) if is_kept && self.wish.is_safe() => {
                    takes_kept = false;
                    self.write(to);
                }
                Err(failure) => return Err(failure),
                Ok((head, line)) => {
                    let Head { status, framing, is_dated, keeps, idle_for } = head;
                    return Ok(Begun { status, framing, is_dated, line, pool, keeps, idle_for });
                }
            }
        }
    }

    fn again(&mut self) {}
}

impl Straight<'_> {
    /// Sends the rest of the request, and waits for the head of the answer.
    async fn rest(&mut self, mut line: Line, sent: usize) -> Result<(Head, Line), Failure> {
        let broken = |error: std::io::Error| Failure::Broken(error.to_string());
        if let Some(rest) = self.out.get(sent..).filter(|rest| !rest.is_empty()) {
            line.stream.write_all(rest).await.map_err(broken)?;
        }
        self.out.clear();
        let Line { stream, inbox } = &mut line;
        inbox.reserve(READ_BYTES);
        loop {
            let has_begun = !inbox.is_empty();
            match stream.read_buf(inbox).await {
                Ok(1..) => {}
                Ok(0) | Err(_) if has_begun => {
                    return Err(Failure::Nonsense(
                        "it hung up within its answer's head".to_owned(),
                    ));
                }
                Ok(0) => return Err(Failure::Broken("it hung up before it answered".to_owned())),
                Err(error) => return Err(broken(error)),
            }
            while let Some((length, head)) = head(inbox, &mut self.out)? {
                inbox.advance(length);
                if let Some(head) = head {
                    return Ok((head, line));
                }
            }
            inbox.reserve(READ_BYTES);
        }
    }

    /// Writes the request to this backend.
    fn write(&mut self, to: &Endpoint) {
        let Wish { method, address, headers, body } = &self.wish;
        let out = &mut self.out;
        out.clear();
        for part in [method.as_str(), " ", address, " HTTP/1.1\r\nhost: "] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(to.host_header().as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(headers.as_bytes());
        // RFC 9110, 8.6: a method that has a meaning for a body says so of an empty one, too.
        if !body.is_empty() || **method == Method::POST {
            let mut digits = itoa::Buffer::new();
            headers::write(out, CONTENT_LENGTH.as_str(), digits.format(body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
    }
}

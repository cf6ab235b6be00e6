//! Reads ahead of hyper: follows the requests of an HTTP/1 connection and lets through only heads that can be
//! answered. Hyper would answer the others itself, without a reason and a request id, and would cut a `#` off
//! a target without a word. Here such a head gets the server's own refusal, after the answers to what came
//! before it, and ends the connection.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use http::Uri;
use httparse::{EMPTY_HEADER, Header, Status};
use tidegate_sign::{MAX_TARGET_BYTES, TargetError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::denial::{Denial, Reason};
use crate::framing::Chunks;
use crate::headers::not_accepted;
use crate::limits::{LEFTOVER_BYTES, Limits, READ_BYTES};
use crate::rewound::Rewound;

/// Writes the answer to a head that is refused, which ends its connection.
pub(crate) type Refuse = Arc<dyn Fn(&Denial) -> Vec<u8> + Send + Sync>;

/// A connection of which only what can be answered is read.
pub(crate) struct Screened {
    inner: Rewound,
    refuse: Refuse,
    /// The largest head in bytes, and the most headers in it.
    most: (usize, usize),
    /// What came and is not let through yet.
    inbox: BytesMut,
    /// What is let through, and how much of it was read.
    passed: Vec<u8>,
    read: usize,
    next: Next,
    /// Will nothing more be read?
    is_over: bool,
    /// Why, if it was not the caller's end.
    refused: Option<Denial>,
    /// The refusal that ends the connection.
    last: Vec<u8>,
}

/// What comes next on a connection.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Head,
    /// So many bytes of a body.
    Body(u64),
    Chunks(Chunks),
    /// Something that is not followed: a request that hyper or the gateway closes the connection after,
    /// or another protocol.
    Anything,
}

impl Screened {
    pub(crate) fn new(inner: Rewound, limits: &Limits, refuse: Refuse) -> Self {
        Self {
            inner,
            refuse,
            most: (limits.head_bytes, limits.headers),
            inbox: BytesMut::new(),
            passed: Vec::new(),
            read: 0,
            next: Next::Head,
            is_over: false,
            refused: None,
            last: Vec::new(),
        }
    }

    /// Lets through what can be. What came before the last `new` bytes was looked at already.
    fn screen(&mut self, new: usize) {
        let mut seen = self.inbox.len().saturating_sub(new);
        while !self.inbox.is_empty() {
            match &mut self.next {
                Next::Head => {
                    if self.inbox.len() < self.most.0 && !may_end(&self.inbox, seen) {
                        return;
                    }
                    match head(&self.inbox, self.most) {
                        Ok(None) => return,
                        Ok(Some((length, next))) => {
                            self.passed.extend_from_slice(&self.inbox.split_to(length));
                            self.next = next;
                            seen = 0;
                        }
                        Err(denial) => {
                            self.refused = Some(denial);
                            self.is_over = true;
                            return;
                        }
                    }
                }
                Next::Body(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(self.inbox.len());
                    *left -= taken as u64;
                    let is_over = *left == 0;
                    self.passed.extend_from_slice(&self.inbox.split_to(taken));
                    if is_over {
                        self.next = Next::Head;
                    }
                }
                Next::Chunks(chunks) => match chunks.pass(&mut self.inbox, &mut self.passed) {
                    Ok(_) if *chunks == Chunks::End => self.next = Next::Head,
                    Ok(_) => return,
                    // Hyper meets the same bytes, and breaks the body off.
                    Err(_) => self.next = Next::Anything,
                },
                Next::Anything => self.passed.extend_from_slice(&self.inbox.split()),
            }
        }
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inbox.reserve(READ_BYTES);
        let read = ready!(pin!(self.inner.read_buf(&mut self.inbox)).poll(cx))?;
        if read == 0 {
            self.is_over = true;
            self.passed.extend_from_slice(&self.inbox.split());
        }
        self.screen(read);
        Poll::Ready(Ok(()))
    }
}

/// Can a head end in these bytes, of which those from `since` on are new?
pub(crate) fn may_end(bytes: &[u8], since: usize) -> bool {
    let new = bytes.get(since.saturating_sub(3)..).unwrap_or_default();
    new.windows(2).any(|two| two == b"\n\n") || new.windows(3).any(|three| three == b"\n\r\n")
}

/// How long the head at the beginning is, and what follows it; nothing if it is not all there yet.
fn head(inbox: &[u8], most: (usize, usize)) -> Result<Option<(usize, Next)>, Denial> {
    let (most_bytes, most_headers) = most;
    let mut headers = vec![EMPTY_HEADER; most_headers];
    let mut read = httparse::Request::new(&mut headers);
    let too_many = || format!("More than {most_headers} headers were sent.");
    let length = match read.parse(inbox) {
        Ok(Status::Complete(length)) if length <= most_bytes => length,
        Ok(Status::Partial) if inbox.len() < most_bytes => return Ok(None),
        Ok(_) if read.path.is_none_or(|path| path.len() > MAX_TARGET_BYTES) => {
            return Err(Reason::TargetTooLong.into());
        }
        Ok(_) => return Err(Reason::HeadTooLarge.into()),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Denial::new(Reason::HeadTooLarge, too_many()));
        }
        Err(error) => {
            let what = format!("The request is not well formed: {error}.");
            return Err(Denial::new(Reason::BadRequest, what));
        }
    };
    let target = read.path.unwrap_or_default();
    if target.contains('#') {
        return Err(not_accepted(TargetError::Fragment));
    }
    if Uri::try_from(target).is_err() {
        let is_long = target.len() > MAX_TARGET_BYTES;
        let why = if is_long { TargetError::TooLong } else { TargetError::NotEncoded };
        return Err(not_accepted(why));
    }
    let is_followed = read.method.is_some_and(|method| method != "CONNECT");
    let next = body(read.headers, read.version)?;
    Ok(Some((length, if is_followed { next } else { Next::Anything })))
}

/// What follows a head with these headers. Hyper would refuse some of what is refused here without a reason, and take
/// some of it in one of two ways.
fn body(headers: &[Header<'_>], minor: Option<u8>) -> Result<Next, Denial> {
    let bad = |what: &str| Err(Denial::new(Reason::BadRequest, what.to_owned()));
    let all = |name: &'static str| {
        headers.iter().filter(move |h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value)
    };
    let (mut lengths, mut codings) = (all("content-length"), all("transfer-encoding"));
    let (length, coding) = (lengths.next(), codings.next());
    if lengths.next().is_some() {
        return bad("The header `content-length` was sent more than once.");
    }
    let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    let next = match (length, coding) {
        (None, None) => Next::Head,
        (Some(length), None) => match digits(length) {
            Some(0) => Next::Head,
            Some(length) => Next::Body(length),
            None => return bad("Content-Length is not a number of bytes."),
        },
        (Some(_), Some(_)) => {
            return bad("A body has Content-Length or Transfer-Encoding, not both.");
        }
        (None, Some(_)) if minor != Some(1) => {
            return bad("HTTP/1.0 knows no Transfer-Encoding.");
        }
        (None, Some(coding)) if is_chunked(coding) && codings.next().is_none() => {
            Next::Chunks(Chunks::Size)
        }
        (None, Some(_)) => {
            return bad("A body is sent as it is, or with Transfer-Encoding `chunked` alone.");
        }
    };
    Ok(if all("upgrade").next().is_some() { Next::Anything } else { next })
}

fn digits(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

impl AsyncRead for Screened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let left = self.passed.get(self.read..).unwrap_or_default();
            if !left.is_empty() {
                let taken = left.len().min(buf.remaining());
                buf.put_slice(&left[..taken]);
                self.read += taken;
                if self.read == self.passed.len() {
                    (self.passed, self.read) = (Vec::new(), 0);
                }
                return Poll::Ready(Ok(()));
            }
            if self.is_over {
                // All before it is answered, and the connection was to go on.
                if let Some(denial) = self.refused.take() {
                    self.last = (self.refuse)(&denial);
                }
                return Poll::Ready(Ok(()));
            }
            if self.next == Next::Anything {
                return Pin::new(&mut self.inner).poll_read(cx, buf);
            }
            ready!(self.poll_more(cx))?;
        }
    }
}

impl AsyncWrite for Screened {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    /// Sends the refusal, if there is one, as far as it goes at once: who reads nothing is not waited for.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let mut last = std::mem::take(&mut this.last);
        while !last.is_empty() {
            match Pin::new(&mut this.inner).poll_write(cx, &last) {
                Poll::Ready(Ok(sent @ 1..)) => drop(last.drain(..sent)),
                Poll::Ready(_) | Poll::Pending => break,
            }
        }
        ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
        // What came and is not read would have the refusal thrown away at the other end.
        let (mut room, mut left) = ([0; 4096], LEFTOVER_BYTES);
        while this.is_over && left > 0 {
            let mut buf = ReadBuf::new(&mut room);
            match Pin::new(&mut this.inner).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    left = left.saturating_sub(buf.filled().len());
                }
                Poll::Ready(_) | Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: (usize, usize) = (1024, 10);

    fn reason(bytes: &str) -> Option<Reason> {
        head(bytes.as_bytes(), MOST).err().map(|denial| denial.reason)
    }

    #[test]
    fn what_follows_a_head_is_known_or_not_followed() {
        for (headers, next) in [
            ("", Next::Head),
            ("content-length: 0\r\n", Next::Head),
            ("Content-Length: 12\r\n", Next::Body(12)),
            ("Transfer-Encoding: Chunked\r\n", Next::Chunks(Chunks::Size)),
            ("upgrade: websocket\r\ncontent-length: 1\r\n", Next::Anything),
        ] {
            let text = format!("POST /a HTTP/1.1\r\nhost: h\r\n{headers}\r\n");
            let read = head(format!("{text}rest").as_bytes(), MOST).unwrap().unwrap();
            assert_eq!(read, (text.len(), next), "{headers}");
        }
        assert_eq!(head(b"GET /a HTTP/1.1\r\nhost:", MOST).unwrap(), None);
    }

    /// What a request may not say of its body's end, on every port.
    const FRAMINGS: [&str; 17] = [
        "content-length: +5",
        "content-length: -5",
        "content-length: 0x5",
        "content-length: 5,5",
        "content-length: 5 5",
        "content-length:",
        "content-length: 18446744073709551616",
        "content-length: 5\r\ncontent-length: 5",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked,",
        "transfer-encoding: \"chunked\"",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding:",
        "upgrade: websocket\r\ncontent-length: x",
    ];

    #[test]
    fn a_body_that_ends_in_two_places_is_refused_by_name() {
        for framing in FRAMINGS {
            let text = format!("POST /a HTTP/1.1\r\nhost: h\r\n{framing}\r\n\r\n");
            assert_eq!(reason(&text), Some(Reason::BadRequest), "{framing}");
        }
        let old = "POST /a HTTP/1.0\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(reason(old), Some(Reason::BadRequest));
    }

    #[test]
    fn what_cannot_be_answered_is_refused_by_name() {
        let get = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n");
        for target in ["/a#", "/a#/../b", "/a?b#c", "/a\"b<>", "/a?b=<", "/a?\"", "/a`b"] {
            let accepted = target == "/a\"b<>" && Uri::try_from(target).is_ok();
            assert_eq!(reason(&get(target)), (!accepted).then_some(Reason::BadRequest), "{target}");
        }
        assert_eq!(reason(&get(&format!("/{}", "a".repeat(1100)))), Some(Reason::HeadTooLarge));
        assert_eq!(reason(&format!("GET /{}", "a".repeat(1100))), Some(Reason::TargetTooLong));
        let large = format!("GET /a HTTP/1.1\r\nx: {}", "a".repeat(1100));
        assert_eq!(reason(&large), Some(Reason::HeadTooLarge));
        let many = format!("GET /a HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(11));
        assert_eq!(reason(&many), Some(Reason::HeadTooLarge));
        for text in [
            "GET /a HTTP/1.1\r\nx y: z\r\n\r\n",
            "G\0T / HTTP/1.1\r\n\r\n",
            "GET / HTTP/3.0\r\n\r\n",
        ] {
            assert_eq!(reason(text), Some(Reason::BadRequest), "{text}");
        }
    }
}

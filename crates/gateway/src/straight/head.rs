//! Which calls go straight: the head of a request, read as hyper reads it, and kept only if it is of the
//! plainest kind. There is no second opinion on any other: whatever is odd is left to hyper as it came.

use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, request};
use httparse::{Header, Status};

use crate::limits::{Limits, STRAIGHT_BODY_BYTES, STRAIGHT_HEADERS};
use crate::server::says_http2;

/// The head of a call that goes straight.
pub(super) struct Head {
    pub(super) parts: request::Parts,
    /// How many bytes of body come behind it.
    pub(super) body: usize,
    /// May another call come behind that?
    pub(super) keeps: bool,
    /// As it came.
    pub(super) bytes: Bytes,
}

/// Why there is no such head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoHead {
    /// It is not all there yet.
    Part,
    /// It is something for hyper.
    Odd,
}

/// Takes a head from the beginning of what has come, if it is one that goes straight. A body that is larger
/// than any that is held is for hyper, too.
pub(super) fn take(inbox: &mut BytesMut, limits: &Limits) -> Result<Head, NoHead> {
    if says_http2(inbox).is_none() {
        return Err(NoHead::Part);
    }
    let all = inbox.split().freeze();
    let read = read(&all, limits);
    let taken = read.as_ref().map_or(0, |head| head.bytes.len());
    inbox.extend_from_slice(&all[taken..]);
    read
}

fn read(all: &Bytes, limits: &Limits) -> Result<Head, NoHead> {
    let mut slots = [const { MaybeUninit::<Header<'_>>::uninit() }; STRAIGHT_HEADERS];
    let mut read = httparse::Request::new(&mut []);
    let length = match read.parse_with_uninit_headers(all, &mut slots) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Err(NoHead::Part),
        Err(_) => return Err(NoHead::Odd),
    };
    plain(all, length, &read, limits).ok_or(NoHead::Odd)
}

fn plain(
    all: &Bytes,
    length: usize,
    read: &httparse::Request<'_, '_>,
    limits: &Limits,
) -> Option<Head> {
    let method = match read.method? {
        "GET" => Method::GET,
        "POST" => Method::POST,
        _ => return None,
    };
    let path = read.path?;
    // The types of `http` cut off what begins with a `#`.
    if read.version? != 1
        || path.contains('#')
        || !path.starts_with('/')
        || read.headers.len() > limits.headers
    {
        return None;
    }
    let (mut has_host, mut body, mut keeps) = (false, None, None);
    let mut headers = HeaderMap::with_capacity(read.headers.len());
    for header in read.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        if name == HOST {
            if has_host {
                return None;
            }
            has_host = true;
        } else if name == CONTENT_LENGTH {
            if body.replace(length_of(header.value)?).is_some() {
                return None;
            }
        } else if name == CONNECTION {
            if keeps.replace(goes_on(header.value)?).is_some() {
                return None;
            }
        } else if name == TRANSFER_ENCODING || name == UPGRADE || name == EXPECT {
            return None;
        }
        headers.append(name, HeaderValue::from_maybe_shared(all.slice_ref(header.value)).ok()?);
    }
    if !has_host {
        return None;
    }
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = method;
    parts.uri = Uri::from_maybe_shared(all.slice_ref(path.as_bytes())).ok()?;
    parts.headers = headers;
    let (body, keeps) = (body.unwrap_or(0), keeps.unwrap_or(true));
    if body > usize::try_from(limits.buffered_body).unwrap_or(usize::MAX) {
        return None;
    }
    Some(Head { parts, body, keeps, bytes: all.slice(..length) })
}

/// The length of a body that is small enough.
fn length_of(value: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(value).ok()?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let length = is_number.then(|| text.parse().ok()).flatten()?;
    (length <= STRAIGHT_BODY_BYTES).then_some(length)
}

/// Does the connection go on, as a plain `Connection` says?
fn goes_on(value: &[u8]) -> Option<bool> {
    if value.eq_ignore_ascii_case(b"keep-alive") {
        Some(true)
    } else if value.eq_ignore_ascii_case(b"close") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::may_end;

    fn of(text: &[u8]) -> (Result<Head, NoHead>, Vec<u8>) {
        let mut inbox = BytesMut::from(text);
        let limits = Limits { headers: 10, buffered_body: 1 << 20, ..Limits::default() };
        let head = take(&mut inbox, &limits);
        (head, inbox.to_vec())
    }

    #[test]
    fn a_plain_head_is_taken_and_what_is_behind_it_stays() {
        let text = "POST /o/7?a=1 HTTP/1.1\r\nHost: h\r\nX-A:  1 \r\nx-a: \u{e9}\r\ncontent-length: 4\r\n\
                    Connection: Close\r\n\r\n";
        let (head, rest) = of(format!("{text}bodyGET").as_bytes());
        let Head { parts, body, keeps, bytes } = head.unwrap();
        assert_eq!((parts.method.as_str(), parts.uri.to_string().as_str()), ("POST", "/o/7?a=1"));
        assert_eq!(
            (body, keeps, &bytes[..], &rest[..]),
            (4, false, text.as_bytes(), &b"bodyGET"[..])
        );
        let values: Vec<_> = parts.headers.get_all("x-a").iter().map(|v| v.as_bytes()).collect();
        assert_eq!(values, [&b"1"[..], "\u{e9}".as_bytes()]);
        let (head, _) = of(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n");
        let head = head.unwrap();
        assert!(head.keeps && head.body == 0);
    }

    #[test]
    fn anything_odd_is_left_as_it_came() {
        let many = format!("host: h\r\n{}", "x: y\r\n".repeat(10));
        let large = format!("host: h\r\ncontent-length: {}\r\n", STRAIGHT_BODY_BYTES + 1);
        for (line, headers) in [
            ("HEAD / HTTP/1.1", "host: h\r\n"),
            ("PUT / HTTP/1.1", "host: h\r\n"),
            ("get / HTTP/1.1", "host: h\r\n"),
            ("GET / HTTP/1.0", "host: h\r\n"),
            ("GET http://h/ HTTP/1.1", "host: h\r\n"),
            ("GET * HTTP/1.1", "host: h\r\n"),
            ("GET /a#b HTTP/1.1", "host: h\r\n"),
            ("GET / HTTP/1.1", ""),
            ("GET / HTTP/1.1", "host: h\r\nhost: h\r\n"),
            ("GET / HTTP/1.1", "host: h\r\nconnection: upgrade\r\n"),
            ("GET / HTTP/1.1", "host: h\r\nconnection: close, x\r\n"),
            ("GET / HTTP/1.1", "host: h\r\nconnection: close\r\nconnection: close\r\n"),
            ("GET / HTTP/1.1", "host: h\r\nupgrade: x\r\n"),
            ("GET / HTTP/1.1", "host: h\r\nexpect: 100-continue\r\n"),
            ("GET / HTTP/1.1", "host: h\r\ntransfer-encoding: chunked\r\n"),
            ("GET / HTTP/1.1", "host: h\r\ncontent-length: 1\r\ncontent-length: 1\r\n"),
            ("GET / HTTP/1.1", "host: h\r\ncontent-length: +1\r\n"),
            ("GET / HTTP/1.1", "host: h\r\ncontent-length:\r\n"),
            ("GET / HTTP/1.1", "host: h\r\nx : y\r\n"),
            ("GET / HTTP/1.1", "host: h\r\n x: y\r\n"),
            ("GET /\u{7f} HTTP/1.1", "host: h\r\n"),
            ("POST / HTTP/1.1", &large),
            ("GET / HTTP/1.1", &many),
        ] {
            let text = format!("{line}\r\n{headers}\r\nrest");
            let (head, rest) = of(text.as_bytes());
            assert_eq!(head.err(), Some(NoHead::Odd), "{text}");
            assert_eq!(rest, text.as_bytes());
        }
    }

    #[test]
    fn a_part_of_a_head_waits_for_the_rest() {
        let text = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n";
        for end in 0..text.len() {
            let (head, rest) = of(&text[..end]);
            assert_eq!((head.err(), &rest[..]), (Some(NoHead::Part), &text[..end]), "{end}");
            assert!(!may_end(&text[..end], 0));
        }
        assert!((0..=text.len()).all(|since| may_end(text, since.min(text.len() - 1))));
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        for end in 0..preface.len() {
            assert_eq!(of(&preface[..end]).0.err(), Some(NoHead::Part));
        }
        assert_eq!(of(preface).0.err(), Some(NoHead::Odd));
    }
}

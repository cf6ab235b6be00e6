//! The head of an answer, on connections that calls use straight.

use std::mem::MaybeUninit;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::{HeaderName, StatusCode};
use httparse::{Header, ParserConfig, Response, Status};

use super::failure::Failure;
use super::keep_alive::idle_for;
use crate::framing::{Chunks, Framing};
use crate::headers;
use crate::limits::{ANSWER_HEAD_BYTES, ANSWER_HEADERS};

/// What the head of an answer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) framing: Framing,
    /// Does it say when it was made?
    pub(super) is_dated: bool,
    /// May the connection be used again?
    pub(super) keeps: bool,
    /// How long it may be idle until then, if the backend says so.
    pub(super) idle_for: Option<Duration>,
}

/// Reads a head, if all of it is there, and writes for the caller what of it is for him. Tells its length;
/// one that only says that the answer is still to come is skipped.
pub(super) fn head(
    inbox: &[u8],
    out: &mut Vec<u8>,
) -> Result<Option<(usize, Option<Head>)>, Failure> {
    let nonsense = |what: &dyn std::fmt::Display| Failure::Nonsense(format!("its answer: {what}"));
    let mut slots = [const { MaybeUninit::<Header<'_>>::uninit() }; ANSWER_HEADERS];
    let mut read = Response::new(&mut []);
    let parsed =
        ParserConfig::default().parse_response_with_uninit_headers(&mut read, inbox, &mut slots);
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) if inbox.len() < ANSWER_HEAD_BYTES => return Ok(None),
        Ok(Status::Partial) => return Err(nonsense(&"its head is too long")),
        Err(error) => return Err(nonsense(&error)),
    };
    let status = read.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or_else(|| nonsense(&"it has no status"))?;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(nonsense(&"nobody asked to switch protocols"));
    }
    if status.is_informational() {
        return Ok(Some((length, None)));
    }
    let said = Said::read(read.headers).map_err(|what| nonsense(&what))?;
    let framing = said.framing(status, read.version).map_err(|what| nonsense(&what))?;
    let keeps = said.keeps(read.version);
    headers::begin(out, status);
    said.write(read.headers, status, out);
    let Said { is_dated, idle_for, .. } = said;
    Ok(Some((length, Some(Head { status, framing, is_dated, keeps, idle_for }))))
}

/// A header that says something to the gate itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Connection,
    Length,
    Coding,
    Date,
    KeepAlive,
}

impl Known {
    fn of(name: &str) -> Option<Self> {
        let (known, kind) = match name.len() {
            4 => (DATE, Self::Date),
            10 if name.as_bytes().first() == Some(&b'k')
                || name.as_bytes().first() == Some(&b'K') =>
            {
                (KEEP_ALIVE, Self::KeepAlive)
            }
            10 => (CONNECTION, Self::Connection),
            14 => (CONTENT_LENGTH, Self::Length),
            17 => (TRANSFER_ENCODING, Self::Coding),
            _ => return None,
        };
        name.eq_ignore_ascii_case(known.as_str()).then_some(kind)
    }
}

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// What the headers of an answer say.
#[derive(Default)]
struct Said<'h> {
    length: Option<u64>,
    coding: Option<&'h [u8]>,
    closes: bool,
    /// Headers that are not for the caller, by the backend's word.
    nominated: Vec<&'h [u8]>,
    is_dated: bool,
    idle_for: Option<Duration>,
}

impl<'h> Said<'h> {
    /// What two readers could take in two ways is no answer.
    fn read(headers: &[Header<'h>]) -> Result<Self, &'static str> {
        let mut said = Self::default();
        for header in headers {
            match Known::of(header.name) {
                None => {}
                Some(Known::Date) => said.is_dated = true,
                Some(Known::KeepAlive) => said.idle_for = idle_for(header.value),
                Some(Known::Connection) => said.connection(header.value),
                Some(Known::Length) => {
                    let told = digits(header.value).ok_or("its Content-Length is no number")?;
                    if said.length.replace(told).is_some_and(|before| before != told) {
                        return Err("it has two lengths");
                    }
                }
                Some(Known::Coding) => {
                    let before = said.coding.replace(header.value);
                    if before.is_some() {
                        return Err("it is coded twice");
                    }
                }
            }
        }
        Ok(said)
    }

    fn connection(&mut self, value: &'h [u8]) {
        for token in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if token.eq_ignore_ascii_case(b"close") {
                self.closes = true;
            } else if !token.eq_ignore_ascii_case(b"keep-alive") {
                self.nominated.push(token);
            }
        }
    }

    /// How the body is delimited.
    fn framing(&self, status: StatusCode, minor: Option<u8>) -> Result<Framing, &'static str> {
        match (self.coding, self.length) {
            _ if is_bodiless(status) => Ok(Framing::Length(0)),
            (None, Some(length)) => Ok(Framing::Length(length)),
            (None, None) => Ok(Framing::UntilClose),
            (Some(coding), _) if minor == Some(1) && coding.eq_ignore_ascii_case(b"chunked") => {
                Ok(Framing::Chunked(Chunks::Size))
            }
            (Some(_), _) => Err("its Transfer-Encoding is not `chunked` alone"),
        }
    }

    /// May the connection be used again?
    fn keeps(&self, minor: Option<u8>) -> bool {
        let is_framed_once = self.coding.is_none() || self.length.is_none();
        minor == Some(1) && !self.closes && is_framed_once
    }

    /// Writes the headers that are for the caller; how it is delimited is told anew.
    fn write(&self, headers: &[Header<'h>], status: StatusCode, out: &mut Vec<u8>) {
        let is_nominated = |name: &str| {
            self.nominated.iter().any(|token| token.eq_ignore_ascii_case(name.as_bytes()))
        };
        let keeps_length = status == StatusCode::NOT_MODIFIED;
        for Header { name, value } in headers {
            let is_length = Known::of(name) == Some(Known::Length);
            if (!is_length || keeps_length) && headers::is_for_caller(name) && !is_nominated(name) {
                headers::write(out, name, value);
            }
        }
    }
}

/// Has an answer of this status never a body?
pub(super) fn is_bodiless(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// A number of digits and nothing else.
fn digits(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of an answer's head the caller reads, and what it says.
    fn read(text: &str) -> Result<(String, Head), String> {
        let mut out = Vec::new();
        match head(text.as_bytes(), &mut out) {
            Ok(Some((length, Some(head)))) => {
                assert_eq!(length, text.find("\r\n\r\n").unwrap() + 4);
                Ok((String::from_utf8(out).unwrap(), head))
            }
            Ok(_) => Err("not yet".to_owned()),
            Err(Failure::Nonsense(why)) => Err(why),
            Err(_) => Err("another failure".to_owned()),
        }
    }

    #[test]
    fn a_head_says_how_its_body_ends_and_whether_the_connection_goes_on() {
        let chunked = || Framing::Chunked(Chunks::Size);
        for (head, framing, keeps) in [
            ("200 OK\r\ncontent-length: 5", Framing::Length(5), true),
            ("200 OK\r\ncontent-length: 5\r\nContent-Length: 5", Framing::Length(5), true),
            ("200 OK\r\nContent-Length: 5\r\nconnection: close", Framing::Length(5), false),
            ("200 OK\r\ncontent-length: 5\r\nconnection: x, Close", Framing::Length(5), false),
            ("200 OK\r\nTransfer-Encoding: Chunked", chunked(), true),
            ("200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5", chunked(), false),
            ("200 OK", Framing::UntilClose, true),
            ("204 No Content", Framing::Length(0), true),
            ("304 Not Modified\r\ncontent-length: 5", Framing::Length(0), true),
        ] {
            let text = format!("HTTP/1.1 {head}\r\n\r\nbody");
            let (_, said) = read(&text).unwrap();
            assert_eq!((said.framing, said.keeps), (framing, keeps), "{head}");
        }
        let (_, old) = read("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n").unwrap();
        assert!(!old.keeps);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_answer() {
        for head in [
            "200 OK\r\ncontent-length: 5\r\ncontent-length: 6",
            "200 OK\r\ncontent-length: +5",
            "200 OK\r\ncontent-length: 5, 5",
            "200 OK\r\ncontent-length:",
            "200 OK\r\ntransfer-encoding: gzip, chunked",
            "200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked",
            "200 OK\r\ntransfer-encoding: identity",
            "101 Switching Protocols",
            "099 What",
            "200 OK\r\nx y: z",
            "200 OK\r\nx: a\r\n b",
        ] {
            let why = read(&format!("HTTP/1.1 {head}\r\n\r\n")).unwrap_err();
            assert!(why.starts_with("its answer"), "{head}: {why}");
        }
        read("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap_err();
        assert_eq!(read("HTTP/1.1 100 Continue\r\n\r\n").unwrap_err(), "not yet");
        assert_eq!(read("HTTP/1.1 200 OK\r\ncontent").unwrap_err(), "not yet");
    }

    #[test]
    fn the_caller_reads_what_is_for_him() {
        let idle = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nKeep-Alive: timeout=5, max=9\r\n\r\n";
        assert_eq!(read(idle).unwrap().1.idle_for, Some(Duration::from_secs(4)));
        let (told, said) = read(
            "HTTP/1.1 200 Sure\r\nServer: x\r\nDate: now\r\nContent-Length: 5\r\n\
             Connection: close, X-Inner\r\nx-inner: 1\r\nX_Tidegate_App: a\r\nx-request-id: 1\r\n\
             Keep-Alive: 5\r\nSet-Cookie: a\r\nset-cookie: b\r\nx-result:\r\n\r\n",
        )
        .unwrap();
        assert_eq!(
            told,
            "HTTP/1.1 200 OK\r\nServer: x\r\nDate: now\r\nSet-Cookie: a\r\nset-cookie: b\r\n\
             x-result: \r\n"
        );
        assert!(said.is_dated);
    }
}

//! gRPC, as far as one call with one message each way needs it: the prefix before a message, the
//! codes, and what goes before and after an answer.

use bytes::{Buf, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

/// A flag for compression, and the length of the message.
pub(super) const PREFIX_BYTES: usize = 5;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPTED: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const CONTENT: HeaderValue = HeaderValue::from_static("application/grpc");

/// The codes that are used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    DeadlineExceeded = 4,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Code {
    pub(super) fn number(self) -> u16 {
        self as u16
    }
}

/// Why a question gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault(pub(super) Code, pub(super) &'static str);

/// Is this a question that can be answered? Only its head is looked at.
pub(super) fn check_head<B>(request: &Request<B>, path: &str) -> Result<(), Fault> {
    if request.uri().path() != path {
        return Err(Fault(Code::Unimplemented, "there is no such call"));
    }
    let headers = request.headers();
    let content = headers.get(CONTENT_TYPE).map_or(b"".as_slice(), HeaderValue::as_bytes);
    let is_grpc = content == CONTENT.as_bytes()
        || content.starts_with(b"application/grpc+proto")
        || content.starts_with(b"application/grpc;");
    if request.method() != Method::POST || !is_grpc {
        return Err(Fault(Code::Internal, "this is no call of gRPC"));
    }
    if headers.get(ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Fault(Code::Unimplemented, "no compression is taken but `identity`"));
    }
    Ok(())
}

/// A message on its way in.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// What has come, as long as it came in one piece.
    first: Bytes,
    /// What has come, if it came in more.
    all: BytesMut,
    /// What it should be in the end, with its prefix.
    length: Option<usize>,
}

impl Message {
    /// Takes what came.
    pub(super) fn take(&mut self, piece: Bytes, most: usize) -> Result<(), Fault> {
        if self.first.is_empty() && self.all.is_empty() {
            self.first = piece;
        } else {
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
            self.all.extend_from_slice(&piece);
        }
        let come = self.come();
        let Some((prefix, _)) = come.split_first_chunk::<PREFIX_BYTES>() else { return Ok(()) };
        let length = length(prefix, most)?;
        if come.len() > length {
            return Err(Fault(Code::Unimplemented, "more came than one message"));
        }
        self.length = Some(length);
        Ok(())
    }

    /// What has come.
    pub(super) fn come(&self) -> &[u8] {
        if self.all.is_empty() { &self.first } else { &self.all }
    }

    /// All of it, without its prefix, when nothing more will come.
    pub(super) fn whole(self) -> Result<Bytes, Fault> {
        if self.length != Some(self.come().len()) {
            return Err(Fault(Code::Internal, "the message broke off"));
        }
        let mut whole = if self.all.is_empty() { self.first } else { self.all.freeze() };
        whole.advance(PREFIX_BYTES);
        Ok(whole)
    }
}

/// The length of a message with its prefix.
fn length(prefix: &[u8; PREFIX_BYTES], most: usize) -> Result<usize, Fault> {
    let [flag, length @ ..] = *prefix;
    if flag != 0 {
        return Err(Fault(Code::Internal, "the message is compressed, by nobody knows what"));
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > most {
        return Err(Fault(Code::ResourceExhausted, "the message is too large"));
    }
    Ok(length.saturating_add(PREFIX_BYTES))
}

/// Writes the prefix of the answer into the room that was left for it.
pub(super) fn framed(mut answer: Vec<u8>) -> Bytes {
    let length = answer.len().saturating_sub(PREFIX_BYTES);
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(room) = answer.get_mut(1..PREFIX_BYTES) {
        room.copy_from_slice(&length);
    }
    answer.into()
}

/// The head of an answer.
pub(super) fn head() -> Response<()> {
    let mut headers = HeaderMap::with_capacity(1);
    headers.insert(CONTENT_TYPE, CONTENT);
    with_headers(headers)
}

/// What comes after an answer.
pub(super) fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(STATUS, HeaderValue::from_static("0"));
    trailers
}

/// The head that takes the place of an answer.
pub(super) fn fault(Fault(code, message): Fault) -> Response<()> {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, CONTENT);
    headers.insert(STATUS, code.number().into());
    headers.insert(MESSAGE, HeaderValue::from_static(message));
    if code == Code::Unimplemented {
        headers.insert(ACCEPTED, HeaderValue::from_static("identity"));
    }
    with_headers(headers)
}

fn with_headers(headers: HeaderMap) -> Response<()> {
    let mut head = Response::new(());
    *head.status_mut() = StatusCode::OK;
    *head.headers_mut() = headers;
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(pieces: &[&'static [u8]]) -> Result<Bytes, Code> {
        let mut message = Message::default();
        for piece in pieces {
            message.take(Bytes::from_static(piece), 8).map_err(|fault| fault.0)?;
        }
        message.whole().map_err(|fault| fault.0)
    }

    #[test]
    fn one_message_is_taken_in_whatever_pieces_it_comes() {
        assert_eq!(take(&[b"\0\0\0\0\x03abc"]).unwrap(), "abc");
        assert_eq!(take(&[b"\0\0", b"\0\0\x03a", b"", b"bc"]).unwrap(), "abc");
        assert_eq!(take(&[b"", b"\0\0\0\0\0"]).unwrap(), "");
        let refused: [(&[&'static [u8]], Code); 8] = [
            (&[], Code::Internal),
            (&[b"\0\0\0"], Code::Internal),
            (&[b"\0\0\0\0\x03ab"], Code::Internal),
            (&[b"\0\0\0\0\x03abcd"], Code::Unimplemented),
            (&[b"\0\0\0\0\0", b"\0\0\0\0\0"], Code::Unimplemented),
            (&[b"\x01\0\0\0\x03abc"], Code::Internal),
            (&[b"\0\0\0\0\x09"], Code::ResourceExhausted),
            (&[b"\0\xff\xff\xff\xff"], Code::ResourceExhausted),
        ];
        for (pieces, code) in refused {
            assert_eq!(take(pieces), Err(code), "{pieces:?}");
        }
    }
}

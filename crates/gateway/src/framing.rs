//! How the body of an answer is delimited, on connections that calls use straight.

use std::io::Write;

use bytes::{Buf, BytesMut};
use httparse::Status;

use crate::limits::{CHUNK_LINE_BYTES, TRAILER_BYTES};

/// Where a body ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// After the last chunk.
    Chunked(Chunks),
    /// When the backend hangs up.
    UntilClose,
}

/// Where in a chunked body one is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chunks {
    /// Before the line that tells a chunk's size.
    Size,
    /// Within a chunk of which so many bytes are to come.
    Data(u64),
    /// Behind a chunk's data.
    AfterData,
    /// Behind the last chunk, where lines may come that nobody wants; so many bytes of them have.
    Trailer(usize),
    /// Behind it all.
    End,
}

/// The body is not well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body of the answer is not well formed")]
pub(crate) struct Torn;

impl Framing {
    /// Has all of the body been passed on?
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunks::End))
    }

    /// Takes what has come out of `from`, framed anew for the caller, and tells how many bytes of it are
    /// body. A body without a length is sent on in chunks. What is behind the end stays.
    pub(crate) fn pass(&mut self, from: &mut BytesMut, to: &mut Vec<u8>) -> Result<u64, Torn> {
        match self {
            Self::Length(left) => {
                let taken = at_most(from.len(), *left);
                *left -= taken as u64;
                to.extend_from_slice(&from[..taken]);
                from.advance(taken);
                Ok(taken as u64)
            }
            Self::Chunked(chunks) => chunks.pass(from, to),
            Self::UntilClose => {
                let taken = from.len();
                chunk(to, from);
                from.clear();
                Ok(taken as u64)
            }
        }
    }

    /// The backend has hung up. Is that the end of the body? If so, the caller is told.
    pub(crate) fn close(&mut self, to: &mut Vec<u8>) -> bool {
        let ends = *self == Self::UntilClose;
        if ends {
            to.extend_from_slice(LAST_CHUNK);
            *self = Self::Length(0);
        }
        ends
    }
}

const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

impl Chunks {
    /// Takes what has come out of `from`, in chunks made anew, and returns how many bytes of it are body.
    pub(crate) fn pass(&mut self, from: &mut BytesMut, to: &mut Vec<u8>) -> Result<u64, Torn> {
        let mut passed = 0;
        loop {
            match self {
                // A line without a size is one of size 0 to the parser.
                Self::Size if !from.first().is_none_or(u8::is_ascii_hexdigit) => return Err(Torn),
                Self::Size => match httparse::parse_chunk_size(from).map_err(|_| Torn)? {
                    Status::Complete((line, _)) if line > CHUNK_LINE_BYTES => return Err(Torn),
                    Status::Complete((line, size)) => {
                        from.advance(line);
                        *self = if size == 0 { Self::Trailer(0) } else { Self::Data(size) };
                    }
                    Status::Partial if from.len() > CHUNK_LINE_BYTES => return Err(Torn),
                    Status::Partial => return Ok(passed),
                },
                Self::Data(left) => {
                    let taken = at_most(from.len(), *left);
                    if taken == 0 {
                        return Ok(passed);
                    }
                    chunk(to, &from[..taken]);
                    from.advance(taken);
                    passed += taken as u64;
                    *left -= taken as u64;
                    if *left == 0 {
                        *self = Self::AfterData;
                    }
                }
                Self::AfterData => match from.get(..2) {
                    Some(b"\r\n") => {
                        from.advance(2);
                        *self = Self::Size;
                    }
                    Some(_) => return Err(Torn),
                    None => return Ok(passed),
                },
                Self::Trailer(so_far) => {
                    let Some(line) = from.windows(2).position(|two| two == b"\r\n") else {
                        let is_long = *so_far + from.len() > TRAILER_BYTES;
                        return if is_long { Err(Torn) } else { Ok(passed) };
                    };
                    *so_far += line + 2;
                    if *so_far > TRAILER_BYTES {
                        return Err(Torn);
                    }
                    from.advance(line + 2);
                    if line == 0 {
                        to.extend_from_slice(LAST_CHUNK);
                        *self = Self::End;
                    }
                }
                Self::End => return Ok(passed),
            }
        }
    }
}

/// Writes a chunk. None for nothing, which would be the last one.
fn chunk(to: &mut Vec<u8>, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    // Writing to memory cannot fail.
    let _ = write!(to, "{:x}\r\n", data.len());
    to.extend_from_slice(data);
    to.extend_from_slice(b"\r\n");
}

fn at_most(there: usize, left: u64) -> usize {
    usize::try_from(left).map_or(there, |left| left.min(there))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out when `text` comes in pieces of this size, and whether it is over then.
    fn passed(
        mut framing: Framing,
        text: &[u8],
        piece: usize,
    ) -> Result<(String, u64, bool), Torn> {
        let (mut from, mut to, mut body) = (BytesMut::new(), Vec::new(), 0);
        for part in text.chunks(piece) {
            from.extend_from_slice(part);
            body += framing.pass(&mut from, &mut to)?;
        }
        assert_eq!(from, text[text.len() - from.len()..], "what is behind the end stays");
        Ok((String::from_utf8(to).unwrap(), body, framing.is_over()))
    }

    fn chunked() -> Framing {
        Framing::Chunked(Chunks::Size)
    }

    #[test]
    fn a_body_is_passed_on_up_to_its_end() {
        for piece in [1, 2, 3, 100] {
            let length = passed(Framing::Length(5), b"helloHTTP/1.1", piece).unwrap();
            assert_eq!(length, ("hello".to_owned(), 5, true));
            let short = passed(Framing::Length(9), b"hello", piece).unwrap();
            assert_eq!(short, ("hello".to_owned(), 5, false));
            let body = b"3;a=b\r\none\r\n0A\r\n0123456789\r\n0\r\nx-a: b\r\n\r\nHTTP/1.1";
            let (text, bytes, is_over) = passed(chunked(), body, piece).unwrap();
            assert!(is_over && bytes == 13 && text.ends_with("\r\n0\r\n\r\n"), "{text}");
            let again = passed(chunked(), text.as_bytes(), 100).unwrap();
            assert_eq!((again.1, again.2), (13, true), "{text}");
            let (text, bytes, is_over) = passed(Framing::UntilClose, b"hello", piece).unwrap();
            assert!(!is_over && bytes == 5, "{text}");
            let mut end = text.into_bytes();
            assert!(Framing::UntilClose.close(&mut end));
            assert_eq!(passed(chunked(), &end, 100).unwrap().1, 5);
        }
        assert!(!Framing::Length(1).close(&mut Vec::new()) && !chunked().close(&mut Vec::new()));
    }

    #[test]
    fn what_is_not_well_formed_is_torn() {
        let long = format!("1;{}\r\n", "x".repeat(CHUNK_LINE_BYTES));
        let endless = format!("0\r\n{}\r\n", "x-a: b\r\n".repeat(TRAILER_BYTES / 8));
        for text in [
            "x\r\n",
            "\r\n",
            "+1\r\nx\r\n",
            "1\nx\r\n",
            "1\r\nxy\r\n",
            "1\r\nx\n\n0\r\n\r\n",
            "-1\r\n",
            "10000000000000000\r\n",
            long.as_str(),
            endless.as_str(),
        ] {
            for piece in [1, 7, usize::MAX] {
                assert_eq!(passed(chunked(), text.as_bytes(), piece), Err(Torn), "{text:?}");
            }
        }
    }
}

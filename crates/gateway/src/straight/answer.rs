//! What is written to the caller.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use tidegate_domain::Timestamp;

use crate::backend::Begun;
use crate::expiry_headers::ExpiryHeaders;
use crate::framing::Framing;
use crate::headers::{self, REQUEST_ID, REVISION, write};
use crate::request_id::RequestId;
use crate::state::State;

/// What the gate says in every answer.
pub(super) struct Said<'a> {
    pub(super) gate: &'a State,
    pub(super) id: &'a RequestId,
    pub(super) revision: Option<u64>,
    /// May another call come?
    pub(super) keeps: bool,
}

impl Said<'_> {
    fn write(&self, out: &mut Vec<u8>, is_dated: bool) {
        write(out, REQUEST_ID.as_str(), self.id.as_str().as_bytes());
        if let Some(revision) = self.revision {
            let mut digits = itoa::Buffer::new();
            write(out, REVISION.as_str(), digits.format(revision).as_bytes());
        }
        if !is_dated && let Some(date) = date((self.gate.clock.wall)()) {
            write(out, DATE.as_str(), date.as_bytes());
        }
        if !self.keeps {
            write(out, CONNECTION.as_str(), b"close");
        }
    }
}

/// Ends the head of a backend's answer, of which its own headers are written.
pub(super) fn end_head(out: &mut Vec<u8>, begun: &Begun, said: &Said<'_>, ends: &ExpiryHeaders) {
    for (name, value) in ends.iter() {
        write(out, name.as_str(), value.as_bytes());
    }
    match begun.framing {
        Framing::Length(_) if begun.has_no_body() => {}
        Framing::Length(length) => {
            let mut digits = itoa::Buffer::new();
            write(out, CONTENT_LENGTH.as_str(), digits.format(length).as_bytes());
        }
        Framing::Chunked(_) | Framing::UntilClose => {
            write(out, TRANSFER_ENCODING.as_str(), b"chunked");
        }
    }
    said.write(out, begun.is_dated);
    out.extend_from_slice(b"\r\n");
}

/// An answer of the gate's own.
pub(super) fn own(answer: &Response<Bytes>, said: &Said<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    headers::begin(&mut out, answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| **name != CONNECTION) {
        write(&mut out, name.as_str(), value.as_bytes());
    }
    let mut digits = itoa::Buffer::new();
    write(&mut out, CONTENT_LENGTH.as_str(), digits.format(answer.body().len()).as_bytes());
    said.write(&mut out, false);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(answer.body());
    out
}

/// A moment, as headers tell it.
fn date(at: Timestamp) -> Option<String> {
    let since = Duration::from_millis(u64::try_from(at.as_ms()).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since).map(httpdate::fmt_http_date)
}

//! How the body enters the signature.

use std::borrow::Cow;

use aws_lc_rs::digest::{Context, SHA256, digest};
use http::HeaderMap;

use crate::headers::{CONTENT_SHA256, single};
use crate::{SignError, hex};

/// The value of `X-Sdk-Content-Sha256` that leaves the body out of the signature.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// SHA-256 of nothing.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What is known of the body.
///
/// The first two are complete: whatever [`check`](crate::check()) accepts covers the body. With the
/// other two the caller has work left, told by [`Cover`].
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// The whole body; `b""` for none.
    Bytes(&'a [u8]),
    /// The SHA-256 of the whole body, by [`BodyHasher`] or [`sha256`].
    Digest(&'a [u8; 32]),
    /// The body is still to come. Its hash must be declared in `X-Sdk-Content-Sha256`, is taken
    /// from there, and has to be compared while the body streams through.
    Declared,
    /// As [`Payload::Declared`], but `UNSIGNED-PAYLOAD` is accepted too. Only for calls where
    /// official clients leave the body unsigned (multipart uploads). For a body known to be empty
    /// use `Bytes(b"")`: some clients then sign the hash of nothing.
    Unsigned,
}

/// How far the accepted signature covers the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a declared hash has to be compared with the body that streams through"]
pub enum Cover {
    /// The body is the one that was signed.
    Verified,
    /// The body is the one that was signed if, and only if, its SHA-256 is this one.
    Declared([u8; 32]),
    /// The signature says nothing about the body.
    Unsigned,
}

/// SHA-256 of bytes that are all there.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    to_array(digest(&SHA256, bytes).as_ref())
}

/// SHA-256 of a body that arrives in pieces.
#[derive(Clone)]
pub struct BodyHasher(Context);

impl BodyHasher {
    /// A hasher that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The hash of all pieces.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        to_array(self.0.finish().as_ref())
    }
}

impl Default for BodyHasher {
    fn default() -> Self {
        Self::new()
    }
}

/// The last line of the canonical request, and what accepting it means.
pub(crate) struct BodyLine<'h> {
    pub(crate) text: Cow<'h, str>,
    /// A second text that an honest client may have signed instead.
    pub(crate) alternative: Option<Cow<'h, str>>,
    pub(crate) cover: Cover,
}

impl<'h> BodyLine<'h> {
    fn of(text: impl Into<Cow<'h, str>>, cover: Cover) -> Self {
        Self { text: text.into(), alternative: None, cover }
    }
}

/// Decides what the last line must be. `is_signed` tells whether `X-Sdk-Content-Sha256` is among
/// the signed headers.
pub(crate) fn body_line<'h>(
    headers: &'h HeaderMap,
    is_signed: bool,
    payload: Payload<'_>,
) -> Result<BodyLine<'h>, SignError> {
    let declared = declared(headers)?;
    let hash = match payload {
        Payload::Bytes(b"") => return empty(declared, is_signed),
        Payload::Bytes(bytes) => sha256(bytes),
        Payload::Digest(digest) => *digest,
        Payload::Declared | Payload::Unsigned => {
            return streamed(declared, is_signed, matches!(payload, Payload::Unsigned));
        }
    };
    let text = hex::encode(&hash);
    if text == EMPTY {
        return empty(declared, is_signed);
    }
    match declared {
        None => Ok(BodyLine::of(text, Cover::Verified)),
        Some(Declared::Hash { hash: declared, .. }) if declared != hash => {
            Err(SignError::BodyMismatch)
        }
        Some(Declared::Unsigned) => Err(SignError::UnsignedPayloadRefused),
        Some(Declared::Hash { verbatim, .. }) if is_signed => {
            Ok(BodyLine::of(verbatim, Cover::Verified))
        }
        Some(Declared::Hash { .. }) => Err(SignError::ContentHashNotSigned),
    }
}

/// An empty body has two lines: the Python SDK signs the hash of nothing whatever the header says,
/// the Go SDK signs the header's value. Both cover the same empty body.
fn empty(declared: Option<Declared<'_>>, is_signed: bool) -> Result<BodyLine<'_>, SignError> {
    let verbatim = match declared {
        None => EMPTY,
        Some(Declared::Hash { verbatim, .. }) if verbatim.eq_ignore_ascii_case(EMPTY) => verbatim,
        Some(Declared::Hash { .. }) => return Err(SignError::BodyMismatch),
        Some(Declared::Unsigned) => UNSIGNED_PAYLOAD,
    };
    let alternative = (is_signed && verbatim != EMPTY).then_some(Cow::Borrowed(verbatim));
    Ok(BodyLine { alternative, ..BodyLine::of(EMPTY, Cover::Verified) })
}

fn streamed(
    declared: Option<Declared<'_>>,
    is_signed: bool,
    unsigned_is_fine: bool,
) -> Result<BodyLine<'_>, SignError> {
    let (text, cover) = match declared {
        None => return Err(SignError::MissingContentHash),
        Some(Declared::Hash { verbatim, hash }) => (verbatim, Cover::Declared(hash)),
        Some(Declared::Unsigned) if unsigned_is_fine => (UNSIGNED_PAYLOAD, Cover::Unsigned),
        Some(Declared::Unsigned) => return Err(SignError::UnsignedPayloadRefused),
    };
    if !is_signed {
        return Err(SignError::ContentHashNotSigned);
    }
    Ok(BodyLine::of(text, cover))
}

/// The value of `X-Sdk-Content-Sha256`.
enum Declared<'h> {
    /// Signed as it is written, in whatever case.
    Hash {
        verbatim: &'h str,
        hash: [u8; 32],
    },
    Unsigned,
}

fn declared(headers: &HeaderMap) -> Result<Option<Declared<'_>>, SignError> {
    let Some(value) = single(headers, CONTENT_SHA256)? else {
        return Ok(None);
    };
    if value == UNSIGNED_PAYLOAD.as_bytes() {
        return Ok(Some(Declared::Unsigned));
    }
    match (hex::decode(value), std::str::from_utf8(value)) {
        (Some(hash), Ok(verbatim)) => Ok(Some(Declared::Hash { verbatim, hash })),
        _ => Err(SignError::BadContentHash),
    }
}

/// The digest of a hash that is known to have 32 bytes.
fn to_array(bytes: &[u8]) -> [u8; 32] {
    let mut array = [0; 32];
    for (to, from) in array.iter_mut().zip(bytes) {
        *to = *from;
    }
    array
}

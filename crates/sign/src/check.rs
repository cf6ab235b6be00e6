//! Checking a signature.

use aws_lc_rs::hmac;

use crate::body::body_line;
use crate::canonical::{canonical_head, write_string_to_sign};
use crate::headers::{CONTENT_SHA256, HOST, Picked, SDK_DATE};
use crate::{Authorization, Cover, Payload, Secret, SignError, SignedRequest, parse_sdk_date};

/// The outcome of an accepted signature. Only [`check`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// The time that was signed, in unix seconds.
    pub date: i64,
    /// How far the signature covers the body; [`Cover::Declared`] leaves work to the caller.
    pub body: Cover,
    /// Whether `host` is among the signed headers. The official Go SDK leaves it out. What is not
    /// signed is the claim of whoever sent the bytes last: it may choose among things that are open to
    /// this caller anyway, and decide nothing else.
    pub host_signed: bool,
}

impl Checked {
    /// For calls that are accepted only with a signed host.
    ///
    /// # Errors
    ///
    /// [`SignError::HostNotSigned`] if `host` is not among the signed headers.
    pub fn require_signed_host(&self) -> Result<(), SignError> {
        if self.host_signed { Ok(()) } else { Err(SignError::HostNotSigned) }
    }
}

/// Accepts the request if it was signed with this secret, for this time and this body.
///
/// `wall_now_unix` is the present wall-clock time in unix seconds. The signed date may be
/// `window_seconds` away from it, either way, the bounds included; a negative window is none.
///
/// The scheme has no nonce, and honest repeats within a second are alike, so an accepted request
/// is not proven to be a new one. The key id is not part of the signed bytes: pass the secret that
/// belongs to `authorization.access`, or [`Secret::decoy`] if the key is unknown, which takes the
/// same work and the same way through the errors as a known key with a wrong signature.
///
/// # Errors
///
/// In this order: [`SignError::DateNotSigned`], [`SignError::BadMethod`], for each signed header [`SignError::HeaderNotPresent`],
/// [`SignError::DuplicateHeader`] or [`SignError::BadHost`]; [`SignError::BadDate`],
/// [`SignError::ClockSkew`]; [`SignError::BadContentHash`], [`SignError::BodyMismatch`],
/// [`SignError::UnsignedPayloadRefused`], [`SignError::MissingContentHash`] or
/// [`SignError::ContentHashNotSigned`]; and [`SignError::BadSignature`] last, so that every other
/// one can be told to a caller without telling whether the key exists.
pub fn check(
    request: &SignedRequest<'_>,
    authorization: &Authorization<'_>,
    payload: Payload<'_>,
    secret: &Secret,
    wall_now_unix: i64,
    window_seconds: i64,
) -> Result<Checked, SignError> {
    let place_of_date = authorization.signed_headers.iter().position(|name| *name == SDK_DATE);
    let place_of_date = place_of_date.ok_or(SignError::DateNotSigned)?;
    let values = Picked::of(request.headers, &authorization.signed_headers);
    let canonical_query = request.target.canonical_query();
    let mut canonical = canonical_head(request, canonical_query, authorization, &values)?;

    let date_text = values
        .single(place_of_date, SDK_DATE)?
        .and_then(|value| std::str::from_utf8(value).ok())
        .ok_or(SignError::BadDate)?;
    let date = parse_sdk_date(date_text)?;
    let seconds_off = date.saturating_sub(wall_now_unix);
    if seconds_off.unsigned_abs() > window_seconds.max(0).unsigned_abs() || window_seconds < 0 {
        return Err(SignError::ClockSkew { seconds_off, window_seconds });
    }

    let body = body_line(request.headers, authorization.signs(CONTENT_SHA256), payload)?;
    let mut message = Vec::with_capacity(128);
    let mut is_signed = |canonical: &mut Vec<u8>| {
        let mut matches = false;
        let end_of_head = canonical.len();
        for text in [Some(&body.text), body.alternative.as_ref()].into_iter().flatten() {
            canonical.truncate(end_of_head);
            canonical.extend_from_slice(text.as_bytes());
            write_string_to_sign(&mut message, date_text, canonical);
            // `verify` compares in constant time.
            matches |= hmac::verify(secret.key(), &message, &authorization.mac).is_ok();
        }
        matches
    };
    let mut matches = is_signed(&mut canonical);
    if !matches && let Some(query) = request.target.query_sorted_by_name() {
        matches = is_signed(&mut canonical_head(request, &query, authorization, &values)?);
    }
    // Asked last, so that a decoy costs what a real secret costs.
    if matches && secret.is_usable() {
        Ok(Checked { date, body: body.cover, host_signed: authorization.signs(HOST) })
    } else {
        Err(SignError::BadSignature)
    }
}

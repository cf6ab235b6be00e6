//! What a verdict needs to know of a call's body.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use tidegate_domain::AuthType;
use tidegate_sign::{CONTENT_SHA256, Payload, UNSIGNED_PAYLOAD, X_AUTHORIZATION};

use crate::check::Route;

/// What a verdict needs to know of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// There is none.
    Empty,
    /// All of it, for its hash is under the signature but not in the head.
    Whole,
    /// Its hash is in the head and will be compared while it streams.
    Declared,
    /// Its signer left it out.
    Unsigned,
    /// Nothing: no signature is looked at.
    Nothing,
}

impl Evidence {
    /// What is needed for a call on this route?
    pub(crate) fn needed(route: &Route<'_>, headers: &HeaderMap, is_empty: bool) -> Self {
        let asks_signature = route.iter().any(|(api, _)| api.feed.auth == AuthType::App);
        let brings_signature = headers.contains_key(http::header::AUTHORIZATION)
            || headers.contains_key(X_AUTHORIZATION);
        if is_empty {
            // Some clients sign the hash of nothing, whatever they declare.
            return Self::Empty;
        }
        if !asks_signature || !brings_signature {
            return Self::Nothing;
        }
        match headers.get(CONTENT_SHA256) {
            None => Self::Whole,
            Some(value) if value.as_bytes() == UNSIGNED_PAYLOAD.as_bytes() => {
                if is_hashed_by_sdks(headers) {
                    // Refused by name, before the body is read.
                    Self::Declared
                } else {
                    Self::Unsigned
                }
            }
            Some(_) => Self::Declared,
        }
    }

    /// The same, as the check of signatures has it. A whole body comes as `whole`.
    pub(crate) fn payload<'b>(self, whole: &'b [u8]) -> Payload<'b> {
        match self {
            Self::Empty => Payload::Bytes(b""),
            Self::Whole => Payload::Bytes(whole),
            Self::Unsigned => Payload::Unsigned,
            Self::Declared | Self::Nothing => Payload::Declared,
        }
    }
}

/// Official clients hash these bodies, so one that is left out of the signature is no client's habit: JSON
/// under any of its names, and BSON.
fn is_hashed_by_sdks(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        let value = value.as_bytes().to_ascii_lowercase();
        let end = value.iter().position(|byte| matches!(byte, b';' | b','));
        let kind = value.get(..end.unwrap_or(value.len())).unwrap_or_default().trim_ascii();
        let begins = |start: &[u8]| kind.starts_with(start);
        kind.ends_with(b"+json")
            || begins(b"application/json")
            || begins(b"text/json")
            || begins(b"application/bson")
    })
}

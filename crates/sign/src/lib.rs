//! SDK-HMAC-SHA256: the canonical target and request, signing and checking.
//!
//! ```text
//! Target::parse(wire)                    -> target | refusal     one reading of path and query
//! authorization_of(headers)              -> text   | refusal     exactly one header value
//! Authorization::parse(text)             -> key id, signed names, signature
//!     ... the caller looks up the secret of that key id; Secret::decoy() if there is none ...
//! check(request, authorization, payload,
//!       secret, now, window)             -> checked | refusal
//! sign(request, payload, access,
//!      secret, date)                     -> the headers to add
//! ```
//!
//! *Sign what you route:* the bytes that are signed, the segments that are routed and the bytes
//! that are forwarded all come from one [`Target`]. A spelling that two readers could take in two
//! ways (an encoded slash, a dot segment, a path parameter) is refused, not repaired.
//!
//! The crate knows no business term, no network and no clock: the time is an argument.
//! Nothing here panics on any input, and no error text holds a secret.

mod authorization;
mod body;
mod canonical;
mod check;
mod compare;
mod date;
mod error;
mod headers;
mod hex;
mod limits;
mod secret;
mod signing;
mod target;

pub use authorization::{ALGORITHM, Authorization};
pub use body::{BodyHasher, Cover, Payload, UNSIGNED_PAYLOAD, sha256};
pub use canonical::{SignedRequest, canonical_request, string_to_sign};
pub use check::{Checked, check};
pub use compare::constant_time_eq;
pub use date::{format_sdk_date, parse_sdk_date};
pub use error::{SignError, TargetError};
pub use headers::{
    AUTHORIZATION, CONTENT_SHA256, HOST, SDK_DATE, X_AUTHORIZATION, app_authorization_of,
    authorization_among, authorization_of,
};
pub use hex::encode as hex;
pub use limits::{
    MAX_ACCESS_BYTES, MAX_AUTHORIZATION_BYTES, MAX_HEADER_NAME_BYTES, MAX_QUERY_PAIRS,
    MAX_SEGMENTS, MAX_SIGNED_HEADERS, MAX_TARGET_BYTES,
};
pub use secret::Secret;
pub use signing::sign;
pub use target::Target;

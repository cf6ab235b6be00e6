//! Answers that say no before, or instead of, any use case.

use super::Answer;

/// Why a call did not get as far as a use case, or not through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No such method and path.
    NoSuchCall,
    /// The request itself cannot be read: its target, a header, its framing.
    BadRequest {
        /// What is wrong, in words for the caller.
        why: String,
    },
    /// Path and query are too long.
    TargetTooLong,
    /// Who calls is not proven.
    Unauthenticated {
        /// What is wrong with the proof, in words for the caller.
        why: String,
    },
    /// The body is too large.
    TooLarge {
        /// The largest allowed, in bytes.
        max: usize,
    },
    /// Too many requests.
    TooManyRequests,
    /// A call of the protocol that this version does not serve.
    NotServed,
    /// Something broke here; what, is in the log.
    Internal,
    /// The store cannot be reached.
    Unavailable,
    /// The store takes no writes.
    ReadOnly,
    /// Nobody knows whether the change was made.
    OutcomeUnknown,
    /// The clock of this server cannot be trusted.
    ClockOff,
}

impl Fault {
    /// What it looks like on the wire.
    pub fn answer(&self) -> Answer {
        let (status, code, text) = match self {
            Self::NoSuchCall => (
                404,
                "APIGW.0101",
                "There is no such call. Check the method and the path.".to_owned(),
            ),
            Self::BadRequest { why } => (400, "APIGW.0201", why.clone()),
            Self::TargetTooLong => (
                414,
                "APIGW.0201",
                "The path and query are too long: 8,192 bytes are the most.".to_owned(),
            ),
            Self::Unauthenticated { why } => (401, "APIGW.0301", why.clone()),
            Self::TooLarge { max } => (
                413,
                "APIGW.0201",
                format!("The body is too large. At most {max} bytes are allowed."),
            ),
            Self::TooManyRequests => {
                (429, "APIGW.0308", "Too many requests. Wait a moment and try again.".to_owned())
            }
            Self::NotServed => (
                501,
                "DLM.4690",
                "This call belongs to the protocol, but this version does not serve it.".to_owned(),
            ),
            Self::Internal => (
                500,
                "DLM.4691",
                "Something broke here. Tell the operator the value of the header X-Request-Id."
                    .to_owned(),
            ),
            Self::Unavailable => (
                503,
                "DLM.4692",
                "The store cannot be reached or cannot work right now, so nothing was changed. Try again \
                 later.".to_owned(),
            ),
            Self::ReadOnly => (
                503,
                "DLM.4693",
                "The store is not, or no longer, the primary, so nothing was changed. Try again later."
                    .to_owned(),
            ),
            Self::OutcomeUnknown => (
                503,
                "DLM.4694",
                "Whether this change was made is not known, for the store was lost while it was being \
                 committed. Look before you try again."
                    .to_owned(),
            ),
            Self::ClockOff => (
                503,
                "DLM.4695",
                "This server's clock is not plausible, or not the store's, so it decides and changes nothing. Try \
                 another server, or tell the operator."
                    .to_owned(),
            ),
        };
        Answer { status, code, text }
    }

    /// Its name, for logs, metrics and documents.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoSuchCall => "no-such-call",
            Self::BadRequest { .. } => "bad-request",
            Self::TargetTooLong => "target-too-long",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::TooLarge { .. } => "too-large",
            Self::TooManyRequests => "too-many-requests",
            Self::NotServed => "not-served",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::ReadOnly => "read-only",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::ClockOff => "clock-off",
        }
    }
}

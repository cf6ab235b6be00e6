//! Denials: every way the gate says no, with its name, status, code and a text that tells the caller
//! what to do. One table.

use std::fmt;

use http::StatusCode;
use tidegate_domain::Denied;
use tidegate_sign::SignError;

/// Why the gate denies. Ordered from far away from admission to near it: when several APIs share a
/// route, the caller is told the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The gate met a fault of its own.
    Internal,
    /// No API has this method and path.
    NoRoute,
    /// An API has it, but is not published.
    NotPublished,
    /// The control side cannot read the API's record.
    ApiUnreadable,
    /// The API wants a token and none was sent.
    MissingToken,
    /// The API wants a signature and none was sent.
    MissingSignature,
    /// The token is unknown or over.
    InvalidToken,
    /// The signature cannot be read.
    MalformedSignature,
    /// The signature was made at another time than now.
    ClockSkew,
    /// No app has the key.
    UnknownKey,
    /// The signature is not the one of this request.
    BadSignature,
    /// The control side cannot read the secret of the app that has the key.
    AppUnreadable,
    /// The body is not the one that was signed.
    BodyMismatch,
    /// The body is not told to the gate, so nobody can say whether it is the one that was signed.
    BodyNotCovered,
    /// The app has no grant.
    NoGrant,
    /// The app's application waits for its reviewer.
    Pending,
    /// The grant has not begun.
    NotYet,
    /// The grant's validity is over.
    Expired,
    /// The grant was cancelled or given back.
    Cancelled,
    /// The API is stopped.
    Stopped,
    /// The API wants a nonce, and none was sent that its signature covers.
    NonceRequired,
    /// The same nonce was sent before.
    Replayed,
    /// The signature is from a time of which the gate remembers no nonces.
    ReplayFence,
    /// The gate remembers as many nonces as it can.
    NonceStoreFull,
    /// There were as many calls as the API's throttling policy allows.
    Throttled,
    /// The request is ambiguous or not well formed.
    BadRequest,
    /// The body is larger than the gate takes.
    BodyTooLarge,
    /// The path and query are longer than they may be.
    TargetTooLong,
    /// The head is larger than it may be.
    HeadTooLarge,
    /// The gate has not heard of any grant yet.
    NotReady,
    /// The gate has not heard from the control side for too long.
    LeaseLapsed,
    /// The gate or the backend has no room for one more call.
    Overloaded,
    /// The backend is where the gate may not connect to.
    BackendForbidden,
    /// The backend did not answer.
    BackendUnreachable,
    /// The backend did not answer in time.
    BackendTimeout,
}

/// A line of the table of denials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The stable name, sent as `X-Tidegate-Reason`.
    pub name: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// The vendor's code.
    pub code: &'static str,
    /// What it means and what to do.
    pub text: &'static str,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 35] = [
        Self::Internal,
        Self::NoRoute,
        Self::NotPublished,
        Self::ApiUnreadable,
        Self::MissingToken,
        Self::MissingSignature,
        Self::InvalidToken,
        Self::MalformedSignature,
        Self::ClockSkew,
        Self::UnknownKey,
        Self::BadSignature,
        Self::AppUnreadable,
        Self::BodyMismatch,
        Self::BodyNotCovered,
        Self::NoGrant,
        Self::Pending,
        Self::NotYet,
        Self::Expired,
        Self::Cancelled,
        Self::Stopped,
        Self::NonceRequired,
        Self::Replayed,
        Self::ReplayFence,
        Self::NonceStoreFull,
        Self::Throttled,
        Self::BadRequest,
        Self::BodyTooLarge,
        Self::TargetTooLong,
        Self::HeadTooLarge,
        Self::NotReady,
        Self::LeaseLapsed,
        Self::Overloaded,
        Self::BackendForbidden,
        Self::BackendUnreachable,
        Self::BackendTimeout,
    ];

    /// Its line of the table.
    pub const fn row(self) -> Row {
        const fn row(
            name: &'static str,
            status: StatusCode,
            code: &'static str,
            text: &'static str,
        ) -> Row {
            Row { name, status, code, text }
        }
        match self {
            Self::NoRoute => row(
                "no-route",
                StatusCode::NOT_FOUND,
                "APIG.0101",
                "The API does not exist. Check method and path.",
            ),
            Self::NotPublished => row(
                "not-published",
                StatusCode::NOT_FOUND,
                "APIG.0101",
                "The API is not published. Ask its reviewer to publish it.",
            ),
            Self::MissingSignature => row(
                "missing-signature",
                StatusCode::UNAUTHORIZED,
                "APIG.0301",
                "Authorization not found. Sign the request with the app's key and secret \
                 (SDK-HMAC-SHA256), and send the signature as Authorization or x-Authorization.",
            ),
            Self::MalformedSignature => row(
                "malformed-signature",
                StatusCode::UNAUTHORIZED,
                "APIG.0301",
                "Authorization format incorrect. Sign the request as SDK-HMAC-SHA256 asks.",
            ),
            Self::UnknownKey => row(
                "unknown-key",
                StatusCode::UNAUTHORIZED,
                "APIG.0303",
                "Signing key not found. Check the app's key; an app that was deleted cannot call.",
            ),
            Self::BadSignature => row(
                "bad-signature",
                StatusCode::UNAUTHORIZED,
                "APIG.0301",
                "Verify authorization failed. Check the app's secret, and that method, path, query, \
                 signed headers and body arrive as they were signed.",
            ),
            Self::ApiUnreadable => row(
                "api-unreadable",
                StatusCode::SERVICE_UNAVAILABLE,
                "APIG.0103",
                "The API's record cannot be read, so none of its calls can be checked. Its operator is needed.",
            ),
            Self::AppUnreadable => row(
                "app-unreadable",
                StatusCode::SERVICE_UNAVAILABLE,
                "APIG.0103",
                "The app's record cannot be read, so none of its calls can be checked. Tell the operator, or \
                 reset the app's secret.",
            ),
            Self::ClockSkew => row(
                "clock-skew",
                StatusCode::UNAUTHORIZED,
                "APIG.0301",
                "Signature expired. Correct your clock and sign again.",
            ),
            Self::MissingToken => row(
                "missing-token",
                StatusCode::UNAUTHORIZED,
                "APIG.0301",
                "Token not found. Send an IAM token as X-Auth-Token.",
            ),
            Self::InvalidToken => row(
                "invalid-token",
                StatusCode::UNAUTHORIZED,
                "DLM.4211",
                "Token invalid. Get a new IAM token.",
            ),
            Self::BodyMismatch => row(
                "body-mismatch",
                StatusCode::UNAUTHORIZED,
                "APIG.0301",
                "Verify authorization failed. The body is not the one that was signed.",
            ),
            Self::BodyNotCovered => row(
                "body-not-covered",
                StatusCode::FORBIDDEN,
                "APIG.0201",
                "The body cannot be checked here, for the proxy in front does not send it on to be \
                 checked. Send its hash as X-Sdk-Content-Sha256, and sign that header.",
            ),
            Self::NoGrant => row(
                "no-grant",
                StatusCode::FORBIDDEN,
                "APIG.0304",
                "App does not have permission to access API. Apply for it: the API's reviewer \
                 grants access until a time.",
            ),
            Self::Pending => row(
                "pending",
                StatusCode::FORBIDDEN,
                "APIG.0304",
                "App does not have permission to access API. The application waits for the API's \
                 reviewer; ask again when it is decided.",
            ),
            Self::NotYet => row(
                "not-yet",
                StatusCode::FORBIDDEN,
                "APIG.0304",
                "App does not have permission to access API. The grant has not begun.",
            ),
            Self::Expired => row(
                "expired",
                StatusCode::FORBIDDEN,
                "APIG.0304",
                "App does not have permission to access API. The grant has expired; apply for a \
                 new one.",
            ),
            Self::Cancelled => row(
                "cancelled",
                StatusCode::FORBIDDEN,
                "APIG.0304",
                "App does not have permission to access API. The grant was cancelled; apply for a \
                 new one.",
            ),
            Self::Stopped => row(
                "stopped",
                StatusCode::FORBIDDEN,
                "APIG.0304",
                "App does not have permission to access API. The API is stopped; the grant is good \
                 again when it is recovered.",
            ),
            Self::NonceRequired => row(
                "nonce-required",
                StatusCode::UNAUTHORIZED,
                "APIG.0301",
                "The API asks for a nonce. Send X-Sdk-Nonce with 16 to 64 letters, digits, '-' or \
                 '_', drawn anew for every call, and sign that header.",
            ),
            Self::Replayed => row(
                "replayed",
                StatusCode::FORBIDDEN,
                "APIG.0301",
                "A call with this nonce was let through before. Sign every call with a nonce of its \
                 own.",
            ),
            Self::ReplayFence => row(
                "replay-fence",
                StatusCode::SERVICE_UNAVAILABLE,
                "APIG.0103",
                "The gateway has started or its clock was set, and it cannot tell yet whether this \
                 call is a repeat. Sign again later.",
            ),
            Self::NonceStoreFull => row(
                "nonce-store-full",
                StatusCode::SERVICE_UNAVAILABLE,
                "APIG.0308",
                "The gateway remembers as many nonces as it can. Try again soon; its operator may \
                 give it more memory for them.",
            ),
            Self::Throttled => row(
                "throttled",
                StatusCode::TOO_MANY_REQUESTS,
                "APIG.0308",
                "Too many calls within a time. Wait as long as Retry-After says.",
            ),
            Self::BadRequest => {
                row("bad-request", StatusCode::BAD_REQUEST, "APIG.0201", "Bad request.")
            }
            Self::TargetTooLong => row(
                "target-too-long",
                StatusCode::URI_TOO_LONG,
                "APIG.0201",
                "The path and query are too long: 8,192 bytes are the most, as sent and as signed.",
            ),
            Self::HeadTooLarge => row(
                "head-too-large",
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "APIG.0201",
                "The address and the headers are too large together.",
            ),
            Self::BodyTooLarge => row(
                "body-too-large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "APIG.0201",
                "The body is too large to be checked at once. Send its hash as \
                 X-Sdk-Content-Sha256, and sign that header.",
            ),
            Self::NotReady => row(
                "not-ready",
                StatusCode::SERVICE_UNAVAILABLE,
                "APIG.0103",
                "The gateway has just started and knows no grants yet. Try again soon.",
            ),
            Self::LeaseLapsed => row(
                "lease-lapsed",
                StatusCode::SERVICE_UNAVAILABLE,
                "APIG.0103",
                "The gateway has lost touch with its control side and may not decide any longer. \
                 Try again later; its operator is needed.",
            ),
            Self::Overloaded => row(
                "overloaded",
                StatusCode::SERVICE_UNAVAILABLE,
                "APIG.0308",
                "Too many calls at a time. Try again soon.",
            ),
            Self::BackendForbidden => row(
                "backend-forbidden",
                StatusCode::BAD_GATEWAY,
                "APIG.0201",
                "The call was allowed, but the API's backend is at an address this gateway may not \
                 connect to. Tell the API's owner; the gateway's operator names networks of backends \
                 in backend_networks.",
            ),
            Self::BackendUnreachable => row(
                "backend-unreachable",
                StatusCode::BAD_GATEWAY,
                "APIG.0201",
                "The call was allowed, but the API's backend did not answer. Tell the API's owner.",
            ),
            Self::BackendTimeout => row(
                "backend-timeout",
                StatusCode::GATEWAY_TIMEOUT,
                "APIG.0201",
                "The call was allowed, but the API's backend did not answer in time. The backend \
                 may have done what was asked.",
            ),
            Self::Internal => row(
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "APIG.0201",
                "The gateway could not handle the call. Tell its operator the request id.",
            ),
        }
    }

    /// Its status where another proxy asks: 401 for credentials, 403 for every other denial, and 503
    /// for a fault of the gate's own. Proxies know no others.
    pub const fn status_for_a_proxy(self) -> StatusCode {
        match self {
            Self::MissingToken
            | Self::MissingSignature
            | Self::InvalidToken
            | Self::MalformedSignature
            | Self::ClockSkew
            | Self::UnknownKey
            | Self::BadSignature
            | Self::BodyMismatch
            | Self::NonceRequired => StatusCode::UNAUTHORIZED,
            Self::NoRoute
            | Self::NotPublished
            | Self::BodyNotCovered
            | Self::NoGrant
            | Self::Pending
            | Self::NotYet
            | Self::Expired
            | Self::Cancelled
            | Self::Stopped
            | Self::Replayed
            | Self::Throttled
            | Self::BadRequest
            | Self::BodyTooLarge
            | Self::TargetTooLong
            | Self::HeadTooLarge => StatusCode::FORBIDDEN,
            Self::Internal
            | Self::ReplayFence
            | Self::NonceStoreFull
            | Self::NotReady
            | Self::LeaseLapsed
            | Self::Overloaded
            | Self::BackendForbidden
            | Self::BackendUnreachable
            | Self::BackendTimeout
            | Self::ApiUnreadable
            | Self::AppUnreadable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Is it likely to be over in a moment, so that the same call may be sent again?
    pub const fn passes_soon(self) -> bool {
        matches!(self, Self::NotReady | Self::Overloaded | Self::NonceStoreFull)
    }

    /// Must the connection be closed after this answer, because what follows on it cannot be trusted
    /// or need not be read?
    pub const fn closes(self) -> bool {
        matches!(
            self,
            Self::BadRequest
                | Self::BodyTooLarge
                | Self::TargetTooLong
                | Self::HeadTooLarge
                | Self::BodyMismatch
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().name)
    }
}

/// A refused call: the reason, and what is special about this case. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct Denial {
    /// Why.
    pub reason: Reason,
    /// A sentence about this case; may be empty.
    pub detail: String,
    /// After how many seconds a call may pass, where the case tells.
    retry_after: Option<u64>,
}

impl Denial {
    /// A denial that its reason explains fully.
    pub const fn plain(reason: Reason) -> Self {
        Self { reason, detail: String::new(), retry_after: None }
    }

    /// A denial with a sentence about this case.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), retry_after: None }
    }

    /// The same denial, which is over after this many seconds.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// After how many seconds a call may pass, if it is known or near.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after.or(self.reason.passes_soon().then_some(1))
    }

    /// What the caller reads.
    pub fn text(&self) -> String {
        let text = self.reason.row().text;
        if self.detail.is_empty() { text.to_owned() } else { format!("{text} {}", self.detail) }
    }
}

impl From<Reason> for Denial {
    fn from(reason: Reason) -> Self {
        Self::plain(reason)
    }
}

impl From<Denied> for Denial {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotPublished => Reason::NotPublished.into(),
            Denied::Stopped => Reason::Stopped.into(),
            Denied::NoGrant => Reason::NoGrant.into(),
            Denied::Pending => Reason::Pending.into(),
            Denied::NotYet { from } => Self::new(Reason::NotYet, format!("It begins at {from}.")),
            Denied::Expired { at } => Self::new(Reason::Expired, format!("It ended at {at}.")),
            Denied::Cancelled { at } => Self::new(Reason::Cancelled, format!("It ended at {at}.")),
        }
    }
}

impl From<SignError> for Denial {
    fn from(error: SignError) -> Self {
        match error {
            SignError::MissingAuthorization => Reason::MissingSignature.into(),
            SignError::BadSignature => Reason::BadSignature.into(),
            SignError::BodyMismatch => Reason::BodyMismatch.into(),
            SignError::ClockSkew { seconds_off, window_seconds } => Self::new(
                Reason::ClockSkew,
                format!("Your clock is {seconds_off} s off; {window_seconds} s are allowed."),
            ),
            SignError::DuplicateHeader(_) | SignError::BadMethod | SignError::BadHost => {
                Self::new(Reason::BadRequest, sentence(&error))
            }
            SignError::Conflict
            | SignError::MalformedAuthorization(_)
            | SignError::UnsupportedAlgorithm
            | SignError::HeaderNotPresent(_)
            | SignError::HostNotSigned
            | SignError::DateNotSigned
            | SignError::ContentHashNotSigned
            | SignError::BadDate
            | SignError::BadContentHash
            | SignError::MissingContentHash
            | SignError::UnsignedPayloadRefused => {
                Self::new(Reason::MalformedSignature, sentence(&error))
            }
            // Only signing says these.
            SignError::BadAccess | SignError::UnusableSecret => Reason::Internal.into(),
        }
    }
}

/// An error's text as a sentence.
fn sentence(error: &SignError) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_ascii_uppercase(), chars.as_str()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reason_has_a_name_of_its_own_and_a_text_that_helps() {
        let names: HashSet<_> = Reason::ALL.iter().map(|r| r.row().name).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index, "counters are indexed by it");
            let row = reason.row();
            assert!(row.status.is_client_error() || row.status.is_server_error());
            assert!(row.text.ends_with('.'), "{reason}");
            assert!(row.code.contains('.'));
        }
    }

    #[test]
    fn the_vendors_texts_come_first() {
        for (reason, start) in [
            (Reason::MissingSignature, "Authorization not found."),
            (Reason::MalformedSignature, "Authorization format incorrect."),
            (Reason::BadSignature, "Verify authorization failed."),
            (Reason::ClockSkew, "Signature expired."),
            (Reason::NoGrant, "App does not have permission to access API."),
        ] {
            assert!(reason.row().text.starts_with(start));
        }
    }

    #[test]
    fn a_denial_says_when_and_how_far() {
        let at = tidegate_domain::Timestamp::from_ms(1_609_495_200_000);
        let expired = Denial::from(Denied::Expired { at });
        assert!(expired.text().contains("2021-01-01T10:00:00Z"));
        let skew = SignError::ClockSkew { seconds_off: -1000, window_seconds: 900 };
        assert!(Denial::from(skew).text().contains("-1000 s off"));
    }
}

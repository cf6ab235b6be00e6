//! What goes wrong, as answers. The only place where a refusal or an error becomes HTTP.

use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, StatusCode};
use tidegate_control::{Error, StoreError};
use tidegate_domain::{Refusal, Timestamp};
use tidegate_sign::{SignError, TargetError};
use tidegate_wire::errors::{self, Answer};

use crate::reply::Reply;

/// The stable name of a refusal.
const REASON: HeaderName = HeaderName::from_static("x-tidegate-reason");

/// When to try again while the store is away: by then a connection that fell silent is replaced.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Why a call is not answered as wished.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The control side says no.
    Refused(Refusal),
    /// The control side says no because of what somebody of this name did before.
    RefusedSince(Refusal, String),
    /// The call does not get as far as that, or something broke on the way.
    Wire(errors::Fault),
    /// Too much is asked at a time, or by this caller.
    Busy { seconds: u64 },
    /// As many changes as there are places wait until they are enforced.
    TooManyWaiters,
    /// The caller may not use this route at all.
    NotOperator,
    /// There is no such gateway.
    GatewayUnknown,
    /// A gateway is not forgotten while it may still let calls in.
    GatewayHoldsLease { until: Timestamp },
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<errors::Fault> for Fault {
    fn from(fault: errors::Fault) -> Self {
        Self::Wire(fault)
    }
}

impl From<TargetError> for Fault {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::TooLong => errors::Fault::TargetTooLong.into(),
            other => errors::Fault::BadRequest { why: other.to_string() }.into(),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            Error::Store(error) => {
                tracing::error!(%error, "the store failed");
                of_store(&error).into()
            }
            Error::Unproven(why) => {
                tracing::error!(%why, "nothing is decided");
                errors::Fault::ClockOff.into()
            }
            Error::Vault(error) => {
                tracing::error!(%error, "the vault failed");
                errors::Fault::Internal.into()
            }
        }
    }
}

fn of_store(error: &StoreError) -> errors::Fault {
    match error {
        StoreError::Away(_) => errors::Fault::Unavailable,
        StoreError::ReadOnly => errors::Fault::ReadOnly,
        StoreError::Unknown(_) => errors::Fault::OutcomeUnknown,
        StoreError::Engine(_)
        | StoreError::BadRow { .. }
        | StoreError::Taken { .. }
        | StoreError::Conflict
        | StoreError::DutyLost => errors::Fault::Internal,
    }
}

impl From<SignError> for Fault {
    fn from(error: SignError) -> Self {
        Self::unauthenticated(&error.to_string())
    }
}

impl Fault {
    /// Who calls is not proven. The text begins as the vendor's does.
    pub fn unauthenticated(why: &str) -> Self {
        let why = format!("Incorrect IAM authentication information: {why}");
        errors::Fault::Unauthenticated { why }.into()
    }

    /// What it looks like on the wire, and its stable name.
    fn answer(&self) -> (Answer, &'static str) {
        match self {
            Self::Refused(refusal) => (errors::refusal(refusal), errors::reason(refusal)),
            Self::RefusedSince(refusal, who) => {
                let answer = errors::refusal_naming(refusal, |_| Some(who.clone()));
                (answer, errors::reason(refusal))
            }
            Self::Wire(fault) => (fault.answer(), fault.reason()),
            Self::Busy { .. } => {
                let fault = errors::Fault::TooManyRequests;
                (fault.answer(), fault.reason())
            }
            Self::TooManyWaiters => {
                let text = "Too many changes wait until they are enforced. Nothing was changed; try again later, or \
                            without the header X-Tidegate-Wait.";
                let Answer { status, code, .. } = errors::Fault::TooManyRequests.answer();
                (Answer { status, code, text: text.to_owned() }, "too-many-waiters")
            }
            Self::NotOperator => {
                let text = "This call needs the operator's token, which lies in the data folder.";
                let text = text.to_owned();
                (Answer { status: 403, code: "APIGW.0302", text }, "not-operator")
            }
            Self::GatewayUnknown => {
                let text = "There is no gateway of this id.".to_owned();
                (Answer { status: 404, code: "APIGW.0101", text }, "gateway-unknown")
            }
            Self::GatewayHoldsLease { until } => {
                let text = format!(
                    "This gateway may let calls in until {until} at the latest; stop it, and try \
                     again then."
                );
                (Answer { status: 409, code: "APIGW.0101", text }, "gateway-holds-lease")
            }
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (answer, reason) = self.answer();
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = Reply::json_with(status, &answer.body()).into_response();
        response.headers_mut().insert(REASON, HeaderValue::from_static(reason));
        if matches!(self, Self::TooManyWaiters | Self::Wire(errors::Fault::Unavailable)) {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        if let Self::Busy { seconds } = self {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

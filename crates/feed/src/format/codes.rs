//! The numbers of the feed's kinds. 0 is none of them, for it is what a field is that was left out.

use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::CutCause;
use tidegate_domain::{AppKind, AuthType, Timestamp};
use tidegate_gateway::Position;

use super::error::FormatError;

/// Something with a number.
pub(super) trait Code: Sized {
    /// Its number.
    fn code(&self) -> u32;
    /// What has this number.
    fn of(code: u32) -> Result<Self, FormatError>;
}

macro_rules! codes {
    ($($kind:ident, $name:literal: $($code:literal = $variant:ident),+;)+) => {$(
        impl Code for $kind {
            fn code(&self) -> u32 {
                match self {
                    $(Self::$variant => $code),+
                }
            }

            fn of(code: u32) -> Result<Self, FormatError> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    _ => Err(FormatError::Unknown($name)),
                }
            }
        }
    )+};
}

codes! {
    AppKind, "a kind of app": 1 = App, 2 = Iam;
    AuthType, "a way to prove who calls": 1 = App, 2 = Iam, 3 = None;
    Method, "a method": 1 = Get, 2 = Post;
    Position, "a place of a parameter": 1 = Path, 2 = Query, 3 = Header;
    CutCause, "a cause of an end": 1 = Reviewer, 2 = App, 3 = Unpublished;
}

/// A state and its end, if it has one.
pub(super) fn of_status(status: Status) -> (u32, Option<i64>) {
    match status {
        Status::Created => (1, None),
        Status::PublishPending => (2, None),
        Status::PublishRejected => (3, None),
        Status::Published => (4, None),
        Status::Stopping { at } => (5, Some(at.as_ms())),
        Status::Stopped => (6, None),
        Status::RecoverPending => (7, None),
        Status::Unpublishing { at } => (8, Some(at.as_ms())),
        Status::Offline => (9, None),
    }
}

/// The state that is written so.
pub(super) fn status(code: u32, at_ms: Option<i64>) -> Result<Status, FormatError> {
    let at = at_ms.map(Timestamp::from_ms);
    match (code, at) {
        (1, None) => Ok(Status::Created),
        (2, None) => Ok(Status::PublishPending),
        (3, None) => Ok(Status::PublishRejected),
        (4, None) => Ok(Status::Published),
        (5, Some(at)) => Ok(Status::Stopping { at }),
        (6, None) => Ok(Status::Stopped),
        (7, None) => Ok(Status::RecoverPending),
        (8, Some(at)) => Ok(Status::Unpublishing { at }),
        (9, None) => Ok(Status::Offline),
        (1..=9, _) => Err(FormatError::BadValue("the end of a publication's state")),
        _ => Err(FormatError::Unknown("a state of a publication")),
    }
}

//! One type per kind of id, so that two kinds cannot be mixed up.
//!
//! The vendor's ids are 32 lower-case hex digits, but not always (`APIG`, `0`): an id is an opaque
//! text of 1 to 64 letters, digits, `-`, `_` and `.`.

use std::fmt;
use std::sync::Arc;

use crate::limits::ID_CHARS;

/// A text that is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id has 1 to 64 letters, digits, '-', '_' or '.'")]
pub struct BadId;

fn check(text: &str) -> Result<Arc<str>, BadId> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    if (1..=ID_CHARS).contains(&text.len()) && text.bytes().all(plain) {
        Ok(Arc::from(text))
    } else {
        Err(BadId)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id written in `text`.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                check(text).map(Self)
            }

            /// The id as it goes over the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )+};
}

ids! {
    /// A project: the unit a caller's credentials are bound to.
    ProjectId,
    /// An account, which owns projects and users.
    DomainId,
    /// A person or program that uses the control side.
    UserId,
    /// A workspace: the tenancy below a project.
    WorkspaceId,
    /// An instance: a cluster of gateways.
    InstanceId,
    /// An API.
    ApiId,
    /// An app: a caller's identity at the gate.
    AppId,
    /// An application: a request that waits for a reviewer's verdict.
    ApplicationId,
    /// A notice: an announced end of access.
    NoticeId,
    /// A throttling policy, by its name, which its author chose.
    ThrottleName,
}

/// The one instance of the SHARED edition.
pub const SHARED_INSTANCE: &str = "APIG";

impl InstanceId {
    /// The fixed instance of the SHARED edition.
    pub fn shared() -> Self {
        Self(Arc::from(SHARED_INSTANCE))
    }

    /// Is this the instance of the SHARED edition?
    pub fn is_shared(&self) -> bool {
        &*self.0 == SHARED_INSTANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_plain() {
        let longest = "a".repeat(64);
        for good in ["0", "APIG", "0833a5737480d53b2f250010d01a7b88", "ws-1", "a.b_c", &longest] {
            assert_eq!(AppId::parse(good).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(65);
        for bad in ["", " ", "a b", "a/b", "%2F", "é", "a\0", &too_long] {
            assert_eq!(AppId::parse(bad), Err(BadId), "{bad:?}");
        }
    }
}

//! Who and when. All stories begin on day 0, a Monday at midnight UTC.

use tidegate_domain::time::{DAY_MS, HOUR_MS};
use tidegate_domain::{ApiId, AppId, InstanceId, Key, Timestamp, UserId};

/// 2026-01-05T00:00:00Z.
pub const START_MS: i64 = 1_767_571_200_000;

/// Midnight of a day of the story.
pub fn day(n: i64) -> Timestamp {
    Timestamp::from_ms(START_MS + n * DAY_MS)
}

/// An hour of a day of the story.
pub fn at(n: i64, hour: i64) -> Timestamp {
    day(n).plus_ms(hour * HOUR_MS)
}

pub const MINUTE_MS: i64 = 60_000;

/// The people of the stories, and what each is to the API, its workspace and the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The API's reviewer; on the list of reviewers.
    Reviewer,
    /// On the list of reviewers of the API's workspace, but not this API's reviewer.
    Listed,
    /// The app's owner; he files its applications.
    Owner,
    /// An admin of the app's workspace.
    Admin,
    /// None of these.
    Stranger,
}

impl Who {
    pub fn id(self) -> UserId {
        UserId::parse(self.name()).unwrap()
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Reviewer => "reviewer",
            Self::Listed => "listed",
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Stranger => "stranger",
        }
    }
}

pub fn api() -> ApiId {
    ApiId::parse("api").unwrap()
}

pub fn instance() -> InstanceId {
    InstanceId::parse("instance").unwrap()
}

pub fn key() -> Key {
    Key { api: api(), instance: instance(), app: AppId::parse("app").unwrap() }
}

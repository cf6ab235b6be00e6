//! The right of one app to call one API on one instance.

use crate::id::{ApiId, AppId, InstanceId, UserId};
use crate::time::Timestamp;

/// What a grant is about: this app may call this API on this instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The API.
    pub api: ApiId,
    /// The instance.
    pub instance: InstanceId,
    /// The app.
    pub app: AppId,
}

/// The right of one app to call one API on one instance, over `[since, min(until, cut))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// When it was given.
    pub since: Timestamp,
    /// The end of validity, on the hour; a call at this instant is denied.
    pub until: Timestamp,
    /// The reviewer who gave or last extended it.
    pub by: UserId,
    /// An end before `until`, come or announced.
    pub cut: Option<Cut>,
}

/// The time of a grant: all of it that admission looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// When it was given.
    pub since: Timestamp,
    /// The end of validity; a call at this instant is denied.
    pub until: Timestamp,
    /// An end before `until`, come or announced.
    pub cut: Option<Cut>,
}

impl Term {
    /// The end as things stand: the earliest of all that can end it.
    pub fn end(&self) -> Timestamp {
        self.cut.map_or(self.until, |cut| cut.at.min(self.until))
    }
}

/// An end of a grant before its validity is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// From when on calls are denied.
    pub at: Timestamp,
    /// Who or what cut it.
    pub cause: CutCause,
}

/// Who or what cut a grant short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CutCause {
    /// The reviewer cancelled it.
    Reviewer,
    /// The app's side gave it back.
    App,
    /// The API was unpublished.
    Unpublished,
}

impl CutCause {
    /// The cause's name in the journal and in messages. A name that was given out stays what it is.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reviewer => "reviewer",
            Self::App => "app",
            Self::Unpublished => "unpublished",
        }
    }
}

impl Grant {
    /// Its time.
    pub const fn term(&self) -> Term {
        Term { since: self.since, until: self.until, cut: self.cut }
    }

    /// The end as things stand: the earliest of all that can end it.
    pub fn end(&self) -> Timestamp {
        self.term().end()
    }

    /// Does it let calls in at `now`, as far as it is up to the grant?
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.since <= now && now < self.end()
    }
}

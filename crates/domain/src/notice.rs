//! Notices: announced ends of access, which the app's side may bring forward but not refuse.

use crate::grant::Key;
use crate::id::{NoticeId, UserId};
use crate::time::Timestamp;

/// What is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// The reviewer ends this app's grant.
    Cancel,
    /// The API will stop answering; grants are kept.
    Stop,
    /// The API will be unpublished; grants go with it.
    Unpublish,
}

/// An announced end of one app's access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// What is announced.
    pub kind: NoticeKind,
    /// Whose access to what.
    pub key: Key,
    /// The reviewer who announced it.
    pub sent_by: UserId,
    /// When he did.
    pub sent_at: Timestamp,
    /// When access ends if nobody answers, on the hour.
    pub deadline: Timestamp,
    /// The earlier end the app's side chose, on the hour.
    pub scheduled: Option<Timestamp>,
    /// How it ended; none while it runs.
    pub closed: Option<Closed>,
}

/// How a notice ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// In which way.
    pub outcome: NoticeOutcome,
    /// When.
    pub at: Timestamp,
    /// By whom; none when time did it.
    pub by: Option<UserId>,
}

/// The ways a notice ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeOutcome {
    /// The app's side agreed to an end at once.
    Confirmed,
    /// The end the app's side chose has come.
    Executed,
    /// The deadline passed without an answer.
    Forced,
    /// The access it announced the end of went before: given back, run out or unpublished.
    Released,
    /// The reviewer took it back.
    Withdrawn,
}

impl NoticeKind {
    /// The kind's name in the journal and in messages. A name that was given out stays what it is.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Stop => "stop",
            Self::Unpublish => "unpublish",
        }
    }
}

impl NoticeOutcome {
    /// The outcome's name in the journal and in messages. A name that was given out stays what it is.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Executed => "executed",
            Self::Forced => "forced",
            Self::Released => "released",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Notice {
    /// Does it still run?
    pub const fn is_running(&self) -> bool {
        self.closed.is_none()
    }

    /// When access ends, as things stand.
    pub fn takes_effect(&self) -> Timestamp {
        self.scheduled.unwrap_or(self.deadline)
    }

    /// This notice, ended.
    #[must_use]
    pub fn closed(mut self, outcome: NoticeOutcome, at: Timestamp, by: Option<UserId>) -> Self {
        self.closed = Some(Closed { outcome, at, by });
        self
    }

    /// This notice, ended because what it announced happened at `now`, perhaps before its moment.
    #[must_use]
    pub fn carried_out_by(self, now: Timestamp) -> Self {
        if self.takes_effect() <= now {
            self.carried_out()
        } else {
            self.closed(NoticeOutcome::Executed, now, None)
        }
    }

    /// This notice, ended because its moment has come.
    #[must_use]
    pub fn carried_out(self) -> Self {
        let outcome = match self.scheduled {
            Some(_) => NoticeOutcome::Executed,
            None => NoticeOutcome::Forced,
        };
        let at = self.takes_effect();
        self.closed(outcome, at, None)
    }
}

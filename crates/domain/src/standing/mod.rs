//! The standing: all that is known of one (API, instance, app).

mod command;
mod decide;
mod evolve;
mod follow;
mod rungs;
mod settle;

pub use command::{Choice, Command, Facts};
pub use decide::decide;
pub use evolve::evolve;
pub use follow::{Shutdown, follow};
pub(crate) use rungs::{moment_of_cancellation, must_leave_notice, waiting};
pub use settle::settle;

use crate::admission::Held;
use crate::application::{Application, ApplicationKind};
use crate::id::{ApiId, AppId, InstanceId, UserId};
use crate::notice::Notice;
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

/// All that is known of one (API, instance, app).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it is about.
    pub key: Key,
    /// The live grant, or the last one.
    pub grant: Option<Grant>,
    /// The application that waits, if one does.
    pub application: Option<Application>,
    /// The notice of the reviewer's cancellation, while it runs.
    pub cancellation: Option<Notice>,
    /// The notice of the API's stop or unpublish, while it runs.
    pub shutdown: Option<Notice>,
    /// From when on the app's side agreed to do without an API that is being stopped or unpublished.
    pub paused_from: Option<Timestamp>,
}

impl Standing {
    /// Nothing known yet.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            grant: None,
            application: None,
            cancellation: None,
            shutdown: None,
            paused_from: None,
        }
    }

    /// The grant, if it is live at `now`.
    pub fn live_grant(&self, now: Timestamp) -> Option<&Grant> {
        self.grant.as_ref().filter(|grant| grant.is_live(now))
    }

    /// Does the app still count on the API at `now`: has it a live grant that it did not agree to
    /// do without?
    pub fn counts_on_api(&self, now: Timestamp) -> bool {
        self.live_grant(now).is_some() && self.paused_from.is_none_or(|from| now < from)
    }

    /// What the gate needs to know of it.
    pub fn held(&self) -> Held {
        let waits = self.application.as_ref();
        Held {
            grant: self.grant.as_ref().map(Grant::term),
            paused_from: self.paused_from,
            applied_until: waits
                .filter(|a| a.kind == ApplicationKind::Apply)
                .map(|a| a.until.unwrap_or(Timestamp::MAX)),
            shutdown_at: self.shutdown.as_ref().map(Notice::takes_effect),
        }
    }

    /// How it is listed at `now`; none when it is not listed at all.
    pub fn relationship(&self, now: Timestamp) -> Option<Relationship> {
        let current = self.as_of(now);
        let is_ending = current.cancellation.is_some()
            || current.shutdown.is_some()
            || current.paused_from.is_some();
        match (current.live_grant(now), &current.application) {
            (Some(_), _) if is_ending => Some(Relationship::Ending),
            (Some(_), Some(_)) => Some(Relationship::Renewing),
            (Some(_), None) => Some(Relationship::Linked),
            (None, Some(_)) => Some(Relationship::Applied),
            (None, None) => None,
        }
    }

    /// This standing as it is at `now`, with all that time alone has brought about.
    #[must_use]
    pub fn as_of(&self, now: Timestamp) -> Self {
        settle(self, now).into_iter().fold(self.clone(), |s, event| evolve(s, event, now))
    }
}

/// The four states in which the two lists of grants show a standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relationship {
    /// Applied for, not decided.
    Applied,
    /// Granted.
    Linked,
    /// Granted, and about to end.
    Ending,
    /// Granted, and a later end is asked for.
    Renewing,
}

/// What happened to a standing. Applications and notices travel whole, so that a record of them can
/// be kept without looking anything up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A grant began.
    Granted {
        /// Its end.
        until: Timestamp,
        /// The reviewer.
        by: UserId,
    },
    /// The grant's end moved out.
    Extended {
        /// The new end.
        until: Timestamp,
        /// The reviewer.
        by: UserId,
    },
    /// The grant ends early: at once, or at an announced moment.
    Cut(Cut),
    /// The announced end was taken back.
    CutWithdrawn,
    /// An application was filed.
    Applied(Application),
    /// An application got its verdict.
    ApplicationClosed(Application),
    /// A notice was sent.
    NoticeSent(Notice),
    /// The app's side chose when the notice takes effect.
    NoticeScheduled(Notice),
    /// A notice ended.
    NoticeClosed(Notice),
    /// The app's side does without the API from this moment on.
    Paused {
        /// That moment.
        from: Timestamp,
    },
    /// The pause is over: the API stopped for all, answers again, or its stop was called off.
    PauseEnded,
}

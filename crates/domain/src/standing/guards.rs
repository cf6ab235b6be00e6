//! The guards of the ladders: what must hold, one question each, with its refusal.

use super::command::Facts;
use super::{Event, Grant, Standing};
use crate::app::Fit;
use crate::application::{Application, Outcome, Verdict, VoidCause};
use crate::guards::waiting;
use crate::id::UserId;
use crate::notice::{Notice, NoticeOutcome};
use crate::publication::Status;
use crate::refusal::Refusal;
use crate::time::Timestamp;

/// One decision: the standing as of now, the facts, the time.
pub(super) struct Case<'a> {
    pub standing: &'a Standing,
    pub facts: &'a Facts,
    pub now: Timestamp,
}

impl Case<'_> {
    pub(super) fn actor(&self) -> UserId {
        self.facts.actor.clone()
    }

    pub(super) fn by_actor(&self, outcome: Outcome, comment: Option<String>) -> Verdict {
        Verdict { outcome, at: self.now, by: Some(self.actor()), comment }
    }

    pub(super) fn must_review(&self) -> Result<(), Refusal> {
        if self.facts.is_reviewer { Ok(()) } else { Err(Refusal::NotReviewer) }
    }

    pub(super) fn must_own(&self) -> Result<(), Refusal> {
        if self.facts.is_owner { Ok(()) } else { Err(Refusal::NotAppOwner) }
    }

    pub(super) fn must_fit(&self) -> Result<(), Refusal> {
        match self.facts.fit {
            Fit::Fits => Ok(()),
            Fit::OpenApi | Fit::Mismatch => Err(Refusal::KindMismatch),
        }
    }

    /// A new grant needs an API that answers and is to go on answering.
    pub(super) fn must_be_published(&self) -> Result<(), Refusal> {
        match self.facts.status {
            Status::Published => Ok(()),
            _ => Err(Refusal::NotPublished),
        }
    }

    /// A grant can be extended as long as the API keeps its grants, also while it is stopped. An
    /// announced unpublish is a notice like any other: it says when access ends.
    pub(super) fn must_keep_grants(&self) -> Result<(), Refusal> {
        match self.facts.status {
            Status::Unpublishing { at } => {
                Err(Refusal::NoticeRunning { app: self.standing.key.app.clone(), at })
            }
            status if status.keeps_grants() => Ok(()),
            _ => Err(Refusal::NotPublished),
        }
    }

    pub(super) fn must_have_grant(&self) -> Result<&Grant, Refusal> {
        self.standing.live_grant(self.now).ok_or(Refusal::NoGrant)
    }

    pub(super) fn must_have_no_application(&self) -> Result<(), Refusal> {
        match &self.standing.application {
            Some(application) => Err(Refusal::AlreadyApplied { kind: application.kind }),
            None => Ok(()),
        }
    }

    pub(super) fn must_have_no_notice(&self) -> Result<(), Refusal> {
        match &self.standing.cancellation {
            Some(notice) => Err(self.notice_running(notice)),
            None => Ok(()),
        }
    }

    pub(super) fn notice_running(&self, notice: &Notice) -> Refusal {
        Refusal::NoticeRunning { app: self.standing.key.app.clone(), at: notice.takes_effect() }
    }

    /// The application, if it is the one that waits here. What the standing knows of it counts, not
    /// what the caller found.
    pub(super) fn waiting(&self, found: &Application) -> Result<&Application, Refusal> {
        waiting(self.standing.application.as_ref(), found)
    }

    /// The notice, if it is one of those that run here.
    pub(super) fn running(&self, found: &Notice) -> Result<&Notice, Refusal> {
        must_be_running(found)?;
        let run = [&self.standing.cancellation, &self.standing.shutdown];
        run.into_iter().flatten().find(|notice| notice.id == found.id).ok_or(Refusal::NoticeUnknown)
    }

    pub(super) fn must_be_ahead(&self, until: Timestamp) -> Result<(), Refusal> {
        if until > self.now { Ok(()) } else { Err(Refusal::EndPassed { end: until }) }
    }

    pub(super) fn must_grow(&self, grant: &Grant, until: Timestamp) -> Result<(), Refusal> {
        if until > grant.until {
            return Ok(());
        }
        Err(Refusal::EndShrinks { app: self.standing.key.app.clone(), until: grant.until })
    }
}

fn must_be_running(notice: &Notice) -> Result<(), Refusal> {
    match &notice.closed {
        Some(closed) => Err(Refusal::NoticeEnded { closed: closed.clone() }),
        None => Ok(()),
    }
}

/// An end of validity as it is kept: on the hour, never later than asked.
pub(super) fn end_of_validity(asked: Option<Timestamp>) -> Result<Timestamp, Refusal> {
    let end = asked.ok_or(Refusal::FieldMissing { field: "time" })?.floor_hour();
    if end.is_beyond_horizon() { Err(Refusal::EndTooFar) } else { Ok(end) }
}

/// Closes what hangs on a grant that ends now.
pub(super) fn release(
    standing: &Standing,
    cause: VoidCause,
    by: Option<UserId>,
    now: Timestamp,
) -> Vec<Event> {
    let application = standing.application.clone().map(|a| a.void(cause, now));
    let notices = [standing.cancellation.clone(), standing.shutdown.clone()];
    let closed =
        notices.into_iter().flatten().map(|n| n.closed(NoticeOutcome::Released, now, by.clone()));
    application
        .map(Event::ApplicationClosed)
        .into_iter()
        .chain(closed.map(Event::NoticeClosed))
        .collect()
}

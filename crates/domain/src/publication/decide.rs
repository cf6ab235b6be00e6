//! May this happen to a publication, and what happens then? The ladder is the one of standings:
//! form, existence, rights, repeat, state, time.

use super::{Event, Publication, Status, evolve, settle};
use crate::application::{Application, ApplicationKind, Outcome, Verdict};
use crate::guards::{moment_of_cancellation, must_leave_notice, waiting};
use crate::id::{ApplicationId, UserId};
use crate::refusal::Refusal;
use crate::time::Timestamp;

/// What a caller wants to happen to a publication. Times are as asked, before rounding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Publish the API: at once by a reviewer, else as an application.
    Publish {
        /// The id the application would have.
        id: ApplicationId,
    },
    /// Stop it; grants are kept.
    Stop {
        /// When at the latest; needed while apps count on it.
        at: Option<Timestamp>,
    },
    /// Take it offline; grants go.
    Unpublish {
        /// When at the latest; needed while apps count on it.
        at: Option<Timestamp>,
    },
    /// Let a stopped API answer again: at once by a reviewer, else as an application.
    Recover {
        /// The id the application would have.
        id: ApplicationId,
    },
    /// The reviewer decides the application to publish or recover.
    Decide {
        /// The application as the caller found it.
        application: Application,
        /// Does he agree?
        pass: bool,
        /// Why, in his words.
        comment: Option<String>,
    },
    /// The applicant takes his application back.
    Withdraw {
        /// The application as the caller found it.
        application: Application,
    },
    /// The reviewer calls off an announced stop or unpublish.
    WithdrawShutdown,
    /// Some app stopped counting on the API: if none is left, an announced end has come.
    AppReleased,
}

/// What a decision needs to know beside the publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Who commands.
    pub actor: UserId,
    /// Is he the API's reviewer?
    pub is_reviewer: bool,
    /// Is he on the workspace's list of reviewers, so that what he publishes needs no review?
    pub is_listed_reviewer: bool,
    /// Is there an app that counts on the API here: with a live grant, and no agreement to do without?
    pub is_counted_on: bool,
    /// Hours after publishing in which no stop or unpublish may take effect.
    pub retention_hours: u32,
    /// Why the API cannot have its method and path here; none if it can.
    pub route_refused: Option<Refusal>,
}

type Decision = Result<Vec<Event>, Refusal>;

/// What `command` does to `publication` at `now`, or why it does not. What time alone has brought
/// about comes first among the events.
pub fn decide(
    publication: &Publication,
    facts: &Facts,
    command: &Command,
    now: Timestamp,
) -> Decision {
    let settled = settle(publication, now);
    let current = settled.iter().fold(publication.clone(), |p, event| evolve(p, event, now));
    let case = Case { publication: &current, facts, now };
    let decided = match command {
        Command::Publish { id } => case.publish(id),
        Command::Stop { at } => case.shut_down(*at, Shut::Stop),
        Command::Unpublish { at } => case.shut_down(*at, Shut::Unpublish),
        Command::Recover { id } => case.recover(id),
        Command::Decide { application, pass, comment } => {
            case.verdict(application, *pass, comment.clone())
        }
        Command::Withdraw { application } => case.withdraw(application),
        Command::WithdrawShutdown => case.withdraw_shutdown(),
        Command::AppReleased => Ok(case.app_released()),
    }?;
    Ok(settled.into_iter().chain(decided).collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shut {
    Stop,
    Unpublish,
}

struct Case<'a> {
    publication: &'a Publication,
    facts: &'a Facts,
    now: Timestamp,
}

impl Case<'_> {
    fn publish(&self, id: &ApplicationId) -> Decision {
        match self.publication.status {
            Status::Created | Status::PublishRejected | Status::Offline => {}
            status => return Err(Refusal::IllegalAction { status }),
        }
        self.must_have_route()?;
        Ok(if self.facts.is_listed_reviewer {
            vec![Event::Published]
        } else {
            vec![self.file(id, ApplicationKind::Publish)]
        })
    }

    fn recover(&self, id: &ApplicationId) -> Decision {
        let status = self.publication.status;
        if status != Status::Stopped {
            return Err(Refusal::IllegalAction { status });
        }
        self.must_be_reached()?;
        Ok(if self.facts.is_listed_reviewer {
            vec![Event::Recovered]
        } else {
            vec![self.file(id, ApplicationKind::Recover)]
        })
    }

    fn file(&self, id: &ApplicationId, kind: ApplicationKind) -> Event {
        Event::Applied(Application {
            id: id.clone(),
            kind,
            api: self.publication.api.clone(),
            instance: self.publication.instance.clone(),
            app: None,
            applicant: self.facts.actor.clone(),
            until: None,
            opened_at: self.now,
            verdict: None,
        })
    }

    /// A stop or unpublish takes effect at once when no app counts on the API, and is announced
    /// otherwise.
    fn shut_down(&self, at: Option<Timestamp>, how: Shut) -> Decision {
        self.must_review()?;
        let status = self.publication.status;
        let legal = match how {
            Shut::Stop => status == Status::Published,
            Shut::Unpublish => matches!(status, Status::Published | Status::Stopped),
        };
        if !legal {
            return Err(Refusal::IllegalAction { status });
        }
        // Nobody can call a stopped API, so taking it offline ends no access.
        if !self.facts.is_counted_on || status == Status::Stopped {
            return Ok(vec![done(how)]);
        }
        let at = moment_of_cancellation(at)?;
        must_leave_notice(at, self.now, self.retained_until())?;
        Ok(vec![match how {
            Shut::Stop => Event::StopAnnounced { at },
            Shut::Unpublish => Event::UnpublishAnnounced { at },
        }])
    }

    fn retained_until(&self) -> Option<Timestamp> {
        let hours = i64::from(self.facts.retention_hours);
        Some(self.publication.published_at?.plus_ms(hours * crate::time::HOUR_MS))
    }

    fn verdict(&self, application: &Application, pass: bool, comment: Option<String>) -> Decision {
        self.must_review()?;
        let application = self.waiting(application)?;
        match application.kind {
            ApplicationKind::Publish if pass => self.must_have_route()?,
            ApplicationKind::Recover if pass => self.must_be_reached()?,
            ApplicationKind::Publish
            | ApplicationKind::Recover
            | ApplicationKind::Apply
            | ApplicationKind::Renew => {}
        }
        let outcome = if pass { Outcome::Passed } else { Outcome::Rejected };
        let closed = self.close(application, outcome, comment);
        Ok(match (application.kind, pass) {
            (ApplicationKind::Recover, true) => vec![closed, Event::Recovered],
            (ApplicationKind::Recover, false) => vec![closed, Event::BackTo(Status::Stopped)],
            (_, true) => vec![closed, Event::Published],
            (_, false) => vec![closed, Event::PublishRejected],
        })
    }

    fn withdraw(&self, application: &Application) -> Decision {
        if application.applicant != self.facts.actor {
            return Err(Refusal::NotApplicant);
        }
        let application = self.waiting(application)?;
        let before = match (application.kind, self.publication.published_at) {
            (ApplicationKind::Recover, _) => Status::Stopped,
            (_, Some(_)) => Status::Offline,
            (_, None) => Status::Created,
        };
        Ok(vec![self.close(application, Outcome::Withdrawn, None), Event::BackTo(before)])
    }

    fn close(&self, application: &Application, outcome: Outcome, comment: Option<String>) -> Event {
        let by = Some(self.facts.actor.clone());
        let verdict = Verdict { outcome, at: self.now, by, comment };
        Event::ApplicationClosed(application.clone().closed(verdict))
    }

    fn withdraw_shutdown(&self) -> Decision {
        self.must_review()?;
        match self.publication.status {
            Status::Stopping { .. } | Status::Unpublishing { .. } => {
                Ok(vec![Event::ShutdownWithdrawn])
            }
            status => Err(Refusal::IllegalAction { status }),
        }
    }

    fn app_released(&self) -> Vec<Event> {
        if self.facts.is_counted_on {
            return Vec::new();
        }
        match self.publication.status {
            Status::Stopping { .. } => vec![Event::Stopped],
            Status::Unpublishing { .. } => vec![Event::Unpublished],
            _ => Vec::new(),
        }
    }

    /// The application, if it is the one that waits here. What the publication knows of it counts,
    /// not what the caller found.
    fn waiting(&self, found: &Application) -> Result<&Application, Refusal> {
        waiting(self.publication.application.as_ref(), found)
    }

    fn must_have_route(&self) -> Result<(), Refusal> {
        self.facts.route_refused.clone().map_or(Ok(()), Err)
    }

    /// What was stopped still holds its route, but not what leads calls to it.
    fn must_be_reached(&self) -> Result<(), Refusal> {
        match &self.facts.route_refused {
            Some(refusal @ Refusal::HostsNeeded { .. }) => Err(refusal.clone()),
            Some(_) | None => Ok(()),
        }
    }

    fn must_review(&self) -> Result<(), Refusal> {
        if self.facts.is_reviewer { Ok(()) } else { Err(Refusal::NotReviewer) }
    }
}

fn done(how: Shut) -> Event {
    match how {
        Shut::Stop => Event::Stopped,
        Shut::Unpublish => Event::Unpublished,
    }
}

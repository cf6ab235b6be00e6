//! May this happen to a standing, and what happens then?
//!
//! Each command is one ladder: form, existence, rights, repeat, state, time. The first rung that
//! does not hold is the answer.

use super::command::{Choice, Command, Facts};
use super::follow::{Shutdown, follow};
use super::guards::{Case, end_of_validity, release};
use super::{Cut, CutCause, Event, Grant, Standing};
use crate::app::Fit;
use crate::application::{Application, ApplicationKind, Outcome, VoidCause};
use crate::guards::{moment_of_cancellation, must_leave_notice};
use crate::id::{ApplicationId, NoticeId};
use crate::limits::CONFIRM_DEFAULT_MS;
use crate::notice::{Notice, NoticeKind, NoticeOutcome};
use crate::publication::Status;
use crate::refusal::Refusal;
use crate::time::Timestamp;

type Decision = Result<Vec<Event>, Refusal>;

/// What `command` does to `standing` at `now`, or why it does not. What time alone has brought
/// about comes first among the events.
pub fn decide(standing: &Standing, facts: &Facts, command: &Command, now: Timestamp) -> Decision {
    let mut events = come_about(standing, facts.status, now);
    let current =
        events.iter().cloned().fold(standing.clone(), |s, event| super::evolve(s, event, now));
    let case = Case { standing: &current, facts, now };
    let decided = match command {
        Command::Authorize { until } => case.authorize(*until)?,
        Command::Apply { id, until } => case.apply(id, *until)?,
        Command::Renew { id, until } => case.renew(id, *until)?,
        Command::Cancel { id, at } => case.cancel(id, *at)?,
        Command::GiveBack => case.give_back()?,
        Command::Decide { application, pass, comment } => {
            case.verdict(latest(application, &events), *pass, comment.clone())?
        }
        Command::Withdraw { application } => case.withdraw(latest(application, &events))?,
        Command::Confirm { notice, choice } => {
            case.confirm(latest_notice(notice, &events), *choice)?
        }
        Command::WithdrawNotice { notice } => {
            case.withdraw_notice(latest_notice(notice, &events))?
        }
        Command::Settle => Vec::new(),
    };
    events.extend(decided);
    Ok(events)
}

/// What time alone has brought about. An API that went offline took its grants along, also of those
/// who agreed to that early and whose notice is closed.
fn come_about(standing: &Standing, status: Status, now: Timestamp) -> Vec<Event> {
    match status {
        Status::Created | Status::PublishPending | Status::PublishRejected | Status::Offline => {
            follow(standing, &Shutdown::Unpublished, now)
        }
        Status::Published
        | Status::Stopping { .. }
        | Status::Stopped
        | Status::RecoverPending
        | Status::Unpublishing { .. } => super::settle(standing, now),
    }
}

/// The application as settling has left it.
fn latest<'a>(application: &'a Application, settled: &'a [Event]) -> &'a Application {
    let closed = settled.iter().find_map(|event| match event {
        Event::ApplicationClosed(closed) if closed.id == application.id => Some(closed),
        _ => None,
    });
    closed.unwrap_or(application)
}

/// The notice as settling has left it.
fn latest_notice<'a>(notice: &'a Notice, settled: &'a [Event]) -> &'a Notice {
    let closed = settled.iter().find_map(|event| match event {
        Event::NoticeClosed(closed) if closed.id == notice.id => Some(closed),
        _ => None,
    });
    closed.unwrap_or(notice)
}

impl Case<'_> {
    fn authorize(&self, until: Option<Timestamp>) -> Decision {
        let until = end_of_validity(until)?;
        self.must_review()?;
        if self.facts.fit == Fit::OpenApi {
            return Ok(Vec::new());
        }
        match self.standing.live_grant(self.now) {
            Some(grant) if grant.until == until => Ok(Vec::new()),
            Some(grant) => self.extend(grant, until),
            None => self.grant(until),
        }
    }

    fn grant(&self, until: Timestamp) -> Decision {
        self.must_fit()?;
        self.must_be_published()?;
        self.must_be_ahead(until)?;
        let mut events = vec![Event::Granted { until, by: self.actor() }];
        events.extend(self.satisfied_application());
        Ok(events)
    }

    fn extend(&self, grant: &Grant, until: Timestamp) -> Decision {
        self.must_fit()?;
        self.must_keep_grants()?;
        self.must_have_no_notice()?;
        self.must_grow(grant, until)?;
        let mut events = vec![Event::Extended { until, by: self.actor() }];
        events.extend(self.satisfied_application());
        Ok(events)
    }

    /// A grant the reviewer gives of his own accord answers the application that waits.
    fn satisfied_application(&self) -> Option<Event> {
        let application = self.standing.application.clone()?;
        Some(Event::ApplicationClosed(application.closed(self.by_actor(Outcome::Passed, None))))
    }

    fn apply(&self, id: &ApplicationId, until: Option<Timestamp>) -> Decision {
        let until = end_of_validity(until)?;
        self.must_own()?;
        if self.facts.fit == Fit::OpenApi {
            return Ok(Vec::new());
        }
        self.must_fit()?;
        if let Some(grant) = self.standing.live_grant(self.now) {
            let app = self.standing.key.app.clone();
            return Err(Refusal::AlreadyGranted { app, until: grant.until });
        }
        self.must_have_no_application()?;
        self.must_be_published()?;
        self.must_be_ahead(until)?;
        Ok(vec![self.file(id, ApplicationKind::Apply, until)])
    }

    fn renew(&self, id: &ApplicationId, until: Option<Timestamp>) -> Decision {
        let until = end_of_validity(until)?;
        self.must_own()?;
        if self.facts.fit == Fit::OpenApi {
            return Ok(Vec::new());
        }
        self.must_fit()?;
        let grant = self.must_have_grant()?;
        self.must_have_no_application()?;
        self.must_keep_grants()?;
        self.must_have_no_notice()?;
        self.must_grow(grant, until)?;
        Ok(vec![self.file(id, ApplicationKind::Renew, until)])
    }

    fn file(&self, id: &ApplicationId, kind: ApplicationKind, until: Timestamp) -> Event {
        let key = self.standing.key.clone();
        Event::Applied(Application {
            id: id.clone(),
            kind,
            api: key.api,
            instance: key.instance,
            app: Some(key.app),
            applicant: self.actor(),
            until: Some(until),
            opened_at: self.now,
            verdict: None,
        })
    }

    fn cancel(&self, id: &NoticeId, at: Option<Timestamp>) -> Decision {
        let at = moment_of_cancellation(at)?;
        self.must_review()?;
        self.must_have_grant()?;
        if let Some(notice) = &self.standing.cancellation {
            return Err(self.notice_running(notice));
        }
        must_leave_notice(at, self.now, None)?;
        let mut events = Vec::new();
        if let Some(application) = self.standing.application.clone() {
            events.push(Event::ApplicationClosed(application.void(VoidCause::Cancelled, self.now)));
        }
        events.push(Event::NoticeSent(Notice {
            id: id.clone(),
            kind: NoticeKind::Cancel,
            key: self.standing.key.clone(),
            sent_by: self.actor(),
            sent_at: self.now,
            deadline: at,
            scheduled: None,
            closed: None,
        }));
        events.push(Event::Cut(Cut { at, cause: CutCause::Reviewer }));
        Ok(events)
    }

    fn give_back(&self) -> Decision {
        self.must_own()?;
        self.must_have_grant()?;
        let mut events = release(self.standing, VoidCause::GivenBack, Some(self.actor()), self.now);
        events.push(Event::Cut(Cut { at: self.now, cause: CutCause::App }));
        Ok(events)
    }

    fn verdict(&self, application: &Application, pass: bool, comment: Option<String>) -> Decision {
        self.must_review()?;
        let application = self.waiting(application)?;
        let outcome = if pass { Outcome::Passed } else { Outcome::Rejected };
        let closed = application.clone().closed(self.by_actor(outcome, comment));
        let mut events = vec![Event::ApplicationClosed(closed)];
        if pass {
            events.push(self.granted_by(application)?);
        }
        Ok(events)
    }

    /// What agreeing to `application` does. All is checked anew: the world may have moved on since
    /// it was filed.
    fn granted_by(&self, application: &Application) -> Result<Event, Refusal> {
        let until = end_of_validity(application.until)?;
        self.must_fit()?;
        match self.standing.live_grant(self.now) {
            Some(grant) => {
                self.must_keep_grants()?;
                self.must_have_no_notice()?;
                self.must_grow(grant, until)?;
                Ok(Event::Extended { until, by: self.actor() })
            }
            None => {
                self.must_be_published()?;
                self.must_be_ahead(until)?;
                Ok(Event::Granted { until, by: self.actor() })
            }
        }
    }

    fn withdraw(&self, application: &Application) -> Decision {
        if application.applicant != self.facts.actor {
            return Err(Refusal::NotApplicant);
        }
        let application = self.waiting(application)?;
        let verdict = self.by_actor(Outcome::Withdrawn, None);
        Ok(vec![Event::ApplicationClosed(application.clone().closed(verdict))])
    }

    fn confirm(&self, notice: &Notice, choice: Choice) -> Decision {
        if !self.facts.answers_for_app {
            return Err(Refusal::NotAddressee);
        }
        let notice = self.running(notice)?;
        match choice {
            Choice::Now => Ok(self.end_now(notice)),
            Choice::At(at) => self.schedule(notice, at),
        }
    }

    fn end_now(&self, notice: &Notice) -> Vec<Event> {
        let confirmed =
            notice.clone().closed(NoticeOutcome::Confirmed, self.now, Some(self.actor()));
        let mut events = vec![Event::NoticeClosed(confirmed)];
        events.push(match notice.kind {
            NoticeKind::Cancel => Event::Cut(Cut { at: self.now, cause: CutCause::Reviewer }),
            NoticeKind::Stop | NoticeKind::Unpublish => Event::Paused { from: self.now },
        });
        if notice.kind == NoticeKind::Cancel {
            events.extend(self.released_shutdown());
        }
        events
    }

    /// With the grant gone, a stop of the API announces nothing any more.
    fn released_shutdown(&self) -> Option<Event> {
        let notice = self.standing.shutdown.clone()?;
        Some(Event::NoticeClosed(notice.closed(
            NoticeOutcome::Released,
            self.now,
            Some(self.actor()),
        )))
    }

    fn schedule(&self, notice: &Notice, at: Option<Timestamp>) -> Decision {
        // A notice is only ever brought forward, also by a second answer.
        let latest = notice.takes_effect();
        let default = || self.now.plus_ms(CONFIRM_DEFAULT_MS).ceil_hour().min(latest);
        let at = at.map_or_else(default, Timestamp::ceil_hour);
        if at <= self.now {
            return Err(Refusal::ConfirmPassed);
        }
        if at > latest {
            return Err(Refusal::ConfirmTooLate { deadline: latest });
        }
        let scheduled = Notice { scheduled: Some(at), ..notice.clone() };
        Ok(vec![
            Event::NoticeScheduled(scheduled),
            match notice.kind {
                NoticeKind::Cancel => Event::Cut(Cut { at, cause: CutCause::Reviewer }),
                NoticeKind::Stop | NoticeKind::Unpublish => Event::Paused { from: at },
            },
        ])
    }

    fn withdraw_notice(&self, notice: &Notice) -> Decision {
        self.must_review()?;
        let notice = self.running(notice)?;
        // One app cannot be exempted from the end of an API: a stop is called off for all or none.
        if notice.kind != NoticeKind::Cancel {
            return Err(Refusal::IllegalAction { status: self.facts.status });
        }
        let withdrawn =
            notice.clone().closed(NoticeOutcome::Withdrawn, self.now, Some(self.actor()));
        Ok(vec![Event::NoticeClosed(withdrawn), Event::CutWithdrawn])
    }
}

//! May this happen to a standing, and what happens then?
//!
//! Each command is one ladder: form, existence, rights, repeat, state, time. The first rung that
//! does not hold is the answer.

use super::{Cut, CutCause, Event, Grant, Standing};
use crate::app::Fit;
use crate::application::{Application, ApplicationKind, Outcome, Verdict, VoidCause};
use crate::id::{ApplicationId, NoticeId, UserId};
use crate::limits::{CONFIRM_DEFAULT_MS, NOTICE_MS};
use crate::notice::{Notice, NoticeKind, NoticeOutcome};
use crate::publication::Status;
use crate::refusal::Refusal;
use crate::time::Timestamp;

/// What a caller wants to happen to a standing. Times are as asked, before rounding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The reviewer grants, or extends a grant.
    Authorize {
        /// The end of validity.
        until: Option<Timestamp>,
    },
    /// The app's owner asks for a grant.
    Apply {
        /// The id the application will have.
        id: ApplicationId,
        /// The end of validity.
        until: Option<Timestamp>,
    },
    /// The app's owner asks for a later end.
    Renew {
        /// The id the application will have.
        id: ApplicationId,
        /// The new end of validity.
        until: Option<Timestamp>,
    },
    /// The reviewer announces the end of the grant.
    Cancel {
        /// The id the notice will have.
        id: NoticeId,
        /// When access ends.
        at: Option<Timestamp>,
    },
    /// The app's owner gives the grant back, at once.
    GiveBack,
    /// The reviewer decides an application.
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
    /// The app's side answers a notice.
    Confirm {
        /// The notice as the caller found it.
        notice: Notice,
        /// When it shall take effect.
        choice: Choice,
    },
    /// The reviewer takes back the notice of his cancellation.
    WithdrawNotice {
        /// The notice as the caller found it.
        notice: Notice,
    },
    /// Nothing but time passed.
    Settle,
}

/// How the app's side answers a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Let it take effect now.
    Now,
    /// Let it take effect at this moment; without one, in three days, but not after the deadline.
    At(Option<Timestamp>),
}

/// What a decision needs to know beside the standing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Who commands.
    pub actor: UserId,
    /// Is he the API's reviewer?
    pub is_reviewer: bool,
    /// Does he own the app?
    pub is_owner: bool,
    /// May he answer notices for the app: as its owner, or as an admin of its workspace?
    pub answers_for_app: bool,
    /// Do API and app go together?
    pub fit: Fit,
    /// The API's state on the instance, as of now.
    pub status: Status,
}

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

/// One decision: the standing as of now, the facts, the time.
struct Case<'a> {
    standing: &'a Standing,
    facts: &'a Facts,
    now: Timestamp,
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

    // The rungs.

    fn actor(&self) -> UserId {
        self.facts.actor.clone()
    }

    fn by_actor(&self, outcome: Outcome, comment: Option<String>) -> Verdict {
        Verdict { outcome, at: self.now, by: Some(self.actor()), comment }
    }

    fn must_review(&self) -> Result<(), Refusal> {
        if self.facts.is_reviewer { Ok(()) } else { Err(Refusal::NotReviewer) }
    }

    fn must_own(&self) -> Result<(), Refusal> {
        if self.facts.is_owner { Ok(()) } else { Err(Refusal::NotAppOwner) }
    }

    fn must_fit(&self) -> Result<(), Refusal> {
        match self.facts.fit {
            Fit::Fits => Ok(()),
            Fit::OpenApi | Fit::Mismatch => Err(Refusal::KindMismatch),
        }
    }

    /// A new grant needs an API that answers and is to go on answering.
    fn must_be_published(&self) -> Result<(), Refusal> {
        match self.facts.status {
            Status::Published => Ok(()),
            _ => Err(Refusal::NotPublished),
        }
    }

    /// A grant can be extended as long as the API keeps its grants, also while it is stopped.
    fn must_keep_grants(&self) -> Result<(), Refusal> {
        if self.facts.status.keeps_grants() { Ok(()) } else { Err(Refusal::NotPublished) }
    }

    fn must_have_grant(&self) -> Result<&Grant, Refusal> {
        self.standing.live_grant(self.now).ok_or(Refusal::NoGrant)
    }

    fn must_have_no_application(&self) -> Result<(), Refusal> {
        match &self.standing.application {
            Some(application) => Err(Refusal::AlreadyApplied { kind: application.kind }),
            None => Ok(()),
        }
    }

    fn must_have_no_notice(&self) -> Result<(), Refusal> {
        match &self.standing.cancellation {
            Some(notice) => Err(self.notice_running(notice)),
            None => Ok(()),
        }
    }

    fn notice_running(&self, notice: &Notice) -> Refusal {
        Refusal::NoticeRunning { app: self.standing.key.app.clone(), at: notice.takes_effect() }
    }

    /// The application, if it is the one that waits here. What the standing knows of it counts, not
    /// what the caller found.
    fn waiting(&self, found: &Application) -> Result<&Application, Refusal> {
        must_be_pending(found)?;
        let waits = self.standing.application.as_ref();
        waits.filter(|application| application.id == found.id).ok_or(Refusal::ApplicationUnknown)
    }

    /// The notice, if it is one of those that run here.
    fn running(&self, found: &Notice) -> Result<&Notice, Refusal> {
        must_be_running(found)?;
        let run = [&self.standing.cancellation, &self.standing.shutdown];
        run.into_iter().flatten().find(|notice| notice.id == found.id).ok_or(Refusal::NoticeUnknown)
    }

    fn must_be_ahead(&self, until: Timestamp) -> Result<(), Refusal> {
        if until > self.now { Ok(()) } else { Err(Refusal::EndPassed { end: until }) }
    }

    fn must_grow(&self, grant: &Grant, until: Timestamp) -> Result<(), Refusal> {
        if until > grant.until {
            return Ok(());
        }
        Err(Refusal::EndShrinks { app: self.standing.key.app.clone(), until: grant.until })
    }
}

fn must_be_pending(application: &Application) -> Result<(), Refusal> {
    match &application.verdict {
        Some(verdict) => Err(Refusal::AlreadyDecided { verdict: verdict.clone() }),
        None => Ok(()),
    }
}

fn must_be_running(notice: &Notice) -> Result<(), Refusal> {
    match &notice.closed {
        Some(closed) => Err(Refusal::NoticeEnded { closed: closed.clone() }),
        None => Ok(()),
    }
}

/// An end of validity as it is kept: on the hour, never later than asked.
fn end_of_validity(asked: Option<Timestamp>) -> Result<Timestamp, Refusal> {
    let end = asked.ok_or(Refusal::FieldMissing { field: "time" })?.floor_hour();
    if end.is_beyond_horizon() { Err(Refusal::EndTooFar) } else { Ok(end) }
}

/// A moment of cancellation as it is kept: on the hour, never earlier than asked.
pub(crate) fn moment_of_cancellation(asked: Option<Timestamp>) -> Result<Timestamp, Refusal> {
    let at = asked.ok_or(Refusal::FieldMissing { field: "time" })?.ceil_hour();
    if at.is_beyond_horizon() { Err(Refusal::EndTooFar) } else { Ok(at) }
}

/// Does an end of access at `at` leave the two days, and the retention period if there is one?
pub(crate) fn must_leave_notice(
    at: Timestamp,
    now: Timestamp,
    retained_until: Option<Timestamp>,
) -> Result<(), Refusal> {
    let notice_over = now.plus_ms(NOTICE_MS);
    let earliest = retained_until.map_or(notice_over, |until| until.max(notice_over));
    if at >= earliest {
        Ok(())
    } else {
        Err(Refusal::NoticeTooShort { earliest: earliest.ceil_hour() })
    }
}

/// Closes what hangs on a grant that ends now.
fn release(
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

/// What the API's life on the instance means for one app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shutdown {
    /// A stop or unpublish is announced.
    Announced {
        /// The id the notice will have.
        id: NoticeId,
        /// Stop or unpublish.
        kind: NoticeKind,
        /// The reviewer.
        by: UserId,
        /// When it takes effect at the latest.
        deadline: Timestamp,
    },
    /// The API has stopped for all; grants are kept.
    Stopped,
    /// The API is unpublished; grants are gone.
    Unpublished,
    /// The announcement was withdrawn.
    Withdrawn {
        /// The reviewer.
        by: UserId,
    },
    /// The API answers again.
    Recovered,
}

/// What `change` of the API does to a standing at `now`. The app's side has no say in it, so there
/// is nothing to refuse.
pub fn follow(standing: &Standing, change: &Shutdown, now: Timestamp) -> Vec<Event> {
    let mut events = super::settle(standing, now);
    let standing = &standing.as_of(now);
    let pause_ended = standing.paused_from.map(|_| Event::PauseEnded);
    match change {
        Shutdown::Announced { id, kind, by, deadline } => {
            if standing.live_grant(now).is_some() {
                events.push(Event::NoticeSent(Notice {
                    id: id.clone(),
                    kind: *kind,
                    key: standing.key.clone(),
                    sent_by: by.clone(),
                    sent_at: now,
                    deadline: *deadline,
                    scheduled: None,
                    closed: None,
                }));
            }
        }
        Shutdown::Stopped => {
            events.extend(
                standing.shutdown.clone().map(|n| Event::NoticeClosed(n.carried_out_by(now))),
            );
            events.extend(pause_ended);
        }
        Shutdown::Unpublished => {
            if let Some(notice) = &standing.shutdown {
                events.push(Event::NoticeClosed(notice.clone().carried_out_by(now)));
            }
            let rest = Standing { shutdown: None, ..standing.clone() };
            events.extend(release(&rest, VoidCause::Unpublished, None, now));
            if standing.live_grant(now).is_some() {
                events.push(Event::Cut(Cut { at: now, cause: CutCause::Unpublished }));
            }
            events.extend(pause_ended);
        }
        Shutdown::Withdrawn { by } => {
            events.extend(standing.shutdown.clone().map(|n| {
                Event::NoticeClosed(n.closed(NoticeOutcome::Withdrawn, now, Some(by.clone())))
            }));
            events.extend(pause_ended);
        }
        Shutdown::Recovered => events.extend(pause_ended),
    }
    events
}

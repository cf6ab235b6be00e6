//! One API, one instance, one app: a standing and its publication, and the records of all
//! applications and notices there ever were. It does what the use cases of the control side do, and
//! nothing cleverer.

use tidegate_domain::app::Fit;
use tidegate_domain::publication::{self, Publication, Status};
use tidegate_domain::standing::{self, Choice, Command, Event, Facts, Shutdown, Standing};
use tidegate_domain::{
    Application, ApplicationId, Denied, Notice, NoticeId, NoticeKind, Permit, Refusal, Timestamp,
    admit,
};

use crate::cast::{Who, api, day, instance, key};

#[derive(Debug, Clone)]
pub struct World {
    pub standing: Standing,
    pub publication: Publication,
    pub fit: Fit,
    /// Other apps that count on the API.
    pub others: usize,
    pub retention_hours: u32,
    pub route_refused: Option<Refusal>,
    /// Every application, as last recorded, the oldest first.
    pub applications: Vec<Application>,
    /// Every notice, as last recorded, the oldest first.
    pub notices: Vec<Notice>,
    /// Every event of the standing.
    pub journal: Vec<(Timestamp, Event)>,
    serial: u32,
}

impl World {
    /// Published on day 0 by its reviewer, nothing granted. Other apps count on the API, too.
    pub fn new() -> Self {
        let mut world = Self::unpublished();
        let id = world.application_id();
        world.publication(Who::Reviewer, &publication::Command::Publish { id }, day(0)).unwrap();
        world
    }

    /// Never published.
    pub fn unpublished() -> Self {
        Self {
            standing: Standing::new(key()),
            publication: Publication::new(api(), instance()),
            fit: Fit::Fits,
            others: 1,
            retention_hours: 0,
            route_refused: None,
            applications: Vec::new(),
            notices: Vec::new(),
            journal: Vec::new(),
            serial: 0,
        }
    }

    /// The app has a grant from day 0 until `until`.
    pub fn granted(until: Timestamp) -> Self {
        let mut world = Self::new();
        world.authorize(until, day(0)).unwrap();
        world
    }

    /// The app's owner applied on day 0 for a grant until `until`.
    pub fn applied(until: Timestamp) -> Self {
        let mut world = Self::new();
        world.apply(until, day(0)).unwrap();
        world
    }

    pub fn application_id(&mut self) -> ApplicationId {
        self.serial += 1;
        ApplicationId::parse(&format!("a{}", self.serial)).unwrap()
    }

    pub fn notice_id(&mut self) -> NoticeId {
        self.serial += 1;
        NoticeId::parse(&format!("n{}", self.serial)).unwrap()
    }

    pub fn status(&self, now: Timestamp) -> Status {
        self.publication.status.as_of(now)
    }

    pub fn admit(&self, now: Timestamp) -> Result<Permit, Denied> {
        admit(self.publication.status, Some(self.standing.held()), now)
    }

    pub fn facts(&self, who: Who, now: Timestamp) -> Facts {
        Facts {
            actor: who.id(),
            is_reviewer: who == Who::Reviewer,
            is_owner: who == Who::Owner,
            answers_for_app: matches!(who, Who::Owner | Who::Admin),
            fit: self.fit,
            status: self.status(now),
        }
    }

    pub fn publication_facts(&self, who: Who, now: Timestamp) -> publication::Facts {
        publication::Facts {
            actor: who.id(),
            is_reviewer: who == Who::Reviewer,
            is_listed_reviewer: matches!(who, Who::Reviewer | Who::Listed),
            is_counted_on: self.others > 0 || self.standing.counts_on_api(now),
            retention_hours: self.retention_hours,
            route_refused: self.route_refused.clone(),
        }
    }

    /// `who` commands something to the standing.
    pub fn run(
        &mut self,
        who: Who,
        command: &Command,
        now: Timestamp,
    ) -> Result<Vec<Event>, Refusal> {
        let events = standing::decide(&self.standing, &self.facts(who, now), command, now)?;
        self.fold(events.clone(), now);
        self.released(now);
        Ok(events)
    }

    /// `who` commands something to the publication; the standing follows.
    pub fn publication(
        &mut self,
        who: Who,
        command: &publication::Command,
        now: Timestamp,
    ) -> Result<Vec<publication::Event>, Refusal> {
        let facts = self.publication_facts(who, now);
        let events = publication::decide(&self.publication, &facts, command, now)?;
        for event in &events {
            self.publication = publication::evolve(self.publication.clone(), event, now);
            self.follow(event, who, now);
        }
        Ok(events)
    }

    /// The tidy-up that timers do: never needed for what is admitted.
    pub fn tick(&mut self, now: Timestamp) {
        self.run(Who::Stranger, &Command::Settle, now).unwrap();
    }

    fn released(&mut self, now: Timestamp) {
        self.publication(Who::Stranger, &publication::Command::AppReleased, now).unwrap();
    }

    fn follow(&mut self, event: &publication::Event, who: Who, now: Timestamp) {
        let by = who.id();
        let id = self.notice_id();
        let announced = |kind, deadline| Shutdown::Announced { id, kind, by: who.id(), deadline };
        let change = match event {
            publication::Event::StopAnnounced { at } => announced(NoticeKind::Stop, *at),
            publication::Event::UnpublishAnnounced { at } => announced(NoticeKind::Unpublish, *at),
            publication::Event::Stopped => Shutdown::Stopped,
            publication::Event::Unpublished => Shutdown::Unpublished,
            publication::Event::ShutdownWithdrawn => Shutdown::Withdrawn { by },
            publication::Event::Recovered => Shutdown::Recovered,
            publication::Event::Published
            | publication::Event::Applied(_)
            | publication::Event::ApplicationClosed(_)
            | publication::Event::PublishRejected
            | publication::Event::BackTo(_) => return,
        };
        let events = standing::follow(&self.standing, &change, now);
        self.fold(events, now);
    }

    fn fold(&mut self, events: Vec<Event>, now: Timestamp) {
        for event in events {
            match &event {
                Event::Applied(a) => self.applications.push(a.clone()),
                Event::ApplicationClosed(a) => {
                    let record = self.applications.iter_mut().find(|r| r.id == a.id);
                    *record.unwrap() = a.clone();
                }
                Event::NoticeSent(n) => self.notices.push(n.clone()),
                Event::NoticeScheduled(n) | Event::NoticeClosed(n) => {
                    let record = self.notices.iter_mut().find(|r| r.id == n.id);
                    *record.unwrap() = n.clone();
                }
                _ => {}
            }
            self.journal.push((now, event.clone()));
            self.standing = standing::evolve(self.standing.clone(), event, now);
        }
    }

    // The usual steps of stories, by those who may take them.

    pub fn authorize(&mut self, until: Timestamp, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let until = Some(until);
        self.run(Who::Reviewer, &Command::Authorize { until }, now)
    }

    pub fn apply(&mut self, until: Timestamp, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let (id, until) = (self.application_id(), Some(until));
        self.run(Who::Owner, &Command::Apply { id, until }, now)
    }

    pub fn renew(&mut self, until: Timestamp, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let (id, until) = (self.application_id(), Some(until));
        self.run(Who::Owner, &Command::Renew { id, until }, now)
    }

    pub fn cancel(&mut self, end: Timestamp, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let (id, at) = (self.notice_id(), Some(end));
        self.run(Who::Reviewer, &Command::Cancel { id, at }, now)
    }

    pub fn give_back(&mut self, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        self.run(Who::Owner, &Command::GiveBack, now)
    }

    /// The reviewer decides the application filed last.
    pub fn verdict(&mut self, pass: bool, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let command = Command::Decide { application: self.last_application(), pass, comment: None };
        self.run(Who::Reviewer, &command, now)
    }

    pub fn withdraw(&mut self, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let application = self.last_application();
        self.run(Who::Owner, &Command::Withdraw { application }, now)
    }

    /// The owner answers the notice sent last.
    pub fn confirm(&mut self, choice: Choice, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let notice = self.last_notice();
        self.run(Who::Owner, &Command::Confirm { notice, choice }, now)
    }

    pub fn withdraw_notice(&mut self, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let notice = self.last_notice();
        self.run(Who::Reviewer, &Command::WithdrawNotice { notice }, now)
    }

    pub fn last_application(&self) -> Application {
        self.applications.last().unwrap().clone()
    }

    pub fn last_notice(&self) -> Notice {
        self.notices.last().unwrap().clone()
    }

    pub fn stop(&mut self, end: Timestamp, now: Timestamp) {
        let stop = publication::Command::Stop { at: Some(end) };
        self.publication(Who::Reviewer, &stop, now).unwrap();
    }

    pub fn unpublish(&mut self, end: Timestamp, now: Timestamp) {
        let unpublish = publication::Command::Unpublish { at: Some(end) };
        self.publication(Who::Reviewer, &unpublish, now).unwrap();
    }

    pub fn recover(&mut self, now: Timestamp) {
        let id = self.application_id();
        let recover = publication::Command::Recover { id };
        self.publication(Who::Reviewer, &recover, now).unwrap();
    }

    pub fn publish(&mut self, now: Timestamp) {
        let id = self.application_id();
        let publish = publication::Command::Publish { id };
        self.publication(Who::Reviewer, &publish, now).unwrap();
    }
}

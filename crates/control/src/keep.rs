//! Keeping what happened to a standing: state, journal, and messages for the people it concerns.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tidegate_domain::refusal::Counted;
use tidegate_domain::standing::{self, Event};
use tidegate_domain::{Api, Application, ApplicationId, Key, Notice, NoticeId, Standing};
use tidegate_store::{AppRecord, ApplicationFilter, Paging};

use crate::error::Result;
use crate::turn::Turn;

/// Keeps what happened to a standing: state, journal and outbox.
pub(crate) async fn standing(
    turn: &mut Turn<'_>,
    api: &Api,
    record: &AppRecord,
    standing: Standing,
    events: Vec<Event>,
) -> Result<()> {
    let mut batch = Batch::default();
    batch.add(turn, api, record, standing, events).await?;
    batch.keep(turn).await
}

/// What happened to standings, of which no two have the same key, kept with a few statements.
#[derive(Default)]
pub(crate) struct Batch {
    standings: Vec<Standing>,
    applications: BTreeMap<ApplicationId, Application>,
    notices: BTreeMap<NoticeId, Notice>,
}

impl Batch {
    /// Adds what happened to one more.
    pub async fn add(
        &mut self,
        turn: &mut Turn<'_>,
        api: &Api,
        record: &AppRecord,
        mut standing: Standing,
        events: Vec<Event>,
    ) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        for event in events {
            match &event {
                Event::Applied(application) => file(turn, application).await?,
                Event::ApplicationClosed(application) => {
                    self.applications.insert(application.id.clone(), application.clone());
                }
                Event::NoticeSent(notice)
                | Event::NoticeScheduled(notice)
                | Event::NoticeClosed(notice) => {
                    self.notices.insert(notice.id.clone(), notice.clone());
                }
                Event::Granted { .. }
                | Event::Extended { .. }
                | Event::Cut(_)
                | Event::CutWithdrawn
                | Event::Paused { .. }
                | Event::PauseEnded => {}
            }
            announce(turn, api, record, &standing.key, &event).await?;
            standing = standing::evolve(standing, event, turn.now);
        }
        self.standings.push(standing);
        Ok(())
    }

    /// Keeps them all.
    pub async fn keep(self, turn: &mut Turn<'_>) -> Result<()> {
        let applications: Vec<_> = self.applications.into_values().collect();
        let notices: Vec<_> = self.notices.into_values().collect();
        turn.put_applications(&applications).await?;
        turn.put_notices(&notices).await?;
        Ok(turn.put_standings(&self.standings).await?)
    }
}

/// Keeps a new application, if its applicant may have another one that waits.
pub(crate) async fn file(turn: &mut Turn<'_>, application: &Application) -> Result<()> {
    let applicant = Some(application.applicant.clone());
    let pending = Some(true);
    let waiting = ApplicationFilter { applicant, pending, ..ApplicationFilter::default() };
    let count = turn.applications(&waiting, Paging { offset: 0, limit: 1 }).await?.total;
    turn.settings.quotas.must_have_room(Counted::WaitingApplications, count)?;
    Ok(turn.put_application(application).await?)
}

/// Tells the journal, and by the outbox the people an event concerns.
async fn announce(
    turn: &mut Turn<'_>,
    api: &Api,
    record: &AppRecord,
    key: &Key,
    event: &Event,
) -> Result<()> {
    let subject = format!("{}/{}/{}", key.api, key.instance, key.app);
    let owner = &record.app.owner;
    let (what, recipients, details) = match event {
        Event::Granted { until, .. } => {
            ("grant.granted", vec![owner], json!({ "until": until.to_string() }))
        }
        Event::Extended { until, .. } => {
            ("grant.extended", vec![owner], json!({ "until": until.to_string() }))
        }
        Event::Cut(cut) => {
            let details = json!({ "at": cut.at.to_string(), "cause": cut.cause.name() });
            ("grant.cut", vec![owner, &api.manager], details)
        }
        Event::CutWithdrawn => ("grant.cut-withdrawn", vec![owner], json!({})),
        Event::Applied(application) => {
            let until = application.until.map(|until| until.to_string());
            let details = json!({ "application": application.id.as_str(), "until": until });
            ("application.filed", vec![&api.manager], details)
        }
        Event::ApplicationClosed(application) => {
            let details = closed_application(application);
            ("application.closed", vec![&application.applicant, &api.manager], details)
        }
        Event::NoticeSent(notice) => {
            let details = json!({
                "notice": notice.id.as_str(),
                "kind": notice.kind.name(),
                "deadline": notice.deadline.to_string(),
            });
            ("notice.sent", vec![owner], details)
        }
        Event::NoticeScheduled(notice) => {
            let details = json!({
                "notice": notice.id.as_str(),
                "at": notice.takes_effect().to_string(),
            });
            ("notice.scheduled", vec![&notice.sent_by], details)
        }
        Event::NoticeClosed(notice) => {
            let outcome = notice.closed.as_ref().map(|closed| closed.outcome.name());
            let details = json!({ "notice": notice.id.as_str(), "outcome": outcome });
            ("notice.closed", vec![owner, &notice.sent_by], details)
        }
        Event::Paused { from } => ("app.paused", vec![], json!({ "from": from.to_string() })),
        Event::PauseEnded => ("app.pause-ended", vec![], json!({})),
    };
    turn.record(what, &subject, details.clone()).await?;
    let mut told = BTreeSet::new();
    for recipient in recipients {
        if told.insert(recipient) {
            turn.tell(recipient, what, &subject, details.clone()).await?;
        }
    }
    Ok(())
}

/// How an application ended, for the journal.
pub(crate) fn closed_application(application: &tidegate_domain::Application) -> serde_json::Value {
    let verdict = application.verdict.as_ref();
    json!({
        "application": application.id.as_str(),
        "outcome": verdict.map(|verdict| verdict.outcome.name()),
        "comment": verdict.and_then(|verdict| verdict.comment.clone()),
    })
}

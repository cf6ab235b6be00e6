//! What happens to a publication, and what it means for the apps that hold the API.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_domain::publication::{self, Command as PublicationCommand, Event, Facts, Status};
use tidegate_domain::standing::{self, Shutdown};
use tidegate_domain::{Api, InstanceId, NoticeKind, Publication, Timestamp, UserId};

use crate::default_project;
use crate::error::Result;
use crate::ids::DrawnId;
use crate::keep;
use crate::turn::Turn;

/// How many of an API's apps are dealt with by the same statements.
const APPS_AT_ONCE: usize = 500;

/// The publication, with what time has brought about recorded.
pub(crate) async fn settled(
    turn: &mut Turn<'_>,
    api: &Api,
    instance: &InstanceId,
) -> Result<Publication> {
    let publication = load(turn, api, instance).await?;
    let Some(event) = publication::settle(&publication, turn.now) else {
        return Ok(publication);
    };
    record(turn, api, publication, vec![event]).await?;
    load(turn, api, instance).await
}

pub(crate) async fn load(
    turn: &mut Turn<'_>,
    api: &Api,
    instance: &InstanceId,
) -> Result<Publication> {
    let publication = turn.publication(&api.id, instance).await?;
    Ok(publication.unwrap_or_else(|| Publication::new(api.id.clone(), instance.clone())))
}

/// Some app may have stopped counting on the API; an announced end comes when none is left.
pub(crate) async fn app_released(
    turn: &mut Turn<'_>,
    api: &Api,
    publication: Publication,
) -> Result<()> {
    let now = turn.now;
    if !matches!(publication.status, Status::Stopping { .. } | Status::Unpublishing { .. })
        || turn.is_counted_on(&api.id, &publication.instance, now).await?
    {
        return Ok(());
    }
    let facts = Facts {
        actor: turn.actor.clone().unwrap_or_else(|| api.manager.clone()),
        is_reviewer: false,
        is_listed_reviewer: false,
        is_counted_on: false,
        retention_hours: api.retention_hours,
        route_refused: None,
    };
    let command = PublicationCommand::AppReleased;
    let events = publication::decide(&publication, &facts, &command, turn.now)?;
    record(turn, api, publication, events).await
}

/// Keeps what happened to a publication: state, journal, outbox, and the standings it touches.
pub(crate) async fn record(
    turn: &mut Turn<'_>,
    api: &Api,
    mut publication: Publication,
    events: Vec<Event>,
) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let now = turn.now;
    for event in &events {
        if let Event::Applied(application) = event {
            keep::file(turn, application).await?;
        } else if let Event::ApplicationClosed(application) = event {
            turn.put_application(application).await?;
        }
        if let Event::Published = event {
            default_project::published(turn, api, &publication.instance).await?;
        }
        announce(turn, api, &publication, event).await?;
        publication = publication::evolve(publication, event, now);
    }
    turn.put_publication(&publication).await?;
    for event in &events {
        tell_apps(turn, api, &publication.instance, event).await?;
    }
    Ok(())
}

/// What an event of the publication means for every app that holds the API.
async fn tell_apps(
    turn: &mut Turn<'_>,
    api: &Api,
    instance: &InstanceId,
    event: &Event,
) -> Result<()> {
    let by = turn.actor.clone().unwrap_or_else(|| api.manager.clone());
    let announced = |kind, deadline| Some((kind, deadline));
    let (announcement, change) = match event {
        Event::StopAnnounced { at } => (announced(NoticeKind::Stop, *at), None),
        Event::UnpublishAnnounced { at } => (announced(NoticeKind::Unpublish, *at), None),
        Event::Stopped => (None, Some(Shutdown::Stopped)),
        Event::Unpublished => (None, Some(Shutdown::Unpublished)),
        Event::ShutdownWithdrawn => (None, Some(Shutdown::Withdrawn { by: by.clone() })),
        Event::Recovered => (None, Some(Shutdown::Recovered)),
        Event::Published
        | Event::Applied(_)
        | Event::ApplicationClosed(_)
        | Event::PublishRejected
        | Event::BackTo(_) => return Ok(()),
    };
    for standings in turn.standings_on(&api.id, instance).await?.chunks(APPS_AT_ONCE) {
        let apps: Vec<_> = standings.iter().map(|standing| standing.key.app.clone()).collect();
        let found = turn.apps_among(&apps).await?;
        let records: BTreeMap<_, _> = found.iter().map(|record| (&record.app.id, record)).collect();
        let mut batch = keep::Batch::default();
        for standing in standings {
            let change = match (&announcement, &change) {
                (Some((kind, deadline)), _) => announce_to(*kind, *deadline, &by)?,
                (None, Some(change)) => change.clone(),
                (None, None) => continue,
            };
            let Some(record) = records.get(&standing.key.app) else {
                continue;
            };
            let events = standing::follow(standing, &change, turn.now);
            batch.add(turn, api, record, standing.clone(), events).await?;
        }
        batch.keep(turn).await?;
    }
    Ok(())
}

fn announce_to(kind: NoticeKind, deadline: Timestamp, by: &UserId) -> Result<Shutdown> {
    Ok(Shutdown::Announced { id: DrawnId::draw()?, kind, by: by.clone(), deadline })
}

async fn announce(
    turn: &mut Turn<'_>,
    api: &Api,
    publication: &Publication,
    event: &Event,
) -> Result<()> {
    let subject = format!("{}/{}", api.id, publication.instance);
    let (what, recipient, details) = match event {
        Event::Published => ("api.published", &api.created_by, json!({})),
        Event::Applied(application) => {
            let details = json!({ "application": application.id.as_str() });
            ("application.filed", &api.manager, details)
        }
        Event::ApplicationClosed(application) => {
            ("application.closed", &application.applicant, keep::closed_application(application))
        }
        Event::PublishRejected => ("api.publish-rejected", &api.created_by, json!({})),
        Event::BackTo(status) => {
            ("api.request-ended", &api.manager, json!({ "status": status.name() }))
        }
        Event::StopAnnounced { at } => {
            ("api.stop-announced", &api.created_by, json!({ "at": at.to_string() }))
        }
        Event::Stopped => ("api.stopped", &api.created_by, json!({})),
        Event::UnpublishAnnounced { at } => {
            ("api.unpublish-announced", &api.created_by, json!({ "at": at.to_string() }))
        }
        Event::Unpublished => ("api.unpublished", &api.created_by, json!({})),
        Event::ShutdownWithdrawn => ("api.shutdown-withdrawn", &api.created_by, json!({})),
        Event::Recovered => ("api.recovered", &api.created_by, json!({})),
    };
    turn.record(what, &subject, details.clone()).await?;
    turn.tell(recipient, what, &subject, details).await
}

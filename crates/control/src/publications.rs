//! Publications: an API's life on an instance, and what it means for the apps that hold it.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_domain::publication::{self, Command as PublicationCommand, Event, Facts, Status};
use tidegate_domain::standing::{self, Shutdown};
use tidegate_domain::{
    Api, ApiId, InstanceId, NoticeKind, Publication, Refusal, Task, Timestamp, UserId,
};

use crate::access::{self, Seat};
use crate::caller::Caller;
use crate::command::{ApiAction, Outcome};
use crate::error::Result;
use crate::hosts;
use crate::ids::DrawnId;
use crate::keep;
use crate::turn::Turn;

/// How many of an API's apps are dealt with by the same statements.
const APPS_AT_ONCE: usize = 500;

/// Publishes an API, or asks that it be published.
pub(crate) async fn publish(
    turn: &mut Turn<'_>,
    caller: &Caller,
    api: &ApiId,
    instance: &InstanceId,
) -> Result<Outcome> {
    let command = PublicationCommand::Publish { id: DrawnId::draw()? };
    command_api(turn, caller, api, instance, &command).await
}

/// Stops, recovers or unpublishes an API.
pub(crate) async fn act(
    turn: &mut Turn<'_>,
    caller: &Caller,
    api: &ApiId,
    instance: &InstanceId,
    action: ApiAction,
) -> Result<Outcome> {
    let command = match action {
        ApiAction::Stop(at) => PublicationCommand::Stop { at },
        ApiAction::Unpublish(at) => PublicationCommand::Unpublish { at },
        ApiAction::Recover => PublicationCommand::Recover { id: DrawnId::draw()? },
    };
    command_api(turn, caller, api, instance, &command).await
}

async fn command_api(
    turn: &mut Turn<'_>,
    caller: &Caller,
    api: &ApiId,
    instance: &InstanceId,
    command: &PublicationCommand,
) -> Result<Outcome> {
    let seat = turn.seat(caller).await?;
    let api = access::own_api(turn.view(), &seat, api).await?;
    access::instance(turn.view(), &seat, &api.project, instance).await?;
    seat.must(Task::Operate)?;
    carry_out(turn, &seat, &api, instance, command).await?;
    Ok(Outcome::Done)
}

/// Decides a command on one publication and keeps what it brings, for the apps too.
pub(crate) async fn carry_out(
    turn: &mut Turn<'_>,
    seat: &Seat,
    api: &Api,
    instance: &InstanceId,
    command: &PublicationCommand,
) -> Result<()> {
    let publication = settled(turn, api, instance).await?;
    let now = turn.now;
    let facts = Facts {
        actor: seat.user.clone(),
        is_reviewer: seat.reviews(api),
        is_listed_reviewer: seat.is_listed_reviewer,
        is_counted_on: turn.is_counted_on(&api.id, instance, now).await?,
        retention_hours: api.retention_hours,
        route_refused: hosts::route_refused(turn, seat, api, instance).await?,
    };
    let events = publication::decide(&publication, &facts, command, turn.now)?;
    record(turn, api, publication, events).await
}

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
async fn record(
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
            hosts::published(turn, api, &publication.instance).await?;
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

/// May an API with these publications be changed, as of now?
pub(crate) fn must_allow_edit(publications: &[Publication], now: Timestamp) -> Result<(), Refusal> {
    if publications.iter().all(|p| p.status.as_of(now).allows_edit()) {
        Ok(())
    } else {
        Err(Refusal::EditWhilePublished)
    }
}

/// May an API with these publications be deleted, as of now?
pub(crate) fn must_allow_delete(
    publications: &[Publication],
    now: Timestamp,
) -> Result<(), Refusal> {
    if publications.iter().all(|p| p.status.as_of(now).allows_delete()) {
        Ok(())
    } else {
        Err(Refusal::DeleteWhilePublished)
    }
}

//! Publications: an API's life on an instance, and what it means for the apps that hold it.

use tidegate_domain::publication::{self, Command as PublicationCommand, Facts};
use tidegate_domain::{Api, ApiId, InstanceId, Publication, Refusal, Task, Timestamp};

use crate::access::{self, Seat};
use crate::caller::Caller;
use crate::command::{ApiAction, Outcome};
use crate::error::Result;
use crate::hosts;
use crate::ids::DrawnId;
use crate::publication_record::{record, settled};
use crate::turn::Turn;

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
